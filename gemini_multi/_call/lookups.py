"""Lookups: calls that generate nothing, such as token counts and lists of models. Their routes and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemini_multi import catalog
from gemini_multi._encoding.json_values import objects
from gemini_multi._routing.routes import Route, check
from gemini_multi.errors import InvalidResponse, UnsupportedFeature
from gemini_multi.providers import Provider
from gemini_multi.types import ChatRequest, ChatResponse, ListedModel, TokenCount

__all__ = ["counting_routes", "list_routes", "listed", "listing", "record_routes", "token_count"]

_ALL = "models"


@dataclass(frozen=True, slots=True)
class LookupRoute(Route):
    """A route to a provider's endpoint for a lookup. The provider may have no such endpoint."""

    feature: str
    refusal: str
    """The message of the error for a provider without the endpoint."""

    def unsupported(self, request: ChatRequest) -> UnsupportedFeature:
        """Make the error for a provider without the endpoint."""
        del request
        return UnsupportedFeature(self.refusal, features=[self.feature], providers=[self.provider.name])


def counting_routes(request: ChatRequest, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the routes for a token count, in the caller's order.

    Raises:
        ConfigurationError: The request cannot be sent anywhere.
    """
    check(request)
    model = catalog.find(request.model)
    return tuple(
        LookupRoute(
            provider,
            model,
            tuple(provider.counting_endpoints(request, model)),
            "counting tokens",
            f"{provider.name} does not count tokens{provider.counting_advice}",
        )
        for provider in providers
    )


def token_count(response: ChatResponse) -> TokenCount:
    """Read the token count from the response."""
    return TokenCount(
        total_tokens=response.usage.total_tokens,
        cached_tokens=response.usage.cached_tokens,
        by_modality=response.usage.input_by_modality,
        provider=response.provider,
        model=response.model,
        request_id=response.request_id,
        attempts=response.attempts,
        provider_metadata=response.provider_metadata,
    )


def listing(name: str | None = None) -> ChatRequest:
    """Make the request for the record of one model, or of all models."""
    return ChatRequest(model=name or _ALL, messages=())


def list_routes(request: ChatRequest, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the routes for the records of all models."""
    del request
    return tuple(_listing_route(provider, _ALL, is_whole=True) for provider in providers)


def record_routes(request: ChatRequest, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the routes for the record of one model."""
    return tuple(_listing_route(provider, request.model, is_whole=False) for provider in providers)


def _listing_route(provider: Provider, name: str, *, is_whole: bool) -> Route:
    model = catalog.find(name)
    model_id = None if is_whole else provider.listed_id(name, model)
    refusal = f"{provider.name} has no endpoint that lists models{provider.listing_advice}"
    return LookupRoute(provider, model, provider.listing_endpoints(model, model_id), "listing models", refusal)


def listed(response: ChatResponse, providers: Sequence[Provider]) -> tuple[ListedModel, ...]:
    """Read the records of a list. A record without an id is not a model."""
    provider = next(provider for provider in providers if provider.name == response.provider)
    records = response.provider_metadata.get("models")
    found = map(provider.listed_model, objects(records))
    models = tuple(model for model in found if model is not None)
    if not models:
        raise InvalidResponse(f"{response.provider} answered without a single model.", raw=str(records)[:1000])
    return models
