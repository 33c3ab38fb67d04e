"""Translates the citations of an answer to annotations of its text blocks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

from gemini_multi.bindings.values import is_mapping, items_of


def annotated(records: object, lengths: Sequence[int]) -> list[list[dict[str, object]]]:
    """Return, for each text block, the annotations that begin in it, with offsets from the start of the block.

    Args:
        records: The citations in the form of `response_metadata`.
        lengths: The number of characters of each text block.
    """
    shared: list[list[dict[str, object]]] = [[] for _ in lengths]
    starts = [0, *accumulate(lengths)]
    for record in items_of(records):
        if lengths and is_mapping(record):
            start = record.get("start")
            block = _home(start if isinstance(start, int) else 0, starts)
            shared[block].append(_annotation(record, starts[block]))
    return shared


def _home(position: int, starts: Sequence[int]) -> int:
    """Find the block that holds a position. A position outside the text belongs to the nearest block.

    Args:
        position: A character of the answer's text.
        starts: Where each block starts, and the end of the last one.
    """
    return max(0, min(bisect_right(starts, position), len(starts) - 1) - 1)


def _annotation(record: Mapping[str, object], offset: int) -> dict[str, object]:
    found: dict[str, object] = {"type": "citation"}
    for key, name in (("uri", "url"), ("title", "title"), ("text", "cited_text")):
        if isinstance(value := record.get(key), str):
            found[name] = value
    for key, name in (("start", "start_index"), ("end", "end_index")):
        if isinstance(value := record.get(key), int):
            found[name] = value - offset
    if source := record.get("source"):
        found["extras"] = {"source": source}
    return found
