"""The routes of a request: which providers to try, in which order, and through which of their endpoints. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gemini_multi import catalog
from gemini_multi.catalog import Model
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.errors import ConfigurationError, UnsupportedFeature
from gemini_multi.preference import Strategy
from gemini_multi.providers import Endpoint, Provider
from gemini_multi.types import ChatRequest, JsonObject


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """An endpoint together with the body to send through it."""

    endpoint: Endpoint
    body: JsonObject
    ignored: tuple[str, ...] = ()
    """The settings that the body omits."""

    @classmethod
    def written(cls, endpoint: Endpoint, request: ChatRequest, *, stream: bool) -> PreparedRequest:
        """Write the request for an endpoint, or raise `UnsupportedFeature`."""
        report = EncodingReport()
        body = endpoint.body(request, stream=stream, report=report)
        return cls(endpoint, body, tuple(report.settings))


@dataclass(frozen=True, slots=True)
class Route:
    """One provider for one request."""

    provider: Provider
    model: Model
    endpoints: tuple[Endpoint, ...]
    refusal: UnsupportedFeature | None = None
    """The error if there is no endpoint; by default, that the provider does not serve the model."""

    @property
    def key(self) -> object:
        """The identity of the route: the provider with its key and address, and the model."""
        return self.provider, self.model.name

    @property
    def answering(self) -> Model:
        """The model that the provider will use: the provider's own `model`, otherwise the request's."""
        return self.model if self.provider.model is None else catalog.find(self.provider.model)

    @property
    def context_window(self) -> int:
        """The maximum number of tokens that the provider accepts."""
        hosted = self.model.providers.get(self.provider.name) if self.provider.model is None else None
        return (hosted and hosted.context_window) or self.answering.context_window

    def prepared(self, request: ChatRequest, *, stream: bool) -> PreparedRequest:
        """Write the request for the first endpoint that supports it.

        Raises:
            UnsupportedFeature: None of the provider's endpoints supports the request.
        """
        if not self.endpoints:
            raise self.refusal or self._not_served(request.model)
        refusals: list[UnsupportedFeature] = []
        for endpoint in self.endpoints:
            try:
                return PreparedRequest.written(endpoint, request, stream=stream)
            except UnsupportedFeature as refusal:
                refusals.append(refusal)
        raise min(refusals, key=lambda refusal: len(refusal.features))

    def _not_served(self, model: str) -> UnsupportedFeature:
        name = self.provider.name
        message = f"{name} does not serve {model!r}; if it does by now, pass its id as `model=` to the provider."
        return UnsupportedFeature(message, features=[f"the model {model!r}"], providers=[name])


def check(request: ChatRequest) -> None:
    """Refuse a request that no provider can answer.

    Raises:
        ConfigurationError: The request names no model or has no content.
    """
    if not request.model.strip():
        raise ConfigurationError("Name a model, such as `gemini-2.5-flash-lite`.")
    if not request.messages:
        raise ConfigurationError("There is nothing to answer: pass at least one message.")


def routes(request: ChatRequest, providers: Sequence[Provider], *, stream: bool) -> tuple[Route, ...]:
    """List the providers to try, in the caller's order.

    Raises:
        ConfigurationError: The request cannot be sent anywhere.
    """
    check(request)
    named = catalog.find(request.model)
    return tuple([_route(provider, request, named, stream=stream) for provider in providers])


def _route(provider: Provider, request: ChatRequest, named: Model, *, stream: bool) -> Route:
    own = named if provider.model is None else catalog.find(provider.model)
    model = own if own.is_known else named  # an id that is not in the catalog means the requested model
    return Route(provider, model, tuple(provider.endpoints(request, model, stream=stream)))


def arranged(
    found: tuple[Route, ...],
    strategy: Strategy,
    *,
    turn: int,
    cost: Callable[[Route], float | None],
    speed: Callable[[Route], float | None],
) -> tuple[Route, ...]:
    """Sort routes by a strategy. Routes that are equal in the strategy keep the caller's order.

    `turn` is the number of earlier calls. A cost or a speed (seconds to the first content) may be unknown.
    """
    if len(found) < 2 or strategy == "ordered":
        return found
    if strategy == "round_robin":
        begin = turn % len(found)
        return (*found[begin:], *found[:begin])
    measure, unknown = (cost, math.inf) if strategy == "cheapest" else (speed, 0.0)
    measured = [(measure(route), route) for route in found]
    return tuple(route for _, route in sorted(measured, key=lambda pair: unknown if pair[0] is None else pair[0]))
