"""Assembles the tool calls of one candidate and decides when each call is complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from pydantic_core import to_json

from gemini_multi._encoding.call_arguments import MOST_CALLS, parsed, separated
from gemini_multi._encoding.json_values import objects, text_at
from gemini_multi._schemas.repair import repair, strip_prefix
from gemini_multi.dialects.chat_completions.call_slots import CallSlot, CallSlots, Piece, piece_of
from gemini_multi.dialects.chat_completions.dialect import ChatTarget
from gemini_multi.dialects.response_builder import CandidateBuilder
from gemini_multi.types import ChatEvent, ChatRequest, JsonObject, JsonValue, Signature, Tool, ToolCall, ToolCallDelta


@dataclass(frozen=True, slots=True)
class Expectation:
    """The request whose answer is read."""

    request: ChatRequest
    target: ChatTarget
    tools: Mapping[str, Tool]
    """The declared functions, by their wire names."""


class Calls:
    """The tool calls of one candidate."""

    def __init__(self, builder: CandidateBuilder, expectation: Expectation, events: list[ChatEvent]) -> None:
        self._builder = builder
        self._expectation = expectation
        self._events = events
        self.slots = CallSlots()
        self._used_ids: set[str] = set()
        self._early: dict[str, JsonValue] = {}
        """Fields that arrived before the call to which they belong."""
        self._details: dict[str, list[JsonValue]] = {}
        """Elements of `reasoning_details`, by the id of the call that they name; the call may arrive later."""
        self.placed: list[CallSlot] = []
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
            piece = piece_of(item)
            for part in _split(piece) if known else (piece,):
                slot = self._slot_of(part, known) if whole else self.slots.of(part)
                if slot is None:
                    self._early.update(part.extra)
                else:
                    self._add_piece(part, slot, whole=whole)

    def _slot_of(self, piece: Piece, known: dict[tuple[str, str], CallSlot]) -> CallSlot | None:
        """Find the slot of a complete element: a new slot, unless the same call arrived before."""
        if piece.is_silent:
            return None
        slot = self.slots.repeated(piece)
        if slot is None and known:
            slot = known.pop((piece.name, _meaning(piece.arguments)), None)
        return slot or self.slots.open(piece)

    def _add_piece(self, piece: Piece, slot: CallSlot, *, whole: bool) -> None:
        """Add a piece to its call, and to further calls of the function if it holds several objects."""
        if self._early:
            piece.extra = {**self._early, **piece.extra}
            self._early.clear()
        added, rest = slot.add(piece, self._expectation.target.issuer)
        self._announce(slot, added, whole=whole)
        if rest and len(self.slots.all) < MOST_CALLS:
            following = Piece(index=slot.index, name=slot.name, arguments=rest)
            self._add_piece(following, self.slots.follow(slot, following), whole=whole)
        elif rest:
            slot.late.append(rest)

    def _announce(self, slot: CallSlot, added: str, *, whole: bool) -> None:
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

    def _shown(self, slot: CallSlot, added: str) -> str:
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

    def _add_delta(self, slot: CallSlot, arguments: str) -> None:
        assert slot.position is not None
        event = ToolCallDelta(slot.position, slot.local_id, slot.function, arguments, self._builder.index)
        self._events.append(event)

    def _place(self, slot: CallSlot) -> None:
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
        claimed = {slot.local_id for slot in self.placed if slot.signature is None} if self._details else ()
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

    def _signature(self, slot: CallSlot) -> Signature | None:
        if slot.signature is None and (details := self._details.get(slot.local_id)):
            return Signature([*details], carrier="reasoning_details", issuer=self._expectation.target.issuer)
        return slot.signature

    def ready(self, *, before: CallSlot | None = None, at_end: bool = False) -> None:
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

    def _is_whole(self, slot: CallSlot, *, is_stopped: bool) -> bool:
        # Some providers send `stop` in every chunk: a call that has no arguments yet may still get them.
        if slot.position == 0 and not is_stopped and self._expectation.target.model.needs_signatures:
            return slot.text.value is not None and self._signature(slot) is not None
        return slot.text.value is not None

    def _call(self, slot: CallSlot) -> ToolCall:
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


def _fitted(slot: CallSlot, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    fitted = given if slot.tool is None else repair(given, slot.tool.parameters)
    return fitted if isinstance(fitted, dict) else given


def _meaning(arguments: str) -> str:
    """Write arguments in a canonical form: equal arguments give the same text."""
    read = parsed(arguments)
    return json.dumps(read, sort_keys=True) if isinstance(read, dict) else arguments


def _split(piece: Piece) -> list[Piece]:
    first, *others = separated(piece.arguments)
    return [replace(piece, arguments=first), *(Piece(name=piece.name, arguments=text) for text in others)]
