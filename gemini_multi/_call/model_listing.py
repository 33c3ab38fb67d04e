"""Lists of models by providers: the routes to the models endpoints, and their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemini_multi import catalog
from gemini_multi._routing.routes import PreparedRequest, Route
from gemini_multi.errors import InvalidResponse, UnsupportedFeature
from gemini_multi.providers import Provider
from gemini_multi.types import ChatRequest, ChatResponse, ListedModel

__all__ = ["list_routes", "listed", "listing", "record_routes"]

_ALL = "models"


@dataclass(frozen=True, slots=True)
class ListingRoute(Route):
    """A route to a provider's models endpoint."""

    def prepared(self, request: ChatRequest, *, stream: bool) -> PreparedRequest:
        """Write the request for the provider's models endpoint.

        Raises:
            UnsupportedFeature: The provider has none.
        """
        if not self.endpoints:
            raise UnsupportedFeature(
                f"{self.provider.name} has no endpoint that lists models{self.provider.listing_advice}",
                features=["listing models"],
                providers=[self.provider.name],
            )
        return Route.prepared(self, request, stream=stream)


def listing(name: str | None = None) -> ChatRequest:
    """Make the request for one record, or for all."""
    return ChatRequest(model=name or _ALL, messages=())


def list_routes(request: ChatRequest, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the routes for all models of the providers."""
    model = catalog.find(request.model)
    return tuple(ListingRoute(provider, model, provider.listing_endpoints(model, None)) for provider in providers)


def record_routes(request: ChatRequest, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the routes for one model of the providers."""
    model = catalog.find(request.model)
    return tuple(
        ListingRoute(provider, model, provider.listing_endpoints(model, provider.listed_id(request.model, model)))
        for provider in providers
    )


def listed(response: ChatResponse, providers: Sequence[Provider]) -> tuple[ListedModel, ...]:
    """Read the records of a list. Records without an id are no models."""
    provider = next(provider for provider in providers if provider.name == response.provider)
    records = response.provider_metadata.get("models")
    found = [
        provider.listed_model(record)
        for record in (records if isinstance(records, list) else [])
        if isinstance(record, dict)
    ]
    models = tuple(model for model in found if model is not None)
    if not models:
        raise InvalidResponse(f"{response.provider} answered without a single model.", raw=str(records)[:1000])
    return models
