"""Values that every dialect, provider and framework binding uses.

A request is a `ChatRequest`: messages made of parts, tools and generation settings. An answer is a sequence of
`ChatEvent` values that ends with `Finished`, which holds the whole `ChatResponse`. The values depend on no provider,
dialect or framework. All values are frozen; two values with equal content are equal.
"""

from __future__ import annotations

from pydantic import JsonValue

from gemini_multi._types.efforts import ReasoningEffort
from gemini_multi._types.parts import (
    Blob,
    Citation,
    CodeResult,
    ExecutableCode,
    FileReference,
    JsonObject,
    Message,
    Opaque,
    Part,
    Role,
    Signature,
    SignatureCarrier,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from gemini_multi._types.request import BuiltInTool, ChatRequest, ResponseFormat, SafetySetting, Tool, ToolChoice
from gemini_multi._types.response import (
    Attempt,
    Candidate,
    ChatEvent,
    ChatResponse,
    Finished,
    FinishReason,
    ListedModel,
    PartReady,
    TextDelta,
    ThoughtDelta,
    TokenCount,
    ToolCallDelta,
    ToolCallReady,
    Usage,
)

__all__ = [
    "Attempt",
    "Blob",
    "BuiltInTool",
    "Candidate",
    "ChatEvent",
    "ChatRequest",
    "ChatResponse",
    "Citation",
    "CodeResult",
    "ExecutableCode",
    "FileReference",
    "FinishReason",
    "Finished",
    "JsonObject",
    "JsonValue",
    "ListedModel",
    "Message",
    "Opaque",
    "Part",
    "PartReady",
    "ReasoningEffort",
    "ResponseFormat",
    "Role",
    "SafetySetting",
    "Signature",
    "SignatureCarrier",
    "Text",
    "TextDelta",
    "Thought",
    "ThoughtDelta",
    "TokenCount",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallReady",
    "ToolChoice",
    "ToolResult",
    "Usage",
]
