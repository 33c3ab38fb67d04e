"""Translates LlamaIndex's tools and classes. `bindings` reads all other forms of tools.

The JSON Schema of each class is made only once: pydantic takes longer for it than for the rest of a call.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, cast
from weakref import WeakKeyDictionary

from llama_index.core.tools.types import BaseTool, ToolMetadata
from pydantic import BaseModel

from gemini_multi.bindings.tools import AnyTool, no_tool, read_tools
from gemini_multi.types import JsonValue, Tool

_KNOWN: Final = WeakKeyDictionary[type[BaseModel], dict[str, tuple[object, bytes]]]()
"""By class and use: the schema, and pydantic's core schema of the class, which changes if the class is rebuilt."""


def to_tools(tools: Iterable[object]) -> tuple[AnyTool, ...]:
    """Translate tools in LlamaIndex's form and in all forms that `read_tools` accepts."""
    return tuple(read_tools(tools, _converted, BaseTool))


def _converted(tool: BaseTool) -> Tool:
    if not hasattr(tool, "metadata"):
        raise no_tool(tool)
    metadata, kind = tool.metadata, tool.metadata.fn_schema
    if kind is None or type(metadata) is not ToolMetadata:
        schema = _parameters(metadata)
    else:
        schema = _once("tool", kind, lambda: _parameters(metadata))
    return Tool(metadata.get_name(), metadata.description, schema)


def _parameters(metadata: ToolMetadata) -> dict[str, JsonValue]:
    found = cast("dict[str, JsonValue]", metadata.get_parameters_dict())  # pyright: ignore[reportUnknownMemberType]  # a bare dict there
    if "type" not in found and metadata.fn_schema is not None:
        # The schema of a recursive class is a `$ref` at the top, which LlamaIndex leaves out.
        return metadata.fn_schema.model_json_schema()
    return found


def class_schema(kind: type[BaseModel]) -> dict[str, JsonValue]:
    return _once("class", kind, kind.model_json_schema)


def _once(use: str, kind: type[BaseModel], make: Callable[[], dict[str, JsonValue]]) -> dict[str, JsonValue]:
    """Make a schema, or return a copy of the earlier one."""
    known = _KNOWN.get(kind, {}).get(use)
    if known is not None and known[0] is kind.__pydantic_core_schema__:
        kept: dict[str, JsonValue] = marshal.loads(known[1])  # noqa: S302  # written below
        return kept
    made = make()
    with suppress(ValueError):  # the schema of a class may hold values that are not JSON
        _KNOWN.setdefault(kind, {})[use] = (kind.__pydantic_core_schema__, marshal.dumps(made))
    return made
