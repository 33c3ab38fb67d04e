"""The common part of the blocking and the asynchronous client: their configuration and their state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypedDict, TypeVar, cast

from gemini_multi._call.attempt_log import CallOptions
from gemini_multi._call.call import Call
from gemini_multi._call.lookups import counting_routes, listing_routes
from gemini_multi._call.permits import open_permits
from gemini_multi._routing import pricing
from gemini_multi._routing.health import Health
from gemini_multi._routing.ledger import Ledger, Totals
from gemini_multi._routing.routes import Route, arranged, routes
from gemini_multi._transport.steps import Limits, Timeouts, TransportName, TransportSettings
from gemini_multi.errors import ConfigurationError
from gemini_multi.preference import STRATEGIES, FailoverArgument, FailoverOn, Hedging, HedgingArgument, Strategy
from gemini_multi.providers import Provider, ProvidersArgument, environment, resolve
from gemini_multi.providers.base import CallHeaders, GatewayMetadata
from gemini_multi.rate_limits import RateLimits, RateLimitsArgument, SharedStorage, StorageArgument
from gemini_multi.retry import RetryPolicy
from gemini_multi.types import Attempt, ChatRequest

if TYPE_CHECKING:
    import httpx
    import httpx2

    HttpClient: TypeAlias = httpx.Client | httpx2.Client
    HttpAsyncClient: TypeAlias = httpx.AsyncClient | httpx2.AsyncClient
else:
    # No HTTP library is needed to import a client; the annotations resolve to `Any` at run time.
    HttpAsyncClient = HttpClient = Any

_NumberT = TypeVar("_NumberT", bound=float | Timeouts | None)
_ClientT = TypeVar("_ClientT", bound="BaseClient")

TimeoutArgument: TypeAlias = float | Timeouts | None


class LookArguments(TypedDict, total=False):
    """The arguments of a lookup of a provider's models. With `None` the client's own value holds."""

    timeout: TimeoutArgument
    """Other timeouts."""
    deadline: float | None
    """Another deadline."""
    max_retries: int | None
    """Another number of extra requests per route."""
    retry_policy: RetryPolicy | None
    """Another policy; its `max_retries` is replaced by the argument of that name."""
    headers: Mapping[str, str] | None
    """Further headers for every request of this call, to any provider."""


class CallArguments(LookArguments, total=False):
    """The arguments of a call that are not part of its request. With `None` the client's own value holds."""

    providers: ProvidersArgument
    """Other providers for this call."""
    failover_on: FailoverArgument
    """Other conditions under which an answer is not accepted; `()` for none."""
    tracing: bool | None
    """Whether the call makes an OpenTelemetry span."""
    gateway_metadata: GatewayMetadata | None
    """Entries for the log of the provider's gateway (Cloudflare). Providers without a gateway get none."""
    gateway_event_id: str | None
    """Your own trace id for the provider's gateway (Cloudflare)."""
    include_response_headers: bool | None
    """Whether `provider_metadata["headers"]` holds all headers of the response."""


class BaseClient:
    """The configuration and the state of a client. `Client` and `AsyncClient` add the calls."""

    def __init__(
        self,
        providers: ProvidersArgument = None,
        *,
        timeout: TimeoutArgument = None,
        deadline: float | None = None,
        max_retries: int | None = None,
        retry_policy: RetryPolicy | None = None,
        strategy: Strategy = "ordered",
        hedging: HedgingArgument = None,
        max_cost_usd: float | None = None,
        rate_limits: RateLimitsArgument = None,
        storage: StorageArgument = None,
        on_attempt: Callable[[Attempt], object] | None = None,
        failover_on: FailoverArgument = None,
        tracing: bool | None = None,
        include_response_headers: bool = False,
        limits: Limits | None = None,
        transport: TransportName | None = None,
        max_connections: int | None = None,
        keep_alive: float | None = None,
        http_client: HttpClient | None = None,
        http_async_client: HttpAsyncClient | None = None,
    ) -> None:
        """Configure a client. No connection is made yet.

        Args:
            providers: Names (`cloudflare`, `aimlapi`, `oxen`) or provider values, in order of preference. By default,
                all providers whose key is in the environment.
            timeout: Seconds for each wait (connect, first byte, stall), or `Timeouts`.
            deadline: Seconds for a whole call with its retries and failovers.
            max_retries: Extra requests per route.
            retry_policy: Retries in detail. The argument `max_retries`, if given, replaces the policy's `max_retries`.
            strategy: The order in which healthy providers are used: `ordered`, `round_robin`, `cheapest` or `fastest`;
                see `gemini_multi.preference.Strategy`.
            hedging: When to send the request to a second provider because the first is slow: `True`, seconds, or
                `Hedging`.
            max_cost_usd: The maximum cost of this client and its copies. Each request reserves its highest possible
                cost, and is refused if that could pass the limit. With `storage`, the limit holds for all clients that
                share the budget.
            rate_limits: Requests and tokens per minute and concurrent calls, by provider; see
                `gemini_multi.rate_limits.RateLimits`.
            storage: The URL of a Redis server through which processes share rate limits and the budget, or
                `SharedStorage`.
            on_attempt: Called with every attempt when the attempt ends, in the thread or task of the call.
            failover_on: The answers after which the next provider is tried, as after a failure: `refusal`,
                `content_filter`, `length`, `invalid_output`, functions of the answer, several of them, or `FailoverOn`.
            tracing: Whether calls make OpenTelemetry spans. By default they do if a tracer provider is set and the
                environment does not set `GEMINI_MULTI_TRACING=0`.
            include_response_headers: Whether `provider_metadata["headers"]` of an answer holds all headers of the
                response.
            limits: The maximum size of an answer in memory.
            transport: The HTTP library of the calls: `httpx` (the default), `httpx2` or `pyreqwest`. Without this
                argument, the environment variable `GEMINI_MULTI_TRANSPORT` chooses the library.
            max_connections: Maximum number of open connections, shared by clients with the same settings. Further calls
                wait for a connection until their deadline. The default depends on the process's file descriptors.
            keep_alive: Seconds for which an idle connection is kept; 120 by default.
            http_client: A client with the interface of httpx, used instead of `transport`.
            http_async_client: The same, asynchronous.

        Raises:
            ConfigurationError: A provider is unknown or has no key, a number is not allowed, or both a `transport` and
                an HTTP client were given.
        """
        if transport is not None and (http_client is not None or http_async_client is not None):
            raise ConfigurationError("Give either `transport` or `http_client`: a client brings its own transport.")
        self._transport = TransportSettings.of(transport, max_connections, keep_alive)
        self._providers = resolve(providers)
        self._strategy: Strategy = strategy
        self._http_client = http_client
        self._http_async_client = http_async_client
        if strategy not in STRATEGIES:
            raise ConfigurationError(f"`strategy` must be one of {', '.join(STRATEGIES)}, not {strategy!r}.")
        if max_cost_usd is not None and not max_cost_usd >= 0:
            raise ConfigurationError(f"`max_cost_usd` must be a number of US dollars, 0 or more, not {max_cost_usd!r}.")
        shared = SharedStorage.of(storage)
        own = CallOptions(
            limits=limits or Limits(),
            ledger=Ledger(max_cost_usd if shared is None else None),
            on_attempt=() if on_attempt is None else (on_attempt,),
            permits=open_permits(RateLimits.of(rate_limits), shared, max_cost_usd),
            hedging=Hedging.of(hedging),
            tracing=environment.switch("GEMINI_MULTI_TRACING"),
        )
        given: CallArguments = {
            "timeout": timeout,
            "deadline": deadline,
            "max_retries": max_retries,
            "retry_policy": retry_policy,
            "failover_on": failover_on,
            "tracing": tracing,
            "include_response_headers": include_response_headers,
        }
        self._options = _with_arguments(own, given)
        """The options of calls without arguments."""

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The providers, in order of preference."""
        return self._providers

    @property
    def transport(self) -> TransportName:
        """The HTTP library of the calls, unless the caller gave an HTTP client."""
        return self._transport.name

    @property
    def totals(self) -> Totals:
        """The usage of this client and its asynchronous copies so far."""
        return self._options.ledger.totals

    @property
    def limits_are_shared(self) -> bool:
        """Whether other processes share the limits and the budget. Also true if there are no limits."""
        permits = self._options.permits
        return self._options.ledger.limit_usd is None and (permits is None or not permits.storage.is_local)

    def routes(self, request: ChatRequest, *, stream: bool = False) -> tuple[Route, ...]:
        """List the possible routes of a request, in order of preference."""
        return routes(request, self._providers, stream=stream)

    def _new_call(self, request: ChatRequest, arguments: CallArguments, *, stream: bool) -> Call:
        chosen = self._chosen(arguments)
        found = routes(request, chosen, stream=stream)
        if len(found) > 1 and self._strategy != "ordered":
            found = self._arranged(request, found, stream=stream)
        return Call.over(found, request, self._options_for(arguments, chosen), stream=stream)

    def _new_count(self, request: ChatRequest, arguments: CallArguments) -> Call:
        """Prepare a count of tokens."""
        chosen = self._chosen(arguments)
        return self._new_lookup(counting_routes(request, chosen), request, arguments, chosen)

    def _new_listing(self, provider: str | Provider, name: str | None, arguments: LookArguments) -> Call:
        """Prepare a list of a provider's models, or the record of one model."""
        given = cast("CallArguments", {"providers": provider, **arguments})  # a superset
        chosen = self._chosen(given)
        request = ChatRequest(model=name or "models", messages=())
        return self._new_lookup(listing_routes(name, chosen), request, given, chosen)

    def _new_lookup(
        self, found: tuple[Route, ...], request: ChatRequest, arguments: CallArguments, chosen: tuple[Provider, ...]
    ) -> Call:
        """Prepare a call that generates nothing. It is free, so its usage is not counted."""
        options = replace(
            self._options_for(arguments, chosen),
            ledger=Ledger(),
            health=Health(),
            permits=None,
            hedging=None,
            failover=FailoverOn.of(arguments.get("failover_on")),
            tracing=bool(arguments.get("tracing")),
        )
        return Call.over(found, request, options, stream=False)

    def _chosen(self, arguments: CallArguments) -> tuple[Provider, ...]:
        """Check the names of a call's arguments, and choose its providers."""
        known = CallArguments.__annotations__
        if not arguments.keys() <= known.keys():
            unknown = ", ".join(sorted(arguments.keys() - known))
            raise TypeError(f"A call takes no argument {unknown}; it takes {', '.join(sorted(known))}.")
        providers = arguments.get("providers")
        return self._providers if providers is None else resolve(providers, known=self._providers)

    def _options_for(self, arguments: CallArguments, chosen: tuple[Provider, ...]) -> CallOptions:
        for name, value in arguments.items():
            if value is not None and name != "providers":
                break
        else:
            return self._options
        options = _with_arguments(self._options, arguments)
        if options.call_headers is not None:
            for provider in chosen:  # checks that the headers can be sent, before any request is sent
                provider.call_headers(options.call_headers)
        return options

    def _arranged(self, request: ChatRequest, found: tuple[Route, ...], *, stream: bool) -> tuple[Route, ...]:
        health, now, today = self._options.health, self._options.clock(), self._options.today()
        return arranged(
            found,
            self._strategy,
            turn=next(health.calls) if self._strategy == "round_robin" else 0,
            cost=lambda route: pricing.expected_usd(request, route.answering, route.provider.name, today),
            speed=lambda route: health.of(route.key).speed(now, stream=stream),
        )

    def inherit(self, other: BaseClient) -> None:
        """Take over the totals and the routes' health of another client, which this client replaces."""
        own, given = self._options, other._options
        own.ledger.totals = given.ledger.totals
        permits = own.permits and given.permits and replace(own.permits, storage=given.permits.storage)
        self._options = replace(own, health=given.health, permits=permits or own.permits)

    def __repr__(self) -> str:
        names = ", ".join(repr(provider.name) for provider in self._providers)
        return f"{type(self).__name__}([{names}])"

    def _copied_as(self, kind: type[_ClientT]) -> _ClientT:
        """Make a client with the same configuration. The copies share the totals and the routes' health."""
        copied = kind.__new__(kind)
        copied.__dict__.update(self.__dict__)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """Omit the caller's own HTTP clients, which hold sockets, and the listeners."""
        options = replace(self._options, on_attempt=())
        return {**self.__dict__, "_http_client": None, "_http_async_client": None, "_options": options}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Copy the configuration. The copies share the totals, the routes' health and the caller's own HTTP clients."""
        return self._copied_as(type(self))


def _with_arguments(own: CallOptions, arguments: CallArguments) -> CallOptions:
    """Change the options by the arguments that were given."""
    timeout, deadline = arguments.get("timeout"), arguments.get("deadline")
    policy, max_retries = arguments.get("retry_policy") or own.policy, arguments.get("max_retries")
    failover, tracing = arguments.get("failover_on"), arguments.get("tracing")
    wants_headers = arguments.get("include_response_headers")
    headers = arguments.get("headers"), arguments.get("gateway_metadata"), arguments.get("gateway_event_id")
    return replace(
        own,
        policy=policy if max_retries is None else replace(policy, max_retries=max_retries),
        timeouts=own.timeouts if timeout is None else Timeouts.of(_positive(timeout, "timeout")),
        deadline=own.deadline if deadline is None else _positive(deadline, "deadline"),
        failover=own.failover if failover is None else FailoverOn.of(failover),
        call_headers=CallHeaders.of(*headers),
        include_response_headers=own.include_response_headers if wants_headers is None else wants_headers,
        tracing=own.tracing if tracing is None else tracing,
    )


def _positive(number: _NumberT, name: str) -> _NumberT:
    if isinstance(number, (int, float)) and not number > 0:
        raise ConfigurationError(f"`{name}` must be a number of seconds above 0, not {number!r}.")
    return number
