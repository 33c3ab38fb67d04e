"""Token counts by providers: the routes to an endpoint that counts, and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemini_multi import catalog
from gemini_multi._routing.routes import PreparedRequest, Route, check
from gemini_multi.errors import UnsupportedFeature
from gemini_multi.providers import Provider
from gemini_multi.types import ChatRequest, ChatResponse, TokenCount

__all__ = ["counting_routes", "token_count"]


@dataclass(frozen=True, slots=True)
class CountingRoute(Route):
    """A route to a provider's endpoint that counts tokens."""

    def prepared(self, request: ChatRequest, *, stream: bool) -> PreparedRequest:
        """Write the request for the provider's endpoint that counts.

        Raises:
            UnsupportedFeature: The provider has none, or the endpoint does not support the request.
        """
        if not self.endpoints:
            raise UnsupportedFeature(
                f"{self.provider.name} does not count tokens{self.provider.counting_advice}",
                features=["counting tokens"],
                providers=[self.provider.name],
            )
        return Route.prepared(self, request, stream=stream)


def counting_routes(request: ChatRequest, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the routes for a count, in the caller's order.

    Raises:
        ConfigurationError: The request cannot be sent anywhere.
    """
    check(request)
    model = catalog.find(request.model)
    return tuple(
        CountingRoute(provider, model, tuple(provider.counting_endpoints(request, model))) for provider in providers
    )


def token_count(response: ChatResponse) -> TokenCount:
    """Read the count from the response of the endpoint."""
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
