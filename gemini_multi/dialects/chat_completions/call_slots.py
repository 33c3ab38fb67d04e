"""Finds out which tool call a piece belongs to, for providers that number and name their calls in many ways.

OpenAI gives every fragment an index. Google's own endpoint gives none, and each parallel call in a chunk of its own;
some gateways give index 0 to all of them, repeat ids and names, leave ids empty, or send arguments as an object. The
rules: the same id is the same call; another id, or another name, at the same index is another call; a name without id
and index begins a call; a piece with neither id nor name belongs to the call before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic_core import to_json

from gemini_multi.dialects.chat_completions.arguments import ArgumentsText, parsed
from gemini_multi.types import JsonObject, JsonValue, Signature, ToolCall


@dataclass(slots=True)
class Piece:
    """What one element of `tool_calls` says."""

    id: str = ""
    index: int | None = None
    name: str = ""
    arguments: str = ""
    is_whole: bool = False
    """Whether the arguments came as an object, so nothing can follow."""
    extra: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """All that the provider said beside: carriers of signatures and unknown keys."""

    @property
    def is_silent(self) -> bool:
        """Whether it neither begins nor continues a call."""
        return not (self.id or self.name or self.arguments)


@dataclass(slots=True)
class CallSlot:
    """A tool call in the making."""

    provider_id: str = ""
    name: str = ""
    text: ArgumentsText = field(default_factory=ArgumentsText)
    position: int | None = None
    """Its place in the transcript; `None` while it has none, or gets none because only one call was wanted."""
    local_id: str = ""
    signature: Signature | None = None
    details: dict[bytes, JsonValue] = field(default_factory=dict[bytes, JsonValue])
    """The elements of `reasoning_details` that name the call, by how they are written."""
    is_growing: bool = False
    """Whether `details` hold more than the signature."""
    extra: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    late: list[str] = field(default_factory=list[str])
    """Arguments that came when the call was given already."""
    call: ToolCall | None = None
    """What was given of it, once it was whole."""
    is_stale: bool = False
    """Whether a signature came after that."""
    chunk: int = 0
    """The document that touched it last."""

    @property
    def arguments(self) -> str:
        """The arguments' text so far."""
        return self.text.joined()

    def add(self, piece: Piece) -> str:
        """Take over a piece and return what it adds to the arguments."""
        self.name = self.name or piece.name
        self.provider_id = self.provider_id or piece.id
        text = piece.arguments
        if not text or self._repeats(text):
            return ""
        if piece.is_whole:
            self.text = ArgumentsText()
        self.text.add(text)
        return text

    def _repeats(self, text: str) -> bool:
        """Whether the provider says the same whole arguments again."""
        return text.startswith("{") and self.text.equals(text) and self.text.is_object


class CallSlots:
    """The tool calls of one candidate, in the provider's order."""

    __slots__ = ("_by_id", "_by_index", "all")

    def __init__(self) -> None:
        """Begin without calls."""
        self.all: list[CallSlot] = []
        self._by_id: dict[str, CallSlot] = {}
        self._by_index: dict[int, CallSlot] = {}

    def of(self, piece: Piece) -> tuple[CallSlot, bool] | None:
        """Find the slot of a piece, and say whether it is new; `None` for a piece that says nothing."""
        slot = self._known(piece)
        if slot is None:
            return None if piece.is_silent else (self.open(piece), True)
        if piece.id and piece.id not in self._by_id:
            self._by_id[piece.id] = slot
        return slot, False

    def named(self, provider_id: str) -> CallSlot | None:
        """Find the call by the provider's id."""
        slot = self._by_id.get(provider_id)
        return slot if slot is not None and slot.provider_id == provider_id else None

    def open(self, piece: Piece) -> CallSlot:
        """Begin a call."""
        slot = CallSlot()
        self.all.append(slot)
        if piece.id:
            self._by_id.setdefault(piece.id, slot)
        if piece.index is not None:
            self._by_index[piece.index] = slot
        return slot

    def _known(self, piece: Piece) -> CallSlot | None:
        if piece.id and piece.id in self._by_id:
            slot = self._by_id[piece.id]
            return None if _begins_again(slot, piece) else slot
        here = self._by_index.get(piece.index) if piece.index is not None else None
        if here is not None:
            return here if _continues(here, piece) else None
        last = self.all[-1] if self.all else None
        if last is None or piece.id:
            return None
        if not piece.name:
            return last
        return last if piece.index is None and _repeats_name(last, piece) else None


def _continues(slot: CallSlot, piece: Piece) -> bool:
    """Whether a piece at the slot's index, with an id that is not known or none, goes on with its call."""
    if piece.id:
        return not slot.provider_id and not (slot.name and piece.name)
    if not piece.name or not slot.name:
        return True
    if piece.name != slot.name:
        return False
    return not (
        piece.arguments.lstrip().startswith("{") and not slot.text.equals(piece.arguments) and slot.text.is_object
    )


def _begins_again(slot: CallSlot, piece: Piece) -> bool:
    """Whether a second whole call came under the same id."""
    return (
        bool(piece.name and slot.text)
        and isinstance(parsed(piece.arguments), dict)
        and slot.text.is_object
        and not slot.text.equals(piece.arguments)
    )


def _repeats_name(last: CallSlot, piece: Piece) -> bool:
    """Whether a piece without id and index repeats the name of a call whose arguments are not whole yet."""
    return piece.name == last.name and bool(last.text) and not last.text.is_object


def piece_of(item: JsonObject) -> Piece:
    """Read one element of `tool_calls`, whatever its types."""
    function = item.get("function")
    if not isinstance(function, dict):
        custom = item.get("custom")
        function = {"name": custom.get("name"), "arguments": custom.get("input")} if isinstance(custom, dict) else {}
    index, given, name = item.get("index"), item.get("id"), function.get("name")
    arguments = function.get("arguments")
    piece = Piece(
        id=given if isinstance(given, str) else "" if given is None else str(given),
        index=index if isinstance(index, int) else None,
        name=name if isinstance(name, str) else "",
        extra={key: value for key, value in item.items() if key not in _READ and value is not None},
    )
    if isinstance(arguments, str):
        piece.arguments = arguments
    elif arguments is not None:
        piece.arguments = to_json(arguments).decode()
        piece.is_whole = True
    return piece


_READ = frozenset({"id", "index", "type", "function", "custom"})
