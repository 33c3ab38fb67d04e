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

    def feed(self, data: bytes) -> Iterator[bytes]:
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


class Inflated:
    """Reads a body whose `content-encoding` header says `encoding`, decompressed."""

    def __init__(self, read: Callable[[], bytes], encoding: str) -> None:
        """Take the function that gives the next bytes as they came.

        Raises:
            DecodingError: It cannot be decompressed.
        """
        self._read = read
        self._inflater = Inflater(encoding)
        self._pieces: Iterator[bytes] = iter(())

    def read(self) -> bytes:
        """Give the next bytes; none at the end.

        Raises:
            DecodingError: They cannot be decompressed.
        """
        while True:
            if piece := next(self._pieces, b""):
                return piece
            if not (data := self._read()):
                return b""
            self._pieces = self._inflater.feed(data)


class InflatedAsync:
    """The same with `await`."""

    def __init__(self, read: Callable[[], Awaitable[bytes]], encoding: str) -> None:
        """Take the function that gives the next bytes as they came."""
        self._read = read
        self._inflater = Inflater(encoding)
        self._pieces: Iterator[bytes] = iter(())

    async def read(self) -> bytes:
        """Give the next bytes; none at the end."""
        while True:
            if piece := next(self._pieces, b""):
                return piece
            if not (data := await self._read()):
                return b""
            self._pieces = self._inflater.feed(data)
