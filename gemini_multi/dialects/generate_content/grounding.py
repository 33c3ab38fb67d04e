"""Reads the sources of an answer: citations, and the sources that grounding found.

Google counts UTF-8 bytes of the candidate's text; `Citation` counts characters.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain, islice
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi.dialects.generate_content.usage import whole
from gemini_multi.types import Citation, JsonObject, JsonValue


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

    def span(self, record: Mapping[str, JsonValue], part_start: int = 0) -> tuple[int | None, int | None]:
        """Read `startIndex` and `endIndex`, which count from a character of the text.

        A missing start is 0; without an end, both are `None`.
        """
        if record.get("endIndex") is None:
            return None, None
        first = self._ends[min(part_start, len(self._ends)) - 1] if part_start and self._ends else 0
        start, end = whole(record.get("startIndex")), whole(record.get("endIndex"))
        return self.character(first + start), self.character(first + end)

    def quote(self, start: int | None, end: int | None) -> str | None:
        """Return a passage of the text; `None` if its end is unknown, or after the limit on quoted text."""
        if end is None:
            return None
        self._quotable -= max(0, end - (start or 0))
        return self.text[start:end] if self._quotable >= 0 else None

    def find(self, wanted: str, near: int) -> int:
        """Return the position of a text, preferably at or after `near`; -1 if it is not found within the limit."""
        found = self.text.find(wanted, near, near + len(wanted) + _NEAR)
        if found >= 0 or self._searchable < 0:
            return found
        self._searchable -= len(self.text)
        found = self.text.find(wanted, near)
        return self.text.find(wanted) if found < 0 else found


_LEAST_WORK: Final = 4_000_000
_WORK_PER_CHARACTER: Final = 4
_NEAR: Final = 8
"""The distance from the stated position within which a passage is always searched, whatever the limit."""
_MOST_SOURCES: Final = 100
"""The largest number of sources of one passage that become citations. `grounding` holds all sources."""


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
        record = as_object(metadata)
        sources = record.get("groundingChunks")
        moves = [] if sources is None else self._extend("groundingChunks", sources)
        for key, value in record.items():
            if key == "groundingSupports" and isinstance(value, list):
                self._extend(key, [_moved(support, moves) for support in value])
            elif key != "groundingChunks":
                self._extend(key, value)

    def _extend(self, key: str, value: JsonValue) -> list[int]:
        """Merge a value. For a list, return the position of each of its elements in the merged list."""
        present = self.record.get(key)
        if not isinstance(present, list) or not isinstance(value, list):
            if value or key not in self.record:
                self.record[key] = list(value) if isinstance(value, list) else value
            return []
        places = self._places.get(key)
        if places is None:
            places = self._places[key] = {to_json(item): place for place, item in reversed([*enumerate(present)])}
        moves: list[int] = []
        for item in value:
            place = places.setdefault(to_json(item), len(present))
            if place == len(present):
                present.append(item)
            moves.append(place)
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


def grounded(metadata: JsonObject | None, text: str, part_starts: Sequence[int] = ()) -> tuple[Citation, ...]:
    """Make a citation for each source of each supported passage in `groundingMetadata`.

    `part_starts` holds the first character of each of the provider's parts in the text, if known.
    """
    if not metadata:
        return ()
    offsets = Offsets(text)
    chunks = [as_object(chunk) for chunk in as_list(metadata.get("groundingChunks"))]  # supports use their indexes
    supports = map(as_object, as_list(metadata.get("groundingSupports")))
    return tuple(chain.from_iterable(_supported(support, chunks, offsets, part_starts) for support in supports))


def _supported(
    support: dict[str, JsonValue], chunks: Sequence[JsonObject], offsets: Offsets, part_starts: Sequence[int]
) -> Iterator[Citation]:
    """Make a citation for each source of a passage."""
    segment = as_object(support.get("segment"))
    part = whole(segment.get("partIndex"))
    start, end = _located(segment, offsets, part_starts[part] if 0 < part < len(part_starts) else 0)
    indices = as_list(support.get("groundingChunkIndices"))
    wanted = (whole(index) for index in indices if not isinstance(index, (int, float)) or 0 <= index < len(chunks))
    found = [chunks[index] for index in islice((index for index in wanted if index < len(chunks)), _MOST_SOURCES)]
    text = text_at(segment, "text") or (offsets.quote(start, end) if found else None)
    for chunk in found:
        source = next((kind for kind in chunk.values() if isinstance(kind, dict)), dict[str, JsonValue]())
        yield Citation(
            start=start,
            end=end,
            uri=text_at(source, "uri") or text_at(source, "sourceUri") or text_at(source, "imageUri"),
            title=text_at(source, "title"),
            text=text,
            source={"groundingSupport": support, "groundingChunk": dict(chunk)},
        )


def _located(segment: Mapping[str, JsonValue], offsets: Offsets, part_start: int) -> tuple[int | None, int | None]:
    """Find the segment by its own text. Its offsets may be wrong by a byte, or may refer to another part."""
    start, end = offsets.span(segment, part_start)
    wanted = text_at(segment, "text")
    if not wanted:
        return start, end
    if start is not None and end == start + len(wanted) and offsets.text.startswith(wanted, start):
        return start, end
    found = offsets.find(wanted, max(0, (start or 0) - 2))
    return (start, end) if found < 0 else (found, found + len(wanted))
