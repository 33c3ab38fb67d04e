"""Citations and grounding: Google counts bytes, we count characters."""

from __future__ import annotations

import pytest

from gemini_multi.dialects.generate_content.grounding import Offsets, cited, grounded
from gemini_multi.types import Citation

TEXT = "Größe: 5 µm. Ende."


@pytest.mark.parametrize(("offset", "character"), [(-1, 0), (0, 0), (2, 2), (3, 2), (4, 3), (6, 4), (99, 18)])
def test_offsets_turn_bytes_into_characters(offset: int, character: int) -> None:
    """An offset inside a character means the character; one beyond the text its end."""
    assert Offsets(TEXT).character(offset) == character


def test_offsets_of_ascii_text_are_characters() -> None:
    """Nothing is encoded where bytes and characters are the same."""
    assert [Offsets("abc").character(offset) for offset in (-1, 1, 9)] == [0, 1, 3]


def test_cited_reads_citation_metadata() -> None:
    """An absent start is 0; without an end the place is unknown; the record is kept whole."""
    whole = {"endIndex": 7, "uri": "https://a.b", "title": "A", "license": "MIT"}
    placeless = {"uri": "https://c.d", "startIndex": 3}
    assert cited([whole, placeless, None], TEXT) == (
        Citation(start=0, end=5, uri="https://a.b", title="A", text="Größe", source=whole),
        Citation(uri="https://c.d", source=placeless),
    )


WEB = {"web": {"uri": "https://a.b", "title": "A", "domain": "a.b"}}
PLACE = {"maps": {"uri": "https://maps", "title": "M"}}


@pytest.mark.parametrize(
    ("segment", "start", "end"),
    [
        ({"startIndex": 9, "endIndex": 14, "text": "5 µm."}, 7, 12),
        ({"startIndex": 10, "endIndex": 15, "text": "5 µm."}, 7, 12),
        ({"partIndex": 1, "endIndex": 5, "text": "Ende."}, 13, 18),
        ({"endIndex": 7, "text": "Größe"}, 0, 5),
        ({"endIndex": 7}, 0, 5),
        ({"startIndex": 0, "endIndex": 7, "text": "not there"}, 0, 5),
        ({"text": "Ende."}, 13, 18),
    ],
    ids=["bytes", "one off", "another part", "no start", "no text", "other text", "no offsets"],
)
def test_grounded_places_each_source(segment: dict[str, object], start: int, end: int) -> None:
    """The segment's own text decides where it stands; the offsets serve where it has none."""
    support = {"segment": segment, "groundingChunkIndices": [0]}
    expected = Citation(
        start=start,
        end=end,
        uri="https://a.b",
        title="A",
        text=segment.get("text", "Größe"),
        source={"groundingSupport": support, "groundingChunk": WEB},
    )
    assert list(grounded({"groundingChunks": [WEB], "groundingSupports": [support]}, TEXT)) == [expected]


def test_grounded_gives_each_source_of_a_stretch() -> None:
    """A stretch with two sources has two citations; an index into nothing has none."""
    support = {"segment": {"endIndex": 7}, "groundingChunkIndices": [1, 0, 7, -1]}
    found = grounded({"groundingChunks": [WEB, PLACE], "groundingSupports": [support, None]}, TEXT)
    assert [citation.uri for citation in found] == ["https://maps", "https://a.b"]


def test_grounded_has_nothing_to_say_without_metadata() -> None:
    """Most answers are not grounded."""
    assert list(grounded(None, TEXT)) == list(grounded({}, TEXT)) == []
