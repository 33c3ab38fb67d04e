"""Messages as JSON text and back, for histories that outlive the process.

Every part, signature and id is restored, so that a tool loop can continue.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final, NotRequired, get_args

from pydantic import JsonValue, TypeAdapter
from pydantic_core import to_json
from typing_extensions import TypedDict

from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Message, Part, Role

__all__ = ["read", "write"]

_KINDS: Final[dict[str, type[Part]]] = {kind.__name__: kind for kind in get_args(Part)}


def write(messages: Iterable[Message]) -> str:
    """Write messages as JSON text."""
    return to_json([_written(message) for message in messages]).decode()


def _written(message: Message) -> dict[str, JsonValue]:
    parts: list[JsonValue] = [
        {"kind": kind, **_adapter(kind).dump_python(part, mode="json", exclude_defaults=True)}
        for kind, part in ((type(part).__name__, part) for part in message.parts)
    ]
    return {"role": message.role, "parts": parts, **({} if message.name is None else {"name": message.name})}


def read(text: str | bytes) -> tuple[Message, ...]:
    """Read messages that `write` wrote.

    Raises:
        ConfigurationError: The text was not written by `write`.
    """
    try:
        return tuple(_read(record) for record in _records().validate_json(text))
    except (ValueError, KeyError) as error:
        raise ConfigurationError(f"This is no archive of messages: {error}. Pass what `write` returned.") from error


class _Record(TypedDict):
    """A message in JSON."""

    role: Role
    parts: list[dict[str, JsonValue]]
    name: NotRequired[str]


def _read(record: _Record) -> Message:
    parts = tuple(_adapter(str(part["kind"])).validate_python(part) for part in record["parts"])
    return Message(record["role"], parts, name=record.get("name"))


@cache
def _records() -> TypeAdapter[list[_Record]]:
    return TypeAdapter(list[_Record])


@cache
def _adapter(kind: str) -> TypeAdapter[Part]:
    return TypeAdapter(_KINDS[kind])
