"""Reads a `generateContent` body strictly, as ProtoJSON does.

Unknown names and wrong types are refused. `snake_case` is read as `camelCase`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gemini_multi.sandbox.json_value import JsonObject, JsonValue
from gemini_multi.sandbox.native_fields import MESSAGES, STUDIO_ONLY, VERTEX_ONLY
from gemini_multi.sandbox.refusal import Refused, bad

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


def snake(name: str) -> str:
    """Write a name in the form of the upstream's messages."""
    return _CAPITAL.sub(lambda found: f"_{found.group(1)}", name).lower()


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads requests for Vertex AI or for AI Studio, which support different fields."""

    is_vertex: bool

    def request(self, body: JsonObject) -> JsonObject:
        """Read a whole request. The result has `camelCase` names only."""
        return self._message("Request", body, "")

    def count_request(self, body: JsonObject) -> JsonObject:
        """Read a request to count tokens."""
        return self._message("CountRequest", body, "")

    def _message(self, kind: str, value: JsonValue, path: str) -> JsonObject:
        if not isinstance(value, dict):
            raise _invalid_value(path, kind, value)
        hidden = (STUDIO_ONLY if self.is_vertex else VERTEX_ONLY).get(kind, frozenset[str]())
        fields = MESSAGES["VertexSchema" if kind == "Schema" and self.is_vertex else kind]
        read: JsonObject = {}
        for name, item in value.items():
            camel = _camel(name)
            if camel not in fields or camel in hidden:
                raise _unknown(name, path)
            if item is not None:
                read[camel] = self._value(fields[camel], item, f"{path}.{snake(camel)}" if path else snake(camel))
        return read

    def _value(self, kind: str, value: JsonValue, path: str) -> JsonValue:
        if kind.startswith("["):
            if not isinstance(value, list):
                raise _invalid_value(path, kind[1:-1], value)
            return [self._value(kind[1:-1], item, f"{path}[{index}]") for index, item in enumerate(value)]
        if kind.startswith("{"):
            return self._map(kind[1:-1], value, path)
        if kind in MESSAGES:
            return self._message(kind, value, path)
        if "|" in kind:
            return _enumerated(kind, value, path)
        if not _SCALARS[kind](value):
            raise _not_repeating(path) if isinstance(value, list) else _invalid_value(path, kind, value)
        return value

    def _map(self, kind: str, value: JsonValue, path: str) -> JsonObject:
        if not isinstance(value, dict):
            raise _invalid_value(path, "Map", value)
        items = enumerate(value.items())
        return {name: self._value(kind, item, f"{path}[{index}].value") for index, (name, item) in items}


def _enumerated(kind: str, value: JsonValue, path: str) -> JsonValue:
    if isinstance(value, list):
        raise _not_repeating(path)
    if not isinstance(value, str) or value.upper() not in kind.split("|"):
        raise _invalid_value(path, f"type.googleapis.com/{path.rpartition('.')[2]}", value)
    return value.upper()


def is_base64(value: JsonValue) -> bool:
    """Whether a value is bytes in JSON. ProtoJSON accepts both base64 alphabets."""
    if not isinstance(value, str):
        return False
    try:
        base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_whole(value: JsonValue) -> bool:
    return _is_number(value) and float(str(value)) == int(float(str(value)))


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_SCALARS: Final[Mapping[str, Callable[[JsonValue], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": _is_whole,
    "number": _is_number,
    # The documented dummy signatures are plain text. So the alphabet and the padding are checked where bytes are used.
    "bytes": lambda value: isinstance(value, str),
    "struct": lambda value: isinstance(value, dict),
    "value": lambda _: True,
}


def _unknown(name: str, path: str) -> Refused:
    where = f" at '{path}'" if path else ""
    return bad(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')


def _not_repeating(path: str) -> Refused:
    name = path.rpartition(".")[2]
    return bad(
        f"Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Proto field is not repeating, cannot "
        "start list."
    )


def _invalid_value(path: str, kind: str, value: JsonValue) -> Refused:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return bad(f"Invalid value at '{path}' ({kind}), {shown}")
