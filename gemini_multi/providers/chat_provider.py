"""Providers with one chat completions endpoint and one key: the base class, and the provider that values describe."""

# No `from __future__ import annotations`: the constructor of a subclass repeats these annotations in another module,
# where the names could not be resolved.

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, ClassVar, cast
from urllib.parse import quote

from gemini_multi.catalog import Model
from gemini_multi.dialects.base import LISTING, Target
from gemini_multi.dialects.chat_completions.dialect import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import environment
from gemini_multi.providers.base import Endpoint, Provider, checked_headers, checked_url
from gemini_multi.providers.keys import Key, KeyArgument
from gemini_multi.types import ChatRequest

__all__ = ["ChatProvider", "ChatTraits", "OpenAICompatible"]

_PLACE = "{name}"


@dataclass(frozen=True, slots=True)
class ChatProvider(Provider):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAICompatible(ChatProvider):
    """A provider that you define, with `/chat/completions` below its URL and a bearer key.

    ```python
    OpenAICompatible(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        key_variable="OPENROUTER_API_KEY",
        model_id="google/{name}",
        traits=ChatTraits(reasoning_details=True, supports_seed=True),
    )
    ```

    Args:
        name: The provider's name, for errors, answers and the `providers` argument.
        base_url: The URL without `/chat/completions`.
        api_key: The key; from `key_variable` when not given.
        key_variable: The environment variable that may hold the key.
        model_id: The form of the provider's model ids; `{name}` stands for the catalog's name. Register other ids with
            `catalog.register("gemini-3.8-flash", providers={"openrouter": "google/..."})`.
        traits: The fields and values that the endpoint accepts, as `ChatTraits` or a mapping of its fields; by default
            those that every provider of Gemini is known to accept.
        model: The provider's own model id, instead of that for the requested model.
        headers: Further headers for every request.

    Raises:
        ConfigurationError: There is no key, or a value cannot be used.
    """

    key_variables: ClassVar[tuple[str, ...]] = ()
    base_urls: ClassVar[tuple[str, ...]] = ("",)

    name: str  # type: ignore[misc]  # pyright: ignore[reportIncompatibleVariableOverride]  # each instance has its own name
    key_variable: str | None = None
    model_id: str = _PLACE
    traits: ChatTraits | Mapping[str, Any] = field(default_factory=ChatTraits)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ConfigurationError("The `name` of OpenAICompatible is empty: say what the provider is called.")
        if _PLACE not in self.model_id:
            raise ConfigurationError(
                f"The `model_id` of OpenAICompatible must hold {_PLACE!r}, as in 'google/{_PLACE}', not "
                f"{self.model_id!r}; one id for all requests is `model`."
            )
        self._set(name=self.name.strip().lower(), traits=_traits(self.traits))
        self._connect(() if self.key_variable is None else (self.key_variable,), "")

    def traits_for(self, model: Model) -> ChatTraits:
        """Return the configured traits, the same for all models."""
        assert isinstance(self.traits, ChatTraits)
        return self.traits

    def hosted_id(self, request: ChatRequest, model: Model) -> str | None:
        """Find the id: the configured one, the one in the catalog, or one made from `model_id`."""
        return self.listed_id(request.model, model) if self.model is None else self.model

    def listed_id(self, name: str, model: Model) -> str:
        """Return the id in the catalog, else one made from `model_id`."""
        hosted = model.providers.get(self.name)
        if hosted is not None:
            return name if name in hosted.aliases else hosted.id
        return self.guessed_id(model.name if model.is_known else name)

    def guessed_id(self, name: str) -> str:
        """Make an id from `model_id`. A name with a slash is already an id."""
        return name if "/" in name else self.model_id.replace(_PLACE, name)


def _traits(given: ChatTraits | Mapping[str, Any]) -> ChatTraits:
    """Read traits from the fields of a JSON object, in which lists represent tuples and sets."""
    if isinstance(given, ChatTraits):
        return given
    default = ChatTraits()
    known = {one.name: getattr(default, one.name) for one in fields(ChatTraits)}
    if unknown := [name for name in given if name not in known]:
        raise ConfigurationError(f"`ChatTraits` has no {', '.join(unknown)}; it has {', '.join(known)}.")
    values: dict[str, Any] = {
        # A list of a JSON object becomes what the default is.
        name: (frozenset if isinstance(known[name], frozenset) else tuple)(cast("list[object]", value))
        if isinstance(value, list)
        else value
        for name, value in given.items()
    }
    return ChatTraits(**values)
