"""Assembles the tool calls of one candidate and decides when each call is complete.

Providers number and name calls in many ways. OpenAI sends an index with every fragment. Google's own endpoint sends no
index, and each parallel call in its own chunk. Some gateways send index 0 for all calls, repeat ids and names, leave
ids empty, share one id among calls, send arguments as an object, or all calls of a tool as one text. The rules:

- The same id is the same call, unless the name, the index or the whole arguments differ.
- Another id, or another name, at the same index is another call, unless the piece can only be the rest of a call.
- A piece that repeats all arguments so far adds what comes after them.
- A name without id and index begins a call.
- A piece with neither id nor name belongs to the previous call.
- Text that follows complete arguments and begins another object is another call of the same function.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import uuid4

from pydantic_core import to_json

from gemini_multi._encoding.call_arguments import MOST_CALLS, ArgumentsText, parsed, separated
from gemini_multi._encoding.json_values import objects, text_at
from gemini_multi._schemas.repair import repair, strip_prefix
from gemini_multi.dialects.chat_completions.dialect import Expectation
from gemini_multi.dialects.chat_completions.reasoning import CARRIERS, signature_in
from gemini_multi.dialects.response_builder import CandidateBuilder
from gemini_multi.types import ChatEvent, JsonObject, JsonValue, Signature, Tool, ToolCall, ToolCallDelta

_FUNCTIONS: Final = ("function", "custom")
_ARGUMENTS: Final = ("arguments", "args", "input", "parameters")
"""Names of the arguments: OpenAI's, Google's, those of custom tools, and that of some open models."""
_READ: Final = frozenset({"id", "index", "type", *_FUNCTIONS})
_READ_IN_FUNCTION: Final = frozenset({"name", *_ARGUMENTS})


@dataclass(slots=True)
class _Piece:
    """The content of one element of `tool_calls`."""

    id: str = ""
    index: int | None = None
    name: str = ""
    arguments: str = ""
    extra: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """All other fields of the element: carriers of signatures and unknown keys."""

    @property
    def is_silent(self) -> bool:
        return not (self.id or self.name or self.arguments)

    @property
    def begins_object(self) -> bool:
        return self.arguments.lstrip().startswith("{")


@dataclass(slots=True)
class _CallSlot:
    """A tool call that is still arriving."""

    index: int | None = None
    provider_id: str = ""
    name: str = ""
    """The function's name on the wire."""
    text: ArgumentsText = field(default_factory=ArgumentsText)
    position: int | None = None
    """The position in the answer; `None` as long as the call has none. An unwanted second call never gets one."""
    local_id: str = ""
    tool: Tool | None = None
    """The declared tool, as soon as the call has a position."""
    signature: Signature | None = None
    extra: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    late: list[str] = field(default_factory=list[str])
    """Arguments that arrived after the event of the complete tool call."""
    is_shown: bool = False
    """Whether the arguments so far need no further event."""
    fitted: dict[str, JsonValue] | None = None
    """The complete arguments after repair, if they were shown."""
    call: ToolCall | None = None
    """The complete tool call, as its event contained it."""

    @property
    def function(self) -> str:
        """The name that the caller knows the function by."""
        return self.name if self.tool is None else self.tool.name

    def add(self, piece: _Piece, issuer: str) -> tuple[str, str]:
        """Add a piece. Return the text that it adds to the arguments, and the text that belongs to further calls."""
        self.name = self.name or piece.name
        self.provider_id = self.provider_id or piece.id
        if piece.extra:
            signature = signature_in(piece.extra, issuer)
            self.signature = signature or self.signature
            self.extra.update((key, value) for key, value in piece.extra.items() if not (signature and key in CARRIERS))
        if not piece.arguments or self.repeats(piece):
            return "", ""
        return self.text.add(self.text.new_part(piece.arguments))

    def repeats(self, piece: _Piece) -> bool:
        return self.text.value is not None and piece.begins_object and parsed(piece.arguments) == self.text.value


class _CallSlots:
    """The tool calls of one candidate, in the provider's order."""

    def __init__(self) -> None:
        self.all: list[_CallSlot] = []
        self._by_id: dict[str, _CallSlot] = {}
        self._by_index: dict[int, _CallSlot] = {}

    def of(self, piece: _Piece) -> _CallSlot | None:
        """Find or begin the call of a piece. Return `None` for an empty piece."""
        slot = self._known(piece)
        if slot is None:
            return None if piece.is_silent else self.open(piece)
        if piece.id:
            self._by_id.setdefault(piece.id, slot)
        return slot

    def open(self, piece: _Piece) -> _CallSlot:
        slot = _CallSlot(piece.index)
        self.all.append(slot)
        if piece.id:
            self._by_id[piece.id] = slot
        if piece.index is not None:
            self._by_index[piece.index] = slot
        return slot

    def follow(self, slot: _CallSlot, piece: _Piece) -> _CallSlot:
        """Begin a further call of the same function. Later pieces of the previous call then belong to this call."""
        following = self.open(piece)
        self._by_id.update({call_id: following for call_id, known in self._by_id.items() if known is slot})
        return following

    def repeated(self, piece: _Piece) -> _CallSlot | None:
        """Find the call that a whole element with the same id repeats."""
        slot = self._by_id.get(piece.id) if piece.id else None
        if slot is None or slot.name != piece.name:
            return None
        is_blank = not slot.text.first and not piece.arguments.strip()
        return slot if is_blank or slot.repeats(piece) else None

    def _known(self, piece: _Piece) -> _CallSlot | None:
        here = self._by_index.get(piece.index) if piece.index is not None else None
        named = self._by_id.get(piece.id) if piece.id else None
        slot = here if here is not None and (named is None or here.provider_id == piece.id) else named
        if slot is not None:
            has_other_id = named is None and piece.id and slot.provider_id
            is_another = not _is_rest(slot, piece) if has_other_id else _begins_again(slot, piece)
            return None if is_another else slot
        if piece.id or not self.all:
            return None
        last = self.all[-1]
        # A gateway may repeat the name of a call whose arguments are still incomplete.
        may_continue = piece.index is None and piece.name == last.name and last.text.first and last.text.value is None
        return last if may_continue or not piece.name else None


def _is_rest(slot: _CallSlot, piece: _Piece) -> bool:
    """Whether a piece with another id can only be the rest of the call: some gateways make an id for each piece."""
    if slot.text.value is not None or not slot.name:
        return False
    begins = piece.arguments.lstrip()[:1] in ("", "{", "[", '"')
    return not piece.name or (bool(slot.text.first) and piece.name == slot.name and not begins)


def _begins_again(slot: _CallSlot, piece: _Piece) -> bool:
    """Whether a piece begins a second call under the same id or index."""
    if not piece.name or not slot.name or piece.name != slot.name:
        return bool(piece.name and slot.name)
    if slot.repeats(piece):
        return False
    is_whole = slot.text.value is not None
    if piece.index is not None and slot.index is not None and piece.index != slot.index:
        return piece.begins_object or is_whole or not piece.arguments.strip()
    return piece.begins_object and is_whole


def _piece_of(item: JsonObject) -> _Piece:
    """Read one element of `tool_calls`; its fields may have any type."""
    nested = next((found for key in _FUNCTIONS if isinstance(found := item.get(key), dict)), None)
    function, read = (item, _READ | _READ_IN_FUNCTION) if nested is None else (nested, _READ)
    index, given, name = item.get("index"), item.get("id"), function.get("name")
    arguments = next((found for key in _ARGUMENTS if (found := function.get(key)) is not None), "")
    return _Piece(
        id=given if isinstance(given, str) else "" if given is None else str(given),
        index=index if isinstance(index, int) else None,
        name=name if isinstance(name, str) else "",
        arguments=arguments if isinstance(arguments, str) else to_json(arguments).decode(),
        extra={
            key: value
            for record, known in ((nested or {}, _READ_IN_FUNCTION), (item, read))
            for key, value in record.items()
            if key not in known and value is not None
        },
    )


class Calls:
    """The tool calls of one candidate."""

    def __init__(self, builder: CandidateBuilder, expectation: Expectation, events: list[ChatEvent]) -> None:
        self._builder = builder
        self._expectation = expectation
        self._events = events
        self.slots = _CallSlots()
        self._used_ids: set[str] = set()
        self._early: dict[str, JsonValue] = {}
        """Fields that arrived before the call to which they belong."""
        self._details: dict[str, list[JsonValue]] = {}
        """Elements of `reasoning_details`, by the id of the call that they name; the call may arrive later."""
        self.placed: list[_CallSlot] = []
        """The calls, without pieces that did not become a call."""
        self._given = 0
        """The number of calls whose event was made."""
        self.is_refused = False
        """Whether the calls without an event must not be executed, by the finish reason."""

    def add(self, items: JsonValue, *, whole: bool) -> None:
        """Read `tool_calls`, a list or one element. If `whole`, every element is one complete call."""
        # A whole message may repeat calls that arrived before.
        known = {(slot.name, _meaning(slot.text.joined())): slot for slot in self.slots.all} if whole else {}
        for item in objects(items if isinstance(items, list) else [items]):
            piece = _piece_of(item)
            for part in _split(piece) if known else (piece,):
                slot = self._slot_of(part, known) if whole else self.slots.of(part)
                if slot is None:
                    self._early.update(part.extra)
                else:
                    self._add_piece(part, slot, whole=whole)

    def _slot_of(self, piece: _Piece, known: dict[tuple[str, str], _CallSlot]) -> _CallSlot | None:
        """Find the slot of a complete element: a new slot, unless the same call arrived before."""
        if piece.is_silent:
            return None
        slot = self.slots.repeated(piece)
        if slot is None and known:
            slot = known.pop((piece.name, _meaning(piece.arguments)), None)
        return slot or self.slots.open(piece)

    def _add_piece(self, piece: _Piece, slot: _CallSlot, *, whole: bool) -> None:
        """Add a piece to its call, and to further calls of the function if it holds several objects."""
        if self._early:
            piece.extra = {**self._early, **piece.extra}
            self._early.clear()
        added, rest = slot.add(piece, self._expectation.target.issuer)
        self._announce(slot, added, whole=whole)
        if rest and len(self.slots.all) < MOST_CALLS:
            following = _Piece(index=slot.index, name=slot.name, arguments=rest)
            self._add_piece(following, self.slots.follow(slot, following), whole=whole)
        elif rest:
            slot.late.append(rest)

    def _announce(self, slot: _CallSlot, added: str, *, whole: bool) -> None:
        """Add the event of new arguments. The first event of a call also tells its name."""
        if slot.call is not None:
            slot.late.append(added)
        elif slot.position is not None:
            if added and not whole and (shown := self._shown(slot, added)):
                self._add_delta(slot, shown)
        elif slot.name and not (self.placed and self._expectation.request.parallel_tool_calls is False):
            self._place(slot)
            if whole:
                slot.is_shown = True
            else:
                self.ready(before=slot)
                self._add_delta(slot, self._shown(slot, added))

    def _shown(self, slot: _CallSlot, added: str) -> str:
        """Return the new text to show, such that all shown texts together mean the repaired arguments.

        Text that may not be an object, such as `null`, waits for the end. If repair changes members of an object that
        was shown in pieces, the last piece repeats them: the last value counts.
        """
        if slot.text.first != "{":
            return ""
        is_first, slot.is_shown = not slot.is_shown, True
        given = slot.text.value
        if given is None:
            return slot.text.joined() if is_first else added
        fitted = slot.fitted = _fitted(slot, given)
        if is_first:
            return to_json(fitted).decode()
        changed = {name: value for name, value in fitted.items() if value is not given.get(name)}
        return f"{added[:-1]},{to_json(changed).decode()[1:]}" if changed else added

    def _add_delta(self, slot: _CallSlot, arguments: str) -> None:
        assert slot.position is not None
        event = ToolCallDelta(slot.position, slot.local_id, slot.function, arguments, self._builder.index)
        self._events.append(event)

    def _place(self, slot: _CallSlot) -> None:
        # A function's name cannot be used as an id: the next call of the function would have the same id.
        is_free = slot.provider_id not in ("", slot.name) and slot.provider_id not in self._used_ids
        slot.local_id = slot.provider_id if is_free else f"call_{uuid4().hex}"
        self._used_ids.add(slot.local_id)
        slot.tool = self._expectation.tools.get(strip_prefix(slot.name, self._expectation.tools))
        slot.position = self._builder.open_call()
        self.placed.append(slot)

    def add_detail(self, detail: JsonObject) -> None:
        """Keep a signed element of `reasoning_details` for the call that it names, if it names any."""
        self._details.setdefault(text_at(detail, "id") or "", []).append(dict(detail))

    def unclaimed_details(self) -> list[JsonValue]:
        """Remove and return the details that name no call without a signature of its own."""
        if not self._details:
            return []
        claimed = {slot.local_id for slot in self.placed if slot.signature is None}
        rest = [call_id for call_id in self._details if call_id not in claimed]
        return [detail for call_id in rest for detail in self._details.pop(call_id)]

    def sign_first(self, signature: Signature) -> bool:
        """Attach a signature on the message to the first call; `False` if there is no unsigned first call."""
        if not self.placed or self._signature(self.placed[0]) is not None:
            return False
        if signature.carrier == "extra_content":
            signature = replace(signature, carrier="message.extra_content")
        self.placed[0].signature = signature
        return True

    def _signature(self, slot: _CallSlot) -> Signature | None:
        if slot.signature is None and (details := self._details.get(slot.local_id)):
            return Signature([*details], carrier="reasoning_details", issuer=self._expectation.target.issuer)
        return slot.signature

    def ready(self, *, before: _CallSlot | None = None, at_end: bool = False) -> None:
        """Add the events of the calls that are known to be complete, in the provider's order.

        Args:
            before: A call that begins now. Earlier calls are complete if their arguments can be read.
            at_end: Whether nothing can follow. Then unreadable arguments stay unreadable.
        """
        while self._given < len(self.placed) and not self.is_refused:
            slot = self.placed[self._given]
            if slot is before or not (at_end or self._is_whole(slot, is_stopped=before is None)):
                return
            call = slot.call = self._call(slot)
            if not slot.is_shown and (call.arguments or call.invalid_arguments):
                self._add_delta(slot, call.invalid_arguments or to_json(call.arguments).decode())
            self._events.append(self._builder.call(call, slot.position))
            self._given += 1

    def _is_whole(self, slot: _CallSlot, *, is_stopped: bool) -> bool:
        # Some providers send `stop` in every chunk: a call that has no arguments yet may still get them.
        if slot.position == 0 and not is_stopped and self._expectation.target.model.needs_signatures:
            return slot.text.value is not None and self._signature(slot) is not None
        return slot.text.value is not None

    def _call(self, slot: _CallSlot) -> ToolCall:
        text = slot.text.joined()
        given = parsed(text) if slot.text.value is None else slot.text.value
        return ToolCall(
            slot.local_id,
            slot.function,
            (slot.fitted or _fitted(slot, given)) if isinstance(given, dict) else {},
            signature=self._signature(slot),
            invalid_arguments=None if isinstance(given, dict) else text,
            synthetic_id=slot.local_id != slot.provider_id,
        )

    def conclude(self) -> dict[str, JsonValue]:
        """Sign the calls whose signature arrived after their event, and return what the events had no place for."""
        for slot in self.placed:
            if slot.call is not None and slot.call.signature != (signature := self._signature(slot)):
                slot.call = replace(slot.call, signature=signature)
                self._builder.call(slot.call, slot.position)
        dropped: list[JsonValue] = [
            {"id": slot.provider_id, "name": slot.name, "arguments": slot.text.joined()}
            for slot in self.slots.all
            if slot.position is None or (self.is_refused and slot.call is None)
        ]
        remarks: dict[str, JsonValue] = {}
        for slot in self.slots.all:
            late: JsonObject = {"late_arguments": text} if (text := "".join(slot.late)) else {}
            if slot.extra or late:
                remarks[slot.local_id] = {**slot.extra, **late}
        found: dict[str, JsonValue] = {"dropped_tool_calls": dropped, "tool_calls": remarks}
        return {key: value for key, value in found.items() if value}


def _fitted(slot: _CallSlot, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    fitted = given if slot.tool is None else repair(given, slot.tool.parameters)
    return fitted if isinstance(fitted, dict) else given


def _meaning(arguments: str) -> str:
    """Write arguments in a canonical form: equal arguments give the same text."""
    read = parsed(arguments)
    return json.dumps(read, sort_keys=True) if isinstance(read, dict) else arguments


def _split(piece: _Piece) -> list[_Piece]:
    first, *others = separated(piece.arguments)
    return [replace(piece, arguments=first), *(_Piece(name=piece.name, arguments=text) for text in others)]
