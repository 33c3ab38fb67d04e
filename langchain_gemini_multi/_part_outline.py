"""Keeps what a LangChain message has no field for: signatures, who issued them, and where among the parts they stand.

A message of ours carries, under one key of `additional_kwargs`, an outline of its parts: how many characters of text or
thought, which call, which signature. It is plain JSON, so it survives serialization, checkpoints and pickles, and it is
in one chunk of a stream only, so that merging chunks doesn't repeat it. When the message comes back unchanged, the
parts are rebuilt exactly; when it was edited, the calls' signatures are still found by their ids.

The bare signatures of calls are also stored under the key of `langchain-google-genai`, so that either package can
continue the other's conversations.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias, get_args

from gemini_multi.bindings.values import is_mapping, is_object, items_of
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

OUTLINE_KEY: Final = "gemini_multi_parts"
GOOGLE_KEY: Final = "__gemini_function_call_thought_signatures__"

_CARRIERS: Final[dict[str, SignatureCarrier]] = {carrier: carrier for carrier in get_args(SignatureCarrier)}
Entry: TypeAlias = dict[str, JsonValue]
SignedPart: TypeAlias = Text | Thought | ToolCall | ExecutableCode | CodeResult | Opaque | Blob | FileReference


def is_plain(parts: Sequence[Part]) -> bool:
    """Whether the parts can be rebuilt from the message alone: nothing signed, calls last and all with ids of ours."""
    seen_call = False
    for part in parts:
        if isinstance(part, ToolCall):
            seen_call = True
            if part.signature is not None or not part.synthetic_id:
                return False
        elif seen_call or not isinstance(part, (Text, Thought)) or part.signature is not None:
            return False
    return True


def outline(parts: Sequence[Part]) -> list[Entry]:
    """Describe the parts, without repeating what the message's content and calls hold."""
    return [_entry(part) for part in parts if not isinstance(part, ToolResult)]


def google_signatures(parts: Sequence[Part]) -> dict[str, str]:
    """Return the bare signatures of the calls by call id."""
    return {
        part.id: bare
        for part in parts
        if isinstance(part, ToolCall) and part.signature and (bare := part.signature.thought_signature())
    }


def _entry(part: SignedPart) -> Entry:
    entry = _described(part)
    return entry if part.signature is None else {**entry, "signature": written(part.signature)}


def _described(part: SignedPart) -> Entry:
    match part:
        case Text():
            return {"text": len(part.text)}
        case Thought():
            return {"thought": len(part.text)}
        case ToolCall():
            return {"call": part.id, "synthetic_id": True} if part.synthetic_id else {"call": part.id}
        case ExecutableCode():
            return {"code": part.code, "language": part.language, "id": part.id}
        case CodeResult():
            return {"result": part.output, "outcome": part.outcome, "id": part.id}
        case Opaque():
            return {"opaque": dict(part.data)}
        case Blob() | FileReference():
            return {"media": True}


def written(signature: Signature) -> Entry:
    """Write a signature as JSON."""
    return {"payload": signature.payload, "carrier": signature.carrier, "issuer": signature.issuer}


def read_signature(value: object) -> Signature | None:
    """Read what `written` wrote; `None` when it is not that."""
    if not is_mapping(value):
        return None
    carrier = _CARRIERS.get(str(value.get("carrier")))
    issuer = value.get("issuer")
    if carrier is None or not isinstance(issuer, str) or value.get("payload") is None:
        return None
    return Signature(value["payload"], carrier=carrier, issuer=issuer)


def entries(additional_kwargs: Mapping[str, object]) -> list[Mapping[str, JsonValue]]:
    """Return the outline that a message carries; empty when it carries none."""
    return [entry for entry in items_of(additional_kwargs.get(OUTLINE_KEY)) if is_mapping(entry)]


def call_signatures(additional_kwargs: Mapping[str, object], issuer: str) -> dict[str, Signature]:
    """Find the signatures of calls by call id.

    Ours first, then Google's key, then `extra_content` as providers send it.

    Args:
        additional_kwargs: Of the message.
        issuer: Whom the signatures without a stated issuer are from.
    """
    found: dict[str, Signature] = dict(_extra_content(additional_kwargs.get("tool_calls"), issuer))
    by_google = additional_kwargs.get(GOOGLE_KEY)
    if is_mapping(by_google):
        for call_id, payload in by_google.items():
            if isinstance(payload, str) and payload:
                found[str(call_id)] = Signature(payload, carrier="thoughtSignature", issuer=issuer)
    for entry in entries(additional_kwargs):
        if (signature := read_signature(entry.get("signature"))) is not None and "call" in entry:
            found[str(entry["call"])] = signature
    return found


def _extra_content(calls: object, issuer: str) -> Iterator[tuple[str, Signature]]:
    for call in items_of(calls):
        if is_mapping(call) and is_object(extra := call.get("extra_content")):
            yield str(call.get("id")), Signature(extra, carrier="extra_content", issuer=issuer)


class Rebuild:
    """Puts the parts of a message back into the order and under the signatures that its outline describes."""

    def __init__(
        self, *, text: str, thought: str, media: Sequence[Blob | FileReference], calls: Sequence[ToolCall]
    ) -> None:
        """Begin with what the message holds now."""
        self._text = _Rest(text)
        self._thought = _Rest(thought)
        self._media = deque(media)
        self._calls = {call.id: call for call in calls}

    def parts(self, outlined: Sequence[Mapping[str, JsonValue]]) -> list[Part] | None:
        """Rebuild the parts; `None` when the message was changed since the outline was made."""
        rebuilt: list[Part] = []
        for entry in outlined:
            if (part := self._part(entry, read_signature(entry.get("signature")))) is None:
                return None
            rebuilt.append(part)
        return None if len(self._text) or len(self._thought) or self._media or self._calls else rebuilt

    def _part(self, entry: Mapping[str, JsonValue], signature: Signature | None) -> Part | None:
        match entry:
            case {"text": int(length)} if length <= len(self._text):
                return Text(self._text.take(length), signature=signature)
            case {"thought": int(length)} if length <= len(self._thought):
                return Thought(self._thought.take(length), signature=signature)
            case {"call": str(call_id)} if call_id in self._calls:
                return _restored_call(self._calls.pop(call_id), entry, signature)
            case {"media": _} if self._media:
                return _restored_media(self._media.popleft(), signature)
            case _:
                return _whole(entry, signature)


class _Rest:
    """What is left of a text that is taken from its beginning."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._taken = 0

    def __len__(self) -> int:
        return len(self._text) - self._taken

    def take(self, length: int) -> str:
        start = self._taken
        self._taken += max(0, length)
        return self._text[start : self._taken]


def _restored_call(call: ToolCall, entry: Mapping[str, JsonValue], signature: Signature | None) -> ToolCall:
    return ToolCall(
        call.id,
        call.name,
        call.arguments,
        signature=signature,
        invalid_arguments=call.invalid_arguments,
        synthetic_id=entry.get("synthetic_id") is True,
    )


def _restored_media(media: Blob | FileReference, signature: Signature | None) -> Blob | FileReference:
    if isinstance(media, Blob):
        return Blob(media.data, media.mime_type, name=media.name, signature=signature)
    return FileReference(media.uri, media.mime_type, name=media.name, signature=signature)


def _whole(entry: Mapping[str, JsonValue], signature: Signature | None) -> Part | None:
    """Rebuild a part that the outline holds whole."""
    identity = entry.get("id")
    part_id = identity if isinstance(identity, str) else None
    match entry:
        case {"code": str(code), "language": str(language)}:
            return ExecutableCode(code, language, id=part_id, signature=signature)
        case {"result": str(output), "outcome": str(outcome)}:
            return CodeResult(output, outcome, id=part_id, signature=signature)
        case {"opaque": dict(data)}:
            return Opaque(data, signature=signature)
        case _:
            return None
