"""Keeps the data that a framework's message has no field for: signatures, their issuers and their positions.

A message holds an outline of its parts: the number of characters of a text or thought and their checksum, the id of a
tool call, and the signatures. The outline is plain JSON, so it survives serialization, checkpoints, chat stores and
pickles. An unchanged message is rebuilt to exactly the same parts. An edited part loses its signature, because a
signature is valid only for the provider's own words.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias, get_args
from zlib import crc32

from gemini_multi import types as core
from gemini_multi.bindings.values import is_mapping, items_of

_RANKS: Final[dict[type[object], int]] = {
    core.Thought: 0,
    core.Text: 1,
    core.Blob: 2,
    core.FileReference: 2,
    core.ToolCall: 3,
}
"""The parts of which a message can hold everything, by the order in which it shows them."""
_CARRIERS: Final[dict[str, core.SignatureCarrier]] = {carrier: carrier for carrier in get_args(core.SignatureCarrier)}
Entry: TypeAlias = dict[str, core.JsonValue]
Entries: TypeAlias = Sequence[Mapping[str, core.JsonValue]]


def written(signature: core.Signature) -> Entry:
    """Write a signature as JSON."""
    return {"payload": signature.payload, "carrier": signature.carrier, "issuer": signature.issuer}


def read_signature(value: object) -> core.Signature | None:
    """Read a signature that `written` wrote; `None` for any other value."""
    if not is_mapping(value):
        return None
    carrier, issuer = _CARRIERS.get(str(value.get("carrier"))), value.get("issuer")
    if carrier is None or not isinstance(issuer, str) or value.get("payload") is None:
        return None
    return core.Signature(value["payload"], carrier=carrier, issuer=issuer)


def outline(parts: Sequence[core.Part], is_shown: Callable[[core.Part], bool] = lambda _: True) -> list[Entry]:
    """Describe the parts, but not the content that the message itself holds, such as media that are shown.

    There are no entries if the message holds everything.
    """
    entries: list[Entry] = []
    if _is_plain(parts, is_shown):
        return entries
    for part in parts:
        if not isinstance(part, core.ToolResult):
            signature = {} if part.signature is None else {"signature": written(part.signature)}
            entries.append({**_described(part, is_shown), **signature})
    return entries


def _is_plain(parts: Sequence[core.Part], is_shown: Callable[[core.Part], bool]) -> bool:
    """Whether the parts are at most one thought, one text, media and calls in this order, and all of them are held."""
    ranks = [_RANKS.get(type(part), -1) for part in parts]
    is_ordered = ranks == sorted(ranks) and ranks.count(0) < 2 and ranks.count(1) < 2
    return is_ordered and -1 not in ranks and all(_is_held(part, is_shown) for part in parts)


def _is_held(part: core.Part, is_shown: Callable[[core.Part], bool]) -> bool:
    """Whether a message has a field for everything in a part."""
    if isinstance(part, core.ToolResult) or part.signature is not None:
        return False
    if isinstance(part, core.ToolCall):
        return part.synthetic_id
    return not isinstance(part, core.FileReference) or is_shown(part)


def entries_of(value: object) -> Entries:
    """Return the entries of a stored outline; none for any other value."""
    return [entry for entry in items_of(value) if is_mapping(entry)]


def _described(part: core.Part, is_shown: Callable[[core.Part], bool]) -> Entry:
    match part:
        case core.Text(text):
            return {"text": len(text), "check": _checksum(text)}
        case core.Thought(text):
            return {"thought": len(text), "check": _checksum(text)}
        case core.ToolCall(id=call_id):
            return {"call": call_id, "synthetic_id": True} if part.synthetic_id else {"call": call_id}
        case core.ExecutableCode(code, language, id=code_id):
            return {"code": code, "language": language, "id": code_id}
        case core.CodeResult(output, outcome, id=code_id):
            return {"result": output, "outcome": outcome, "id": code_id}
        case core.Opaque(data):
            return {"opaque": dict(data)}
        case core.FileReference(uri, mime_type) if not is_shown(part):
            return {"file": uri, "mime_type": mime_type}
        case _:
            return {"media": True}


def _checksum(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))


class Rebuild:
    """Restores the order and the signatures of a message's parts from its outline."""

    def __init__(self, parts: Sequence[core.Part], entries: Entries) -> None:
        """Restore the parts from the parts that the message holds now."""
        self._calls = {part.id: part for part in parts if isinstance(part, core.ToolCall)}
        self._media = deque(part for part in parts if isinstance(part, (core.Blob, core.FileReference)))
        self._others = [part for part in parts if isinstance(part, (core.ExecutableCode, core.CodeResult, core.Opaque))]
        self._texts, has_same_text = _divided(core.Text, "text", parts, entries)
        self._thoughts, has_same_thoughts = _divided(core.Thought, "thought", parts, entries)
        self.added = 0
        """The number of parts that only the outline holds."""
        found = [self._part(entry) for entry in entries]
        rest: list[core.Part] = [*self._media, *self._others, *self._calls.values()]
        self.is_exact = None not in found and not rest and has_same_text and has_same_thoughts
        """Whether the message has not changed since the outline was made."""
        self.parts: tuple[core.Part, ...] = (
            *self._thoughts,
            *self._texts,
            *(part for part in found if part is not None),
            *rest,
        )
        """The parts. Edited text has no signature and stands at its first position; other new parts are at the ends."""

    def _part(self, entry: Mapping[str, core.JsonValue]) -> core.Part | None:
        signature = read_signature(entry.get("signature"))
        match entry:
            case {"text": int()}:
                return self._texts.popleft() if self._texts else None
            case {"thought": int()}:
                return self._thoughts.popleft() if self._thoughts else None
            case {"media": _} if self._media:
                return replace(self._media.popleft(), signature=signature)
            case {"call": str(call_id)} if call_id in self._calls:
                return signed_call(self._calls.pop(call_id), entry)
            case _:
                return self._other(_whole(entry, signature))

    def _other(self, part: core.Part | None) -> core.Part | None:
        if isinstance(part, (core.ExecutableCode, core.CodeResult, core.Opaque)):
            bare = [replace(other, signature=None) for other in self._others]
            if (unsigned := replace(part, signature=None)) in bare:
                del self._others[bare.index(unsigned)]
                return part
        self.added += part is not None
        return part


def _divided(
    kind: type[core.Text] | type[core.Thought], name: str, parts: Sequence[core.Part], entries: Entries
) -> tuple[deque[core.Text | core.Thought], bool]:
    """Divide the text of one kind into its parts again. If it was edited, it is one part, and the result is `False`."""
    text = "".join(part.text for part in parts if isinstance(part, kind))
    divided = deque[core.Text | core.Thought]()
    position = 0
    for entry in entries:
        if isinstance(length := entry.get(name), int):
            start, position = position, position + length
            divided.append(kind(text[start:position], signature=read_signature(entry.get("signature"))))
            if _checksum(text[start:position]) != entry.get("check"):
                break
    else:
        if position == len(text):
            return divided, True
    return deque([kind(text)] if text else []), False


def signed(parts: Sequence[core.Part], entries: Entries) -> list[core.Part]:
    """Return the parts in their present order. Unchanged parts have their signatures, all others have none."""
    waiting = defaultdict[str, deque[Mapping[str, core.JsonValue]]](deque)
    for entry in entries:
        waiting[_key(entry)].append(entry)
    return [_signed(part, waiting) for part in parts]


def _signed(part: core.Part, waiting: Mapping[str, deque[Mapping[str, core.JsonValue]]]) -> core.Part:
    if isinstance(part, core.ToolResult):
        return part
    found = waiting.get(_key(_described(part, lambda _: True)))
    entry: Mapping[str, core.JsonValue] = found.popleft() if found else {}
    if isinstance(part, core.ToolCall):
        return signed_call(part, entry) if entry else part
    return replace(part, signature=read_signature(entry.get("signature")))


def _key(entry: Mapping[str, core.JsonValue]) -> str:
    """Return a key for the content of an entry. The fields that only the outline holds are not part of it."""
    return repr(sorted((name, value) for name, value in entry.items() if name not in ("signature", "synthetic_id")))


def signed_call(call: core.ToolCall, entry: Mapping[str, core.JsonValue]) -> core.ToolCall:
    """Return a tool call with the fields that only its outline holds."""
    signature = read_signature(entry.get("signature")) or call.signature
    return replace(call, signature=signature, synthetic_id=entry.get("synthetic_id") is True)


def _whole(entry: Mapping[str, core.JsonValue], signature: core.Signature | None) -> core.Part | None:
    """Rebuild a part that only the outline holds."""
    texts = {name: value for name, value in entry.items() if isinstance(value, str)}
    match entry:
        case {"code": str(code), "language": str(language)}:
            return core.ExecutableCode(code, language, id=texts.get("id"), signature=signature)
        case {"result": str(output), "outcome": str(outcome)}:
            return core.CodeResult(output, outcome, id=texts.get("id"), signature=signature)
        case {"opaque": dict(data)}:
            return core.Opaque(data, signature=signature)
        case {"file": str(uri)}:
            return core.FileReference(uri, texts.get("mime_type"), signature=signature)
        case _:
            return None
