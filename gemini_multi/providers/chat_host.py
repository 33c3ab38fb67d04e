"""The base class of providers with one chat completions endpoint and one key."""

# No `from __future__ import annotations`: the constructor of a subclass repeats these annotations in another module,
# where the names could not be resolved.

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar
from urllib.parse import quote

from gemini_multi.catalog import Model
from gemini_multi.dialects.base import LISTING, Target
from gemini_multi.dialects.chat_completions.dialect import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.providers import environment
from gemini_multi.providers.base import Endpoint, Provider, checked_url
from gemini_multi.providers.call_headers import checked_headers
from gemini_multi.providers.keys import Key, KeyArgument
from gemini_multi.types import ChatRequest

__all__ = ["ChatHost", "ChatTraits"]


@dataclass(frozen=True, slots=True)
class ChatHost(Provider):
    """A provider with an OpenAI-style `/chat/completions` and a bearer key.

    Subclasses are frozen dataclasses too. They define their name, their environment variables and their URL, and return
    their deviations from `traits_for`.
    """

    base_urls: ClassVar[tuple[str, ...]]
    """The URL, then the environment variables that may replace it, in order."""

    api_key: KeyArgument = field(default=None, repr=False)
    _: KW_ONLY
    model: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, hash=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        self._connect(self.key_variables, *self.base_urls)

    def _connect(self, key_variables: tuple[str, ...], address: str, *variables: str) -> None:
        kind = type(self).__name__
        base_url = self.base_url or environment.read(*variables) or address
        self._set(
            api_key=Key.of(self.api_key, variables=key_variables, argument=f"{kind}(api_key=...)"),
            headers=checked_headers(self.headers),
            base_url=checked_url(base_url, f"The `base_url` of {kind}"),
        )

    @abstractmethod
    def traits_for(self, model: Model) -> ChatTraits:
        """Return how this provider deviates from the dialect for a model."""

    def endpoints(self, request: ChatRequest, model: Model, *, stream: bool) -> Sequence[Endpoint]:
        """Return the only endpoint."""
        model_id = self.hosted_id(request, model)
        if model_id is None:
            return ()
        target = Target(self.name, model, model_id, self.traits_for(model), issuer=self.name)
        return (Endpoint(f"{self.base_url}/chat/completions", CHAT_COMPLETIONS, target),)

    def listing_endpoints(self, model: Model, model_id: str | None) -> tuple[Endpoint, ...]:
        """Return `/models`, or `/models/{id}` for one model."""
        path = "" if model_id is None else f"/{quote(model_id, safe='')}"
        return (self._listing(f"{self.base_url}/models{path}", model, model_id),)

    def _listing(self, url: str, model: Model, model_id: str | None) -> Endpoint:
        target = Target(self.name, model, model_id or "models", None, issuer=self.name)
        return Endpoint(url, LISTING, target, streams=False, method="GET")

    def request_headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Return the request's headers."""
        assert isinstance(self.api_key, Key)
        return {**self.common_headers(self.api_key), **self.headers}
