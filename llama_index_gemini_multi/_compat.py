"""A replacement of `ChatMessage` for older versions of LlamaIndex's core."""

from __future__ import annotations

from llama_index.core.base.llms.types import ChatMessage, TextBlock


class ReplaceableMessage(ChatMessage):
    """A message whose `content` can be set, whatever blocks it has.

    Before core 0.14.24, chat engines set the `content` of a stream's last message, but `ChatMessage` refuses that if
    there is a thinking block next to the text. Newer versions replace the blocks, and so does this class.
    """

    @property
    def content(self) -> str | None:
        """The text of the text blocks."""
        return super().content

    @content.setter
    def content(self, content: str) -> None:
        self.blocks = [TextBlock(text=content)]
