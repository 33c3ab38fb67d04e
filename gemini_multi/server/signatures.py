"""Thought signatures on the side of the caller: how they leave, and the memory for callers that drop them."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, get_args

from gemini_multi.server.settings import ServerSettings
from gemini_multi.types import JsonValue, Opaque, Part, Signature, SignatureCarrier, Text, Thought, ToolCall

_OURS: Final = "gemini_multi"
"""The namespace, inside `extra_content`, for what Google's own form has no field for."""
_CARRIERS: Final[dict[str, SignatureCarrier]] = {carrier: carrier for carrier in get_args(SignatureCarrier)}
_Kept: TypeAlias = Text | Thought | ToolCall | Opaque


def extra_content(signature: Signature | None, *, synthetic_id: bool = False) -> dict[str, JsonValue] | None:
    """Write a signature as Google's OpenAI endpoint does, with who issued it and how beside it."""
    ours: dict[str, JsonValue] = {"synthetic_id": True} if synthetic_id else {}
    if signature is None:
        return {_OURS: ours} if ours else None
    ours |= {"carrier": signature.carrier, "issuer": signature.issuer}
    if signature.carrier == "extra_content" and isinstance(signature.payload, dict):
        return {**signature.payload, _OURS: ours}
    bare = signature.thought_signature()
    if not isinstance(signature.payload, str):
        ours["payload"] = signature.payload
    return {_OURS: ours} if bare is None else {"google": {"thought_signature": bare}, _OURS: ours}


def signature_in(extra: Mapping[str, JsonValue] | None, issuer: str) -> Signature | None:
    """Read a signature; one that does not say whose it is counts as `issuer`'s."""
    if not extra:
        return None
    ours = extra.get(_OURS)
    ours = ours if isinstance(ours, dict) else {}
    payload: JsonValue = {name: value for name, value in extra.items() if name != _OURS}
    carrier = _CARRIERS.get(str(ours.get("carrier")), "extra_content")
    if carrier != "extra_content":
        bare = Signature(payload, carrier="extra_content", issuer="").thought_signature()
        payload = ours.get("payload", bare)
    return Signature(payload, carrier=carrier, issuer=str(ours.get("issuer") or issuer)) if payload else None


def is_synthetic(extra: Mapping[str, JsonValue] | None) -> bool:
    """Whether a call's id is known to be ours; an id without a word on it may be anybody's."""
    ours = (extra or {}).get(_OURS)
    return not isinstance(ours, dict) or ours.get("synthetic_id") is True


@dataclass(frozen=True, slots=True)
class _Entry:
    """The parts of one message."""

    parts: tuple[_Kept, ...]
    size: int
    expires: float


class SignatureMemory:
    """The signed messages of the latest answers, by the caller's key and the id of their first call.

    It is bounded in entries, in characters and in time, and it lives in one process.
    """

    def __init__(self, settings: ServerSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember as much as the settings allow."""
        self._settings = settings
        self._clock = clock
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._size = 0

    def remember(self, caller: str, parts: Sequence[Part]) -> None:
        """Keep the parts of an answer, if it has calls and a signature."""
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
        """Put back what a caller dropped from a message: all of it where the message is unchanged, else the calls'."""
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
        """Forget the oldest entries beyond the bounds, and those whose time is up."""
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
    """Estimate how much memory a part takes."""
    return len(repr(part))


def _seen(parts: Sequence[Part]) -> tuple[str, list[tuple[str, str, object]]]:
    """Give what every caller keeps of a message: its text and its calls."""
    text = "".join(part.text for part in parts if isinstance(part, Text))
    return text, [_call(part) for part in parts if isinstance(part, ToolCall)]


def _call(call: ToolCall) -> tuple[str, str, object]:
    return call.id, call.name, call.arguments


def _signed(part: Part, known: Mapping[str, ToolCall]) -> Part:
    """Sign a call that is the same as the remembered one: ids alone may repeat."""
    if not isinstance(part, ToolCall) or part.id not in known or _call(part) != _call(known[part.id]):
        return part
    return replace(part, signature=known[part.id].signature, synthetic_id=known[part.id].synthetic_id)
