"""Lookups: calls that generate nothing, such as token counts and lists of models. Their routes and results."""

from __future__ import annotations

from collections.abc import Sequence

from gemini_multi import catalog
from gemini_multi._call.call import Call
from gemini_multi._encoding.json_values import objects
from gemini_multi._routing.routes import Route, check
from gemini_multi.errors import InvalidResponse, UnsupportedFeature
from gemini_multi.providers import Endpoint, Provider
from gemini_multi.types import ChatRequest, ChatResponse, ListedModel, TokenCount


def counting_routes(request: ChatRequest, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the routes for a token count, in the caller's order."""
    check(request)
    model = catalog.find(request.model)

    def route(provider: Provider) -> Route:
        refusal = f"{provider.name} does not count tokens{provider.counting_advice}"
        return _route(provider, model, provider.counting_endpoints(request, model), "counting tokens", refusal)

    return tuple(map(route, providers))


def listing_routes(name: str | None, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the routes for the record of one model, or of all models."""
    model = catalog.find(name or "models")

    def route(provider: Provider) -> Route:
        model_id = None if name is None else provider.listed_id(name, model)
        refusal = f"{provider.name} has no endpoint that lists models{provider.listing_advice}"
        return _route(provider, model, provider.listing_endpoints(model, model_id), "listing models", refusal)

    return tuple(map(route, providers))


def _route(
    provider: Provider, model: catalog.Model, endpoints: Sequence[Endpoint], feature: str, refusal: str
) -> Route:
    error = UnsupportedFeature(refusal, features=[feature], providers=[provider.name])
    return Route(provider, model, tuple(endpoints), error)


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


def listed(response: ChatResponse, call: Call) -> tuple[ListedModel, ...]:
    """Read the records of a list. A record without an id is not a model."""
    providers = {state.route.provider.name: state.route.provider for state in call.schedule.states}
    records = response.provider_metadata.get("models")
    found = map(providers[response.provider].listed_model, objects(records))
    models = tuple(model for model in found if model is not None)
    if not models:
        raise InvalidResponse(f"{response.provider} answered without a single model.", raw=str(records)[:1000])
    return models
