"""All errors of this package, as one tree.

    GeminiMultiError
    ├── ConfigurationError (a ValueError, before any I/O), UnsupportedFeature, BudgetExceeded
    ├── ConnectionFailed (no answer)
    │   └── RequestTimeout, StorageUnavailable
    ├── StreamInterrupted (has the partial answer), InvalidResponse, PromptBlocked
    ├── ProviderError (the provider answered with an error)
    │   ├── BadRequest, ContextOverflow, AuthenticationFailed, PermissionDenied, ModelNotFound
    │   └── RateLimited, QuotaExhausted, ServerError
    └── AllRoutesFailed (an ExceptionGroup, when more than one route was tried)

All errors can be pickled. No error holds a key.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import ClassVar, Final, TypedDict, Unpack

# Annotations refer to values through the package, so that they resolve at run time.
import gemini_multi

__all__ = ["ConfigurationWarning", "SettingIgnoredWarning", "GeminiMultiError", "ConfigurationError"]
__all__ += ["UnsupportedFeature", "ConnectionFailed", "RequestTimeout", "StorageUnavailable", "StreamInterrupted"]
__all__ += ["InvalidResponse", "PromptBlocked", "BudgetExceeded", "ProviderError", "BadRequest", "ContextOverflow"]
__all__ += ["AuthenticationFailed", "PermissionDenied", "ModelNotFound", "RateLimited", "QuotaExhausted"]
__all__ += ["ServerError", "AllRoutesFailed"]

KEPT_CHARACTERS: Final = 4096
"""Maximum number of characters of an unreadable answer or of an error's body in an error."""


class SettingIgnoredWarning(UserWarning):
    """A setting was omitted because the model is documented to refuse it."""


class ConfigurationWarning(UserWarning):
    """A provider was omitted because its settings cannot be used."""


class Where(TypedDict, total=False):
    """Where an error happened."""

    provider: str
    model: str
    """The provider's model id."""
    attempts: Sequence[gemini_multi.Attempt]
    """Every request that was sent before the error."""


class GeminiMultiError(Exception):
    """Base class of all errors of this package.

    `message` says what happened, where, and what to do. `attempts` holds every request that was sent before the error.
    """

    _may_succeed_later: ClassVar[bool] = False

    def __init__(self, message: str, *, attempts: Sequence[gemini_multi.Attempt] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.attempts: tuple[gemini_multi.Attempt, ...] = tuple(attempts)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by state, because `Exception.__reduce__` does not support keyword-only constructors."""
        return type(self).__new__, (type(self), *self.args), self.__dict__

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self._may_succeed_later


class ConfigurationError(GeminiMultiError, ValueError):
    """An error before any request: a missing key, an unknown provider, an argument that cannot be used."""


class UnsupportedFeature(GeminiMultiError):
    """No route supports the request: `providers` do not support its `features`."""

    def __init__(
        self,
        message: str,
        *,
        features: Sequence[str] = (),
        providers: Sequence[str] = (),
        attempts: Sequence[gemini_multi.Attempt] = (),
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.features = tuple(features)
        self.providers = tuple(providers)


class _LocatedError(GeminiMultiError):
    """An error about a request to `provider` for `model`."""

    def __init__(
        self, message: str, *, provider: str = "", model: str = "", attempts: Sequence[gemini_multi.Attempt] = ()
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.provider = provider
        self.model = model


class ConnectionFailed(_LocatedError):
    """The provider did not answer: refused, unknown name, TLS, reset, closed."""

    _may_succeed_later = True


class RequestTimeout(ConnectionFailed):
    """The provider took too long to connect, to start its answer or to continue it."""


class StorageUnavailable(ConnectionFailed):
    """The storage of shared rate limits and budgets does not answer, so no request may be sent."""


class StreamInterrupted(_LocatedError):
    """The stream broke after its first content. `partial` holds the answer so far."""

    def __init__(self, message: str, *, partial: gemini_multi.ChatResponse, **where: Unpack[Where]) -> None:
        super().__init__(message, **where)
        self.partial = partial


class InvalidResponse(_LocatedError):
    """The provider's answer cannot be read. `raw` holds at most `KEPT_CHARACTERS` of it."""

    _may_succeed_later = True

    def __init__(self, message: str, *, raw: str = "", **where: Unpack[Where]) -> None:
        super().__init__(message, **where)
        self.raw = raw[:KEPT_CHARACTERS]


class PromptBlocked(_LocatedError):
    """The provider refused the prompt itself."""

    def __init__(
        self,
        message: str,
        *,
        block_reason: str | None = None,
        safety_ratings: Sequence[gemini_multi.JsonObject] = (),
        response: gemini_multi.ChatResponse | None = None,
        **where: Unpack[Where],
    ) -> None:
        super().__init__(message, **where)
        self.block_reason = block_reason
        self.safety_ratings = tuple(safety_ratings)
        self.response = response


class BudgetExceeded(GeminiMultiError):
    """The call would start above the spending limit. The figures are US dollars, some reserved for running calls."""

    def __init__(
        self, message: str, *, spent_usd: float = 0.0, limit_usd: float = 0.0, reserved_usd: float = 0.0
    ) -> None:
        super().__init__(message)
        self.reserved_usd = reserved_usd
        self.spent_usd = spent_usd
        self.limit_usd = limit_usd


class ProviderError(_LocatedError):
    """The provider answered with an error."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        body: gemini_multi.JsonValue = None,
        **where: Unpack[Where],
    ) -> None:
        """Make an error.

        Args:
            message: What happened, on which provider and model, and what to do.
            status: The HTTP status; `None` for an error inside a stream that has no status.
            code: The provider's own machine-readable code.
            request_id: The provider's id for its logs.
            retry_after: Seconds that the provider asks the client to wait.
            should_retry: Whether the provider recommends a retry (`x-should-retry`).
            body: The provider's error, as JSON or text, limited in size.
            **where: The provider, its model id and the attempts.
        """
        super().__init__(message, **where)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.should_retry = should_retry
        self.body = body

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed a little later. The provider's recommendation counts first."""
        return self._may_succeed_later if self.should_retry is None else self.should_retry

    @property
    def status_code(self) -> int | None:
        """The HTTP status, under the name that other clients use."""
        return self.status


class BadRequest(ProviderError):
    """The provider cannot accept the request in this form."""


class ContextOverflow(ProviderError):
    """The prompt is longer than the model's window."""


class AuthenticationFailed(ProviderError):
    """The provider does not accept the key."""


class PermissionDenied(ProviderError):
    """The key is valid but has no permission for the request."""


class ModelNotFound(ProviderError):
    """The provider does not serve the model, or does not serve it any more."""


class RateLimited(ProviderError):
    """Too many requests at the moment."""

    _may_succeed_later = True


class QuotaExhausted(ProviderError):
    """No credit is left, or a daily or spending limit is reached. A short wait does not help."""


class ServerError(ProviderError):
    """The provider failed."""

    _may_succeed_later = True


class AllRoutesFailed(GeminiMultiError, ExceptionGroup[GeminiMultiError]):
    """More than one route was tried and none answered. `exceptions` holds the last error of each route."""

    def __new__(
        cls, message: str, exceptions: Sequence[GeminiMultiError], *, attempts: Sequence[gemini_multi.Attempt] = ()
    ) -> AllRoutesFailed:
        """Make the group; `__init__` stores `attempts`."""
        del attempts
        return ExceptionGroup.__new__(cls, message, exceptions)

    def __init__(
        self, message: str, exceptions: Sequence[GeminiMultiError], *, attempts: Sequence[gemini_multi.Attempt] = ()
    ) -> None:
        Exception.__init__(self, message, exceptions)
        self.attempts = tuple(attempts)

    def derive(self, excs: Sequence[GeminiMultiError]) -> AllRoutesFailed:  # type: ignore[override]  # narrower
        """Keep the type if the group is split."""
        return AllRoutesFailed(self.message, excs, attempts=self.attempts)

    @property
    def is_retryable(self) -> bool:
        """Whether any of the routes may answer a little later."""
        return any(error.is_retryable for error in self.exceptions if isinstance(error, GeminiMultiError))


def __getattr__(name: str) -> object:
    if name == "KnobIgnored":
        warnings.warn("`KnobIgnored` is now called `SettingIgnoredWarning`.", DeprecationWarning, stacklevel=2)
        return SettingIgnoredWarning
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
