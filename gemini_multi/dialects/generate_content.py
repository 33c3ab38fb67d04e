"""Gemini's own dialect: `generateContent` and `streamGenerateContent`, as Cloudflare and Google serve them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gemini_multi.dialects._contract import Decoder, Dialect, Repair, Target
from gemini_multi.dialects._generate_request import encode
from gemini_multi.dialects._generate_response import GenerateContentDecoder
from gemini_multi.dialects._generate_traits import GenerateContentTraits
from gemini_multi.types import ChatRequest, JsonValue

__all__ = ["GENERATE_CONTENT", "GenerateContent", "GenerateContentTraits"]

_REPAIRS: Final[tuple[tuple[Repair, re.Pattern[str]], ...]] = (
    ("dummy_signatures", re.compile(r"thought[ _]?signature", re.I)),
    ("open_api_schemas", re.compile(r"(parameters|response)_?json_?schema", re.I)),
    ("drop_thinking", re.compile(r"thinking[ _]?(level|budget|config|mode)|thinking is not enabled", re.I)),
    ("drop_penalties", re.compile(r"(presence|frequency)[ _]?penalty|penalty is not enabled", re.I)),
    (
        "drop_sampling",
        re.compile(
            r"(unknown name \W*|generation_?config\.)(temperature|top_?[pk])\b"
            r"|\b(temperature|top_?[pk])\b[^.]*(not (supported|allowed|enabled)|unsupported)",
            re.I,
        ),
    ),
)
"""Documented refusals; the first that matches decides."""


class GenerateContent(Dialect[GenerateContentTraits]):
    """The dialect of `contents` and `candidates`."""

    name = "generate_content"

    def encode(
        self, request: ChatRequest, target: Target[GenerateContentTraits], *, stream: bool
    ) -> dict[str, JsonValue]:
        """Write the body. Whether to stream is said by the URL, not here."""
        del stream
        return encode(request, target)

    def decoder(self, request: ChatRequest, target: Target[GenerateContentTraits]) -> Decoder:
        """Make a decoder for one answer to the request."""
        return GenerateContentDecoder(request, target)

    def repair(self, error_text: str, applied: Iterable[Repair]) -> Repair | None:
        """Name the change to the body that answers a refusal, if one is known that was not tried yet."""
        tried = set(applied)
        for repair, refusal in _REPAIRS:
            if refusal.search(error_text):
                return None if repair in tried else repair
        return None


GENERATE_CONTENT: Final = GenerateContent()
