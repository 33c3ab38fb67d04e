"""JSON Schemas of classes, made once for each: pydantic takes longer for one than a whole call takes otherwise."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast
from weakref import WeakKeyDictionary

from llama_index.core.tools.types import ToolMetadata
from pydantic import BaseModel

if TYPE_CHECKING:
    from gemini_multi.types import JsonValue

_KNOWN: Final = WeakKeyDictionary[type[BaseModel], dict[str, tuple[object, bytes]]]()
"""By class and use: pydantic's own description of the class, which a rebuilt class has anew, and the written schema."""


def class_schema(kind: type[BaseModel]) -> dict[str, JsonValue]:
    """Return the JSON Schema of a class."""
    return _once("class", kind, kind.model_json_schema)


def tool_schema(metadata: ToolMetadata) -> dict[str, JsonValue]:
    """Return the JSON Schema of a tool's arguments, as the tool tells it."""
    kind = metadata.fn_schema
    if kind is None or type(metadata) is not ToolMetadata:
        return _told(metadata)
    return _once("tool", kind, lambda: _told(metadata))


def _told(metadata: ToolMetadata) -> dict[str, JsonValue]:
    told = cast("dict[str, JsonValue]", metadata.get_parameters_dict())  # pyright: ignore[reportUnknownMemberType]  # a bare dict there
    if "type" not in told and metadata.fn_schema is not None:
        # A recursive class says all of itself by a `$ref` at the top, which LlamaIndex leaves out.
        return metadata.fn_schema.model_json_schema()
    return told


def _once(use: str, kind: type[BaseModel], make: Callable[[], dict[str, JsonValue]]) -> dict[str, JsonValue]:
    """Make a schema, or give a copy of the one that was made before."""
    known = _KNOWN.get(kind, {}).get(use)
    if known is not None and known[0] is kind.__pydantic_core_schema__:
        kept: dict[str, JsonValue] = marshal.loads(known[1])  # noqa: S302  # written below
        return kept
    made = make()
    with suppress(ValueError):  # a class may write what is no plain value
        _KNOWN.setdefault(kind, {})[use] = (kind.__pydantic_core_schema__, marshal.dumps(made))
    return made
