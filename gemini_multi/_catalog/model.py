"""One typed row per model: its names, its inputs, the settings that it refuses and its prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import date
from typing import Literal, TypeAlias

Modality: TypeAlias = Literal["text", "image", "audio", "video", "document"]


@dataclass(frozen=True, slots=True)
class Price:
    """Prices in US dollars per million tokens, valid above a number of prompt tokens and from a day on."""

    input: float
    output: float
    cached: float | None = None
    _: KW_ONLY
    audio_input: float | None = None
    audio_cached: float | None = None
    cache_creation: float | None = None
    above_tokens: int = 0
    """The prices apply to the whole request if its prompt is longer than this number of tokens."""
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """The settings that control a model's thinking."""

    control: Literal["none", "budget", "level"]
    minimum_budget: int = 0
    """The smallest positive budget."""
    maximum_budget: int = 0
    can_disable: bool = False
    levels: tuple[str, ...] = ()
    """The supported levels, lowest first."""
    default: str = "dynamic"
    """The model's behavior without a setting: `off`, `dynamic` or a level."""


@dataclass(frozen=True, slots=True)
class HostedModel:
    """A model as one provider serves it."""

    id: str
    _: KW_ONLY
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    """The provider's own number, if it differs from Google's."""
    max_output_tokens: int | None = None
    prices: tuple[Price, ...] = ()
    """The provider's own prices; empty if it states none (then Google's prices serve as an estimate)."""
    schema: str | None = None
    """The family of the provider's request schema for this model (AIMLAPI: A, B, C, D)."""
    reasoning_efforts: tuple[str, ...] = ()
    """Values of `reasoning_effort` that the provider is known to accept; empty if none is known."""
    takes_upstream: bool = True
    """Whether the provider's schema for the model lets callers choose the upstream."""
    inputs: frozenset[Modality] | None = None
    """The provider's input modalities, if they are fewer than the model's."""
    zero_data_retention: bool | None = None
    """Whether the provider states that it keeps no data of a call; `None` if it states nothing."""
    withdrawn: date | None = None
    """The day from which the provider does not serve the model."""
    source: str = ""
    checked: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One Gemini model."""

    name: str
    """Google's own id."""
    aliases: tuple[str, ...] = ()
    generation: float
    """2.5, 3.0, 3.1, …: the generation determines the behavior."""
    providers: Mapping[str, HostedModel] = field(default_factory=dict[str, HostedModel], hash=False)
    """The entries of the providers, by provider name."""
    context_window: int = 1_048_576
    max_output_tokens: int = 65_536
    thinking: Thinking
    refuses: frozenset[str] = frozenset()
    """`ChatRequest` settings that the model refuses or ignores: `temperature`, `top_p`, `presence_penalty`, …"""
    needs_signatures: bool = True
    """Whether a missing thought signature on a tool call is an error (Gemini 3 and newer)."""
    allows_prefill: bool = True
    """Whether the last turn may be a turn of the model."""
    tools_with_json: bool = True
    """Whether functions and a JSON response format can be combined."""
    tools_with_built_in: bool = True
    """Whether functions and built-in tools can be combined."""
    media_in_tool_results: bool = True
    inputs: frozenset[Modality] = frozenset({"text", "image", "audio", "video", "document"})
    outputs: frozenset[Modality] = frozenset({"text"})
    prices: tuple[Price, ...] = ()
    """Google's list prices, standard tier."""
    retired: date | None = None
    """The day from which the Gemini API does not serve the model, or uses its successor."""
    vertex_retired: date | None = None
    """The day from which Vertex AI does not serve the model. Cloudflare, and at times AIMLAPI, use Vertex AI."""
    successor: str | None = None
    is_known: bool = True
    """`False` for a model that is not in the catalog and has the newest family's traits."""
    source: str = ""
    checked: date | None = None
