"""AIMLAPI: OpenAI-style chat completions whose request schema differs by model family.

Sources: https://docs.aimlapi.com/api-references/text-models-llm/google (the OpenAPI file of each model; the catalog
names its family A to D), https://docs.aimlapi.com/capabilities/request-tracing-and-cost and …/errors-and-messages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from functools import cache
from typing import ClassVar, Final
from urllib.parse import quote

from gemini_multi.catalog import HostedModel, Model
from gemini_multi.errors import ModelNotFound, PermissionDenied, ProviderError, QuotaExhausted
from gemini_multi.providers.base import Endpoint
from gemini_multi.providers.chat_provider import ChatProvider, ChatTraits
from gemini_multi.providers.errors import ErrorPayload

_CREDITS_PER_USD: Final = 2_000_000.0
_NEWEST_FAMILY: Final = "C"
_UNKNOWN: Final = HostedModel("", reasoning_efforts=("low", "medium", "high"))
"""Stands for a model that the catalog does not know."""


@dataclass(frozen=True, slots=True)
class AIMLAPI(ChatProvider):
    """AIMLAPI.

    Args:
        api_key: From `AIMLAPI_API_KEY`, `AIML_API_KEY` or `AIMLAPI_KEY` when not given.
        upstream: AIMLAPI's `provider` field: the upstream that serves the call, without fallback (`google`, …).
        model: AIMLAPI's own model id, instead of the catalog's for the requested model.
        headers: Further headers for every request.
        base_url: From `AIMLAPI_BASE_URL` or `AIMLAPI_API_BASE`, else `https://api.aimlapi.com/v1`.

    Raises:
        ConfigurationError: There is no key, or a value cannot be used.
    """

    name: ClassVar[str] = "aimlapi"
    key_variables: ClassVar[tuple[str, ...]] = ("AIMLAPI_API_KEY", "AIML_API_KEY", "AIMLAPI_KEY")
    base_urls: ClassVar[tuple[str, ...]] = ("https://api.aimlapi.com/v1", "AIMLAPI_BASE_URL", "AIMLAPI_API_BASE")
    id_headers: ClassVar[tuple[str, ...]] = ("x-inference-id", "x-request-id")
    metadata_headers: ClassVar[tuple[str, ...]] = ("x-aimlapi-",)

    _: KW_ONLY
    upstream: str | None = None

    def traits_for(self, model: Model) -> ChatTraits:
        """Return AIMLAPI's traits, by the request schema that it documents for the model."""
        hosted = model.providers.get(self.name, _UNKNOWN)
        traits = _traits(hosted, needs_signatures=model.needs_signatures)
        if self.upstream is None:
            return traits
        # AIMLAPI drops fields that a model's schema lacks, and answers as if they had not been sent.
        unmet = () if hosted.takes_upstream else ("`upstream`",)
        return replace(traits, extra={"provider": self.upstream}, unmet=unmet)

    def kind_of(self, payload: ErrorPayload) -> type[ProviderError] | None:
        """Classify errors that only their text identifies: no credit is a 403, a retired model a 404 or 500."""
        text = payload.message.lower()
        if payload.status in (403, None) and ("run out of" in text or "top up" in text):
            return QuotaExhausted
        if payload.status == 403:
            return PermissionDenied
        if payload.status in (429, None) and "free-tier limit" in text:
            return QuotaExhausted
        if "no endpoints found" in text or "unable to access model" in text or "under maintenance" in text:
            return ModelNotFound
        return None

    def cost_usd(self, headers: Mapping[str, str]) -> float | None:
        """Read the charged amount; a stream holds it in its last chunk instead."""
        if (spent := _figure(headers.get("x-aimlapi-usd-spent"))) is not None:
            return spent
        credits_used = _figure(headers.get("x-aimlapi-credits-used"))
        return None if credits_used is None else credits_used / _CREDITS_PER_USD

    def listing_endpoints(self, model: Model, model_id: str | None) -> tuple[Endpoint, ...]:
        """Return `/v1/models`, or `/model/{id}`, which is not below `/v1` and accepts unescaped slashes."""
        if model_id is None:
            return (self._listing(f"{self.base_url}/models?include=all", model, None),)
        root = self.base_url.removesuffix("/v1")
        return (self._listing(f"{root}/model/{quote(model_id, safe='/')}", model, model_id),)

    def guessed_id(self, name: str) -> str:
        """Return an id in the form of the newer ids: `google/gemini-3-8-flash`."""
        return name if "/" in name else f"google/{name.replace('.', '-')}"


_SOUNDS: Final = frozenset(
    f"audio/{kind}"
    for kind in ("wav", "mp3", "mpeg", "aac", "x-aac", "flac", "m4a", "mpga", "mp4", "ogg", "pcm", "webm")
)
"""The formats of `input_audio` in the request schema, by the MIME types that stand for them."""

_COMMON: Final = ChatTraits(
    supports_n=True,
    supports_penalties=True,
    supports_seed=True,
    minimum_seed=1,
    minimum_top_p=0.01,
    assistant_null_content=False,
    refusal_part=True,
    message_extra_content=True,
    parallel_tool_calls=True,
    strict_tools=True,
    audio_types=_SOUNDS,
    audio_url_remote=True,
    maximum_total_bytes=20 * 1024 * 1024,
    credits_per_usd=_CREDITS_PER_USD,
)
_NEWER: Final = replace(_COMMON, assistant_null_content=True, tool_content="parts")
_FAMILIES: Final[dict[str, ChatTraits]] = {
    "A": replace(_COMMON, tool_parameters_required=True),
    "B": replace(_NEWER, audio_part="input_audio", video_part=True, file_data=True, modalities=True),
    "C": replace(_NEWER, supports_penalties=False, cache_control=True, call_extra_content=True),
    "D": replace(
        _NEWER,
        supports_n=False,
        cache_control=True,
        supports_top_k=True,
        supports_logprobs=True,
        call_extra_content=True,
        file_data=True,
    ),
}


def _figure(text: str | None) -> float | None:
    try:
        figure = float(text or "")
    except ValueError:
        return None
    return figure if math.isfinite(figure) and figure >= 0 else None


@cache
def _traits(hosted: HostedModel, *, needs_signatures: bool) -> ChatTraits:
    traits = _FAMILIES[hosted.schema or _NEWEST_FAMILY]
    takes_media = "audio" in (hosted.inputs or ())
    return replace(
        traits,
        reasoning_efforts=hosted.reasoning_efforts,
        # Families A and B do not declare the field, but Gemini 3 refuses a tool loop without it.
        call_extra_content=traits.call_extra_content or needs_signatures,
        audio_part="input_audio" if takes_media else traits.audio_part,
        video_part=traits.video_part or takes_media,
        file_data=traits.file_data or takes_media,
        modalities=traits.modalities or takes_media,
    )
