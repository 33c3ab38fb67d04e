"""OpenAI's dialect, as AIMLAPI, Oxen.ai, Cloudflare and Google itself speak it in front of Gemini."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gemini_multi.dialects._chat_decoder import ChatDecoder
from gemini_multi.dialects._chat_request import encode
from gemini_multi.dialects._chat_traits import ChatTraits
from gemini_multi.dialects._contract import Decoder, Dialect, Repair, Target
from gemini_multi.types import ChatRequest, JsonValue

__all__ = ["CHAT_COMPLETIONS", "ChatCompletions", "ChatTraits"]

_REPAIRS: Final[tuple[tuple[Repair, re.Pattern[str]], ...]] = (
    ("dummy_signatures", re.compile(r"thought[ _]?signature", re.I)),
    (
        "drop_thinking",
        re.compile(
            r"reasoning[ _.]?effort|thinking[ _]?(level|budget|config|mode)|thinking is not enabled"
            r"|reasoning is mandatory|budget -?\d+ is invalid",
            re.I,
        ),
    ),
    ("drop_penalties", re.compile(r"(presence|frequency)[ _]?penalty|penalty is not enabled", re.I)),
    (
        "drop_sampling",
        re.compile(
            r"(unknown name|unsupported (parameter|value)|unrecognized \w+):? \W*(temperature|top_?[pk])\b"
            r"|\b(temperature|top_?[pk])\b[^.]*(not (supported|allowed|enabled)|unsupported)",
            re.I,
        ),
    ),
)
"""Documented refusals; the first that matches decides."""


class ChatCompletions(Dialect[ChatTraits]):
    """The dialect of `messages` and `choices`."""

    name = "chat_completions"

    def encode(self, request: ChatRequest, target: Target[ChatTraits], *, stream: bool) -> dict[str, JsonValue]:
        """Write the body."""
        return encode(request, target, stream=stream)

    def decoder(self, request: ChatRequest, target: Target[ChatTraits]) -> Decoder:
        """Make a decoder for one answer to the request."""
        return ChatDecoder(request, target)

    def repair(self, error_text: str, applied: Iterable[Repair]) -> Repair | None:
        """Name the change to the body that answers a refusal, if one is known that was not tried yet."""
        tried = set(applied)
        for repair, refusal in _REPAIRS:
            if refusal.search(error_text):
                return None if repair in tried else repair
        return None


CHAT_COMPLETIONS: Final = ChatCompletions()
