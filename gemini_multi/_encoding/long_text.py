"""Long texts of a request, such as images in base64, that are in memory only once even if they are sent several times.

A text of megabytes is added to a body as a `LongText`: a short mark, with which JSON is written, together with the
pieces of the text. `split` replaces the mark by the pieces, which are encoded a slice at a time while they are sent.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterator, Sequence
from typing import Final
from weakref import WeakValueDictionary

_LONG: Final = 256 * 1024
"""Texts with fewer characters are joined in memory."""
_SLICE: Final = 256 * 1024
_PLAIN: Final = bytes(code for code in range(0x20, 0x7F) if code not in b'"\\')
"""Characters that JSON does not escape."""
_MARK: Final = f"gemini-multi-{secrets.token_hex(16)}-"
_MARKS: Final = re.compile(f"({_MARK}[0-9]+-)".encode())
_NUMBERS: Final = itertools.count()


class LongText(str):
    """A mark that replaces a text."""

    pieces: tuple[str, ...]


_KNOWN: Final = WeakValueDictionary[bytes, LongText]()


class ChunkedBody:
    """A body that is joined and encoded only while it is sent. Texts among its pieces are ASCII."""

    __slots__ = ("_pieces", "_size")

    def __init__(self, pieces: Sequence[bytes | str]) -> None:
        self._pieces = pieces
        self._size = sum(map(len, pieces))

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.slices())

    def slices(self) -> Iterator[bytes]:
        """Yield all bytes, a slice at a time."""
        for piece in self._pieces:
            yield from (piece,) if isinstance(piece, bytes) else encoded(piece)


def joined(*texts: str) -> str:
    """Join texts. Long texts of plain characters are joined only while they are sent."""
    if sum(map(len, texts)) < _LONG or not all(map(_is_plain, texts)):
        return "".join(texts)
    text = LongText(f"{_MARK}{next(_NUMBERS)}-")
    text.pieces = texts
    _KNOWN[text.encode()] = text
    return text


def split(written: bytes) -> bytes | ChunkedBody:
    """Replace the marks of long texts by their pieces. Most bodies have no marks."""
    if not _KNOWN or _MARK.encode() not in written:
        return written
    pieces: list[bytes | str] = []
    for segment in _MARKS.split(written):
        known = _KNOWN.get(segment)
        pieces.extend((segment,) if known is None else known.pieces)
    return ChunkedBody(pieces)


def _is_plain(text: str) -> bool:
    """Whether JSON escapes nothing in a text, so that the text can be sent without a JSON encoder."""
    return text.isascii() and not any(piece.translate(None, _PLAIN) for piece in encoded(text))


def encoded(text: str) -> Iterator[bytes]:
    """Encode a text in ASCII, a slice at a time. Other characters become question marks."""
    for start in range(0, len(text), _SLICE):
        yield text[start : start + _SLICE].encode("ascii", "replace")
