"""Translates JSON Schema to the forms that providers accept, and tool names to names that all providers accept.

This module is pure: the input is not changed.

| function | for | references | null | open objects |
|---|---|---|---|---|
| `json_schema` | `parametersJsonSchema`, `responseJsonSchema` | kept | as written | kept |
| `open_api_schema` | `parameters`, `responseSchema` | in place, recursion ends in JSON text | `nullable` | JSON text |
| `chat_schema` | chat completions | in place, recursive ones kept | `anyOf` with null | kept |
| `strict_schema` | chat completions, `strict` | as `chat_schema` | optional properties, too | JSON text |

If a form requests JSON text, or numbers as text, `gemini_multi._schemas.repair.repair` with the original schema
converts the answer back.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from typing import Final

from gemini_multi._schemas.check import resolve
from gemini_multi._schemas.forms import ChatTranslation, JsonSchemaTranslation, OpenApiTranslation, StrictTranslation
from gemini_multi._schemas.keywords import CONSTRAINTS, kinds, unique
from gemini_multi._schemas.walk import Translation
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonValue

_LONGEST_NAME: Final = 64
_LONGEST_KEPT: Final = 64 * 1024
"""The largest schema, in bytes, whose translation is cached."""
_WITHOUT_REFERENCES: Final = 2
"""The version of the marshal format in which equal values give equal bytes."""


def _translated(
    form: type[Translation], schema: Mapping[str, JsonValue], *, enums_in_words: bool = False
) -> dict[str, JsonValue]:
    """Translate a schema; all calls with the same tools share the result."""
    try:
        written = marshal.dumps(dict(schema), _WITHOUT_REFERENCES)
    except ValueError:  # the schema holds a value that is no plain JSON
        written = b""
    if not 0 < len(written) <= _LONGEST_KEPT:
        return _whole(form, schema, enums_in_words=enums_in_words)
    translated: dict[str, JsonValue] = marshal.loads(_kept(form, written, enums_in_words=enums_in_words))  # noqa: S302  # written here
    return translated


json_schema: Final = partial(_translated, JsonSchemaTranslation)
"""Return a schema for Gemini's JSON Schema fields; descriptions hold the limits that these fields ignore."""

open_api_schema: Final = partial(_translated, OpenApiTranslation)
"""Return a schema as Gemini's `Schema` message, which refuses unknown keywords."""

chat_schema: Final = partial(_translated, ChatTranslation)
"""Return a schema with only the keywords that every chat completions provider of Gemini accepts."""

strict_schema: Final = partial(_translated, StrictTranslation)
"""Return a schema in OpenAI's strict form."""


@lru_cache(maxsize=512)
def _kept(form: type[Translation], written: bytes, *, enums_in_words: bool) -> bytes:
    return marshal.dumps(_whole(form, marshal.loads(written), enums_in_words=enums_in_words))  # noqa: S302  # written above


def _whole(form: type[Translation], schema: Mapping[str, JsonValue], *, enums_in_words: bool) -> dict[str, JsonValue]:
    try:
        return form(schema, enums_in_words=enums_in_words).whole()
    except RecursionError:
        raise ConfigurationError("the JSON Schema nests too deep: Gemini refuses such schemas; flatten it") from None


def is_empty_object(schema: Mapping[str, JsonValue]) -> bool:
    """Whether a tool with this schema takes no arguments, so that `parameters` must be left out."""
    if schema.get("properties"):
        return False
    root, seen = schema, set[str]()
    while isinstance(pointer := schema.get("$ref"), str) and pointer not in seen:
        seen.add(pointer)
        schema = resolve(pointer, root) or schema
    stated = {keyword for keyword in CONSTRAINTS if schema.get(keyword) not in (None, {}, [], False)}
    is_open = schema.get("additionalProperties") not in (None, False)
    return not is_open and stated <= {"type"} and kinds(schema) in ((), ("object",))


def function_name(name: str) -> str:
    """Return a function name that every provider accepts.

    It begins with a letter or `_`, holds letters, digits, `_` and `-`, and has at most 64 characters.
    """
    clean = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if not clean or not (clean[0].isalpha() or clean[0] == "_"):
        clean = f"_{clean}"
    return clean[:_LONGEST_NAME]


def wire_names(names: Iterable[str]) -> dict[str, str]:
    """Return a different wire name for each name. Valid names stay the same; a number makes the others unique."""
    originals = list(dict.fromkeys(names))
    taken = {name for name in originals if function_name(name) == name}
    result = dict.fromkeys(originals, "")
    for name in originals:
        result[name] = name if name in taken else unique(function_name(name), taken, _LONGEST_NAME)
        taken.add(result[name])
    return result
