"""Oxen.ai: OpenAI-style chat completions at `/chat/completions`.

Sources: https://docs.oxen.ai/inference-api/overview and the model pages beside it, which say that these models follow
the standard OpenAI request body. Signatures are not documented there: they are sent as to Google's own OpenAI endpoint.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import ClassVar, Final

from gemini_multi.catalog import Model
from gemini_multi.providers.chat_provider import ChatProvider, ChatTraits

_MEBIBYTE: Final = 1024 * 1024

# "This model follows the standard OpenAI chat completions request body" (the model pages); Oxen refuses penalties for
# Gemini.
_TRAITS: Final = ChatTraits(
    supports_seed=True,
    reasoning_efforts=("minimal", "low", "medium", "high"),
    call_extra_content=True,
    message_extra_content=True,
    call_signature_on_message=True,
    reasoning_details=True,
    audio_part="audio_url",
    audio_types=frozenset(
        f"audio/{kind}" for kind in ("wav", "mp3", "mpeg", "mp4", "m4a", "aac", "x-aac", "ogg", "flac")
    ),
    video_part=True,
    file_data=True,
    file_url=True,
    media_first=True,
    maximum_bytes={"audio": 20 * _MEBIBYTE, "document": 24 * _MEBIBYTE},
    parallel_tool_calls=True,
)


@dataclass(frozen=True, slots=True)
class Oxen(ChatProvider):
    """Oxen.ai.

    Args:
        api_key: From `OXEN_API_KEY` when not given.
        target_namespace: The namespace that Oxen bills.
        model: Oxen's own model id, instead of the catalog's for the requested model.
        headers: Further headers for every request.
        base_url: From `OXEN_BASE_URL`, else `https://hub.oxen.ai/api/ai`.

    Raises:
        ConfigurationError: There is no key, or a value cannot be used.
    """

    name: ClassVar[str] = "oxen"
    key_variables: ClassVar[tuple[str, ...]] = ("OXEN_API_KEY",)
    base_urls: ClassVar[tuple[str, ...]] = ("https://hub.oxen.ai/api/ai", "OXEN_BASE_URL")

    _: KW_ONLY
    target_namespace: str | None = None

    def traits_for(self, model: Model) -> ChatTraits:
        """Return Oxen's traits, the same for all Gemini models."""
        return replace(_TRAITS, extra={"target_namespace": self.target_namespace}) if self.target_namespace else _TRAITS

    def guessed_id(self, name: str) -> str:
        """Return an id with dashes and without a vendor's prefix: `gemini-3-8-flash`."""
        return name.removeprefix("google/").replace(".", "-")
