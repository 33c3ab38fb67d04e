"""Reads thoughts and signatures outside the content. Up to three fields hold them and may repeat each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gemini_multi.types import JsonObject, JsonValue, Signature

CARRIERS: Final = ("extra_content", "thought_signature")
"""Fields that hold a signature, on messages and on tool calls."""

_READABLE: Final = frozenset({"text", "summary"})
_READ_AS_THOUGHTS: Final = _READABLE | {"type", "index"}
_TOLERATED_DIFFERENCES: Final = 2


class Thoughts:
    """Merges the fields that may hold the same thought, even when their chunks end at different places.

    Each field is read as its own stream. Text at a position that another field already reached is a repetition if it
    is equal.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._cursors: dict[str, tuple[int, int]] = {}
        """For each field, the position that it has reached: the number of the piece, and the character in it."""
        self._differences = 0

    def new_text(self, field: str, text: str) -> str:
        """Return the part of a field's new text that no other field had before."""
        cursor = self._cursors.get(field, (0, 0))
        if cursor[0] < len(self._pieces) and self._differences <= _TOLERATED_DIFFERENCES:
            known, cursor = self._known_text(cursor, len(text))
            if text.startswith(known):
                text = text[len(known) :]
                self._cursors[field] = cursor
            else:
                self._differences += 1
        if text:
            self._pieces.append(text)
            self._cursors[field] = (len(self._pieces), 0)
        return text

    def _known_text(self, cursor: tuple[int, int], length: int) -> tuple[str, tuple[int, int]]:
        """Return the next characters after a position, and the position after them."""
        index, start = cursor
        found: list[str] = []
        while length and index < len(self._pieces):
            piece = self._pieces[index][start : start + length]
            found.append(piece)
            length -= len(piece)
            start += len(piece)
            if start == len(self._pieces[index]):
                index, start = index + 1, 0
        return "".join(found), (index, start)


def thought_texts(message: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield each field of a message or a delta that holds a thought, with its text."""
    details = message.get("reasoning_details")
    if isinstance(details, list):
        text = "".join(_texts(details))
        if text:
            yield "reasoning_details", text
    for field in ("reasoning", "reasoning_content"):
        value = message.get(field)
        if isinstance(value, str) and value:
            yield field, value
        elif isinstance(value, list):
            yield field, "".join(_texts(value))


def _texts(details: Iterable[JsonValue]) -> Iterator[str]:
    for detail in details:
        if isinstance(detail, dict):
            for key in ("text", "summary"):
                if isinstance(text := detail.get(key), str):
                    yield text


def signed_details(message: JsonObject) -> list[JsonObject]:
    """Return the elements of `reasoning_details` with more than readable text. The next request sends them back."""
    details = message.get("reasoning_details")
    if not isinstance(details, list):
        return []
    found = (detail for detail in details if isinstance(detail, dict))
    return [detail for detail in found if detail.get("signature") or (detail and not _READABLE & detail.keys())]


def remarks(message: JsonObject) -> list[dict[str, JsonValue]]:
    """Return the other fields of the readable elements of `reasoning_details`, such as their format."""
    details = message.get("reasoning_details")
    if not isinstance(details, list):
        return []
    signed = {id(detail) for detail in signed_details(message)}
    unsigned = [item for item in details if isinstance(item, dict) and id(item) not in signed]
    return [rest for item in unsigned if (rest := {key: item[key] for key in item if key not in _READ_AS_THOUGHTS})]


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
    """Return the message's `extra_content` if it holds more than the mark of a thought."""
    extra = message.get("extra_content")
    if extra is None or (isinstance(extra, dict) and all(space.keys() <= {"thought"} for space in _namespaces(extra))):
        return None
    return extra


def _namespaces(extra: JsonValue) -> Iterator[JsonObject]:
    if isinstance(extra, dict):
        for space in extra.values():
            if isinstance(space, dict):
                yield space
