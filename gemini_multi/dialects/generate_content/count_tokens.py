"""Google's `countTokens`: the request holds a whole `generateContent` request, the response the tokens of its prompt.

Source: https://ai.google.dev/api/tokens. A call treats the count like any other answer. The answer's text is the
number, so retries and failover work as usual.
"""

from __future__ import annotations

from typing import Final

from gemini_multi.dialects.base import Decoder, Dialect, DocumentDecoder, EncodingReport, Target
from gemini_multi.dialects.generate_content.dialect import GENERATE_CONTENT
from gemini_multi.dialects.generate_content.traits import GenerateContentTraits
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import (
    Candidate,
    ChatEvent,
    ChatRequest,
    ChatResponse,
    JsonObject,
    JsonValue,
    Text,
    Usage,
)

_KNOWN: Final = ("totalTokens", "cachedContentTokenCount", "promptTokensDetails")


class CountTokens(Dialect[GenerateContentTraits]):
    """The dialect of `generateContentRequest` and `totalTokens`."""

    name = "count_tokens"
    refusals = GENERATE_CONTENT.refusals

    def encode(
        self,
        request: ChatRequest,
        target: Target[GenerateContentTraits],
        *,
        stream: bool,
        report: EncodingReport | None = None,
    ) -> dict[str, JsonValue]:
        """Write the body. It holds the whole request, because system prompt, tools and media also count."""
        body = GENERATE_CONTENT.encode(request, target, stream=stream, report=report)
        return {"generateContentRequest": {"model": f"models/{target.model_id}", **body}}

    def decoder(self, request: ChatRequest, target: Target[GenerateContentTraits]) -> Decoder:
        """Make a decoder for one count."""
        del request, target
        return CountDecoder()


class CountDecoder(DocumentDecoder):
    """Decodes one count."""

    def __init__(self) -> None:
        self._usage: Usage | None = None
        self._rest: dict[str, JsonValue] = {}

    def feed(self, document: JsonObject) -> list[ChatEvent]:
        """Read the document.

        Raises:
            InvalidResponse: The document holds no count.
        """
        from gemini_multi.dialects.generate_content.usage import usage

        total = document.get("totalTokens")
        if not isinstance(total, int) or isinstance(total, bool) or total < 0:
            raise InvalidResponse("The answer holds no `totalTokens`.", raw=str(dict(document))[:1000])
        # The details have the names and the form of an answer's usage.
        self._usage = usage({**document, "promptTokenCount": total, "totalTokenCount": total})
        self._rest = {key: value for key, value in document.items() if key not in _KNOWN}
        self.is_complete = True
        return []

    def response(self) -> ChatResponse:
        """The answer: the count is its text and its usage."""
        if self._usage is None:
            return ChatResponse()
        count = Candidate(parts=(Text(str(self._usage.total_tokens)),), finish_reason="stop")
        return ChatResponse(candidates=(count,), usage=self._usage, provider_metadata=self._rest)


COUNT_TOKENS: Final = CountTokens()
