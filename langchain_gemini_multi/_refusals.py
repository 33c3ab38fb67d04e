"""Writes refusals as LangChain's standard block.

The block holds the model's own text, or the reason for which a provider stopped the answer. LangChain's parsers and
`ModelRefusalMiddleware` look only for this block to detect a filtered answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from langchain_core.messages import AIMessage
from langchain_core.messages.content import KNOWN_BLOCK_TYPES

Block: TypeAlias = dict[str, object]


def refusal_block(refusal: object, metadata: Mapping[str, object]) -> Block | None:
    """Make the block of a refusal; `None` when nothing was refused.

    Args:
        refusal: The model's text about the refusal.
        metadata: The message's `response_metadata`. An answer that was stopped for its content is a refusal too.
    """
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
