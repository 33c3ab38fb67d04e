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

_CARRIERS: Final[dict[str, core.SignatureCarrier]] = {carrier: carrier for carrier in get_args(core.SignatureCarrier)}
_TEXTS: Final[Mapping[str, type[core.Text | core.Thought]]] = {"text": core.Text, "thought": core.Thought}
Entry: TypeAlias = dict[str, core.JsonValue]
Entries: TypeAlias = Sequence[Mapping[str, core.JsonValue]]


def read_signature(value: object) -> core.Signature | None:
    """Read a signature that an outline holds; `None` for any other value."""
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
    ranks = [_rank(part, is_shown) for part in parts]
    if -1 not in ranks and ranks == sorted(ranks) and ranks.count(0) < 2 and ranks.count(1) < 2:
        return entries
    for part in parts:
        if not isinstance(part, core.ToolResult):
            entries.append(entry := _described(part, is_shown))
            if (own := part.signature) is not None:
                entry["signature"] = {"payload": own.payload, "carrier": own.carrier, "issuer": own.issuer}
    return entries


def _rank(part: core.Part, is_shown: Callable[[core.Part], bool]) -> int:
    """Return the rank of a part in the order of a message, or -1 if the message cannot hold everything in the part."""
    match part:
        case core.Thought(signature=None):
            return 0
        case core.Text(signature=None):
            return 1
        case core.Blob(signature=None) | core.FileReference(signature=None):
            return 2 if isinstance(part, core.Blob) or is_shown(part) else -1
        case core.ToolCall(signature=None, synthetic_id=True):
            return 3
        case _:
            return -1


def entries_of(value: object) -> Entries:
    """Return the entries of a stored outline; none for any other value."""
    return [entry for entry in items_of(value) if is_mapping(entry)]


def _described(part: core.Part, is_shown: Callable[[core.Part], bool] = lambda _: True) -> Entry:
    match part:
        case core.Text(text) | core.Thought(text):
            name = "text" if isinstance(part, core.Text) else "thought"
            return {name: len(text), "check": crc32(text.encode("utf-8", "surrogatepass"))}
        case core.ToolCall(id=call_id):
            return {"call": call_id, "synthetic_id": True} if part.synthetic_id else {"call": call_id}
        case core.ExecutableCode(code, language, id=code_id):
            return {"code": code, "language": language, "id": code_id}
        case core.CodeResult(output, outcome, id=code_id):
            return {"result": output, "outcome": outcome, "id": code_id}
        case core.Opaque(data):
            return {"opaque": dict(data)}
        case core.ToolResult(call_id):
            return {"result_of": call_id}
        case core.FileReference(uri, mime_type) if not is_shown(part):
            return {"file": uri, "mime_type": mime_type}
        case _:
            return {"media": True}


def restored(parts: Sequence[core.Part], entries: Entries, *, shows_all: bool) -> list[core.Part]:
    """Return the parts of a message with the data of its outline.

    An unchanged message gives exactly the parts that were outlined. The parts of a changed message keep their present
    order; unchanged parts have their signatures, all others have none. Parts that only the outline holds come first.
    If a message `shows_all` parts, such parts were removed from it, so they stay away.
    """
    if (exact := _exact(parts, entries, shows_all=shows_all)) is not None:
        return exact
    waiting = defaultdict[str, deque[Mapping[str, core.JsonValue]]](deque)
    for entry in entries:
        waiting[_key(entry)].append(entry)
    present = [_signed(part, found.popleft() if (found := waiting[_key(_described(part))]) else {}) for part in parts]
    rest = () if shows_all else (entry for found in waiting.values() for entry in found)
    return [*(_signed(part, entry) for entry in rest if (part := _hidden(entry)) is not None), *present]


def _exact(parts: Sequence[core.Part], entries: Entries, *, shows_all: bool) -> list[core.Part] | None:
    """Return the parts that were outlined, or `None` if the message has changed since."""
    texts = {name: "".join(part.text for part in parts if isinstance(part, kind)) for name, kind in _TEXTS.items()}
    positions = dict.fromkeys(texts, 0)
    others = defaultdict[str, deque[core.Part]](deque)
    for part in parts:
        if not isinstance(part, (core.Text, core.Thought)):
            others[_key(_described(part))].append(part)
    exact: list[core.Part] = []
    for entry in entries:
        name = "text" if "text" in entry else "thought"
        if isinstance(length := entry.get(name), int):
            start, positions[name] = positions[name], positions[name] + length
            found: core.Part | None = _TEXTS[name](texts[name][start : positions[name]])
        elif waiting := others[_key(entry)]:
            found = waiting.popleft()
        else:
            found = None if shows_all else _hidden(entry)
        if found is None or (length is not None and _described(found).get("check") != entry.get("check")):
            return None
        exact.append(_signed(found, entry))
    is_whole = all(positions[name] == len(text) for name, text in texts.items()) and not any(others.values())
    return exact if is_whole else None


def _signed(part: core.Part, entry: Mapping[str, core.JsonValue]) -> core.Part:
    """Return a part with the fields that only its outline holds."""
    if isinstance(part, core.ToolResult) or (isinstance(part, core.ToolCall) and not entry):
        return part
    signature = read_signature(entry.get("signature"))
    if isinstance(part, core.ToolCall):
        is_synthetic = entry.get("synthetic_id") is True
        return replace(part, signature=signature or part.signature, synthetic_id=is_synthetic)
    return replace(part, signature=signature)


def _key(entry: Mapping[str, core.JsonValue]) -> str:
    """Return a key for the content of an entry. The fields that only the outline holds are not part of it."""
    return repr(sorted((name, value) for name, value in entry.items() if name not in ("signature", "synthetic_id")))


def _hidden(entry: Mapping[str, core.JsonValue]) -> core.Part | None:
    """Make a part, without its signature, that only the outline holds."""
    match entry:
        case {"code": str(code), "language": str(language), "id": str() | None as code_id}:
            return core.ExecutableCode(code, language, id=code_id)
        case {"result": str(output), "outcome": str(outcome), "id": str() | None as code_id}:
            return core.CodeResult(output, outcome, id=code_id)
        case {"opaque": dict(data)}:
            return core.Opaque(data)
        case {"file": str(uri), "mime_type": str() | None as mime_type}:
            return core.FileReference(uri, mime_type)
        case _:
            return None
