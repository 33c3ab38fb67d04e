"""Translates the errors of an HTTP library into one error class that shows nothing of the request."""

from __future__ import annotations

from typing import Any, Final, cast

from gemini_multi._transport.bounds import is_exhausted
from gemini_multi._transport.steps import TransportError
from gemini_multi.errors import ConnectionFailed, InvalidResponse, RequestTimeout

_TIMEOUTS: Final = frozenset({"TimeoutException", "TimeoutError"})
_CONNECTIONS_LOST: Final = frozenset({"TransportError", "OSError", "SSLError", "RequestError"})
_NOT_CONNECTED: Final = frozenset({"ConnectError", "ConnectTimeout", "ConnectTimeoutError", "ProxyError", "gaierror"})
_NOT_SENT: Final = _NOT_CONNECTED | {"PoolTimeout", "PoolTimeoutError"}
_UNREADABLE: Final = frozenset({"DecodingError"})


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
    if names & _UNREADABLE:
        return TransportError(InvalidResponse, f"it cannot be decompressed ({text})")
    if names & _CONNECTIONS_LOST:
        return TransportError(ConnectionFailed, f"the connection failed ({text})", is_local=is_local, was_sent=was_sent)
    return error


def _text(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    details: Any = getattr(error, "details", None)  # the attribute of pyreqwest's errors
    causes = cast("dict[str, Any]", details).get("causes") if isinstance(details, dict) else None
    return f"{type(error).__name__}: {causes[-1]['message']}" if causes else text
