"""Detects the dialect of an answer by its fields. A provider of both dialects may answer in the other one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gemini_multi.dialects.base import Decoder, Target
from gemini_multi.dialects.chat_completions.decoder import ChatDecoder
from gemini_multi.dialects.chat_completions.dialect import ChatTraits
from gemini_multi.dialects.generate_content.dialect import GenerateContentTraits
from gemini_multi.dialects.generate_content.response import GenerateContentDecoder
from gemini_multi.types import ChatEvent, ChatRequest, ChatResponse, JsonObject

_NATIVE: Final = frozenset({"candidates", "promptFeedback"})
_CHAT: Final = frozenset({"choices"})


def chat_first(request: ChatRequest, target: Target[ChatTraits]) -> Decoder:
    """Make a decoder that expects chat completions."""
    return _DetectingDecoder(
        ChatDecoder(request, target),
        _CHAT,
        lambda: GenerateContentDecoder(request, target.with_traits(GenerateContentTraits())),
    )


def native_first(request: ChatRequest, target: Target[GenerateContentTraits]) -> Decoder:
    """Make a decoder that expects Gemini's own dialect."""
    return _DetectingDecoder(
        GenerateContentDecoder(request, target), _NATIVE, lambda: ChatDecoder(request, target.with_traits(ChatTraits()))
    )


class _DetectingDecoder:
    """Decodes in the dialect of the request, or in the other dialect if the first known field belongs to it."""

    def __init__(self, own: Decoder, own_marks: frozenset[str], other: Callable[[], Decoder]) -> None:
        self._decoder = own
        self._own_marks = own_marks
        self._other = other
        self._is_settled = False

    def feed(self, document: JsonObject) -> list[ChatEvent]:
        if not self._is_settled and not (_NATIVE | _CHAT).isdisjoint(document):
            self._is_settled = True
            if self._own_marks.isdisjoint(document):
                self._decoder = self._other()
        return self._decoder.feed(document)

    def close(self) -> list[ChatEvent]:
        return self._decoder.close()

    @property
    def is_complete(self) -> bool:
        return self._decoder.is_complete

    def response(self) -> ChatResponse:
        return self._decoder.response()
