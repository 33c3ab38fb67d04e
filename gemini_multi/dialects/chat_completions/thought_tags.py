"""Separates thoughts from text if a provider writes both into one field.

Google's OpenAI-compatible endpoints put thought summaries into `content`, between `<thought>` and `</thought>`, and may
split them between deltas at any character. A tag is recognized only at the very start of the content or where the
provider marks a delta as a thought. An answer that only mentions the tag later stays unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

OPEN: Final = "<thought>"
CLOSE: Final = "</thought>"

Kind: TypeAlias = Literal["text", "thought"]
_State: TypeAlias = Literal["start", "thought", "text"]


class ThoughtTags:
    """Splits pieces of content into text and thoughts. It holds back only characters that may become a tag."""

    def __init__(self) -> None:
        """Make a splitter at a position where a tag may stand."""
        self._state: _State = "start"
        self._held = ""

    @property
    def is_plain(self) -> bool:
        """Whether all further content is text, unless `hint` is called."""
        return self._state == "text"

    @property
    def is_open(self) -> bool:
        """Whether a thought has begun and not ended."""
        return self._state == "thought"

    def hint(self) -> None:
        """Expect a tag, because the provider marks the next piece as a thought."""
        if self._state == "text":
            self._state = "start"

    def split(self, content: str) -> Iterator[tuple[Kind, str]]:
        """Yield the text and the thoughts that are certain after a piece."""
        content = self._held + content
        self._held = ""
        if self._state == "start":
            if len(content) < len(OPEN) and OPEN.startswith(content):
                self._held = content
                return
            self._state = "thought" if content.startswith(OPEN) else "text"
            content = content.removeprefix(OPEN)
        if self._state == "thought":
            thought, tag, content = content.partition(CLOSE)
            if tag:
                self._state = "text"
            else:
                thought, self._held = _without_tag_start(thought)
            if thought:
                yield "thought", thought
        if content:
            yield "text", content

    def end(self) -> Iterator[tuple[Kind, str]]:
        """Yield the text that was held back, and end an open thought: a tool call or the end has arrived."""
        held, self._held = self._held, ""
        if held:
            yield ("thought" if self._state == "thought" else "text"), held
            self._state = "text"
        elif self._state == "thought":
            self._state = "text"


def _without_tag_start(thought: str) -> tuple[str, str]:
    """Remove a possible beginning of the closing tag from the end of the text."""
    begin = thought.rfind("<", max(0, len(thought) - len(CLOSE) + 1))
    if begin >= 0 and CLOSE.startswith(thought[begin:]):
        return thought[:begin], thought[begin:]
    return thought, ""
