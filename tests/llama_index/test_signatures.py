"""What blocks have no place for survives, byte for byte and in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.memory import Memory
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore

from gemini_multi import (
    Blob,
    Candidate,
    ChatResponse,
    CodeResult,
    ExecutableCode,
    FileReference,
    Message,
    Opaque,
    Part,
    Signature,
    Text,
    Thought,
    ToolCall,
)
from llama_index_gemini_multi._messages import to_core
from llama_index_gemini_multi._results import to_result


def signed(payload: Any, carrier: Any = "thoughtSignature") -> Signature:
    return Signature(payload, carrier=carrier, issuer="cloudflare")


NATIVE = signed("Cv+/_-==/weird\u00e9 " * 200)
EXTRA = signed({"vertex": {"thought_signature": "a+/="}, "other": [1, None]}, "extra_content")
DETAILS = signed([{"type": "reasoning.encrypted", "data": "x", "index": 0}], "reasoning_details")

CASES: dict[str, tuple[Part, ...]] = {
    "text": (Text("Hi"),),
    "thought and text": (Thought("Hm"), Text("Hi")),
    "signed text": (Text("Hi", signature=NATIVE),),
    "signed empty tail": (Text("Hi"), Text("", signature=NATIVE)),
    "signed text between": (Text("a"), Text("b", signature=NATIVE), Text("c")),
    "signed thought": (Thought("Hm", signature=NATIVE), Text("Hi")),
    "text, thought, text": (Text("a"), Thought("Hm"), Text("b")),
    "issued ids": (ToolCall("h1", "add", {"a": 1}), ToolCall("h2", "add", {"a": 2})),
    "own ids": (ToolCall("o1", "add", {"a": 1}, synthetic_id=True),),
    "parallel calls, the first signed": (
        Thought("Hm"),
        ToolCall("c1", "add", {"a": 1}, signature=NATIVE, synthetic_id=True),
        ToolCall("c2", "add", {"a": 1}, synthetic_id=True),
    ),
    "extra_content": (ToolCall("c1", "add", signature=EXTRA),),
    "reasoning_details": (ToolCall("c1", "add", signature=DETAILS), Text("after", signature=EXTRA)),
    "text after calls": (ToolCall("c1", "add", signature=NATIVE), Text("and now")),
    "code": (ExecutableCode("1+1", id="x", signature=NATIVE), CodeResult("2", id="x"), Text("2")),
    "opaque": (Opaque({"toolCall": {"id": "s"}}, signature=NATIVE), Text("Found.")),
    "signed image": (Text("Here"), Blob("iVBORw0KGgo=", "image/png", signature=NATIVE)),
    "an image whose address is none": (FileReference(" ", "image/png", signature=NATIVE), Text("Here")),
    "unreadable arguments": (ToolCall("c1", "add", invalid_arguments="{oops", signature=NATIVE),),
}


def message_of(*parts: Part) -> ChatMessage:
    return to_result(ChatResponse(candidates=(Candidate(parts=parts),))).message


async def closed(store: SQLAlchemyChatStore) -> None:
    """Close the database: LlamaIndex leaves that to the garbage collector, which is too late for asyncio."""
    if store._async_engine is not None:
        await store._async_engine.dispose()


@pytest.mark.parametrize("parts", CASES.values(), ids=CASES)
def test_parts_come_back(parts: tuple[Part, ...]) -> None:
    """Kinds, order, boundaries, ids and signatures are those that the provider sent."""
    assert to_core([message_of(*parts)]) == (Message("assistant", parts),)


@pytest.mark.parametrize("parts", CASES.values(), ids=CASES)
def test_parts_come_back_through_json(parts: tuple[Part, ...]) -> None:
    """A message is plain JSON, so a stored conversation can go on."""
    stored = message_of(*parts).model_dump_json()
    assert to_core([ChatMessage.model_validate_json(stored)]) == (Message("assistant", parts),)


async def test_parts_come_back_through_memory() -> None:
    """`Memory` keeps the blocks, and a long signature does not count as tokens."""
    parts = CASES["parallel calls, the first signed"]
    memory = Memory.from_defaults(session_id="s", token_limit=200)
    await memory.aput_messages([ChatMessage(content="Add"), message_of(*parts)])
    kept = await memory.aget()
    await closed(memory.sql_store)
    assert to_core(kept) == (Message.user("Add"), Message("assistant", parts))


async def test_parts_come_back_through_a_chat_store(tmp_path: Path) -> None:
    """A database that was closed and opened again gives the same message."""
    parts = CASES["extra_content"]
    uri = f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}"
    before = SQLAlchemyChatStore(table_name="chat", async_database_uri=uri)
    await before.add_message("k", message_of(*parts))
    await closed(before)
    after = SQLAlchemyChatStore(table_name="chat", async_database_uri=uri)
    stored = await after.get_messages("k")
    await closed(after)
    assert to_core(stored) == (Message("assistant", parts),)


def test_signature_is_kept_by_call_id() -> None:
    """Any reader can find a call's signature in the thinking block under the call's id."""
    block = message_of(ToolCall("c1", "add", signature=NATIVE, synthetic_id=True)).blocks[0]
    assert isinstance(block, ThinkingBlock)
    signature = {"payload": NATIVE.payload, "carrier": "thoughtSignature", "issuer": "cloudflare"}
    assert (block.content, block.num_tokens) == (None, None)
    entry = {"call": "c1", "synthetic_id": True, "signature": signature}
    assert block.additional_information == {"gemini_multi": [entry]}


OLDER_NOTES: dict[str, tuple[dict[str, Any], tuple[Part, ...]]] = {
    "calls": (
        {"tool_calls": {"c1": {"signature": {"payload": "s", "carrier": "thoughtSignature", "issuer": "cloudflare"}}}},
        (
            Text("Hi"),
            ToolCall("c1", "add", signature=signed("s"), synthetic_id=True),
            ToolCall("c2", "add", synthetic_id=True),
        ),
    ),
    "parts": (
        {
            "tool_calls": {"c2": {"issued_id": True}},
            "parts": [{"call": "c1"}, {"text": 2, "check": 1293356558}, {"call": "c2"}],
        },
        (ToolCall("c1", "add", synthetic_id=True), Text("Hi"), ToolCall("c2", "add")),
    ),
}
"""Notes of version 0.2.0."""


@pytest.mark.parametrize(("note", "parts"), OLDER_NOTES.values(), ids=OLDER_NOTES)
def test_conversations_of_older_versions_go_on(note: dict[str, Any], parts: tuple[Part, ...]) -> None:
    """A chat store may hold messages from before an update."""
    blocks = [
        ThinkingBlock(additional_information={"gemini_multi": note}),
        TextBlock(text="Hi"),
        *(ToolCallBlock(tool_call_id=call, tool_name="add", tool_kwargs={}) for call in ("c1", "c2")),
    ]

    assert to_core([ChatMessage(role="assistant", blocks=blocks)]) == (Message("assistant", parts),)


def test_answer_without_anything_to_keep_has_no_note() -> None:
    """A plain answer is one plain block."""
    assert message_of(Text("Hi")).blocks == [TextBlock(text="Hi")]


def test_lost_call_takes_its_signature_along() -> None:
    """When somebody removed a call, the others keep theirs."""
    first, second = ToolCall("c1", "add", signature=NATIVE), ToolCall("c2", "add", signature=EXTRA)
    message = message_of(first, second)
    message.blocks = [
        block for block in message.blocks if not (isinstance(block, ToolCallBlock) and block.tool_call_id == "c1")
    ]
    assert to_core([message]) == (Message.assistant(second),)


def test_merged_messages_keep_their_signatures() -> None:
    """Blocks of two answers in one message still carry each signature to its own call."""
    first, second = ToolCall("c1", "add", signature=NATIVE), ToolCall("c2", "add", signature=EXTRA)
    blocks = [*message_of(first).blocks, *message_of(second).blocks]
    assert to_core([ChatMessage(role="assistant", blocks=blocks)]) == (Message.assistant(first, second),)


def test_changed_text_loses_its_signature() -> None:
    """A signature vouches for the provider's own text; it is not put on another one."""
    message = message_of(Text("Hi"), Text("", signature=NATIVE), ToolCall("c1", "add", signature=EXTRA))
    message.blocks = [TextBlock(text="Ho") if isinstance(block, TextBlock) else block for block in message.blocks]
    assert to_core([message]) == (Message.assistant(Text("Ho"), ToolCall("c1", "add", signature=EXTRA)),)


def test_text_that_was_added_is_kept() -> None:
    """What a caller put into the message is sent, even when the note does not know of it."""
    message = message_of(ToolCall("c1", "add", signature=NATIVE), Opaque({"x": 1}))
    message.blocks.append(TextBlock(text="More"))
    expected = (Opaque({"x": 1}), ToolCall("c1", "add", signature=NATIVE), Text("More"))
    assert to_core([message]) == (Message("assistant", expected),)
