"""Assembles the tool calls of one candidate and decides when each call is complete."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from pydantic_core import from_json, to_json

from gemini_multi._encoding.call_arguments import MOST_CALLS, parsed, separated
from gemini_multi._schemas.repair import repair, strip_prefix
from gemini_multi.dialects.chat_completions.call_slots import CallSlot, CallSlots, Piece, meaning, piece_of
from gemini_multi.dialects.response_builder import CandidateBuilder
from gemini_multi.types import ChatEvent, JsonObject, JsonValue, Signature, Tool, ToolCall, ToolCallDelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The facts about the request that the decoder needs to read its answer."""

    issuer: str
    tools: Mapping[str, Tool]
    """The declared functions, by their wire names."""
    single_call: bool
    """Whether only one call was wanted."""
    waits_for_signature: bool
    """Whether the first call needs a signature. A call without a signature is then not complete before the end."""
    audio_format: str


class Calls:
    """The tool calls of one candidate."""

    def __init__(self, builder: CandidateBuilder, expectation: Expectation, events: list[ChatEvent]) -> None:
        self._builder = builder
        self._expectation = expectation
        self._events = events
        self.slots = CallSlots()
        self._by_id: dict[str, CallSlot] = {}
        """The first call with each of the provider's ids."""
        self._used_ids: set[str] = set()
        self._early: dict[str, JsonValue] = {}
        """Fields that arrived before the call to which they belong."""
        self._early_details: dict[str, list[JsonValue]] = {}
        """Elements of `reasoning_details` that name a call which has not arrived, by its id."""
        self.placed: list[CallSlot] = []
        """The calls, without pieces that did not become a call."""
        self._given = 0
        """The number of calls whose event was made."""
        self.chunk = 0
        """The number of the current document."""
        self.is_refused = False
        """Whether the calls without an event must not be executed, by the finish reason."""

    def add(self, items: JsonValue, *, whole: bool, again: bool = False) -> None:
        """Read `tool_calls`.

        Args:
            items: The provider's list, or one element.
            whole: Whether every element is one complete call.
            again: Whether the elements may repeat calls that arrived before.
        """
        known_calls = {(slot.name, meaning(slot.arguments)): slot for slot in self.slots.all} if again else {}
        for item in items if isinstance(items, list) else [items]:
            if isinstance(item, dict):
                piece = piece_of(item)
                for part in _split(piece) if again else (piece,):
                    slot = self._slot_of(part, known_calls) if whole else self.slots.of(part)
                    if slot is None:
                        self._early.update(part.extra)
                    else:
                        self._add_piece(part, slot, whole=whole)

    def _slot_of(self, piece: Piece, known_calls: dict[tuple[str, str], CallSlot]) -> CallSlot | None:
        """Find the slot of a complete element: a new slot, unless the same call arrived before."""
        if piece.is_silent:
            return None
        known = self.slots.repeated(piece)
        if known is None and known_calls:
            known = known_calls.pop((piece.name, meaning(piece.arguments)), None)
        return known or self.slots.open(piece)

    def _add_piece(self, piece: Piece, slot: CallSlot, *, whole: bool) -> None:
        """Add a piece to its call, and to further calls of the function if it holds several objects."""
        if not slot.chunk:
            piece.extra = {**self._early, **piece.extra}
            self._early.clear()
        for further in range(MOST_CALLS + 1):
            added, rest = slot.add(piece, self._expectation.issuer)
            slot.chunk = self.chunk
            if slot.provider_id:
                self._by_id.setdefault(slot.provider_id, slot)
            self._announce(slot, added, whole=whole)
            if not rest:
                return
            if further == MOST_CALLS:
                slot.late.append(rest)
            else:
                slot, piece = self.slots.follow(slot), Piece(arguments=rest)

    def _announce(self, slot: CallSlot, added: str, *, whole: bool) -> None:
        """Add the event of new arguments. The first event of a call also tells its name."""
        if slot.position is not None:
            if added and slot.call is not None:
                slot.late.append(added)
            elif added and not whole and (shown := self._shown(slot, added)):
                self._add_delta(slot, shown)
        elif slot.name and not (self._expectation.single_call and self.placed):
            self._place(slot)
            if whole:
                slot.is_shown = True
            else:
                self.ready(before=slot)
                self._add_delta(slot, self._shown(slot, added))

    def _shown(self, slot: CallSlot, added: str) -> str:
        """Return the new text to show. Arguments that may not be an object, such as `null`, wait for the end."""
        if slot.is_shown:
            return self._ended(slot, added) if slot.text.is_object else added
        if slot.is_shown is None and not slot.text.is_blank:
            text = slot.arguments
            slot.is_shown = text.lstrip().startswith("{")
            if slot.is_shown:
                return self._written(slot, text) if slot.text.is_object else text
        return ""

    def _written(self, slot: CallSlot, text: str) -> str:
        """Write complete arguments as strict JSON that fits the tool's schema."""
        try:
            given: JsonValue = from_json(text)
        except ValueError:
            given = None
        slot.fitted = self._fitted(slot, parsed(text) if given is None else given)
        return text if slot.fitted is given else to_json(slot.fitted).decode()

    def _ended(self, slot: CallSlot, added: str) -> str:
        """Return the last piece of an object, with the members that repair changed: the last value counts."""
        given = parsed(slot.arguments)
        slot.fitted = self._fitted(slot, given)
        if slot.fitted is given or not isinstance(given, dict) or not isinstance(slot.fitted, dict):
            return added
        changed = {name: value for name, value in slot.fitted.items() if value is not given.get(name)}
        return f"{added[:-1]},{to_json(changed).decode()[1:]}" if changed else added

    def _fitted(self, slot: CallSlot, arguments: JsonValue) -> JsonValue:
        tool = self._tool(slot)
        return repair(arguments, tool.parameters) if tool is not None and isinstance(arguments, dict) else arguments

    def _add_delta(self, slot: CallSlot, arguments: str) -> None:
        assert slot.position is not None
        name, index = self._name(slot), self._builder.index
        self._events.append(ToolCallDelta(slot.position, slot.local_id, name, arguments, index))

    def _place(self, slot: CallSlot) -> None:
        # A function's name cannot be used as an id: the next call of the function would have the same id.
        is_free = slot.provider_id not in ("", slot.name) and slot.provider_id not in self._used_ids
        slot.local_id = slot.provider_id if is_free else f"call_{uuid4().hex}"
        self._used_ids.add(slot.local_id)
        slot.position = self._builder.open_call()
        self.placed.append(slot)
        details = self._early_details.get(slot.provider_id)
        if details is not None and slot.sign(*details):
            del self._early_details[slot.provider_id]

    def sign_first(self, signature: Signature) -> bool:
        """Attach a signature on the message to the first call; `False` if there is no unsigned first call."""
        if not self.placed or self.placed[0].is_signed:
            return False
        if signature.carrier == "reasoning_details" and isinstance(signature.payload, list):
            return self.placed[0].sign(*signature.payload)
        if signature.carrier == "extra_content":
            signature = replace(signature, carrier="message.extra_content")
        self.placed[0].signature = signature
        return True

    def sign_by_id(self, detail: JsonObject) -> bool:
        """Attach an element of `reasoning_details` to the call that it names; that call may arrive later."""
        call_id = detail.get("id")
        if not isinstance(call_id, str) or not call_id:
            return False
        if (slot := self._by_id.get(call_id)) is not None:
            return slot.sign(dict(detail))
        self._early_details.setdefault(call_id, []).append(dict(detail))
        return True

    def unclaimed(self) -> list[JsonValue]:
        """Remove and return the details whose call never arrived."""
        if not self._early_details:
            return []
        groups, self._early_details = self._early_details, {}
        return list(itertools.chain.from_iterable(groups.values()))

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
        if is_stopped:
            # Some providers send `stop` in every chunk: a call that has no arguments yet may still get them.
            return slot.text.is_object or (slot.text.is_blank and slot.chunk != self.chunk)
        may_lack_signature = slot.position != 0 or not self._expectation.waits_for_signature
        return slot.text.is_object and (slot.is_signed or may_lack_signature)

    def _name(self, slot: CallSlot) -> str:
        tool = self._tool(slot)
        return slot.name if tool is None else tool.name

    def _tool(self, slot: CallSlot) -> Tool | None:
        return self._expectation.tools.get(strip_prefix(slot.name, self._expectation.tools))

    def _call(self, slot: CallSlot) -> ToolCall:
        is_fitted = slot.fitted is not None and slot.text.is_object
        arguments = slot.fitted if is_fitted else self._fitted(slot, parsed(slot.arguments))
        return ToolCall(
            slot.local_id,
            self._name(slot),
            arguments if isinstance(arguments, dict) else {},
            signature=slot.signed(self._expectation.issuer),
            invalid_arguments=None if isinstance(arguments, dict) else slot.arguments,
            synthetic_id=slot.local_id != slot.provider_id,
        )

    def conclude(self) -> None:
        """Complete the answer with what is known only at its end, or what the events had no place for."""
        for slot in self.placed:
            signature = slot.signed(self._expectation.issuer)
            if slot.call is not None and slot.call.signature != signature:  # it arrived after the event of the call
                slot.call = replace(slot.call, signature=signature)
                self._builder.call(slot.call, slot.position)
        dropped: list[JsonValue] = [
            {"id": slot.provider_id, "name": slot.name, "arguments": slot.arguments}
            for slot in self.slots.all
            if slot.position is None or (self.is_refused and slot.call is None)
        ]
        if dropped:
            self._builder.metadata["dropped_tool_calls"] = dropped
        remarks: dict[str, JsonValue] = {slot.local_id: rest for slot in self.slots.all if (rest := slot.remarks())}
        if remarks:
            self._builder.metadata["tool_calls"] = remarks


def _split(piece: Piece) -> list[Piece]:
    """Split an element that holds several calls into one piece per call."""
    first, *others = separated(piece.arguments)
    return [replace(piece, arguments=first), *(Piece(name=piece.name, arguments=text) for text in others)]
