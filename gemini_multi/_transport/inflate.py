"""Decompresses a response in small pieces, so that a small archive cannot fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

_PIECE: Final = 1024 * 1024
_ANY_HEADER: Final = 32 + zlib.MAX_WBITS


class DecodingError(Exception):
    """A response cannot be decompressed. The name is the same as in httpx."""


class Inflater:
    """Decompresses bytes into pieces of at most one mebibyte."""

    def __init__(self, encoding: str) -> None:
        if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
            # Refuse encodings that the request did not accept, and archives inside archives.
            raise DecodingError(f"the encoding {encoding[:40]!r} was not asked for")
        self._inflate = zlib.decompressobj(_ANY_HEADER)
        self._is_first = True
        self._pieces: Iterator[bytes] = iter(())

    def feed(self, data: bytes) -> None:
        """Add the next bytes. All earlier pieces must have been taken."""
        self._pieces = self._inflated_pieces(data)

    def piece(self) -> bytes:
        """Return the next decompressed piece; empty if there is none."""
        return next(self._pieces, b"")

    def _inflated_pieces(self, data: bytes) -> Iterator[bytes]:
        while data and not self._inflate.eof:
            try:
                piece = self._inflated(data)
            except zlib.error as error:
                raise DecodingError(str(error)) from error
            self._is_first = False
            data = self._inflate.unconsumed_tail
            if piece:
                yield piece

    def _inflated(self, data: bytes) -> bytes:
        try:
            return self._inflate.decompress(data, _PIECE)
        except zlib.error:
            if not self._is_first:
                raise
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers use the raw format for `deflate`
            return self._inflate.decompress(data, _PIECE)


def inflated(read: Callable[[], bytes], encoding: str) -> Callable[[], bytes]:
    """Wrap a function that returns the next bytes of a body, so that it returns decompressed bytes.

    Raises:
        DecodingError: The encoding is not supported.
    """
    inflater = Inflater(encoding)

    def read_inflated() -> bytes:
        while not (piece := inflater.piece()) and (data := read()):
            inflater.feed(data)
        return piece

    return read_inflated


def inflated_async(read: Callable[[], Awaitable[bytes]], encoding: str) -> Callable[[], Awaitable[bytes]]:
    """Do the same as `inflated`, with `await`."""
    inflater = Inflater(encoding)

    async def read_inflated() -> bytes:
        while not (piece := inflater.piece()) and (data := await read()):
            inflater.feed(data)
        return piece

    return read_inflated
