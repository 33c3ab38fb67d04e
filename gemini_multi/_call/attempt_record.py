"""The record of one attempt: its entry in the attempt log, its cost, and its additions to the response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from gemini_multi import catalog, tokens
from gemini_multi._call.attempt_log import AttemptLog
from gemini_multi._call.judging import RetryableAnswer
from gemini_multi._routing import pricing
from gemini_multi._routing.routes import PreparedRequest
from gemini_multi._routing.schedule import RouteState
from gemini_multi._transport.steps import ResponseHead, TransportError
from gemini_multi.errors import (
    GeminiMultiError,
    InvalidResponse,
    PromptBlocked,
    ProviderError,
    RequestTimeout,
)
from gemini_multi.providers import ErrorPayload
from gemini_multi.types import Attempt, ChatRequest, ChatResponse, JsonValue, Usage

AttemptOutcome: TypeAlias = Literal["answered", "failed", "cancelled"]
_LOCATED: Final = (InvalidResponse, PromptBlocked, RequestTimeout)
"""Errors that are raised by code that does not know the provider."""


class AttemptRecord:
    """The facts about one attempt."""

    def __init__(
        self, request: ChatRequest, state: RouteState, prepared: PreparedRequest, attempt_log: AttemptLog
    ) -> None:
        self._request = request
        self._state = state
        self._route = state.route
        self._endpoint = prepared.endpoint
        self._ignored = prepared.ignored
        self._attempt_log = attempt_log
        self._options = attempt_log.options
        self.started = self._options.clock()
        self.provider_name = state.route.provider.name
        self.model_id = prepared.endpoint.target.model_id
        self.headers: Mapping[str, str] = {}
        self.first_content: float | None = None
        """Seconds until the first content."""
        self.outcome: AttemptOutcome | None = None
        self._status: int | None = None
        self.counted: Usage | None = None
        """The usage that was counted."""
        self._is_abandoned = False

    def receive(self, head: ResponseHead) -> None:
        """Store the status and the headers of the response."""
        self._status, self.headers = head.status, head.headers

    def begin(self) -> None:
        """Record the first content, once: the route answers."""
        if self.first_content is not None:
            return
        now, stream = self._options.clock(), self._options.stream
        self.first_content = now - self.started
        health, repeats = self._state.health, self._state.spent
        health.answered(now, first_content=self.first_content, stream=stream, repeats=repeats)
        if stream:
            self._attempt_log.begin(self._entry("answered"))

    def end(self, outcome: AttemptOutcome, failure: GeminiMultiError | None = None) -> None:
        """Add the attempt to the attempt log, once."""
        if self.outcome is None:
            self.outcome = outcome
            self._attempt_log.note(self._entry(outcome, failure))

    def _entry(self, outcome: AttemptOutcome, failure: GeminiMultiError | None = None) -> Attempt:
        refusal = failure if isinstance(failure, ProviderError) else None
        provider = self._route.provider
        return Attempt(
            provider=provider.name,
            model=self.model_id,
            outcome=outcome,
            status=self._status if refusal is None else refusal.status,
            code=None if refusal is None else refusal.code,
            error="" if failure is None else type(failure).__name__,
            message="" if failure is None else failure.message,
            request_id=provider.request_id(self.headers),
            first_content=self.first_content,
            duration=self._options.clock() - self.started,
            ignored=self._ignored,
        )

    def count(self, usage: Usage, *, abandoned: bool = False) -> None:
        """Count the usage of the attempt, once. The provider bills it even if no caller gets the answer."""
        if self.counted is None:
            self.counted, self._is_abandoned = usage, abandoned
            self._options.ledger.add(usage, abandoned=abandoned)

    def leave(self) -> None:
        """Record that the caller does not wait for the answer any more, even if the answer has already come."""
        if self.outcome == "failed":
            return
        self.end("cancelled")
        if self.counted is not None and not self._is_abandoned:
            self._is_abandoned = True
            self._options.ledger.disown()

    def fail(self, failure: GeminiMultiError, *, is_local: bool) -> None:
        """Add a failure to the attempt log, and to the route's health if the provider caused the failure."""
        self._route.provider.mask(failure)
        self.end("failed", failure)
        if is_local or isinstance(failure, RetryableAnswer):
            self._state.health.release()
        else:
            policy = self._options.policy
            self._state.health.failed(failure, self._options.clock(), policy, began=self.started)

    def typed(self, error: GeminiMultiError | ErrorPayload | TransportError) -> GeminiMultiError:
        """Make the typed error for the reason that ended the attempt."""
        if isinstance(error, ErrorPayload):
            return self._route.provider.error(error, self._endpoint.target, self.headers)
        if isinstance(error, TransportError):
            text = f"{self.provider_name} ({self.model_id!r}) gave no whole answer: {error}."
            return error.kind(text, provider=self.provider_name, model=self.model_id)
        return error

    def located(self, failure: GeminiMultiError) -> GeminiMultiError:
        """Add the provider and the model to an error that does not have them yet."""
        if isinstance(failure, _LOCATED) and not failure.provider:
            failure.provider, failure.model = self.provider_name, self.model_id
            failure.message = f"{failure.provider} ({failure.model!r}): {failure.message}"
            failure.args = (failure.message,)
        return failure

    def completed(self, answer: ChatResponse) -> ChatResponse:
        """Add the provider, the cost, the attempts and the headers to a decoded answer."""
        provider, endpoint = self._route.provider, self._endpoint
        return ChatResponse(
            candidates=answer.candidates,
            usage=self._priced(answer),
            provider=provider.name,
            model=answer.model or self.model_id,
            dialect=answer.dialect or endpoint.dialect.name,
            response_id=answer.response_id,
            request_id=provider.request_id(self.headers) or answer.request_id,
            attempts=self._attempt_log.attempts,
            prompt_feedback=answer.prompt_feedback,
            provider_metadata={**answer.provider_metadata, **self._header_metadata()},
        )

    def _header_metadata(self) -> dict[str, JsonValue]:
        """Collect the headers that the provider's file names, or all headers if the call requires it."""
        found = self._route.provider.response_metadata(self.headers)
        return {**found, "headers": dict(self.headers)} if self._options.include_response_headers else found

    def _priced(self, answer: ChatResponse) -> Usage:
        usage = answer.usage
        charged = self._route.provider.cost_usd(self.headers)
        if charged is not None:
            # The provider's own charge is preferred to a cost in the body, which may be the cost of its upstream.
            return usage.priced(charged, "host")
        return usage if usage.cost_usd is not None else self._priced_by_catalog(usage, answer.model)

    def _priced_by_catalog(self, usage: Usage, model_version: str) -> Usage:
        model = catalog.find_answered(model_version) or self._route.model
        computed = pricing.cost_usd(usage, model, self.provider_name, self._options.today())
        return usage if computed is None else usage.priced(computed, "catalog")

    def usage_of(self, response: ChatResponse) -> Usage:
        """Return the usage of an answer: the provider's figures, or an estimate if it sent none."""
        if response.usage.total_tokens or response.usage.cost_usd is not None:
            return response.usage
        prompt = tokens.estimate_messages(self._request.messages)
        output = sum(tokens.estimate(candidate.text + candidate.thoughts) for candidate in response.candidates)
        return self._priced_by_catalog(
            Usage(input_tokens=prompt, output_tokens=output, total_tokens=prompt + output), response.model
        )
