"""Reads thoughts and signatures. Up to four fields of a message hold them and may repeat each other.

Google's OpenAI-compatible endpoints put thought summaries into `content`, between `<thought>` and `</thought>`, and may
split them between deltas at any character. A tag is recognized only at the very start of the content or where the
provider marks a delta as a thought. An answer that only mentions the tag later stays unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from gemini_multi.types import JsonObject, JsonValue, Signature

CARRIERS: Final = ("extra_content", "thought_signature")
"""Fields that hold a signature, on messages and on tool calls."""

_READABLE: Final = frozenset({"text", "summary"})
READ_AS_THOUGHTS: Final = _READABLE | {"type", "index"}
_OPEN: Final = "<thought>"
_CLOSE: Final = "</thought>"

Kind: TypeAlias = Literal["text", "thought"]


class ThoughtTags:
    """Splits pieces of content into text and thoughts. It holds back only characters that may become a tag."""

    def __init__(self) -> None:
        self.state: Literal["start", "thought", "text"] = "start"
        """What the content may hold next: a tag, the rest of a thought, or only text."""
        self._held: str = ""

    def split(self, content: str) -> Iterator[tuple[Kind, str]]:
        """Yield the text and the thoughts that are certain after a piece."""
        content = self._held + content
        self._held = ""
        if self.state == "start":
            if len(content) < len(_OPEN) and _OPEN.startswith(content):
                self._held = content
                return
            self.state = "thought" if content.startswith(_OPEN) else "text"
            content = content.removeprefix(_OPEN)
        if self.state == "thought":
            thought, tag, content = content.partition(_CLOSE)
            begin = thought.rfind("<", max(0, len(thought) - len(_CLOSE) + 1))
            if tag:
                self.state = "text"
            elif begin >= 0 and _CLOSE.startswith(thought[begin:]):
                thought, self._held = thought[:begin], thought[begin:]
            if thought:
                yield "thought", thought
        if content:
            yield "text", content

    def end(self) -> Iterator[tuple[Kind, str]]:
        """Yield the text that was held back, and end an open thought: a tool call or the end has arrived."""
        held, self._held = self._held, ""
        if held:
            yield ("thought" if self.state == "thought" else "text"), held
        if held or self.state == "thought":
            self.state = "text"


def thought_texts(message: JsonObject) -> Iterator[str]:
    """Yield the thoughts in the fields of a message or a delta. A text that several fields hold is yielded once."""
    known: set[str] = set()
    for field in ("reasoning_details", "reasoning", "reasoning_content"):
        value = message.get(field)
        if isinstance(value, list):
            texts = (item.get(key) for item in value if isinstance(item, dict) for key in ("text", "summary"))
            value = "".join(text for text in texts if isinstance(text, str))
        if isinstance(value, str) and value and value not in known:
            known.add(value)
            yield value


def is_signed(detail: JsonObject) -> bool:
    """Whether an element of `reasoning_details` has more than readable text. The next request sends it back."""
    return bool(detail.get("signature") or (detail and not _READABLE & detail.keys()))


def is_flagged(message: JsonObject) -> bool:
    """Whether the provider marks the content of a delta as a thought."""
    return any(space.get("thought") is True for space in _namespaces(message.get("extra_content")))


def signature_in(carrier: JsonObject, issuer: str) -> Signature | None:
    """Return the signature on a message or a tool call, with its whole carrier."""
    extra = carrier.get("extra_content")
    signatures = (space.get("thought_signature") for space in _namespaces(extra))
    if any(isinstance(found, str) and found for found in signatures):
        return Signature(extra, carrier="extra_content", issuer=issuer)
    bare = carrier.get("thought_signature")
    if isinstance(bare, str) and bare:
        return Signature(bare, carrier="thought_signature", issuer=issuer)
    return None


def unread(message: JsonObject) -> JsonValue:
    """Return the `extra_content` of an unsigned message if it holds more than the mark of a thought."""
    extra = message.get("extra_content")
    is_read = isinstance(extra, dict) and all(space.keys() <= {"thought"} for space in _namespaces(extra))
    return None if is_read or signature_in(message, "") is not None else extra


def _namespaces(extra: JsonValue) -> list[JsonObject]:
    return [space for space in extra.values() if isinstance(space, dict)] if isinstance(extra, dict) else []
