"""Decompresses a response in small pieces, so that a small archive cannot fill the memory."""

from __future__ import annotations

import zlib
from typing import Final

_PIECE: Final = 1024 * 1024
_ANY_HEADER: Final = 32 + zlib.MAX_WBITS


class DecodingError(Exception):
    """A response cannot be decompressed. The name is the same as in httpx."""


class Inflater:
    """Decompresses bytes into pieces of at most one mebibyte."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            # Refuse encodings that the request did not accept, and archives inside archives.
            raise DecodingError(f"the encoding {encoding[:40]!r} was not asked for")
        self._inflate = zlib.decompressobj(_ANY_HEADER)
        self._is_first = True
        self._data = b""

    def feed(self, data: bytes) -> None:
        """Add the next bytes. All earlier pieces must have been read."""
        self._data = data

    def piece(self) -> bytes:
        """Return the next decompressed piece; empty if there is none.

        Raises:
            DecodingError: The bytes cannot be decompressed.
        """
        piece = b""
        while self._data and not piece and not self._inflate.eof:
            try:
                piece = self._inflated()
            except zlib.error as error:
                raise DecodingError(str(error)) from error
            self._is_first = False
            self._data = self._inflate.unconsumed_tail
        return piece

    def _inflated(self) -> bytes:
        try:
            return self._inflate.decompress(self._data, _PIECE)
        except zlib.error:
            if not self._is_first:
                raise
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers use the raw format for `deflate`
            return self._inflate.decompress(self._data, _PIECE)
