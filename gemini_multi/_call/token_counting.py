"""Which providers count a request's tokens, and what they counted."""

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
    """One provider for one count."""

    def prepared(self, request: ChatRequest, *, stream: bool) -> PreparedRequest:
        """Take the provider's endpoint for counting.

        Raises:
            UnsupportedFeature: It has none, or the endpoint does not support the request.
        """
        if not self.endpoints:
            raise UnsupportedFeature(
                f"{self.provider.name} does not count tokens{self.provider.counting_advice}",
                features=["counting tokens"],
                providers=[self.provider.name],
            )
        return Route.prepared(self, request, stream=stream)


def counting_routes(request: ChatRequest, providers: Sequence[Provider]) -> tuple[Route, ...]:
    """List the providers to ask for a count, in the caller's order.

    Raises:
        ConfigurationError: The request cannot be sent anywhere.
    """
    check(request)
    model = catalog.find(request.model)
    return tuple(
        CountingRoute(provider, model, tuple(provider.counting_endpoints(request, model))) for provider in providers
    )


def token_count(response: ChatResponse) -> TokenCount:
    """Read a count from the answer as which it came."""
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
