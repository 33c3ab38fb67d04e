"""Decompresses an answer piece by piece, so that a small archive cannot fill the memory at once."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

_PIECE: Final = 1024 * 1024
_ANY_HEADER: Final = 32 + zlib.MAX_WBITS


class DecodingError(Exception):
    """An answer cannot be decompressed; named as httpx names it."""


class Inflater:
    """Takes compressed bytes and gives at most a mebibyte at a time."""

    def __init__(self, encoding: str) -> None:
        if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
            # Neither what nobody asked for, nor archives inside archives.
            raise DecodingError(f"the encoding {encoding[:40]!r} was not asked for")
        self._inflate = zlib.decompressobj(_ANY_HEADER)
        self._is_first = True
        self._pieces: Iterator[bytes] = iter(())

    def feed(self, data: bytes) -> None:
        """Take the next bytes, when there is no piece left of those before."""
        self._pieces = self._inflated_pieces(data)

    def piece(self) -> bytes:
        """Give the next piece of what was fed, if there is one."""
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
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers mean the bare format by `deflate`
            return self._inflate.decompress(data, _PIECE)


def inflated(read: Callable[[], bytes], encoding: str) -> Callable[[], bytes]:
    """Make what reads a body decompressed, from what gives its next bytes as they came.

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
    """Make the same, with `await`."""
    inflater = Inflater(encoding)

    async def read_inflated() -> bytes:
        while not (piece := inflater.piece()) and (data := await read()):
            inflater.feed(data)
        return piece

    return read_inflated
