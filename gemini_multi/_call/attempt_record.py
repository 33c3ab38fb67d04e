"""The record of one attempt: its entry in the attempt log, its cost, and its additions to the response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from gemini_multi import catalog, tokens
from gemini_multi._call.attempt_log import AttemptLog
from gemini_multi._routing import pricing
from gemini_multi._routing.routes import PreparedRequest
from gemini_multi._routing.schedule import RouteState
from gemini_multi._transport.steps import TransportError
from gemini_multi.errors import GeminiMultiError, InvalidResponse, PromptBlocked, ProviderError, RequestTimeout
from gemini_multi.providers import ErrorPayload
from gemini_multi.types import Attempt, ChatRequest, ChatResponse, Usage

AttemptOutcome: TypeAlias = Literal["answered", "failed", "cancelled"]
_LOCATED: Final = (InvalidResponse, PromptBlocked, RequestTimeout)
"""Errors that are raised by code that does not know the provider."""


class AttemptRecord:
    """The facts about one attempt. `AttemptRunner` adds the request that is sent and the response that is read."""

    def __init__(
        self, request: ChatRequest, state: RouteState, prepared: PreparedRequest, attempt_log: AttemptLog
    ) -> None:
        self._request = request
        self._state = state
        self._provider = state.route.provider
        self._prepared = prepared
        self._model_id = prepared.endpoint.target.model_id
        self._attempt_log = attempt_log
        self._options = attempt_log.options
        self._started = self._options.clock()
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}
        self._first_content: float | None = None
        """Seconds until the first content."""
        self._outcome: AttemptOutcome | None = None
        self.counted: Usage | None = None
        """The usage that was counted; `None` when the provider bills nothing."""

    def _begin(self) -> None:
        """Record the first content, once: the route answers."""
        if self._first_content is not None:
            return
        now, stream = self._options.clock(), self._attempt_log.stream
        self._first_content = now - self._started
        health, repeats = self._state.health, self._state.spent
        health.answered(now, first_content=self._first_content, stream=stream, repeats=repeats)
        if stream:
            self._attempt_log.answering = self._entry("answered")

    def _end(self, outcome: AttemptOutcome, failure: GeminiMultiError | None = None) -> None:
        """Add the attempt to the attempt log, once."""
        if self._outcome is None:
            self._outcome = outcome
            self._attempt_log.note(self._entry(outcome, failure))

    def _entry(self, outcome: AttemptOutcome, failure: GeminiMultiError | None = None) -> Attempt:
        refusal = failure if isinstance(failure, ProviderError) else None
        return Attempt(
            provider=self._provider.name,
            model=self._model_id,
            outcome=outcome,
            status=self._status if refusal is None else refusal.status,
            code=None if refusal is None else refusal.code,
            error="" if failure is None else type(failure).__name__,
            message="" if failure is None else failure.message,
            request_id=self._provider.request_id(self._headers),
            wait=self._attempt_log.waited,
            first_content=self._first_content,
            duration=self._options.clock() - self._started,
            ignored=self._prepared.ignored,
        )

    def _count(self, usage: Usage, *, abandoned: bool = False) -> None:
        """Count the usage of the attempt, once. The provider bills it even if no caller gets the answer."""
        if self.counted is None:
            self.counted = usage
            self._options.ledger.add(usage, abandoned=abandoned or self._outcome == "cancelled")

    def leave(self) -> None:
        """Record that the caller does not wait for the answer any more, even if the answer has already come."""
        if self._outcome == "answered":
            self._outcome = "cancelled"
            if self.counted is not None:
                self._options.ledger.disown()
        self._end("cancelled")

    def _typed(self, error: GeminiMultiError | ErrorPayload | TransportError) -> GeminiMultiError:
        """Make the typed error for the reason that ended the attempt."""
        if isinstance(error, ErrorPayload):
            return self._provider.error(error, self._prepared.endpoint.target, self._headers)
        if isinstance(error, TransportError):
            text = f"{self._provider.name} ({self._model_id!r}) gave no whole answer: {error}."
            return error.kind(text, provider=self._provider.name, model=self._model_id)
        return error

    def _located(self, failure: GeminiMultiError) -> GeminiMultiError:
        """Add the provider and the model to an error that does not have them yet."""
        if isinstance(failure, _LOCATED) and not failure.provider:
            failure.provider, failure.model = self._provider.name, self._model_id
            failure.message = f"{failure.provider} ({failure.model!r}): {failure.message}"
            failure.args = (failure.message,)
        return failure

    def _completed(self, answer: ChatResponse) -> ChatResponse:
        """Add the provider, the cost, the attempts and the headers to a decoded answer."""
        provider = self._provider
        metadata = {**answer.provider_metadata, **provider.response_metadata(self._headers)}
        if self._options.include_response_headers:
            metadata["headers"] = dict(self._headers)
        return ChatResponse(
            candidates=answer.candidates,
            usage=self._priced(answer),
            provider=provider.name,
            model=answer.model or self._model_id,
            dialect=answer.dialect or self._prepared.endpoint.dialect.name,
            response_id=answer.response_id,
            request_id=provider.request_id(self._headers) or answer.request_id,
            attempts=self._attempt_log.attempts,
            prompt_feedback=answer.prompt_feedback,
            provider_metadata=metadata,
        )

    def _priced(self, answer: ChatResponse) -> Usage:
        usage = answer.usage
        charged = self._provider.cost_usd(self._headers)
        if charged is not None:
            # The provider's own charge is preferred to a cost in the body, which may be the cost of its upstream.
            return usage.priced(charged, "host")
        return usage if usage.cost_usd is not None else self._priced_by_catalog(usage, answer.model)

    def _priced_by_catalog(self, usage: Usage, model_version: str) -> Usage:
        model = catalog.find_answered(model_version) or self._state.route.model
        computed = pricing.cost_usd(usage, model, self._provider.name, self._options.today())
        return usage if computed is None else usage.priced(computed, "catalog")

    def _usage_of(self, response: ChatResponse) -> Usage:
        """Return the usage of an answer: the provider's figures, or an estimate if it sent none."""
        if response.usage.total_tokens or response.usage.cost_usd is not None:
            return response.usage
        prompt = tokens.estimate_messages(self._request.messages)
        output = sum(tokens.estimate(candidate.text + candidate.thoughts) for candidate in response.candidates)
        estimated = Usage(input_tokens=prompt, output_tokens=output, total_tokens=prompt + output)
        return self._priced_by_catalog(estimated, response.model)
