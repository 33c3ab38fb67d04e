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

from dataclasses import dataclass, field
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.call_arguments import ArgumentsText, parsed
from gemini_multi.dialects.chat_completions.reasoning import CARRIERS, signature_in
from gemini_multi.types import JsonObject, JsonValue, Signature, Tool, ToolCall

_FUNCTIONS: Final = ("function", "custom")
_ARGUMENTS: Final = ("arguments", "args", "input", "parameters")
"""Names of the arguments: OpenAI's, Google's, those of custom tools, and that of some open models."""
_READ: Final = frozenset({"id", "index", "type", *_FUNCTIONS})
_READ_IN_FUNCTION: Final = frozenset({"name", *_ARGUMENTS})


@dataclass(slots=True)
class Piece:
    """The content of one element of `tool_calls`."""

    id: str = ""
    index: int | None = None
    name: str = ""
    arguments: str = ""
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

    index: int | None = None
    provider_id: str = ""
    name: str = ""
    """The function's name on the wire."""
    text: ArgumentsText = field(default_factory=ArgumentsText)
    position: int | None = None
    """The position in the answer; `None` as long as the call has none. An unwanted second call never gets one."""
    local_id: str = ""
    tool: Tool | None = None
    """The declared tool, known as soon as the call has a position."""
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
        return self.text.add(self.text.new_part(piece.arguments))

    def repeats(self, piece: Piece) -> bool:
        """Whether the piece repeats the complete arguments."""
        return self.text.value is not None and piece.begins_object and parsed(piece.arguments) == self.text.value


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
        slot = CallSlot(piece.index)
        self.all.append(slot)
        if piece.id:
            self._by_id[piece.id] = slot
        if piece.index is not None:
            self._by_index[piece.index] = slot
        return slot

    def follow(self, slot: CallSlot, piece: Piece) -> CallSlot:
        """Begin a further call of the same function. Later pieces of the previous call then belong to this call."""
        following = self.open(piece)
        self._by_id.update({call_id: following for call_id, known in self._by_id.items() if known is slot})
        return following

    def repeated(self, piece: Piece) -> CallSlot | None:
        """Find the call that a whole element with the same id repeats."""
        slot = self._by_id.get(piece.id) if piece.id else None
        if slot is None or slot.name != piece.name:
            return None
        is_blank = not slot.text.first and not piece.arguments.strip()
        return slot if is_blank or slot.repeats(piece) else None

    def _known(self, piece: Piece) -> CallSlot | None:
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


def _is_rest(slot: CallSlot, piece: Piece) -> bool:
    """Whether a piece with another id can only be the rest of the call: some gateways make an id for each piece."""
    if slot.text.value is not None or not slot.name:
        return False
    begins = piece.arguments.lstrip()[:1] in ("", "{", "[", '"')
    return not piece.name or (bool(slot.text.first) and piece.name == slot.name and not begins)


def _begins_again(slot: CallSlot, piece: Piece) -> bool:
    """Whether a piece begins a second call under the same id or index."""
    if not piece.name or not slot.name or piece.name != slot.name:
        return bool(piece.name and slot.name)
    if slot.repeats(piece):
        return False
    is_whole = slot.text.value is not None
    if piece.index is not None and slot.index is not None and piece.index != slot.index:
        return piece.begins_object or is_whole or not piece.arguments.strip()
    return piece.begins_object and is_whole


def piece_of(item: JsonObject) -> Piece:
    """Read one element of `tool_calls`; its fields may have any type."""
    nested = next((found for key in _FUNCTIONS if isinstance(found := item.get(key), dict)), None)
    function, read = (item, _READ | _READ_IN_FUNCTION) if nested is None else (nested, _READ)
    index, given, name = item.get("index"), item.get("id"), function.get("name")
    arguments = next((found for key in _ARGUMENTS if (found := function.get(key)) is not None), "")
    return Piece(
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
