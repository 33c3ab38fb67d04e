"""Remembers thought signatures for callers that drop them."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from gemini_multi.server.settings import ServerSettings
from gemini_multi.types import Opaque, Part, Text, Thought, ToolCall

_Kept: TypeAlias = Text | Thought | ToolCall | Opaque


@dataclass(frozen=True, slots=True)
class _Entry:
    """The parts of one message."""

    parts: tuple[_Kept, ...]
    size: int
    expires: float


class SignatureMemory:
    """The signed messages of the latest answers, by the caller's key and the id of their first tool call.

    The memory is limited in entries, in characters and in time. It belongs to one process.
    """

    def __init__(self, settings: ServerSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._size = 0

    def remember(self, caller: str, parts: Sequence[Part]) -> None:
        """Remember the parts of an answer, if it has tool calls and a signature."""
        kept = tuple(part for part in parts if isinstance(part, _Kept))
        first = next((part for part in kept if isinstance(part, ToolCall)), None)
        if first is None or not any(part.signature for part in kept):
            return
        size = sum(map(_size, kept))
        name = _name(caller, first.id)
        self._forget(name)
        self._entries[name] = _Entry(kept, size, self._clock() + self._settings.signature_seconds)
        self._size += size
        self._make_room()

    def restore(self, caller: str, parts: Sequence[Part]) -> tuple[Part, ...]:
        """Restore what a caller dropped: all signatures of an unchanged message, else those of unchanged tool calls."""
        known = self._known(caller, parts)
        if not known:
            return tuple(parts)
        if _seen(parts) == _seen(known):
            return known
        calls = {part.id: part for part in known if isinstance(part, ToolCall)}
        return tuple(_signed(part, calls) for part in parts)

    def _known(self, caller: str, parts: Sequence[Part]) -> tuple[_Kept, ...]:
        first = next((part for part in parts if isinstance(part, ToolCall)), None)
        entry = None if first is None else self._entries.get(_name(caller, first.id))
        return entry.parts if entry is not None and entry.expires > self._clock() else ()

    def _make_room(self) -> None:
        """Forget expired entries, and the oldest entries beyond the limits."""
        settings, now = self._settings, self._clock()
        while self._entries and (
            len(self._entries) > settings.signature_entries
            or self._size > settings.signature_bytes
            or next(iter(self._entries.values())).expires <= now
        ):
            self._forget(next(iter(self._entries)))

    def _forget(self, name: bytes) -> None:
        entry = self._entries.pop(name, None)
        self._size -= entry.size if entry is not None else 0


def _name(caller: str, call_id: str) -> bytes:
    return hashlib.sha256(f"{caller}\n{call_id}".encode()).digest()


def _size(part: _Kept) -> int:
    """Estimate the memory that a part takes."""
    return len(repr(part))


def _seen(parts: Sequence[Part]) -> tuple[str, list[tuple[str, str, object]]]:
    """Return the content of a message that every caller keeps: its text and its tool calls."""
    text = "".join(part.text for part in parts if isinstance(part, Text))
    return text, [_call(part) for part in parts if isinstance(part, ToolCall)]


def _call(call: ToolCall) -> tuple[str, str, object]:
    return call.id, call.name, call.arguments


def _signed(part: Part, known: Mapping[str, ToolCall]) -> Part:
    """Sign a tool call that is equal to the remembered one. An equal id is not enough, because ids may repeat."""
    if not isinstance(part, ToolCall) or part.id not in known or _call(part) != _call(known[part.id]):
        return part
    return replace(part, signature=known[part.id].signature, synthetic_id=known[part.id].synthetic_id)
