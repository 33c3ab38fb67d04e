"""The class of the message that ends a stream: `ChatMessage` itself, or a stand-in for it on older cores."""

from __future__ import annotations

import re
from typing import Final

import llama_index.core
from llama_index.core.base.llms.types import ChatMessage, TextBlock


class ReplaceableMessage(ChatMessage):
    """A message whose `content` can be set whatever its blocks are.

    Before core 0.14.24, chat engines set the `content` of a stream's last message, which `ChatMessage` refuses when
    there is a thinking block beside the text. Newer ones replace the blocks themselves, as this class does.
    """

    @property
    def content(self) -> str | None:
        """The text of the text blocks."""
        return super().content

    @content.setter
    def content(self, content: str) -> None:
        self.blocks = [TextBlock(text=content)]


def streamed_message(core_version: str) -> type[ChatMessage]:
    """Choose the class for a version of LlamaIndex's core."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", core_version)[:3])
    return ChatMessage if numbers >= (0, 14, 24) else ReplaceableMessage


STREAMED_MESSAGE: Final = streamed_message(llama_index.core.__version__)
