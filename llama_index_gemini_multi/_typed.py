"""The seams to LlamaIndex: its instrumentation and our event in it, types for its functions, its versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

import llama_index.core
import llama_index.core.instrumentation as instrument
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock
from llama_index.core.llms import callbacks
from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.dispatcher import Dispatcher
from pydantic import ConfigDict

from gemini_multi.bindings.values import FunctionT, with_known_signature

dispatcher: Final[Dispatcher] = instrument.get_dispatcher("llama_index_gemini_multi")  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateImportUsage]  # its documented place


def span_handlers() -> Sequence[object]:
    return cast("Sequence[object]", dispatcher.root.span_handlers)  # pyright: ignore[reportUnknownMemberType]  # generic there


class AttemptFailedEvent(BaseEvent):
    """An attempt without an answer. The call continues, or ends with an error that lists all attempts."""

    provider: str
    model: str
    """The provider's own model id."""
    outcome: str
    """`failed`, or `cancelled` when another provider was faster."""
    error: str
    """The class of the error, such as `RateLimited`; empty for a cancelled attempt."""
    status: int | None
    code: str | None
    wait: float
    """The seconds of the wait before the attempt."""
    duration: float

    @classmethod
    def class_name(cls) -> str:
        return "GeminiMultiAttemptFailedEvent"


class ReplaceableMessage(ChatMessage):
    """A message whose `content` can be set, whatever blocks it has.

    Before core 0.14.24, chat engines set the `content` of a stream's last message, but `ChatMessage` refuses that if
    there is a thinking block next to the text. Newer versions replace the blocks, and so does this class.
    """

    model_config = ConfigDict(defer_build=True)

    @property
    def content(self) -> str | None:
        """The text of the text blocks."""
        return super().content

    @content.setter
    def content(self, content: str) -> None:
        self.blocks = [TextBlock(text=content)]


def streamed_message(core_version: str) -> type[ChatMessage]:
    """Return the class of a stream's last message, which depends on the version of LlamaIndex's core."""
    is_new = tuple(map(int, re.findall(r"\d+", core_version)[:3])) >= (0, 14, 24)
    return ChatMessage if is_new else ReplaceableMessage


STREAMED_MESSAGE: Final = streamed_message(llama_index.core.__version__)


def chat_callback(function: FunctionT) -> FunctionT:
    """Report the calls of a chat method as events of LlamaIndex."""
    decorate = cast("Callable[[FunctionT], FunctionT]", callbacks.llm_chat_callback())  # pyright: ignore[reportUnknownMemberType]  # untyped there
    return with_known_signature(decorate(function))


def completion_callback(function: FunctionT) -> FunctionT:
    """Report the calls of a completion method as events of LlamaIndex."""
    decorate = cast("Callable[[FunctionT], FunctionT]", callbacks.llm_completion_callback())  # pyright: ignore[reportUnknownMemberType]  # untyped there
    return with_known_signature(decorate(function))


def facts_of(response: ChatResponse) -> Mapping[str, object]:
    return cast("Mapping[str, object]", response.additional_kwargs)  # pyright: ignore[reportUnknownMemberType]  # a bare dict there
