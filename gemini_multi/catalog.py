"""The facts about each Gemini model: provider ids, limits, thinking control, refusals, media, prices and sources.

`find(name)` accepts a catalog name, an alias or any provider's own id. An unknown name gets the traits of its nearest
relative or of the newest family, so that a future model works today. `register` adds your own rows, ids and prices for
this process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from threading import Lock
from typing import Final, cast

from gemini_multi._catalog.model import HostedModel, Modality, Model, Price, Thinking
from gemini_multi.errors import ConfigurationError

__all__ = ["HostedModel", "Modality", "Model", "Price", "Thinking", "find", "find_answered", "labels", "models"]
__all__ += ["register", "unregister"]

_PREFIXES: Final = ("publishers/google/", "google-ai-studio/", "google-vertex-ai/", "google/", "models/")
_DATE: Final = re.compile(r"-(?:\d{3}|\d{2}-\d{2}|\d{2}-\d{4}|\d{8}|\d{4}-\d{2}-\d{2})$")
_GENERATION: Final = re.compile(r"^gemini-(\d+)(?:-(\d)(?!\d))?")
_LONGEST_NAME: Final = 200
"""A longer text from a provider is not stored, because it cannot be a name."""
_NEWEST: Final = "gemini-4-argon"
_registered: dict[str, Model] = {}
_registering: Final = Lock()


def models() -> tuple[Model, ...]:
    """Return every row: first the registered rows, then those of this package, newest generation first."""
    # An import of a binding does not need the rows.
    from gemini_multi._catalog.rows import ROWS

    own = dict(_registered)
    return (*own.values(), *(row for row in ROWS if row.name not in own)) if own else ROWS


def register(
    model: Model | str,
    *,
    providers: Mapping[str, HostedModel | str] | None = None,
    prices: Sequence[Price] | None = None,
) -> Model:
    """Add a row to the catalog, or extend one, for all clients of this process. Return the row.

        catalog.register("gemini-3.8-flash", providers={"openrouter": "google/gemini-3.8-flash"})

    Args:
        model: Your own row, which replaces the row of the same name; or the name of a model to extend.
        providers: The model's entries by the names of the providers: an id, or a `HostedModel` with limits and prices.
        prices: The list prices, instead of the known ones. They estimate the cost if neither the provider nor its
            entry has a price.

    Raises:
        ConfigurationError: An entry is neither an id nor a `HostedModel`, or a price is not a `Price`.
    """
    row = replace(find(model), is_known=True) if isinstance(model, str) else model
    given = {name.strip().lower(): _entry(name, hosted) for name, hosted in (providers or {}).items()}
    row = replace(row, providers={**row.providers, **given}, prices=row.prices if prices is None else _prices(prices))
    with _registering:
        _registered.pop(row.name, None)
        _registered[row.name] = row
        _forget()
    return row


def _entry(provider: str, hosted: object) -> HostedModel:
    entry = HostedModel(hosted) if isinstance(hosted, str) else hosted
    if not isinstance(entry, HostedModel) or not entry.id.strip():
        raise ConfigurationError(
            f"The entry of {provider!r} must be the model's id there, or `HostedModel(id, ...)`, not {hosted!r}."
        )
    return entry


def _prices(prices: object) -> tuple[Price, ...]:
    given = tuple(cast("Iterable[object]", prices)) if isinstance(prices, Iterable) else None
    if given is None or not all(isinstance(price, Price) for price in given):
        raise ConfigurationError(f"`prices` must be a list of `Price(input=..., output=...)`, not {prices!r}.")
    return cast("tuple[Price, ...]", given)


def unregister(name: str) -> None:
    """Remove a registered row. The row of this package is used again."""
    with _registering:
        _registered.pop(name, None)
        _forget()


def _forget() -> None:
    for known in (find, _answered, _index):
        known.cache_clear()


@lru_cache(maxsize=1024)
def find(name: str) -> Model:
    """Return the model with this name, alias or hosted id, in upper or lower case, with dots or dashes, prefix or date.

    A name that is not in the catalog gives a model with `is_known=False` that behaves like its nearest relative.
    """
    key = _key(name)
    return _known(key) or _unknown(name, key)


def find_answered(model_version: str) -> Model | None:
    """Return the known model that a provider names in an answer, for its price, or `None` if the catalog lacks it."""
    return _answered(model_version) if len(model_version) <= _LONGEST_NAME else None


@lru_cache(maxsize=256)
def _answered(model_version: str) -> Model | None:
    return _known(_key(model_version))


def labels(model: Model) -> Iterator[str]:
    """Yield every name of this model: its own, its aliases and its ids at the providers."""
    yield model.name
    yield from model.aliases
    for hosted in model.providers.values():
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
            # A `-latest` row follows the row whose ids it shares.
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
        providers={},
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
