"""Reads where an answer comes from: citations, and the sources that grounding found.

Google counts UTF-8 bytes of the candidate's text; `Citation` counts characters.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from gemini_multi.dialects._generate_usage import whole
from gemini_multi.types import Citation, JsonObject, JsonValue


class Offsets:
    """Turns byte offsets into a text into character offsets."""

    def __init__(self, text: str) -> None:
        """Prepare for `text`."""
        self.text = text
        self._ends: array[int] | None = None
        if not text.isascii():
            self._ends = array("Q", accumulate(len(character.encode(errors="replace")) for character in text))

    def character(self, offset: int) -> int:
        """Return the character at a byte offset; inside a character or beyond the text, the nearest one before."""
        if self._ends is None:
            return max(0, min(offset, len(self.text)))
        return bisect_right(self._ends, max(0, offset))

    def span(self, record: Mapping[str, JsonValue], part_start: int = 0) -> tuple[int | None, int | None]:
        """Read `startIndex` and `endIndex`. An absent start is 0; without an end nothing is known.

        Args:
            record: What holds the offsets.
            part_start: The character at which the part begins that they count from.
        """
        if record.get("endIndex") is None:
            return None, None
        first = len(self.text[:part_start].encode())
        start, end = whole(record.get("startIndex")), whole(record.get("endIndex"))
        return self.character(first + start), self.character(first + end)


def cited(records: Sequence[JsonValue], text: str) -> tuple[Citation, ...]:
    """Read the records of `citationMetadata`."""
    offsets = Offsets(text)
    return tuple(_citation(record, offsets) for record in records if isinstance(record, dict))


def _citation(record: dict[str, JsonValue], offsets: Offsets) -> Citation:
    start, end = offsets.span(record)
    return Citation(
        start=start,
        end=end,
        uri=_text(record, "uri"),
        title=_text(record, "title"),
        text=None if end is None else offsets.text[start:end],
        source=record,
    )


def grounded(metadata: JsonObject | None, text: str, part_starts: Sequence[int] = ()) -> tuple[Citation, ...]:
    """Make a citation for each source of each supported stretch in `groundingMetadata`.

    Args:
        metadata: The host's record.
        text: The candidate's text.
        part_starts: The characters at which the host's parts begin in the text, where that is known.
    """
    if not metadata:
        return ()
    offsets = Offsets(text)
    chunks = _records(metadata.get("groundingChunks"))
    return tuple(
        _supported(support, chunks[index], offsets, part_starts)
        for support in _records(metadata.get("groundingSupports"))
        for index in _indices(support, len(chunks))
    )


def _records(value: JsonValue) -> list[dict[str, JsonValue]]:
    """Keep the length of the list: supports point into it."""
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []


def _indices(support: Mapping[str, JsonValue], count: int) -> Iterator[int]:
    indices = support.get("groundingChunkIndices")
    for index in indices if isinstance(indices, list) else ():
        if isinstance(index, int | float) and not 0 <= index < count:
            continue
        if (position := whole(index)) < count:
            yield position


def _supported(
    support: dict[str, JsonValue], chunk: dict[str, JsonValue], offsets: Offsets, part_starts: Sequence[int]
) -> Citation:
    found = support.get("segment")
    segment = found if isinstance(found, dict) else {}
    part = whole(segment.get("partIndex"))
    start, end = _located(segment, offsets, part_starts[part] if 0 < part < len(part_starts) else 0)
    kinds = [kind for kind in chunk.values() if isinstance(kind, dict)]
    source = kinds[0] if kinds else {}
    return Citation(
        start=start,
        end=end,
        uri=_text(source, "uri") or _text(source, "sourceUri") or _text(source, "imageUri"),
        title=_text(source, "title"),
        text=_text(segment, "text") or (None if end is None else offsets.text[start:end]),
        source={"groundingSupport": support, "groundingChunk": chunk},
    )


def _located(segment: Mapping[str, JsonValue], offsets: Offsets, part_start: int) -> tuple[int | None, int | None]:
    """Find the segment. Its own text decides: offsets may be a byte off, or count from the start of another part."""
    start, end = offsets.span(segment, part_start)
    wanted = _text(segment, "text")
    if not wanted or (start is not None and offsets.text[start:end] == wanted):
        return start, end
    near = max(0, (start or 0) - 2)
    found = offsets.text.find(wanted, near)
    if found < 0:
        found = offsets.text.find(wanted)
    return (start, end) if found < 0 else (found, found + len(wanted))


def _text(record: Mapping[str, JsonValue], key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) else None
