"""Oxen.ai: OpenAI-style chat completions at `/chat/completions`.

Sources: https://docs.oxen.ai/inference-api/overview and the model pages beside it, which say that these models follow
the standard OpenAI request body. Signatures are not documented there: they travel as on Google's own OpenAI endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Final

from gemini_multi import _environment
from gemini_multi._keys import Key
from gemini_multi.dialects._contract import Target
from gemini_multi.dialects.chat_completions import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.providers._contract import Endpoint, Provider, checked_headers, checked_url

if TYPE_CHECKING:
    from gemini_multi._keys import KeyArgument
    from gemini_multi.catalog import Model
    from gemini_multi.types import ChatRequest

_BASE_URL: Final = "https://hub.oxen.ai/api/ai"
_MEBIBYTE: Final = 1024 * 1024

# "This model follows the standard OpenAI chat completions request body" (the model pages); penalties are refused for
# Gemini.
_TRAITS: Final = ChatTraits(
    supports_seed=True,
    reasoning_efforts=("minimal", "low", "medium", "high"),
    call_extra_content=True,
    message_extra_content=True,
    audio_part="audio_url",
    audio_types=frozenset(
        f"audio/{kind}" for kind in ("wav", "mp3", "mpeg", "mp4", "m4a", "x-m4a", "aac", "x-aac", "ogg", "flac")
    ),
    video_part=True,
    file_data=True,
    file_url=True,
    media_first=True,
    maximum_bytes={"audio": 20 * _MEBIBYTE, "document": 24 * _MEBIBYTE},
    parallel_tool_calls=True,
)


@dataclass(frozen=True, slots=True)
class Oxen(Provider):
    """Oxen.ai.

    Args:
        api_key: From `OXEN_API_KEY` when not given.
        target_namespace: The namespace to bill to.
        model: Oxen's own model id, instead of the catalog's for the requested model.
        headers: Further headers for every request.
        base_url: From `OXEN_BASE_URL`, else `https://hub.oxen.ai/api/ai`.

    Raises:
        ConfigurationError: There is no key, or a value cannot be used.
    """

    name: ClassVar[str] = "oxen"
    key_variables: ClassVar[tuple[str, ...]] = ("OXEN_API_KEY",)

    api_key: KeyArgument = field(default=None, repr=False)
    _: KW_ONLY
    target_namespace: str | None = None
    model: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, hash=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        base_url = self.base_url or _environment.read("OXEN_BASE_URL") or _BASE_URL
        key = Key.of(self.api_key, variables=self.key_variables, argument="Oxen(api_key=...)")
        object.__setattr__(self, "api_key", key)
        object.__setattr__(self, "headers", checked_headers(self.headers))
        object.__setattr__(self, "base_url", checked_url(base_url, "Oxen's `base_url`"))

    def endpoints(self, request: ChatRequest, model: Model, *, stream: bool) -> Sequence[Endpoint]:
        """Name the one door."""
        model_id = self.hosted_id(request, model)
        if model_id is None:
            return ()
        traits = (
            replace(_TRAITS, extra={"target_namespace": self.target_namespace}) if self.target_namespace else _TRAITS
        )
        target = Target(self.name, model, model_id, traits, issuer=self.name)
        return (Endpoint(f"{self.base_url}/chat/completions", CHAT_COMPLETIONS, target),)

    def request_headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Give the request's headers."""
        assert isinstance(self.api_key, Key)
        return {**self.common_headers(self.api_key), **self.headers}

    def guessed_id(self, name: str) -> str:
        """Spell with dashes and without a maker's prefix: `gemini-3-8-flash`."""
        return name.removeprefix("google/").replace(".", "-")
