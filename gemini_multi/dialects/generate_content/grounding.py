"""Reads the sources of an answer: citations, and the sources that grounding found.

Google counts UTF-8 bytes of the candidate's text; `Citation` counts characters.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi.dialects.generate_content.dialect import whole
from gemini_multi.types import Citation, JsonObject, JsonValue

_LEAST_WORK: Final = 4_000_000
_WORK_PER_CHARACTER: Final = 4
_NEAR: Final = 8
"""The distance from the stated position within which a passage is always searched, whatever the limit."""
_MOST_SOURCES: Final = 100
"""The largest number of sources of one passage that become citations. `grounding` holds all sources."""


class Offsets:
    """Converts byte offsets of a text to character offsets, and quotes the text.

    A few megabytes of JSON can cite the whole text a hundred thousand times. So searching and quoting stop after they
    have read a few times the text's own length. The offsets are still returned.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends: Sequence[int] = range(1, len(text) + 1)
        if not text.isascii():
            self._ends = array("Q", accumulate(len(character.encode(errors="replace")) for character in text))
        self._quotable = self._searchable = max(_LEAST_WORK, _WORK_PER_CHARACTER * len(text))

    def character(self, offset: int) -> int:
        """Return the character at a byte offset. An offset inside a character or beyond the text is rounded down."""
        return bisect_right(self._ends, max(0, offset))

    def span(self, record: JsonObject) -> tuple[int | None, int | None]:
        """Read `startIndex` and `endIndex`. A missing start is 0; without an end, both are `None`."""
        if record.get("endIndex") is None:
            return None, None
        return self.character(whole(record.get("startIndex"))), self.character(whole(record.get("endIndex")))

    def quote(self, start: int | None, end: int | None) -> str | None:
        """Return a passage of the text; `None` if its end is unknown, or after the limit on quoted text."""
        if end is None:
            return None
        self._quotable -= max(0, end - (start or 0))
        return self.text[start:end] if self._quotable >= 0 else None

    def located(self, segment: JsonObject) -> tuple[int | None, int | None]:
        """Find a segment by its own text. Its offsets may be wrong by a byte, or may count from another part."""
        start, end = (None, None) if whole(segment.get("partIndex")) else self.span(segment)
        wanted, begin = text_at(segment, "text") or "", start or 0
        if not wanted or (end == begin + len(wanted) and self.text.startswith(wanted, begin)):
            return start, end
        near = max(0, begin - 2)
        found = self.text.find(wanted, near, near + len(wanted) + _NEAR)
        if found < 0 <= self._searchable:
            self._searchable -= len(self.text)
            found = self.text.find(wanted, near)
            found = self.text.find(wanted) if found < 0 else found
        return (start, end) if found < 0 else (found, found + len(wanted))


class GroundingSum:
    """Merges the grounding of the chunks of a stream.

    Some providers repeat everything in every chunk, others send only new values. In a chunk with its own sources, the
    supports refer to these sources, unless an index is out of their range.
    """

    def __init__(self) -> None:
        self.record: dict[str, JsonValue] = {}
        """The merged metadata so far, by the provider's names."""
        self._places: dict[str, dict[bytes, int]] = {}

    def add(self, metadata: JsonValue) -> None:
        """Merge a chunk's metadata; empty fields change nothing."""
        record = dict(as_object(metadata))
        moves = self._extend("groundingChunks", record.pop("groundingChunks", None))
        for key, value in record.items():
            moved = key == "groundingSupports" and isinstance(value, list)
            self._extend(key, [_moved(support, moves) for support in as_list(value)] if moved else value)

    def _extend(self, key: str, value: JsonValue) -> list[int]:
        """Merge a value. For a list, return the position of each of its elements in the merged list."""
        present = self.record.get(key)
        if not isinstance(present, list) or not isinstance(value, list):
            if value or (value is not None and key not in self.record):
                self.record[key] = list(value) if isinstance(value, list) else value
            return []
        if key not in self._places:
            self._places[key] = {to_json(item): place for place, item in reversed([*enumerate(present)])}
        moves: list[int] = []
        for item in value:
            moves.append(self._places[key].setdefault(to_json(item), len(present)))
            if moves[-1] == len(present):
                present.append(item)
        return moves


def _moved(support: JsonValue, moves: Sequence[int]) -> JsonValue:
    """Update the indexes of a support to the positions in the merged list."""
    indices = as_list(as_object(support).get("groundingChunkIndices"))
    if not (moves and indices and all(type(index) is int and 0 <= index < len(moves) for index in indices)):
        return support
    return {**as_object(support), "groundingChunkIndices": [moves[whole(index)] for index in indices]}


def cited(records: Sequence[JsonValue], text: str) -> tuple[Citation, ...]:
    """Read the records of `citationMetadata`."""
    offsets = Offsets(text)
    citations: list[Citation] = []
    for record in objects([*records]):
        start, end = offsets.span(record)
        uri, title, quote = text_at(record, "uri"), text_at(record, "title"), offsets.quote(start, end)
        citations.append(Citation(start=start, end=end, uri=uri, title=title, text=quote, source=record))
    return tuple(citations)


def grounded(metadata: JsonObject | None, text: str) -> Iterator[Citation]:
    """Make a citation for each source of each supported passage in `groundingMetadata`."""
    found = metadata or {}
    offsets = Offsets(text)
    chunks = [as_object(chunk) for chunk in as_list(found.get("groundingChunks"))]  # supports use their indexes
    for support in objects(found.get("groundingSupports")):
        yield from _supported(support, chunks, offsets)


def _supported(support: JsonObject, chunks: Sequence[JsonObject], offsets: Offsets) -> Iterator[Citation]:
    segment = as_object(support.get("segment"))
    start, end = offsets.located(segment)
    indices = (index for index in as_list(support.get("groundingChunkIndices")) if type(index) is int)
    sources = [chunks[index] for index in islice((one for one in indices if 0 <= one < len(chunks)), _MOST_SOURCES)]
    text = text_at(segment, "text") or (offsets.quote(start, end) if sources else None)
    for chunk in sources:
        source = next((kind for kind in chunk.values() if isinstance(kind, dict)), dict[str, JsonValue]())
        uris = (text_at(source, name) for name in ("uri", "sourceUri", "imageUri"))
        yield Citation(
            start=start,
            end=end,
            uri=next(filter(None, uris), None),
            title=text_at(source, "title"),
            text=text,
            source={"groundingSupport": dict(support), "groundingChunk": dict(chunk)},
        )
