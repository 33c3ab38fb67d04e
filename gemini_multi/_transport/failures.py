"""Translates the errors of an HTTP library into one error class that shows nothing of the request."""

from __future__ import annotations

import errno
from typing import Any, Final, cast

from gemini_multi._transport.steps import TransportError
from gemini_multi.errors import ConnectionFailed, InvalidResponse, RequestTimeout

_TIMEOUTS: Final = frozenset({"TimeoutException", "TimeoutError"})
_CONNECTIONS_LOST: Final = frozenset({"TransportError", "OSError", "SSLError", "RequestError"})
_NOT_SENT: Final = frozenset(
    {
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ProxyError",
        "gaierror",
        "PoolTimeout",
        "PoolTimeoutError",
    }
)
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, getattr(errno, "ENOBUFS", errno.EMFILE)})


def failure_of(error: BaseException) -> BaseException:
    """Translate an error of an HTTP library, recognised by its class names; return any other error unchanged.

    A library's error holds stack frames and their variables, such as the headers with the key. The new error has
    neither these frames nor the causes of the old error.
    """
    is_local = is_exhausted(error)
    error.__traceback__ = error.__context__ = error.__cause__ = None
    names = {kind.__name__ for kind in type(error).__mro__}
    text, was_sent = _text(error), not names & _NOT_SENT
    if names & _TIMEOUTS:
        return TransportError(RequestTimeout, f"timed out ({text})", was_sent=was_sent)
    if "DecodingError" in names:
        return TransportError(InvalidResponse, f"it cannot be decompressed ({text})")
    if names & _CONNECTIONS_LOST:
        return TransportError(ConnectionFailed, f"the connection failed ({text})", is_local=is_local, was_sent=was_sent)
    return error


def _text(error: BaseException) -> str:
    details: Any = getattr(error, "details", None)  # the attribute of pyreqwest's errors
    causes = cast("dict[str, Any]", details).get("causes") if isinstance(details, dict) else None
    text = causes[-1]["message"] if causes else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_exhausted(error: BaseException) -> bool:
    """Return whether a connection failed because this process or the system has no file descriptors left."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _EXHAUSTED:
            return True
        if any(f"(os error {number})" in str(cause) for number in _EXHAUSTED):  # the format of Rust's errors
            return True
        cause = cause.__cause__ or cause.__context__
    return False
