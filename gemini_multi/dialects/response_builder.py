"""Collects the parts of a candidate from the pieces that a decoder finds, and makes the event of each piece.

Text that arrives in pieces is collected and joined once at the end, so the work per chunk does not grow with the
answer. Signed parts keep their boundaries: no text is merged across a signature, except that a signed empty part at the
end closes the unsigned text before it.
"""

from __future__ import annotations

from gemini_multi._types.parts import DataPart, Part, Signature, Text, Thought, ToolCall
from gemini_multi._types.response import PartReady, TextDelta, ThoughtDelta, ToolCallReady
from gemini_multi.types import JsonValue


class _Run:
    """Consecutive pieces of one text or thought part."""

    def __init__(self, kind: type[Text] | type[Thought]) -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.signature: Signature | None = None

    def part(self) -> Text | Thought:
        return self.kind("".join(self.pieces), signature=self.signature)


class CandidateBuilder:
    """The parts of a candidate that is still arriving."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.items: list[_Run | Part | None] = []
        """The parts in order; `None` stands for a tool call that is not complete."""
        self._calls: list[int] = []
        """The positions of the tool calls in the items."""

    def text(self, text: str, signature: Signature | None = None) -> TextDelta:
        """Add visible text."""
        self._extend(Text, text, signature)
        return TextDelta(text, signature, self.index)

    def thought(self, text: str, signature: Signature | None = None) -> ThoughtDelta:
        """Add to a thought summary."""
        self._extend(Thought, text, signature)
        return ThoughtDelta(text, signature, self.index)

    def _extend(self, kind: type[Text] | type[Thought], text: str, signature: Signature | None) -> None:
        run = self.items[-1] if self.items else None
        is_open = isinstance(run, _Run) and run.kind is kind and run.signature is None
        if not is_open or (signature is not None and text):
            run = _Run(kind)
            self.items.append(run)
        assert isinstance(run, _Run)
        if text:
            run.pieces.append(text)
        run.signature = signature

    def open_call(self) -> int:
        """Reserve the position of a tool call that begins to arrive. Return its position among the calls."""
        self._calls.append(len(self.items))
        self.items.append(None)
        return len(self._calls) - 1

    def call(self, call: ToolCall, position: int | None = None) -> ToolCallReady:
        """Add a complete tool call, at a reserved position or at the end."""
        if position is None:
            position = self.open_call()
        self.items[self._calls[position]] = call
        return ToolCallReady(call, position, self.index)

    def part(self, part: DataPart) -> PartReady:
        """Add a complete part of another kind."""
        self.items.append(part)
        return PartReady(part, self.index)

    def parts(self) -> tuple[Part, ...]:
        """Return the parts so far, without the calls that are not complete."""
        return tuple(item.part() if isinstance(item, _Run) else item for item in self.items if item is not None)


def extended(known: JsonValue, added: JsonValue) -> JsonValue:
    """Append the lists of a chunk's record, such as log probabilities, to those of earlier chunks.

    `known` must be the last result of this function. It is extended in place, because a copy for each chunk would take
    quadratic time.
    """
    if not isinstance(added, dict):
        return added or known
    joined = known if isinstance(known, dict) else dict[str, JsonValue]()
    for key, new in added.items():
        present = joined.get(key)
        if isinstance(present, list) and isinstance(new, list):
            present.extend(new)
        elif new or key not in joined:
            joined[key] = list(new) if isinstance(new, list) else new
    return joined
