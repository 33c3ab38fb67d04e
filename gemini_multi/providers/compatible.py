"""Any provider with an OpenAI-style endpoint, described by values. It can be added without a pull request."""

# No `from __future__ import annotations`: see `chat_host`.

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, cast

from gemini_multi.catalog import Model
from gemini_multi.errors import ConfigurationError
from gemini_multi.providers.chat_host import ChatHost, ChatTraits
from gemini_multi.types import ChatRequest

_PLACE = "{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAICompatible(ChatHost):
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
