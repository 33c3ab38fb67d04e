"""Values that every dialect, provider and framework binding uses.

A request is a `ChatRequest`: messages made of parts, tools and generation settings. An answer is a sequence of
`ChatEvent` values that ends with `Finished`, which holds the whole `ChatResponse`. The values depend on no provider,
dialect or framework. All values are frozen; two values with equal content are equal.
"""

from __future__ import annotations

from pydantic import JsonValue

from gemini_multi._types.efforts import ReasoningEffort
from gemini_multi._types.parts import Blob, Citation, CodeResult, ExecutableCode, FileReference, JsonObject, Message
from gemini_multi._types.parts import Opaque, Part, Role, Signature, SignatureCarrier, Text, Thought, ToolCall
from gemini_multi._types.parts import ToolResult
from gemini_multi._types.request import BuiltInTool, ChatRequest, ResponseFormat, SafetySetting, Tool, ToolChoice
from gemini_multi._types.response import Attempt, Candidate, ChatEvent, ChatResponse, Finished, FinishReason
from gemini_multi._types.response import ListedModel, PartReady, TextDelta, ThoughtDelta, TokenCount, ToolCallDelta
from gemini_multi._types.response import ToolCallReady, Usage

__all__ = ["JsonObject", "JsonValue", "Message", "Role", "Part", "Text", "Thought", "Blob", "FileReference", "ToolCall"]
__all__ += ["ToolResult", "ExecutableCode", "CodeResult", "Opaque", "Citation", "Signature", "SignatureCarrier"]
__all__ += ["ChatRequest", "Tool", "BuiltInTool", "ToolChoice", "ResponseFormat", "SafetySetting", "ReasoningEffort"]
__all__ += ["ChatResponse", "Candidate", "FinishReason", "Usage", "Attempt", "TokenCount", "ListedModel", "ChatEvent"]
__all__ += ["TextDelta", "ThoughtDelta", "ToolCallDelta", "ToolCallReady", "PartReady", "Finished"]
