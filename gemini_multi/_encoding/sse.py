"""Server-sent events, from bytes to the data of each event, by the rules of the WHATWG HTML standard.

Bytes are split into lines only at LF, CR or CRLF; `str.splitlines` would also split inside JSON strings. The pieces of
an incomplete line are joined when its end arrives, so that single bytes cost linear time. Of the fields, only `data` is
used, and `event` if it is `error`.

There are three deviations from the standard. The data of an event named `error` are wrapped as `{"error": …}`, unless
they are such an object already. `close` returns an event that the end of the stream cut off, because providers omit the
last blank line. And a JSON document before an event, before another document or at the end, compact or indented, is
returned like an event: gateways report in this way that a stream failed.
"""

from __future__ import annotations

from typing import Final

import pydantic_core

from gemini_multi.errors import InvalidResponse

_BOM: Final = b"\xef\xbb\xbf"
_CR: Final = 13
_LOOSE: Final = (b"{", b"[")
"""The first bytes of a JSON document outside an event."""
_LOOSE_BYTES: Final = 256 * 1024
"""The maximum size of such a document."""


class EventDecoder:
    """Decodes the bytes of a stream into the data of each complete event, of which it holds at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial: list[bytes] = []
        self._data: list[bytes] = []
        self._loose = bytearray()
        self._data_size = 0
        self._is_error = False
        self._partial_size = 0
        self._after_cr = False
        self._is_new = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """Read the next bytes and return the data of the events that they complete.

        Raises:
            InvalidResponse: One event is larger than the limit.
        """
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        return self._read(self._lines(chunk)) if chunk else []

    def close(self) -> list[bytes]:
        """Return the data of an event that the end of the stream cut off, if there is any."""
        events = self._read([b"".join(self._partial), b""])
        self._partial = []
        return events + (self._document() if self._loose else [])

    def _document(self) -> list[bytes]:
        """Return the JSON document that was collected outside an event, if it is one."""
        document = bytes(self._loose.strip())
        self._loose.clear()
        try:
            pydantic_core.from_json(document)
        except ValueError:
            return []
        return [document]

    def _lines(self, chunk: bytes) -> list[bytes]:
        lines = chunk.splitlines()
        last = chunk[-1]
        self._after_cr = last == _CR
        tail = None if last in b"\r\n" else lines.pop()
        if lines and self._partial:
            self._partial.append(lines[0])
            lines[0] = b"".join(self._partial)
            self._partial = []
            self._partial_size = 0
        if tail is not None:
            self._partial.append(tail)
            self._partial_size += len(tail)
            if self._data_size + self._partial_size > self._limit:
                raise self._too_large()
        return lines

    def _read(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        data = self._data
        if self._is_new and lines:
            self._is_new = False
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            if not line:
                if data:
                    event = data[0] if len(data) == 1 else b"\n".join(data)
                    events.append(_as_error(event) if self._is_error else event)
                    data.clear()
                    self._data_size = 0
                self._is_error = False
            elif line.startswith(b"data:") or line == b"data":
                if self._loose:
                    events += self._document()
                data.append(line[6:] if line[5:6] == b" " else line[5:])
                self._data_size += len(line)
                if self._data_size + self._partial_size > self._limit:
                    raise self._too_large()
            else:
                events += self._read_other(line)
        return events

    def _read_other(self, line: bytes) -> list[bytes]:
        """Read a line without data: the name of an event, or a part of a document outside an event."""
        if line.startswith(b"event:"):
            self._is_error = line[6:].strip() == b"error"
        elif line[:1] in _LOOSE:
            before = self._document() if self._loose else []
            self._loose += line + b"\n"
            return before
        elif self._loose and line[:1] != b":" and len(self._loose) < _LOOSE_BYTES:
            self._loose += line + b"\n"
        return []

    def _too_large(self) -> InvalidResponse:
        return InvalidResponse(
            f"One event of the stream is larger than {self._limit:,} bytes. "
            "Raise `Limits(event_bytes=...)` if that is expected."
        )


def _as_error(data: bytes) -> bytes:
    """Write the data of an event named `error` as a document that reports an error."""
    try:
        error = pydantic_core.from_json(data)
    except ValueError:
        error = data.decode("utf-8", "replace").strip()
    is_report = isinstance(error, dict) and not error.keys().isdisjoint(("error", "errors"))
    return data if is_report else pydantic_core.to_json({"error": error})
