"""Gemini's own dialect: `generateContent` and `streamGenerateContent`, as Cloudflare and Google serve them.

The first call imports the encoder and the decoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from gemini_multi._encoding.json_values import objects, text_at
from gemini_multi.dialects.base import Decoder, Dialect, DocumentDecoder, EncodingReport, Target
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import Candidate, ChatRequest, ChatResponse, JsonObject, JsonValue, Text, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateContentTraits:
    """A provider's deviations. The defaults are Vertex AI's rules, which also apply behind Cloudflare."""

    accepts_synthetic_ids: bool = False
    """Whether the endpoint accepts ids of calls that the provider did not issue."""
    typed_response_format: bool = False
    """Whether the endpoint knows `responseFormat`, the newer form of a response format."""
    server_side_tool_flag: bool = False
    """Whether functions together with built-in tools need `includeServerSideToolInvocations`."""
    developer_api: bool = False
    """Whether the upstream is the Gemini API rather than Vertex AI."""
    needs_text: bool = True
    """Whether the endpoint refuses a user turn that holds media only."""
    inline_limit: int = 20 * 1024 * 1024
    """The largest size in bytes of all inline media of a request."""


GenerateTarget: TypeAlias = Target[GenerateContentTraits]


_COUNTED: Final = ("totalTokens", "cachedContentTokenCount", "promptTokensDetails")
_DIGITS: Final = 15
"""The most digits of a count. A larger number is not a count, and could not be multiplied by a price."""


class GenerateContent(Dialect[GenerateContentTraits]):
    """The dialect of `contents` and `candidates`."""

    name = "generate_content"
    refusals = (
        ("dummy_signatures", r"thought[ _]?signature"),
        ("open_api_schemas", r"(parameters|response)_?json_?schema"),
        ("drop_thinking", r"thinking[ _]?(level|budget|config|mode)|thinking is not enabled"),
        ("drop_penalties", r"(presence|frequency)[ _]?penalty|penalty is not enabled"),
        ("drop_sampling", r"(unknown name \W*|generation_?config\.)(temperature|top_?[pk])\b"),
        ("drop_sampling", r"\b(temperature|top_?[pk])\b[^.]*(not (supported|allowed|enabled)|unsupported)"),
        ("enums_in_words", r"\benums?\b"),
    )

    def encode(
        self, request: ChatRequest, target: GenerateTarget, *, stream: bool, report: EncodingReport | None = None
    ) -> dict[str, JsonValue]:
        """Write the body. It does not depend on `stream`: the URL requests a stream."""
        from gemini_multi.dialects.generate_content.request import RequestWriter

        return RequestWriter(request, target, report or EncodingReport()).body()

    def decoder(self, request: ChatRequest, target: GenerateTarget) -> Decoder:
        """Make a decoder for one answer to the request."""
        from gemini_multi.dialects.detection import native_first

        return native_first(request, target)


class CountTokens(Dialect[GenerateContentTraits]):
    """The dialect of Google's `countTokens`: `generateContentRequest` and `totalTokens`.

    The request holds a whole `generateContent` request, the response the tokens of its prompt. A call treats the count
    like any other answer: its text is the number. Source: https://ai.google.dev/api/tokens.
    """

    name = "count_tokens"
    refusals = GenerateContent.refusals

    def encode(
        self, request: ChatRequest, target: GenerateTarget, *, stream: bool, report: EncodingReport | None = None
    ) -> dict[str, JsonValue]:
        """Write the body. It holds the whole request, because system prompt, tools and media also count."""
        body = GENERATE_CONTENT.encode(request, target, stream=stream, report=report)
        return {"generateContentRequest": {"model": f"models/{target.model_id}", **body}}

    def decoder(self, request: ChatRequest, target: GenerateTarget) -> Decoder:
        """Make a decoder for one count."""
        return DocumentDecoder(_counted)


def _counted(document: JsonObject) -> ChatResponse:
    """Read a count: it is the text and the usage of the answer."""
    total = document.get("totalTokens")
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise InvalidResponse("The answer holds no `totalTokens`.", raw=str(dict(document))[:1000])
    # The details have the names and the form of an answer's usage.
    counts = usage({**document, "promptTokenCount": total, "totalTokenCount": total})
    count = Candidate(parts=(Text(str(counts.total_tokens)),), finish_reason="stop")
    rest = {key: value for key, value in document.items() if key not in _COUNTED}
    return ChatResponse(candidates=(count,), usage=counts, provider_metadata=rest)


def usage(metadata: Mapping[str, JsonValue]) -> Usage:
    """Read `usageMetadata` by Google's identity: total = prompt + candidates + tool use + thoughts.

    Cached tokens are a part of the prompt.
    """
    prompt = whole(metadata.get("promptTokenCount"))
    candidates = whole(metadata.get("candidatesTokenCount"))
    thoughts = whole(metadata.get("thoughtsTokenCount"))
    tool_use = whole(metadata.get("toolUsePromptTokenCount"))
    total = whole(metadata.get("totalTokenCount"))
    # Some gateways include thoughts in the candidates' tokens. Then the total is the sum without the thoughts.
    output = candidates if thoughts and total and prompt + candidates + tool_use == total else candidates + thoughts
    return Usage(
        input_tokens=prompt + tool_use,
        output_tokens=output,
        total_tokens=total or prompt + tool_use + output,
        cached_tokens=whole(metadata.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
        tool_use_tokens=tool_use,
        input_by_modality=_by_modality(metadata, "promptTokensDetails", "toolUsePromptTokensDetails"),
        output_by_modality=_by_modality(metadata, "candidatesTokensDetails"),
    )


def whole(value: JsonValue) -> int:
    """Read a count, which may be missing, a float or text. A negative or absurdly large count is treated as missing."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < _DIGITS else 0
    if isinstance(value, float):
        value = int(value) if value.is_integer() else 0
    return int(value) if isinstance(value, int) and 0 <= value < 10**_DIGITS else 0


def _by_modality(metadata: Mapping[str, JsonValue], *fields: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for detail in (detail for field in fields for detail in objects(metadata.get(field))):
        if (modality := text_at(detail, "modality")) is not None:
            counts[modality.lower()] = counts.get(modality.lower(), 0) + whole(detail.get("tokenCount"))
    return counts


GENERATE_CONTENT: Final = GenerateContent()
COUNT_TOKENS: Final = CountTokens()
