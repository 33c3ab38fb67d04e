"""The last message of a stream lets chat engines put its text in order, on every core."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock

from llama_index_gemini_multi._typed import ReplaceableMessage, streamed_message


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.14.12", ReplaceableMessage),
        ("0.14.23.post1", ReplaceableMessage),
        ("0.14.24", ChatMessage),
        ("0.14.25", ChatMessage),
        ("0.15.0rc1", ChatMessage),
    ],
)
def test_stand_in_is_for_older_cores_only(version: str, expected: type[ChatMessage]) -> None:
    """From 0.14.24 on, LlamaIndex replaces the blocks itself."""
    assert streamed_message(version) is expected


def test_stand_in_takes_a_new_text() -> None:
    """Whatever its blocks were; until then it is a message like any other, also as JSON."""
    message = ReplaceableMessage(role="assistant", blocks=[ThinkingBlock(content="Hm"), TextBlock(text=" Hi ")])
    assert (message.content, message.model_dump()["role"]) == (" Hi ", "assistant")
    assert ChatMessage.model_validate_json(message.model_dump_json()).blocks == message.blocks
    message.content = "Hi"
    assert message.blocks == [TextBlock(text="Hi")]
