"""OpenAI's dialect, as AIMLAPI, Oxen.ai, Cloudflare and Google itself implement it for Gemini.

The first call imports the encoder and the decoder.
"""

from __future__ import annotations

from typing import Final

from gemini_multi.dialects.base import Decoder, Dialect, EncodingReport, Target
from gemini_multi.dialects.chat_completions.traits import ChatTraits
from gemini_multi.types import ChatRequest, JsonValue

__all__ = ["CHAT_COMPLETIONS", "ChatCompletions", "ChatTraits"]


class ChatCompletions(Dialect[ChatTraits]):
    """The dialect of `messages` and `choices`."""

    name = "chat_completions"
    refusals = (
        ("dummy_signatures", r"thought[ _]?signature"),
        ("drop_thinking", r"reasoning[ _.]?effort|thinking[ _]?(level|budget|config|mode)|thinking is not enabled"),
        ("drop_thinking", r"reasoning is mandatory|budget -?\d+ is invalid"),
        ("drop_penalties", r"(presence|frequency)[ _]?penalty|penalty is not enabled"),
        (
            "drop_sampling",
            r"(unknown name|unsupported (parameter|value)|unrecognized \w+):? \W*(temperature|top_?[pk])\b",
        ),
        ("drop_sampling", r"\b(temperature|top_?[pk])\b[^.]*(not (supported|allowed|enabled)|unsupported)"),
        ("enums_in_words", r"\benums?\b"),
    )

    def encode(
        self, request: ChatRequest, target: Target[ChatTraits], *, stream: bool, report: EncodingReport | None = None
    ) -> dict[str, JsonValue]:
        """Write the body."""
        from gemini_multi.dialects.chat_completions.request import encode

        return encode(request, target, report or EncodingReport(), stream=stream)

    def decoder(self, request: ChatRequest, target: Target[ChatTraits]) -> Decoder:
        """Make a decoder for one answer to the request."""
        from gemini_multi.dialects.detection import chat_first

        return chat_first(request, target)


CHAT_COMPLETIONS: Final = ChatCompletions()
