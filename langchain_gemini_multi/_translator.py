"""Translates messages of this package to LangChain's standard content blocks (`message.content_blocks`).

Citations become annotations of the text blocks. A refusal becomes a block, because LangChain's parsers and
`ModelRefusalMiddleware` look only for this block to detect a filtered answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import KNOWN_BLOCK_TYPES, ContentBlock

from gemini_multi.bindings.values import is_mapping, items_of, mapping_of
from langchain_gemini_multi._results import GOOGLE_KEY, PROVIDER, Block


def translate_content(message: AIMessage) -> list[ContentBlock]:
    """Return the blocks of a whole message: its content, then the tool calls that are not in the content."""
    blocks = _content(message)
    present = {block.get("id") for block in blocks if block.get("type") == "tool_call"}
    calls = [call for call in message.tool_calls if call["id"] not in present]
    blocks.extend(_signed({**call, "type": "tool_call"}, message) for call in calls)
    blocks.extend({**broken, "type": "invalid_tool_call"} for broken in message.invalid_tool_calls)
    return _annotated(blocks, message)


def translate_content_chunk(message: AIMessageChunk) -> list[ContentBlock]:
    """Return the blocks of a chunk or of several merged chunks. Each kind of block has its own indexes."""
    if message.chunk_position == "last" and (message.tool_calls or message.invalid_tool_calls):
        return translate_content(message)
    blocks = _content(message, index="lc_txt_0")
    for call in message.tool_call_chunks:
        index: Block = {} if call["index"] is None else {"index": f"lc_tc_{call['index']}"}
        own = {name: value for name, value in call.items() if name != "index"}
        blocks.append(_signed({**own, "type": "tool_call_chunk", **index}, message))
    is_empty = isinstance(message.content, str) and not any(block.get("type") == "text" for block in blocks)
    if is_empty and message.response_metadata.get("citations"):
        blocks.insert(0, {"type": "text", "text": "", "index": "lc_txt_0"})
    return _annotated(blocks, message)


def _content(message: AIMessage, **index: str) -> list[Block]:
    blocks: list[Block] = []
    for item in [message.content] if isinstance(message.content, str) else message.content:
        if not isinstance(item, str):
            is_known = item.get("type") in KNOWN_BLOCK_TYPES
            blocks.append(dict(item) if is_known else {"type": "non_standard", "value": item})
        elif item:
            blocks.append({"type": "text", "text": item, **index})
    refusal = refusal_of(message)
    return blocks if refusal is None else [*blocks, refusal]


def _signed(block: Block, message: AIMessage) -> Block:
    signatures = mapping_of(message.additional_kwargs.get(GOOGLE_KEY))
    # A later piece of a tool call has no id. If its message holds a signature, the signature belongs to this call.
    only = next(iter(signatures.values())) if len(signatures) == 1 and block["id"] is None else None
    signature = signatures.get(str(block["id"]), only)
    return {**block, "extras": {"signature": signature}} if signature else block


def _annotated(blocks: list[Block], message: AIMessage) -> list[ContentBlock]:
    """Add the citations to the text blocks, unless the blocks already have them."""
    citations = message.response_metadata.get("citations")
    if citations and not any("annotations" in block for block in blocks):
        texts = [block for block in blocks if block.get("type") == "text"]
        for block, found in zip(texts, cited_in([len(str(one["text"])) for one in texts], citations), strict=True):
            block.update({"annotations": found} if found else {})
    return cast("list[ContentBlock]", blocks)  # the definitions of the blocks are open dictionaries


def cited_in(lengths: Sequence[int], citations: object) -> list[list[Block]]:
    """Return, for text blocks of these lengths, the annotations that begin in each, with offsets from its start."""
    found: list[list[Block]] = [[] for _ in lengths]
    starts = [0, *accumulate(lengths)]
    for record in filter(is_mapping, items_of(citations) if lengths else ()):
        start = record.get("start")
        # A position outside the text belongs to the nearest block.
        block = max(0, min(bisect_right(starts, start if isinstance(start, int) else 0), len(lengths)) - 1)
        found[block].append(_annotation(record, starts[block]))
    return found


def _annotation(record: Mapping[str, object], offset: int) -> Block:
    found: Block = {"type": "citation"}
    for key, name in (("uri", "url"), ("title", "title"), ("text", "cited_text")):
        if isinstance(value := record.get(key), str):
            found[name] = value
    for key, name in (("start", "start_index"), ("end", "end_index")):
        if isinstance(value := record.get(key), int):
            found[name] = value - offset
    return {**found, "extras": {"source": source}} if (source := record.get("source")) else found


def refusal_block(refusal: object, metadata: Mapping[str, object]) -> Block | None:
    """Make the block of the model's refusal, or of an answer that was stopped for its content; `None` of any other."""
    is_stopped = metadata.get("finish_reason") == "content_filter"
    if not is_stopped and not (isinstance(refusal, str) and refusal):
        return None
    block: Block = {"type": "refusal", "refusal": refusal or metadata.get("finish_message") or ""}
    if is_stopped:
        block["extras"] = {"finish_reason": metadata.get("raw_finish_reason") or "content_filter"}
    # The oldest supported langchain-core does not have this type.
    return block if "refusal" in KNOWN_BLOCK_TYPES else {"type": "non_standard", "value": block}


def refusal_of(message: AIMessage) -> Block | None:
    """Find the refusal in a message of this package, in whichever field it is."""
    return refusal_block(message.additional_kwargs.get("refusal"), message.response_metadata)


# From the import of this module on, LangChain uses it for messages whose `model_provider` is ours.
register_translator(PROVIDER, translate_content, translate_content_chunk)
