"""Errors that are classes of this package and of LangChain, so that LangChain's retries and agents handle them.

`except gemini_multi.RateLimited` and `except ModelRateLimitError` both catch a `ModelRateLimited`. Each error has all
attributes of our error. Its `response` is the provider's answer, for LangChain's tracing.
"""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleVariableOverride=false, reportIncompatibleMethodOverride=false
# `is_retryable` is a property here and an attribute in LangChain. Both are only read. Ours comes first in the method
# resolution order, and is more exact.

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from langchain_core import exceptions
from langchain_core.messages import BaseMessage

from gemini_multi import errors
from gemini_multi.errors import GeminiMultiError
from gemini_multi.types import JsonValue

# The oldest supported langchain-core does not have this class.
ModelRefusalError: type[Exception] = getattr(exceptions, "ModelRefusalError", exceptions.ModelError)


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The provider's error response, with the names of an HTTP response."""

    status_code: int | None
    body: JsonValue = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def json(self) -> JsonValue:
        """Return the body."""
        return self.body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)


class _Answered(errors.ProviderError):
    """An error with the provider's answer."""

    @property
    def response(self) -> ErrorAnswer:
        """The provider's answer, in the form that LangChain's tracing reads."""
        return ErrorAnswer(self.status, self.body)


class ModelRequestRejected(_Answered, errors.BadRequest, exceptions.ModelInvalidRequestError):
    """The provider cannot accept the request as it is."""


class ModelContextOverflowed(_Answered, errors.ContextOverflow, exceptions.ContextOverflowError):
    """The prompt is longer than the model's window."""


class ModelAuthenticationFailed(_Answered, errors.AuthenticationFailed, exceptions.ModelAuthenticationError):
    """The provider does not accept the key."""


class ModelPermissionDenied(_Answered, errors.PermissionDenied, exceptions.ModelPermissionDeniedError):
    """The key has no permission for this request."""


class ModelMissing(_Answered, errors.ModelNotFound, exceptions.ModelNotFoundError):
    """The provider does not serve the model."""


class ModelRateLimited(_Answered, errors.RateLimited, exceptions.ModelRateLimitError):
    """Too many requests at present."""


class ModelQuotaExhausted(_Answered, errors.QuotaExhausted, exceptions.ModelRateLimitError):
    """There is no credit left, or a daily or spending limit is reached. A retry does not help."""


class ModelServerFailed(_Answered, errors.ServerError, exceptions.ModelAPIError):
    """The provider failed."""


class ModelFailed(_Answered, exceptions.ModelAPIError):
    """The provider answered with an error of no known kind."""


class ModelUnreachable(errors.ConnectionFailed, exceptions.ModelConnectionError):
    """The provider gave no answer."""


class ModelTimedOut(errors.RequestTimeout, exceptions.ModelTimeoutError):
    """The provider took too long."""


class ModelStreamInterrupted(errors.StreamInterrupted, exceptions.ModelConnectionError):
    """The stream was interrupted after its first content, which is in `partial`. It is not retried automatically."""


class ModelAnswerUnreadable(errors.InvalidResponse, exceptions.ModelAPIError):
    """The answer cannot be read."""


class ModelPromptBlocked(errors.PromptBlocked, ModelRefusalError):  # type: ignore[misc,valid-type]  # its base depends on the installed version
    """The provider refused the prompt itself."""

    raw_message: BaseMessage | None = None
    """Always `None`: the model did not answer."""


class ModelFeatureUnsupported(errors.UnsupportedFeature, exceptions.ModelInvalidRequestError):
    """No route supports a feature of the request."""


class ModelMisconfigured(errors.ConfigurationError, exceptions.ModelInvalidRequestError):
    """An argument of the call cannot be used."""


class ModelBudgetExceeded(errors.BudgetExceeded, exceptions.ModelError):
    """The call is refused because its cost could exceed the spending limit."""


class AllModelsFailed(errors.AllRoutesFailed, exceptions.ModelAPIError):
    """Several routes were tried, and none answered."""


class AllModelsOverflowed(errors.AllRoutesFailed, exceptions.ContextOverflowError):
    """The prompt is longer than the window on every route."""


class AllModelsLimited(errors.AllRoutesFailed, exceptions.ModelRateLimitError):
    """Every route has a rate limit or no credit at present."""


class AllModelsUnauthenticated(errors.AllRoutesFailed, exceptions.ModelAuthenticationError):
    """No provider accepts its key."""


class AllModelsMissing(errors.AllRoutesFailed, exceptions.ModelNotFoundError):
    """No provider serves the model."""


class AllModelsRejected(errors.AllRoutesFailed, exceptions.ModelInvalidRequestError):
    """No route accepts the request."""


_TWINS: Final[dict[type[object], type[GeminiMultiError]]] = {
    next(base for base in kind.__mro__ if base.__module__ == errors.__name__): kind
    for kind in list(vars().values())
    if isinstance(kind, type) and issubclass(kind, GeminiMultiError) and kind.__module__ == __name__
}
"""The classes above, by the class of ours that each of them extends."""
_GROUPS: Final[tuple[tuple[tuple[type[GeminiMultiError], ...], type[errors.AllRoutesFailed]], ...]] = (
    ((errors.ContextOverflow,), AllModelsOverflowed),
    ((errors.RateLimited, errors.QuotaExhausted), AllModelsLimited),
    ((errors.AuthenticationFailed, errors.PermissionDenied), AllModelsUnauthenticated),
    ((errors.ModelNotFound,), AllModelsMissing),
    ((errors.BadRequest, errors.UnsupportedFeature, errors.ContextOverflow, errors.ModelNotFound), AllModelsRejected),
)


class StructuredOutputError(exceptions.OutputParserException, errors.InvalidResponse):
    """The answer does not hold the requested object."""

    def __init__(self, message: str, *, llm_output: str | None = None) -> None:
        """Make an error about an answer whose text is `llm_output`."""
        errors.InvalidResponse.__init__(self, message, raw=llm_output or "")
        exceptions.OutputParserException.__init__(self, ValueError(message), llm_output=llm_output)
        self.args = (message,)


class StructuredOutputRefused(StructuredOutputError, ModelRefusalError):  # type: ignore[misc,valid-type]  # as above
    """The model refused, or the provider stopped the answer for its content."""

    def __init__(self, message: str, *, llm_output: str | None = None, raw_message: BaseMessage | None = None) -> None:
        """Make an error about `raw_message`, whose text is `llm_output`."""
        super().__init__(message, llm_output=llm_output)
        self.raw_message = raw_message


def twin(error: GeminiMultiError) -> GeminiMultiError:
    """Return the error as an error of LangChain; an error without a counterpart is returned unchanged."""
    if isinstance(error, exceptions.ModelError):
        return error
    if isinstance(error, errors.AllRoutesFailed):
        return _group(error)
    kind = next((_TWINS[base] for base in type(error).__mro__ if base in _TWINS), None)
    if kind is None:
        return error
    copied = kind.__new__(kind, *error.args)
    copied.args = error.args
    copied.__dict__.update(error.__dict__)
    return copied


def _group(error: errors.AllRoutesFailed) -> errors.AllRoutesFailed:
    inner = [twin(one) for one in error.exceptions if isinstance(one, GeminiMultiError)]
    kind = next((ours for bases, ours in _GROUPS if all(isinstance(one, bases) for one in inner)), AllModelsFailed)
    copied = kind(error.message, inner, attempts=error.attempts)
    copied.__dict__.update(error.__dict__)
    return copied


class _Translation:
    """A context in which our errors are raised as errors of LangChain."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, GeminiMultiError) and (known := twin(error)) is not error:
            raise known from error


langchain_errors: Final = _Translation
