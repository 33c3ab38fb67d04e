"""Gemini's own dialect: `generateContent` and `streamGenerateContent`, as Cloudflare and Google serve them.

The first call imports the encoder and the decoder.
"""

from __future__ import annotations

from typing import Final

from gemini_multi.dialects.base import Decoder, Dialect, EncodingReport, Target
from gemini_multi.dialects.generate_content.traits import GenerateContentTraits
from gemini_multi.types import ChatRequest, JsonValue

__all__ = ["GENERATE_CONTENT", "GenerateContent", "GenerateContentTraits"]


class GenerateContent(Dialect[GenerateContentTraits]):
    """The dialect of `contents` and `candidates`."""

    name = "generate_content"
    refusals = (
        ("dummy_signatures", r"thought[ _]?signature"),
        ("open_api_schemas", r"(parameters|response)_?json_?schema"),
        ("drop_thinking", r"thinking[ _]?(level|budget|config|mode)|thinking is not enabled"),
        ("drop_penalties", r"(presence|frequency)[ _]?penalty|penalty is not enabled"),
        (
            "drop_sampling",
            (
                r"(unknown name \W*|generation_?config\.)(temperature|top_?[pk])\b"
                r"|\b(temperature|top_?[pk])\b[^.]*(not (supported|allowed|enabled)|unsupported)"
            ),
        ),
        ("enums_in_words", r"\benums?\b"),
    )

    def encode(
        self,
        request: ChatRequest,
        target: Target[GenerateContentTraits],
        *,
        stream: bool,
        report: EncodingReport | None = None,
    ) -> dict[str, JsonValue]:
        """Write the body. It does not depend on `stream`: the URL requests a stream."""
        del stream
        from gemini_multi.dialects.generate_content.request import encode

        return encode(request, target, report or EncodingReport())

    def decoder(self, request: ChatRequest, target: Target[GenerateContentTraits]) -> Decoder:
        """Make a decoder for one answer to the request."""
        from gemini_multi.dialects.detection import native_first

        return native_first(request, target)


GENERATE_CONTENT: Final = GenerateContent()
