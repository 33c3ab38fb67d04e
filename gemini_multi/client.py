"""`Client` and `AsyncClient`: call one model over several providers.

No connection is made before the first call. A client holds no sockets itself, so it can be pickled, copied, used from
many threads, and from several event loops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, Unpack

from gemini_multi._call.base_client import BaseClient, CallArguments, LookArguments
from gemini_multi._call.call import Call
from gemini_multi._call.hedging import AsyncHedgedEventStream, HedgedEventStream
from gemini_multi._call.lookups import listed, token_count
from gemini_multi._call.streams import AsyncEventStream, EventStream
from gemini_multi._transport.pools import POOLS
from gemini_multi._transport.session import AsyncSession, Session
from gemini_multi.providers import Provider
from gemini_multi.types import ChatRequest, ChatResponse, ListedModel, TokenCount

if TYPE_CHECKING:
    from gemini_multi._transport.session import AsyncExchange, Exchange

__all__ = ["AsyncClient", "AsyncEventStream", "CallArguments", "Client", "EventStream"]


class Client(BaseClient):
    """The blocking client."""

    def chat(self, request: ChatRequest, **arguments: Unpack[CallArguments]) -> ChatResponse:
        """Request a whole answer.

        Args:
            request: The request.
            **arguments: For this call only: `providers`, `timeout` and others; see `CallArguments`.

        Raises:
            GeminiMultiError: See `gemini_multi.errors`.
        """
        return self._answer(self._new_call(request, arguments, stream=False))

    def stream(self, request: ChatRequest, **arguments: Unpack[CallArguments]) -> EventStream:
        """Request an answer in pieces; the first `next` sends the request. Arguments and errors are those of `chat`."""
        return self._opened(self._new_call(request, arguments, stream=True))

    def count_tokens(self, request: ChatRequest, **arguments: Unpack[CallArguments]) -> TokenCount:
        """Count the tokens of a request at a provider, without an answer.

        Only Cloudflare counts tokens, through `api="google_ai_studio"`; other providers are skipped.

        Args:
            request: The request to count.
            **arguments: The same as for `chat`.

        Raises:
            UnsupportedFeature: None of the providers counts tokens.
            GeminiMultiError: As with `chat`.
        """
        return token_count(self._answer(self._new_count(request, arguments)))

    def models(self, provider: str | Provider, **arguments: Unpack[LookArguments]) -> tuple[ListedModel, ...]:
        """List the models that a provider serves now.

        Args:
            provider: Its name or configuration.
            **arguments: The arguments of `chat` for time and retries.

        Raises:
            UnsupportedFeature: The provider has no endpoint for this list.
            GeminiMultiError: As with `chat`.
        """
        call = self._new_listing(provider, None, arguments)
        return listed(self._answer(call), call)

    def model(self, provider: str | Provider, name: str, **arguments: Unpack[LookArguments]) -> ListedModel:
        """Return a provider's record of one model, such as the schema of its requests.

        Args:
            provider: Its name or configuration.
            name: The model's name in the catalog, or the provider's id.
            **arguments: The arguments of `chat` for time and retries.

        Raises:
            ModelNotFound: The provider does not have the model.
            UnsupportedFeature: The provider has no endpoint for this record.
            GeminiMultiError: As with `chat`.
        """
        call = self._new_listing(provider, name, arguments)
        return listed(self._answer(call), call)[0]

    def _answer(self, call: Call) -> ChatResponse:
        with self._opened(call) as stream:
            return stream.response()

    def _opened(self, call: Call) -> EventStream:
        delay = call.hedge_delay()
        if delay is None:
            return EventStream(call, self._session())
        return HedgedEventStream(call, self._session, delay)

    def _session(self) -> Session:
        return Session(self._exchange)

    def _exchange(self) -> Exchange:
        if self._http_client is None:
            return POOLS.exchange(self._transport, self)
        from gemini_multi._transport.callers import CallersExchange

        return CallersExchange(self._http_client)

    def for_async(self) -> AsyncClient:
        """Return an asynchronous client with the same configuration and totals."""
        return self._copied_as(AsyncClient)

    def close(self) -> None:
        """Release the shared connections. The last client that releases them closes them. A later call reconnects."""
        POOLS.release(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncClient(BaseClient):
    """The asynchronous client."""

    async def chat(self, request: ChatRequest, **arguments: Unpack[CallArguments]) -> ChatResponse:
        """Request a whole answer. Arguments and errors are those of `Client.chat`."""
        return await self._answer(self._new_call(request, arguments, stream=False))

    def stream(self, request: ChatRequest, **arguments: Unpack[CallArguments]) -> AsyncEventStream:
        """Request an answer in pieces. Arguments and errors are those of `Client.chat`."""
        return self._opened(self._new_call(request, arguments, stream=True))

    async def count_tokens(self, request: ChatRequest, **arguments: Unpack[CallArguments]) -> TokenCount:
        """Count the tokens of a request at a provider. Arguments and errors are those of `Client.count_tokens`."""
        return token_count(await self._answer(self._new_count(request, arguments)))

    async def models(self, provider: str | Provider, **arguments: Unpack[LookArguments]) -> tuple[ListedModel, ...]:
        """List the models that a provider serves now. Arguments and errors are those of `Client.models`."""
        call = self._new_listing(provider, None, arguments)
        return listed(await self._answer(call), call)

    async def model(self, provider: str | Provider, name: str, **arguments: Unpack[LookArguments]) -> ListedModel:
        """Return a provider's record of one model. Arguments and errors are those of `Client.model`."""
        call = self._new_listing(provider, name, arguments)
        return listed(await self._answer(call), call)[0]

    async def _answer(self, call: Call) -> ChatResponse:
        async with self._opened(call) as stream:
            return await stream.response()

    def _opened(self, call: Call) -> AsyncEventStream:
        delay = call.hedge_delay()
        if delay is None:
            return AsyncEventStream(call, self._session())
        return AsyncHedgedEventStream(call, self._session, delay)

    def _session(self) -> AsyncSession:
        return AsyncSession(self._exchange)

    async def _exchange(self) -> AsyncExchange:
        if self._http_async_client is None:
            return await POOLS.async_exchange(self._transport, self)
        from gemini_multi._transport.callers import CallersAsyncExchange

        return CallersAsyncExchange(self._http_async_client)

    async def aclose(self) -> None:
        """Release the shared connections of the running loop. The last client that releases them closes them."""
        await POOLS.release_running_loop(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()
