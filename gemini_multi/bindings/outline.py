"""Keeps the data that a framework's message has no field for: signatures, their issuers and their positions.

A message holds an outline of its parts: the number of characters of a text or thought and their checksum, the id of a
tool call, and the signatures. The outline is plain JSON, so it survives serialization, checkpoints, chat stores and
pickles. An unchanged message is rebuilt to exactly the same parts. An edited part loses its signature, because a
signature is valid only for the provider's own words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias, get_args
from zlib import crc32

from gemini_multi.bindings.values import is_mapping
from gemini_multi.types import (
    Blob,
    CodeResult,
    ExecutableCode,
    FileReference,
    JsonValue,
    Opaque,
    Part,
    Signature,
    SignatureCarrier,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)

_CARRIERS: Final[dict[str, SignatureCarrier]] = {carrier: carrier for carrier in get_args(SignatureCarrier)}
Entry: TypeAlias = dict[str, JsonValue]
Entries: TypeAlias = Sequence[Mapping[str, JsonValue]]


def signature_of(part: Part) -> Signature | None:
    """Return the signature of a part of any kind."""
    return None if isinstance(part, ToolResult) else part.signature


def written(signature: Signature) -> Entry:
    """Write a signature as JSON."""
    return {"payload": signature.payload, "carrier": signature.carrier, "issuer": signature.issuer}


def read_signature(value: object) -> Signature | None:
    """Read a signature that `written` wrote; `None` for any other value."""
    if not is_mapping(value):
        return None
    carrier, issuer = _CARRIERS.get(str(value.get("carrier"))), value.get("issuer")
    if carrier is None or not isinstance(issuer, str) or value.get("payload") is None:
        return None
    return Signature(value["payload"], carrier=carrier, issuer=issuer)


def outline(parts: Sequence[Part], is_shown: Callable[[Blob | FileReference], bool] = lambda _: True) -> list[Entry]:
    """Describe the parts, but not the content that the message itself holds.

    Args:
        parts: The parts of an answer.
        is_shown: Whether the message holds a given medium.
    """
    return [_entry(part, is_shown) for part in parts if not isinstance(part, ToolResult)]


def _entry(part: Part, is_shown: Callable[[Blob | FileReference], bool]) -> Entry:
    entry = _described(part, is_shown)
    signature = signature_of(part)
    return entry if signature is None else {**entry, "signature": written(signature)}


def _described(part: Part, is_shown: Callable[[Blob | FileReference], bool]) -> Entry:
    match part:
        case Text(text):
            return {"text": len(text), "check": check(text)}
        case Thought(text):
            return {"thought": len(text), "check": check(text)}
        case ToolCall(id=call_id):
            return {"call": call_id, "synthetic_id": True} if part.synthetic_id else {"call": call_id}
        case ExecutableCode(code, language, id=code_id):
            return {"code": code, "language": language, "id": code_id}
        case CodeResult(output, outcome, id=code_id):
            return {"result": output, "outcome": outcome, "id": code_id}
        case Opaque(data):
            return {"opaque": dict(data)}
        case FileReference(uri, mime_type) if not is_shown(part):
            return {"file": uri, "mime_type": mime_type}
        case _:
            return {"media": True}


def check(text: str) -> int:
    """Return a checksum that shows whether a text has changed."""
    return crc32(text.encode("utf-8", "surrogatepass"))


class Rebuild:
    """Restores the order and the signatures of a message's parts from its outline."""

    def __init__(self, parts: Sequence[Part], entries: Entries) -> None:
        """Restore the parts from the parts that the message holds now."""
        self._calls = {part.id: part for part in parts if isinstance(part, ToolCall)}
        self._media = deque(part for part in parts if isinstance(part, (Blob, FileReference)))
        self._others = [part for part in parts if isinstance(part, (ExecutableCode, CodeResult, Opaque))]
        self._texts = _Run("text", "".join(part.text for part in parts if isinstance(part, Text)), entries)
        self._thoughts = _Run("thought", "".join(part.text for part in parts if isinstance(part, Thought)), entries)
        self.added = 0
        """The number of parts that only the outline holds."""
        found = [self._part(entry) for entry in entries]
        rest = list(self._rest())
        self.is_exact = None not in found and not rest and self._texts.is_unchanged and self._thoughts.is_unchanged
        """Whether the message has not changed since the outline was made."""
        self.parts = (*self._leading(), *(part for part in found if part is not None), *rest)
        """The parts. Edited text has no signature and stands at its first position; other new parts are at the ends."""

    def _part(self, entry: Mapping[str, JsonValue]) -> Part | None:
        signature = read_signature(entry.get("signature"))
        match entry:
            case {"text": int(length)}:
                return self._texts.next_part(Text, length, signature)
            case {"thought": int(length)}:
                return self._thoughts.next_part(Thought, length, signature)
            case {"media": _} if self._media:
                return replace(self._media.popleft(), signature=signature)
            case {"call": str(call_id)} if call_id in self._calls:
                return signed_call(self._calls.pop(call_id), entry)
            case _:
                return self._other(_whole(entry, signature))

    def _other(self, part: Part | None) -> Part | None:
        if isinstance(part, (ExecutableCode, CodeResult, Opaque)):
            bare = [replace(other, signature=None) for other in self._others]
            if (unsigned := replace(part, signature=None)) in bare:
                del self._others[bare.index(unsigned)]
                return part
        self.added += part is not None
        return part

    def _leading(self) -> Iterator[Part]:
        if thoughts := self._thoughts.rest():
            yield Thought(thoughts)
        if texts := self._texts.rest():
            yield Text(texts)

    def _rest(self) -> Iterator[Part]:
        yield from self._media
        yield from self._others
        yield from self._calls.values()


class _Run:
    """The text of one kind. If it has not changed, it is divided into its parts again."""

    def __init__(self, kind: str, text: str, entries: Entries) -> None:
        self._text = text
        self._position = 0
        self.is_unchanged = _fits(text, [entry for entry in entries if kind in entry], kind)

    def next_part(self, kind: type[Text] | type[Thought], length: int, signature: Signature | None) -> Part | None:
        if not self.is_unchanged:
            rest = self.rest()
            return kind(rest) if rest else None
        start = self._position
        self._position += length
        return kind(self._text[start : self._position], signature=signature)

    def rest(self) -> str:
        """Return all text that was not returned before."""
        start, self._position = self._position, len(self._text)
        return self._text[start:]


def _fits(text: str, entries: Entries, kind: str) -> bool:
    """Whether the text is still the text that the entries describe."""
    position = 0
    for entry in entries:
        length = entry[kind]
        start, position = position, position + (length if isinstance(length, int) else 0)
        if check(text[start:position]) != entry.get("check"):
            return False
    return position == len(text)


def signed(parts: Sequence[Part], entries: Entries) -> list[Part]:
    """Return the parts in their present order. Unchanged parts have their signatures, all others have none."""
    waiting: dict[str, deque[Mapping[str, JsonValue]]] = {}
    for entry in entries:
        waiting.setdefault(_key(entry), deque()).append(entry)
    return [_signed(part, waiting) for part in parts]


def _signed(part: Part, waiting: Mapping[str, deque[Mapping[str, JsonValue]]]) -> Part:
    if isinstance(part, ToolResult):
        return part
    found = waiting.get(_key(_described(part, lambda _: True)))
    entry: Mapping[str, JsonValue] = found.popleft() if found else {}
    if isinstance(part, ToolCall):
        return signed_call(part, entry) if entry else part
    return replace(part, signature=read_signature(entry.get("signature")))


def _key(entry: Mapping[str, JsonValue]) -> str:
    """Return a key for the content of an entry. The fields that only the outline holds are not part of it."""
    return repr(sorted((name, value) for name, value in entry.items() if name not in ("signature", "synthetic_id")))


def signed_call(call: ToolCall, entry: Mapping[str, JsonValue]) -> ToolCall:
    """Return a tool call with the fields that only its outline holds."""
    signature = read_signature(entry.get("signature")) or call.signature
    return replace(call, signature=signature, synthetic_id=entry.get("synthetic_id") is True)


def _whole(entry: Mapping[str, JsonValue], signature: Signature | None) -> Part | None:
    """Rebuild a part that only the outline holds."""
    identity, mime_type = entry.get("id"), entry.get("mime_type")
    part_id = identity if isinstance(identity, str) else None
    match entry:
        case {"code": str(code), "language": str(language)}:
            return ExecutableCode(code, language, id=part_id, signature=signature)
        case {"result": str(output), "outcome": str(outcome)}:
            return CodeResult(output, outcome, id=part_id, signature=signature)
        case {"opaque": dict(data)}:
            return Opaque(data, signature=signature)
        case {"file": str(uri)}:
            return FileReference(uri, mime_type if isinstance(mime_type, str) else None, signature=signature)
        case _:
            return None
