"""Translates messages of this package to LangChain's standard content blocks (`message.content_blocks`)."""

from __future__ import annotations

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import KNOWN_BLOCK_TYPES, ContentBlock

from gemini_multi.bindings.values import mapping_of
from langchain_gemini_multi._citations import annotated
from langchain_gemini_multi._message_keys import GOOGLE_KEY, PROVIDER
from langchain_gemini_multi._refusals import refusal_of


def translate_content(message: AIMessage) -> list[ContentBlock]:
    """Return the blocks of a whole message: its content, then the tool calls that are not in the content."""
    blocks = _content(message, None)
    present = {block.get("id") for block in blocks if block.get("type") == "tool_call"}
    for call in message.tool_calls:
        if call["id"] not in present:
            blocks.append(
                _signed({"type": "tool_call", "id": call["id"], "name": call["name"], "args": call["args"]}, message)
            )
    for broken in message.invalid_tool_calls:
        blocks.append({**broken, "type": "invalid_tool_call"})
    return _typed(_annotated(blocks, message))


def translate_content_chunk(message: AIMessageChunk) -> list[ContentBlock]:
    """Return the blocks of a chunk or of several merged chunks. Each kind of block has its own indexes."""
    if message.chunk_position == "last" and (message.tool_calls or message.invalid_tool_calls):
        return translate_content(message)
    blocks = _content(message, "lc_txt_0")
    for call in message.tool_call_chunks:
        block: dict[str, object] = {
            "type": "tool_call_chunk",
            "id": call["id"],
            "name": call["name"],
            "args": call["args"],
        }
        if call["index"] is not None:
            block["index"] = f"lc_tc_{call['index']}"
        blocks.append(_signed(block, message))
    return _typed(_annotated(blocks, message, is_chunk=True))


def _content(message: AIMessage, index: str | None) -> list[dict[str, object]]:
    content = message.content
    blocks: list[dict[str, object]] = []
    for item in [content] if isinstance(content, str) else content:
        if isinstance(item, str):
            if item:
                blocks.append({"type": "text", "text": item, **({"index": index} if index else {})})
        else:
            blocks.append(
                dict(item) if item.get("type") in KNOWN_BLOCK_TYPES else {"type": "non_standard", "value": item}
            )
    refusal = refusal_of(message)
    return blocks if refusal is None else [*blocks, refusal]


def _signed(block: dict[str, object], message: AIMessage) -> dict[str, object]:
    signatures = mapping_of(message.additional_kwargs.get(GOOGLE_KEY))
    # A later piece of a tool call has no id. If its message holds a signature, the signature belongs to this call.
    only = next(iter(signatures.values())) if len(signatures) == 1 and block["id"] is None else None
    signature = signatures.get(str(block["id"]), only)
    return {**block, "extras": {"signature": signature}} if signature else block


def _annotated(
    blocks: list[dict[str, object]], message: AIMessage, *, is_chunk: bool = False
) -> list[dict[str, object]]:
    """Add the citations to the text blocks, unless the blocks already have them."""
    citations = message.response_metadata.get("citations")
    if not citations or any("annotations" in block for block in blocks):
        return blocks
    texts = [position for position, block in enumerate(blocks) if block.get("type") == "text"]
    if not texts and is_chunk and isinstance(message.content, str):
        empty: dict[str, object] = {
            "type": "text",
            "text": "",
            "annotations": annotated(citations, [0])[0],
            "index": "lc_txt_0",
        }
        return [empty, *blocks]
    found = annotated(citations, [len(str(blocks[position]["text"])) for position in texts])
    for position, here in zip(texts, found, strict=True):
        if here:
            blocks[position] = {**blocks[position], "annotations": here}
    return blocks


def _typed(blocks: list[dict[str, object]]) -> list[ContentBlock]:
    return blocks  # type: ignore[return-value]  # made above by the definitions of the blocks, which are open dictionaries


def register() -> None:
    """Make LangChain use this translator for messages whose `model_provider` is ours."""
    register_translator(PROVIDER, translate_content, translate_content_chunk)
