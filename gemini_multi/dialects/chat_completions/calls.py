"""Assembles the tool calls of one candidate and decides when each call is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import uuid4

from pydantic_core import from_json, to_json

from gemini_multi._encoding.call_arguments import MOST_CALLS, parsed, separated
from gemini_multi._schemas.repair import repair, strip_prefix
from gemini_multi.dialects.chat_completions.call_slots import CallSlot, CallSlots, Piece, meaning, piece_of
from gemini_multi.dialects.chat_completions.reasoning import CARRIERS, signature_in
from gemini_multi.dialects.response_builder import CandidateBuilder
from gemini_multi.types import ChatEvent, JsonObject, JsonValue, Signature, Tool, ToolCall, ToolCallDelta

Events: TypeAlias = list[ChatEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The facts about the request that the decoder needs to read its answer."""

    issuer: str
    tools: Mapping[str, Tool]
    """The declared functions, by their wire names."""
    originals: Mapping[str, str]
    """The caller's names, by the wire names."""
    single_call: bool
    """Whether only one call was wanted."""
    waits_for_signature: bool
    """Whether the first call needs a signature. A call without a signature is then not complete before the end."""
    audio_format: str


class Calls:
    """The tool calls of one candidate."""

    def __init__(self, builder: CandidateBuilder, expectation: Expectation) -> None:
        self._builder = builder
        self._expectation = expectation
        self._slots = CallSlots()
        self._used_ids: set[str] = set()
        self._early: dict[str, JsonValue] = {}
        self._details: dict[str, list[JsonValue]] = {}
        self._is_refused = False
        self._placed: list[CallSlot] = []
        self._given = 0

    @property
    def seen(self) -> bool:
        """Whether any piece of a call has arrived, including a piece that did not become a call."""
        return bool(self._slots.all)

    @property
    def any(self) -> bool:
        """Whether there is a call."""
        return bool(self._placed)

    def add(self, items: JsonValue, chunk: int, events: Events, *, whole: bool, again: bool = False) -> None:
        """Read `tool_calls`.

        Args:
            items: The provider's list, or one element.
            chunk: The number of the current document.
            events: The list to which the events of calls are added.
            whole: Whether every element is one complete call.
            again: Whether the elements may repeat calls that arrived before.
        """
        known_calls = self._slots.by_meaning() if again else {}
        for item in items if isinstance(items, list) else [items]:
            if isinstance(item, dict):
                for piece in _split(piece_of(item)) if again else (piece_of(item),):
                    found = self._slot_of(piece, known_calls) if whole else self._slots.of(piece)
                    if found is None:
                        self._early.update(piece.extra)
                    else:
                        self._read_piece(piece, found, chunk, events, whole=whole)

    def _slot_of(self, piece: Piece, known_calls: dict[tuple[str, str], CallSlot]) -> tuple[CallSlot, bool] | None:
        """Find the slot of a complete element: a new slot, unless the same call arrived before."""
        if piece.is_silent:
            return None
        known = self._slots.repeated(piece)
        if known is None and known_calls:
            known = known_calls.pop((piece.name, meaning(piece.arguments)), None)
        return (known, False) if known else (self._slots.open(piece), True)

    def _read_piece(
        self, piece: Piece, found: tuple[CallSlot, bool], chunk: int, events: Events, *, whole: bool
    ) -> None:
        slot, is_new = found
        added, rest = slot.add(piece)
        self._note(slot, {**self._early, **piece.extra} if is_new else piece.extra)
        if is_new:
            self._early.clear()
        slot.chunk = chunk
        self._announce(slot, added, events, whole=whole)
        for _ in range(MOST_CALLS if rest else 0):
            if not rest:
                return
            slot = self._slots.follow(slot)
            slot.chunk = chunk
            added, rest = slot.add(Piece(arguments=rest))
            self._announce(slot, added, events, whole=whole)
        if rest:
            slot.late.append(rest)

    def _announce(self, slot: CallSlot, added: str, events: Events, *, whole: bool) -> None:
        if slot.position is not None:
            if added and slot.call is not None:
                slot.late.append(added)
            elif added and not whole and (shown := self._shown(slot, added)):
                self._add_delta(slot, shown, events)
            return
        if not slot.name or (self._expectation.single_call and self.any):
            return
        self._place(slot)
        if whole:
            slot.is_shown = True
        else:
            self.ready(events, before=slot)
            self._add_delta(slot, self._shown(slot, added), events)

    def _shown(self, slot: CallSlot, added: str) -> str:
        """Return the new text to show. Arguments that may not be an object, such as `null`, wait for the end."""
        if slot.is_shown is not None:
            is_last = slot.is_shown and slot.text.is_object
            return self._ended(slot, added) if is_last else added if slot.is_shown else ""
        if slot.text.is_blank:
            return ""
        text = slot.arguments
        slot.is_shown = text.lstrip().startswith("{")
        if not slot.is_shown:
            return ""
        return self._written(slot, text) if slot.text.is_object else text

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
        tool = self._expectation.tools.get(strip_prefix(slot.name, self._expectation.originals))
        return repair(arguments, tool.parameters) if tool is not None and isinstance(arguments, dict) else arguments

    def _add_delta(self, slot: CallSlot, arguments: str, events: Events) -> None:
        assert slot.position is not None
        name = self._name(slot)
        events.append(ToolCallDelta(slot.position, slot.local_id, name, arguments, self._builder.index))

    def _place(self, slot: CallSlot) -> None:
        # A function's name cannot be used as an id: the next call of the function would have the same id.
        is_free = slot.provider_id not in ("", slot.name) and slot.provider_id not in self._used_ids
        slot.local_id = slot.provider_id if is_free else f"call_{uuid4().hex}"
        self._used_ids.add(slot.local_id)
        slot.position = self._builder.open_call()
        self._placed.append(slot)
        details = self._details.get(slot.provider_id)
        if details is not None and self._sign_with_details(slot, details):
            del self._details[slot.provider_id]

    def _note(self, slot: CallSlot, extra: JsonObject) -> None:
        """Keep the fields of a call other than its name and arguments."""
        if not extra:
            return
        signature = signature_in(extra, self._expectation.issuer)
        if signature is None:
            slot.extra.update(extra)
            return
        self._sign(slot, signature)
        slot.extra.update((key, value) for key, value in extra.items() if key not in CARRIERS)

    def sign_first(self, signature: Signature) -> bool:
        """Attach a signature on the message to the first call; `False` if there is no unsigned first call."""
        if not self._placed or self._placed[0].signature is not None:
            return False
        if signature.carrier == "extra_content":
            signature = replace(signature, carrier="message.extra_content")
        self._sign(self._placed[0], signature)
        return True

    def sign_by_id(self, detail: JsonObject) -> bool:
        """Attach an element of `reasoning_details` to the call that it names; that call may arrive later."""
        call_id = detail.get("id")
        if not isinstance(call_id, str) or not call_id:
            return False
        slot = self._slots.named(call_id)
        if slot is None:
            self._details.setdefault(call_id, []).append(dict(detail))
            return True
        return self._sign_with_details(slot, [dict(detail)])

    def unclaimed(self) -> list[JsonValue]:
        """Remove and return the details whose call never arrived."""
        if not self._details:
            return []
        details = [detail for group in self._details.values() for detail in group]
        self._details.clear()
        return details

    def _sign_with_details(self, slot: CallSlot, details: list[JsonValue]) -> bool:
        known = slot.signature
        if known is not None and known.carrier != "reasoning_details":
            return False
        if known is not None and isinstance(known.payload, list) and not slot.details:
            details = [*known.payload, *details]
        for detail in details:
            slot.details.setdefault(to_json(detail), detail)
        # `_signature` writes the whole list once, because there may be many elements.
        self._sign(slot, known or Signature(details, carrier="reasoning_details", issuer=self._expectation.issuer))
        slot.is_growing = True
        return True

    def _sign(self, slot: CallSlot, signature: Signature) -> None:
        slot.signature = signature
        slot.is_growing = False
        slot.is_stale = slot.call is not None

    def _signature(self, slot: CallSlot) -> Signature | None:
        if slot.is_growing and slot.signature is not None:
            slot.signature = replace(slot.signature, payload=list(slot.details.values()))
            slot.is_growing = False
        return slot.signature

    def conclude(self) -> None:
        """Add the signatures that arrived after the event of their call to the calls of the answer."""
        for slot in self._placed:
            if slot.is_stale and slot.call is not None:
                slot.is_stale = False
                slot.call = replace(slot.call, signature=self._signature(slot))
                self._builder.call(slot.call, slot.position)

    def ready(self, events: Events, *, before: CallSlot | None = None, chunk: int = -1, at_end: bool = False) -> None:
        """Add the events of the calls that are known to be complete, in the provider's order.

        Args:
            events: The list to which the events are added.
            before: A call that begins now. Earlier calls are complete if their arguments can be read.
            chunk: The number of the document that held the finish reason.
            at_end: Whether nothing can follow. Then unreadable arguments stay unreadable.
        """
        while self._given < len(self._placed) and not self._is_refused:
            slot = self._placed[self._given]
            if slot is before or not (at_end or self._is_whole(slot, is_stopped=before is None, chunk=chunk)):
                return
            slot.call = self._call(slot)
            if not slot.is_shown and (text := _withheld(slot.call)):
                self._add_delta(slot, text, events)
            events.append(self._builder.call(slot.call, slot.position))
            self._given += 1

    def _is_whole(self, slot: CallSlot, *, is_stopped: bool, chunk: int) -> bool:
        if is_stopped:
            # Some providers send `stop` in every chunk: a call that has no arguments yet may still get them.
            return slot.text.is_object or (slot.text.is_blank and slot.chunk != chunk)
        is_signed = slot.signature is not None or slot.position != 0 or not self._expectation.waits_for_signature
        return slot.text.is_object and is_signed

    def _name(self, slot: CallSlot) -> str:
        name = strip_prefix(slot.name, self._expectation.originals)
        return self._expectation.originals.get(name, name)

    def _call(self, slot: CallSlot) -> ToolCall:
        text = slot.arguments
        is_known = slot.fitted is not None and slot.text.is_object
        arguments = slot.fitted if is_known else self._fitted(slot, parsed(text))
        is_object = isinstance(arguments, dict)
        return ToolCall(
            slot.local_id,
            self._name(slot),
            arguments if isinstance(arguments, dict) else {},
            signature=self._signature(slot),
            invalid_arguments=None if is_object else text,
            synthetic_id=slot.local_id != slot.provider_id,
        )

    def refuse(self) -> None:
        """Exclude the calls without an event from the answer: by the finish reason they must not be executed."""
        self._is_refused = True

    def dropped(self) -> list[JsonValue]:
        """Return, as plain records, the calls that are not part of the answer."""
        return [
            {"id": slot.provider_id, "name": slot.name, "arguments": slot.arguments}
            for slot in self._slots.all
            if slot.position is None or (self._is_refused and slot.call is None)
        ]

    def remarks(self) -> dict[str, JsonValue]:
        """Return the fields that `ToolCall` has no place for, by the ids of the calls."""
        remarks: dict[str, JsonValue] = {}
        for slot in self._slots.all:
            late: dict[str, JsonValue] = {"late_arguments": "".join(slot.late)} if slot.late else {}
            if slot.extra or late:
                remarks[slot.local_id] = {**slot.extra, **late}
        return remarks


def _withheld(call: ToolCall) -> str:
    """Return the text of the arguments that were held back."""
    if call.invalid_arguments is not None:
        return call.invalid_arguments
    return to_json(call.arguments).decode() if call.arguments else ""


def _split(piece: Piece) -> list[Piece]:
    """Split an element that holds several calls into one piece per call."""
    first, *others = separated(piece.arguments)
    return [replace(piece, arguments=first), *(Piece(name=piece.name, arguments=text) for text in others)]
