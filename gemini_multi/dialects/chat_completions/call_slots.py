"""Finds the tool call that a piece belongs to. Providers number and name their tool calls in many ways.

OpenAI sends an index with every fragment. Google's own endpoint sends no index, and each parallel call in its own
chunk. Some gateways send index 0 for all calls, repeat ids and names, leave ids empty, share one id among calls, send
arguments as an object, or send all calls of a tool as one text of several objects. The rules:

- The same id is the same call, unless the name, the index or the whole arguments differ.
- Another id, or another name, at the same index is another call, unless the piece can only be the rest of a call.
- A piece that repeats all arguments so far adds what comes after them.
- A name without id and index begins a call.
- A piece with neither id nor name belongs to the previous call.
- Text that follows complete arguments and begins another object is another call of the same function.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.call_arguments import BETWEEN, MARK, next_object, parsed
from gemini_multi.dialects.chat_completions.reasoning import CARRIERS, signature_in
from gemini_multi.types import JsonObject, JsonValue, Signature, ToolCall

_FUNCTIONS: Final = ("function", "custom")
_ARGUMENTS: Final = ("arguments", "args", "input", "parameters")
"""Names of the arguments: OpenAI's, Google's, those of custom tools, and that of some open models."""
_READ: Final = frozenset({"id", "index", "type", *_FUNCTIONS})
_READ_IN_FUNCTION: Final = frozenset({"name", *_ARGUMENTS})
_READ_WHEN_FLAT: Final = _READ | _READ_IN_FUNCTION
_SHORTEST_REPEATED: Final = 3
"""The shortest text that can be a repetition: a bracket and part of a name. Inside a string it is invalid JSON."""
_BEFORE_A_VALUE: Final = "{[:,"
"""Characters after which an inner object with the same text may begin."""


class ArgumentsText:
    """The text of one tool call's arguments, and whether the text is a whole JSON object.

    Every chunk needs this check, so the check must not read the whole text each time. One scan reads each character
    once and finds the end of the object; only there the text is parsed.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.is_blank = True
        """Whether only white space has arrived."""
        self._length = 0
        self._depth = 0
        self._is_string = False
        self._is_escaped = False
        self._is_over = False
        """Whether the outermost value has ended."""
        self._is_object: bool | None = False
        """Whether the text so far is an object; `None` from the end of the text until the text is parsed."""

    def add(self, piece: str) -> tuple[str, str]:
        """Add the next piece. Return the part that belongs to this object, and the rest."""
        end = 0 if self.is_object else None if self._is_over else self._scan(piece)
        if end is None:
            self._append(piece)
            return piece, ""
        begin = next_object(piece, end)
        if begin is None and piece[end:].strip(BETWEEN):
            self._append(piece)
            self._is_object = False  # only separators may follow an object
            return piece, ""
        self._append(piece[:end])
        return piece[:end], "" if begin is None else piece[begin:]

    def rest_of(self, text: str) -> str:
        """Return the new part of a text: some gateways repeat all earlier text with every piece."""
        if self._is_over or not _SHORTEST_REPEATED <= self._length <= len(text):
            return text
        known = self.joined()
        may_nest = not self._is_string and known.rstrip()[-1:] in _BEFORE_A_VALUE
        is_repeated = not may_nest and known.startswith("{") and text.startswith(known)
        return text[self._length :] if is_repeated else text

    def _append(self, piece: str) -> None:
        self.is_blank = self.is_blank and piece.isspace()
        self._pieces.append(piece)
        self._length += len(piece)

    def joined(self) -> str:
        """Return the text so far."""
        return "".join(self._pieces)

    def means(self, text: str) -> bool:
        """Whether the text so far is the same object as the given one."""
        if not self.is_object:
            return False
        joined = self.joined()
        return joined == text or parsed(joined) == parsed(text)

    @property
    def is_object(self) -> bool:
        """Whether text has arrived and is a JSON object."""
        if self._is_object is None:
            self._is_object = isinstance(parsed(self.joined()), dict)
        return self._is_object

    def _scan(self, piece: str) -> int | None:
        """Continue the scan to the end of the outermost value; return the position of that end in the piece."""
        position = 0
        if self._is_escaped:
            position, self._is_escaped = 1, False
        while (found := MARK.search(piece, position)) is not None:
            position = found.end()
            if found[0] == "\\":
                self._is_escaped = position == len(piece)
                position += 1
            elif self._ends_with(found[0]):
                self._is_over, self._is_object = True, None
                return position
        return None

    def _ends_with(self, mark: str) -> bool:
        if mark == '"':
            self._is_string = not self._is_string
        elif not self._is_string:
            self._depth += 1 if mark in "{[" else -1
        return self._depth <= 0 and not self._is_string


@dataclass(slots=True)
class Piece:
    """The content of one element of `tool_calls`."""

    id: str = ""
    index: int | None = None
    name: str = ""
    arguments: str = ""
    is_whole: bool = False
    """Whether the arguments arrived as an object, so that no text can follow."""
    extra: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """All other fields of the element: carriers of signatures and unknown keys."""

    @property
    def is_silent(self) -> bool:
        """Whether the piece neither begins nor continues a call."""
        return not (self.id or self.name or self.arguments)

    @property
    def begins_object(self) -> bool:
        """Whether the piece holds the beginning of an object."""
        return self.arguments.lstrip().startswith("{")


@dataclass(slots=True)
class CallSlot:
    """A tool call that is still arriving."""

    provider_id: str = ""
    name: str = ""
    index: int | None = None
    text: ArgumentsText = field(default_factory=ArgumentsText)
    position: int | None = None
    """The position in the answer; `None` as long as the call has none. An unwanted second call never gets one."""
    local_id: str = ""
    signature: Signature | None = None
    details: dict[bytes, JsonValue] = field(default_factory=dict[bytes, JsonValue])
    """The elements of `reasoning_details` that name the call. The keys are their JSON texts."""
    extra: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    late: list[str] = field(default_factory=list[str])
    """Arguments that arrived after the event of the complete tool call."""
    is_shown: bool | None = None
    """Whether the arguments are shown as they arrive; `None` as long as this is not known."""
    fitted: JsonValue = None
    """The complete arguments after repair, if they are already known."""
    call: ToolCall | None = None
    """The complete tool call, as its event contained it."""
    chunk: int = 0
    """The number of the last document that changed the call; 0 before the first piece."""

    @property
    def arguments(self) -> str:
        """The arguments' text so far."""
        return self.text.joined()

    def add(self, piece: Piece, issuer: str) -> tuple[str, str]:
        """Add a piece. Return the text that it adds to the arguments, and the text that belongs to further calls."""
        self.name = self.name or piece.name
        self.provider_id = self.provider_id or piece.id
        if piece.extra:
            signature = signature_in(piece.extra, issuer)
            self.signature = signature or self.signature
            self.extra.update((key, value) for key, value in piece.extra.items() if not (signature and key in CARRIERS))
        if not piece.arguments or self.repeats(piece):
            return "", ""
        if piece.is_whole and not self.text.is_object:
            self.text = ArgumentsText()
        return self.text.add(self.text.rest_of(piece.arguments))

    def repeats(self, piece: Piece) -> bool:
        """Whether the piece repeats the complete arguments."""
        return piece.begins_object and self.text.means(piece.arguments)

    @property
    def is_signed(self) -> bool:
        """Whether a signature of the call has arrived."""
        return self.signature is not None or bool(self.details)

    def sign(self, *details: JsonValue) -> bool:
        """Add elements of `reasoning_details`; `False` if the call has a signature of its own."""
        if self.signature is None:
            self.details.update({to_json(detail): detail for detail in details})
        return self.signature is None

    def signed(self, issuer: str) -> Signature | None:
        """Return the call's signature."""
        if self.signature is None and self.details:
            return Signature([*self.details.values()], carrier="reasoning_details", issuer=issuer)
        return self.signature

    def remarks(self) -> dict[str, JsonValue]:
        """Return the fields that `ToolCall` has no place for."""
        return {**self.extra, "late_arguments": "".join(self.late)} if self.late else self.extra


class CallSlots:
    """The tool calls of one candidate, in the provider's order."""

    def __init__(self) -> None:
        self.all: list[CallSlot] = []
        self._by_id: dict[str, CallSlot] = {}
        self._by_index: dict[int, CallSlot] = {}

    def of(self, piece: Piece) -> CallSlot | None:
        """Find or begin the call of a piece. Return `None` for an empty piece."""
        slot = self._known(piece)
        if slot is None:
            return None if piece.is_silent else self.open(piece)
        if piece.id:
            self._by_id.setdefault(piece.id, slot)
        return slot

    def open(self, piece: Piece) -> CallSlot:
        """Begin a call."""
        slot = CallSlot(index=piece.index)
        if piece.id:
            self._by_id[piece.id] = slot
        return self._added(slot)

    def follow(self, slot: CallSlot) -> CallSlot:
        """Begin a further call of the same function. Later pieces of the previous call then belong to this call."""
        following = CallSlot(name=slot.name, index=slot.index)
        self._by_id.update({call_id: following for call_id, known in self._by_id.items() if known is slot})
        return self._added(following)

    def _added(self, slot: CallSlot) -> CallSlot:
        self.all.append(slot)
        if slot.index is not None:
            self._by_index[slot.index] = slot
        return slot

    def repeated(self, piece: Piece) -> CallSlot | None:
        """Find the call that a whole element with the same id repeats."""
        slot = self._by_id.get(piece.id) if piece.id else None
        if slot is None or slot.name != piece.name:
            return None
        is_blank = slot.text.is_blank and not piece.arguments.strip()
        return slot if is_blank or slot.repeats(piece) else None

    def _known(self, piece: Piece) -> CallSlot | None:
        here = self._by_index.get(piece.index) if piece.index is not None else None
        if piece.id and piece.id in self._by_id:
            slot = here if here is not None and here.provider_id == piece.id else self._by_id[piece.id]
            return None if _begins_again(slot, piece) else slot
        if here is not None:
            return here if _continues(here, piece) else None
        last = self.all[-1] if self.all else None
        if last is None or piece.id:
            return None
        if not piece.name:
            return last
        # A gateway may repeat the name of a call whose arguments are still incomplete.
        is_same = piece.index is None and piece.name == last.name and last.arguments and not last.text.is_object
        return last if is_same else None


def meaning(arguments: str) -> str:
    """Write arguments in a canonical form: equal arguments give the same text."""
    read = parsed(arguments)
    return json.dumps(read, sort_keys=True) if isinstance(read, dict) else arguments


def _continues(slot: CallSlot, piece: Piece) -> bool:
    """Whether a piece at the slot's index, with an unknown id or without an id, continues the slot's call."""
    if piece.id and not _is_rest(slot, piece):
        return not slot.provider_id and not (slot.name and piece.name)
    if not piece.name or not slot.name:
        return True
    is_another = piece.begins_object and slot.text.is_object and not slot.repeats(piece)
    return piece.name == slot.name and not is_another


def _is_rest(slot: CallSlot, piece: Piece) -> bool:
    """Whether a piece with another id can only be the rest of the call: some gateways make an id for each piece."""
    if slot.text.is_object or not slot.name:
        return False
    begins = piece.arguments.lstrip()[:1] in ("", "{", "[", '"')
    return not piece.name or (not slot.text.is_blank and piece.name == slot.name and not begins)


def _begins_again(slot: CallSlot, piece: Piece) -> bool:
    """Whether a piece begins a second call under the same id."""
    if not piece.name or not slot.name or piece.name != slot.name:
        return bool(piece.name and slot.name)
    if slot.repeats(piece):
        return False
    if piece.index is not None and slot.index is not None and piece.index != slot.index:
        return piece.begins_object or slot.text.is_object or not piece.arguments.strip()
    return piece.begins_object and slot.text.is_object


def piece_of(item: JsonObject) -> Piece:
    """Read one element of `tool_calls`; its fields may have any type."""
    nested = next((found for key in _FUNCTIONS if isinstance(found := item.get(key), dict)), None)
    function, read = (item, _READ_WHEN_FLAT) if nested is None else (nested, _READ)
    index, given, name = item.get("index"), item.get("id"), function.get("name")
    arguments = next((found for key in _ARGUMENTS if (found := function.get(key)) is not None), "")
    return Piece(
        id=given if isinstance(given, str) else "" if given is None else str(given),
        index=index if isinstance(index, int) else None,
        name=name if isinstance(name, str) else "",
        arguments=arguments if isinstance(arguments, str) else to_json(arguments).decode(),
        is_whole=not isinstance(arguments, str),
        extra={
            key: value
            for record, known in ((nested or {}, _READ_IN_FUNCTION), (item, read))
            for key, value in record.items()
            if key not in known and value is not None
        },
    )
