"""What is known of each Gemini model: ids per host, limits, thinking control, what it refuses, media, prices, sources.

`find(name)` accepts a catalog name, an alias or any host's own id; a name that is not known gets the traits of its
nearest relative or of the newest family, so that a model released tomorrow works today.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import date
from functools import cache, lru_cache
from typing import Final, Literal, TypeAlias

__all__ = ["HostedModel", "Modality", "Model", "Price", "Thinking", "find", "find_answered", "labels", "models"]

Modality: TypeAlias = Literal["text", "image", "audio", "video", "document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens, from a number of prompt tokens and from a day on."""

    input: float
    output: float
    cached: float | None = None
    audio_input: float | None = None
    audio_cached: float | None = None
    cache_creation: float | None = None
    above_tokens: int = 0
    """The row applies to the whole request when its prompt is longer than this."""
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """How a model's thinking is controlled."""

    control: Literal["none", "budget", "level"]
    minimum_budget: int = 0
    """The smallest positive budget."""
    maximum_budget: int = 0
    can_disable: bool = False
    levels: tuple[str, ...] = ()
    """Supported levels, lowest first."""
    default: str = "dynamic"
    """What happens when nothing is said: `off`, `dynamic` or a level."""


@dataclass(frozen=True, slots=True)
class HostedModel:
    """A model as one host serves it."""

    id: str
    _: KW_ONLY
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    """When the host states another figure than Google."""
    max_output_tokens: int | None = None
    prices: tuple[Price, ...] = ()
    """The host's own prices; empty when it states none (then Google's are used as an estimate)."""
    schema: str | None = None
    """The host's own name for the request schema that this model has there (AIMLAPI: A, B, C, D)."""
    reasoning_efforts: tuple[str, ...] = ()
    """Values of `reasoning_effort` that the host is known to accept; empty when not stated."""
    takes_upstream: bool = True
    """Whether the host's schema for the model lets callers choose whose endpoint serves it."""
    inputs: frozenset[Modality] | None = None
    """When the host takes fewer kinds of media than the model."""
    withdrawn: date | None = None
    """The day from which the host does not serve it."""
    source: str = ""
    checked: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One Gemini model."""

    name: str
    """Google's own id."""
    aliases: tuple[str, ...] = ()
    generation: float
    """2.5, 3.0, 3.1, …: behavior follows the generation."""
    hosts: Mapping[str, HostedModel] = field(default_factory=dict[str, HostedModel], hash=False)
    """By provider name."""
    context_window: int = 1_048_576
    max_output_tokens: int = 65_536
    thinking: Thinking
    refuses: frozenset[str] = frozenset()
    """`ChatRequest` settings that the model refuses or ignores: `temperature`, `top_p`, `presence_penalty`, …"""
    needs_signatures: bool = True
    """Whether a missing thought signature on a tool call is an error (Gemini 3 and newer)."""
    allows_prefill: bool = True
    """Whether the last turn may be the model's."""
    tools_with_json: bool = True
    """Whether functions and a JSON response format go together."""
    tools_with_built_in: bool = True
    """Whether functions and built-in tools go together."""
    media_in_tool_results: bool = True
    inputs: frozenset[Modality] = frozenset({"text", "image", "audio", "video", "document"})
    outputs: frozenset[Modality] = frozenset({"text"})
    prices: tuple[Price, ...] = ()
    """Google's list prices, standard tier."""
    retired: date | None = None
    """The day from which the Gemini API no longer serves it, or answers with its successor."""
    vertex_retired: date | None = None
    """The day from which Vertex AI no longer serves it. Cloudflare, and at times AIMLAPI, are served by Vertex AI."""
    successor: str | None = None
    is_known: bool = True
    """`False` for a model that is not in the catalog and got the newest family's traits."""
    source: str = ""
    checked: date | None = None


_PREFIXES: Final = ("publishers/google/", "google-ai-studio/", "google-vertex-ai/", "google/", "models/")
_DATE: Final = re.compile(r"-(?:\d{3}|\d{2}-\d{2}|\d{2}-\d{4}|\d{8}|\d{4}-\d{2}-\d{2})$")
_GENERATION: Final = re.compile(r"^gemini-(\d+)(?:-(\d)(?!\d))?")
_LONGEST_NAME: Final = 200
"""What a host writes is kept in memory only if it can be a name."""
_NEWEST: Final = "gemini-4-argon"


def models() -> tuple[Model, ...]:
    """Return every row, newest generation first."""
    # The rows are made of this module's classes and are not needed to import a binding.
    from gemini_multi._catalog.rows import ROWS

    return ROWS


@lru_cache(maxsize=1024)
def find(name: str) -> Model:
    """Return the model with this name, alias or hosted id, in any case, with dots or dashes, prefixed or dated.

    A name that is not in the catalog gives a model with `is_known=False` that behaves like its nearest relative.
    """
    key = _key(name)
    return _known(key) or _unknown(name, key)


def find_answered(model_version: str) -> Model | None:
    """Return the known model that a host says has answered, for its price; `None` when the catalog lacks it."""
    return _answered(model_version) if len(model_version) <= _LONGEST_NAME else None


@lru_cache(maxsize=256)
def _answered(model_version: str) -> Model | None:
    return _known(_key(model_version))


def labels(model: Model) -> Iterator[str]:
    """Give every name that means this model: its own, its aliases and its ids at the hosts."""
    yield model.name
    yield from model.aliases
    for hosted in model.hosts.values():
        yield hosted.id
        yield from hosted.aliases


def _key(name: str) -> str:
    key = name.strip().lower()
    while prefix := next((prefix for prefix in _PREFIXES if key.startswith(prefix)), ""):
        key = key.removeprefix(prefix)
    return key.replace(".", "-")


@cache
def _index() -> dict[str, Model]:
    index: dict[str, Model] = {}
    for model in models():
        for label in labels(model):
            # A `-latest` row comes after the row whose ids it shares.
            index.setdefault(_key(label), model)
    return index


def _known(key: str) -> Model | None:
    index = _index()
    return index.get(key) or index.get(_DATE.sub("", key))


def _unknown(name: str, key: str) -> Model:
    relative = _relative(key)
    return replace(
        relative,
        name=name,
        aliases=(),
        generation=_generation(key) or relative.generation,
        hosts={},
        prices=(),
        retired=None,
        vertex_retired=None,
        successor=None,
        is_known=False,
        source="",
        checked=None,
    )


def _relative(key: str) -> Model:
    index = _index()
    shared = [known for known in index if key.startswith(f"{known}-")]
    if shared:
        return index[max(shared, key=len)]
    generation = _generation(key)
    if generation is None or generation >= 3:
        return index[_NEWEST]
    if generation < 2.5:
        return index["gemini-2-0-flash"]
    return index["gemini-2-5-pro" if "-pro" in key else "gemini-2-5-flash"]


def _generation(key: str) -> float | None:
    if not (match := _GENERATION.match(key)):
        return None
    major, minor = match.groups()
    return float(f"{major}.{minor or 0}")
