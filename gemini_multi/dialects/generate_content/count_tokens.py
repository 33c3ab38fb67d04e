"""Google's `countTokens`: the request holds a whole `generateContent` request, the response the tokens of its prompt.

Source: https://ai.google.dev/api/tokens. A call treats the count like any other answer. The answer's text is the
number, so retries and failover work as usual.
"""

from __future__ import annotations

from typing import Final

from gemini_multi.dialects.base import Decoder, Dialect, DocumentDecoder, EncodingReport
from gemini_multi.dialects.generate_content.dialect import GENERATE_CONTENT, GenerateContentTraits, GenerateTarget
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import Candidate, ChatRequest, ChatResponse, JsonObject, JsonValue, Text

_KNOWN: Final = ("totalTokens", "cachedContentTokenCount", "promptTokensDetails")


class CountTokens(Dialect[GenerateContentTraits]):
    """The dialect of `generateContentRequest` and `totalTokens`."""

    name = "count_tokens"
    refusals = GENERATE_CONTENT.refusals

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
    from gemini_multi.dialects.generate_content.usage import usage

    total = document.get("totalTokens")
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise InvalidResponse("The answer holds no `totalTokens`.", raw=str(dict(document))[:1000])
    # The details have the names and the form of an answer's usage.
    counts = usage({**document, "promptTokenCount": total, "totalTokenCount": total})
    count = Candidate(parts=(Text(str(counts.total_tokens)),), finish_reason="stop")
    rest = {key: value for key, value in document.items() if key not in _KNOWN}
    return ChatResponse(candidates=(count,), usage=counts, provider_metadata=rest)


COUNT_TOKENS: Final = CountTokens()
