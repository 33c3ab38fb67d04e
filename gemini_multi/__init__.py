"""Hosted Gemini models over Cloudflare AI, AIMLAPI and Oxen.ai.

With one interface and failover from provider to provider.

The framework bindings are `langchain_gemini_multi` and `llama_index_gemini_multi`; this package knows no framework.
Names are imported on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gemini_multi._types.version import __version__

if TYPE_CHECKING:
    from gemini_multi._routing.ledger import Totals
    from gemini_multi._transport.steps import Limits, Timeouts
    from gemini_multi._types.efforts import ReasoningEffort
    from gemini_multi.client import AsyncClient, AsyncEventStream, Client, EventStream
    from gemini_multi.errors import (
        AllRoutesFailed,
        AuthenticationFailed,
        BadRequest,
        BudgetExceeded,
        ConfigurationError,
        ConfigurationWarning,
        ConnectionFailed,
        ContextOverflow,
        GeminiMultiError,
        InvalidResponse,
        ModelNotFound,
        PermissionDenied,
        PromptBlocked,
        ProviderError,
        QuotaExhausted,
        RateLimited,
        RequestTimeout,
        ServerError,
        SettingIgnoredWarning,
        StorageUnavailable,
        StreamInterrupted,
        UnsupportedFeature,
    )
    from gemini_multi.preference import FailoverOn, Hedging, Strategy
    from gemini_multi.providers import AIMLAPI, ChatTraits, Cloudflare, OpenAICompatible, Oxen, Provider
    from gemini_multi.rate_limits import RateLimit, RateLimits, SharedStorage
    from gemini_multi.retry import RetryPolicy
    from gemini_multi.types import (
        Attempt,
        Blob,
        BuiltInTool,
        Candidate,
        ChatEvent,
        ChatRequest,
        ChatResponse,
        Citation,
        CodeResult,
        ExecutableCode,
        FileReference,
        Finished,
        JsonObject,
        JsonValue,
        Message,
        Opaque,
        Part,
        PartReady,
        ResponseFormat,
        SafetySetting,
        Signature,
        Text,
        TextDelta,
        Thought,
        ThoughtDelta,
        TokenCount,
        Tool,
        ToolCall,
        ToolCallDelta,
        ToolCallReady,
        ToolChoice,
        ToolResult,
        Usage,
    )

__all__ = [
    "AIMLAPI",
    "AllRoutesFailed",
    "AsyncClient",
    "AsyncEventStream",
    "Attempt",
    "AuthenticationFailed",
    "BadRequest",
    "Blob",
    "BudgetExceeded",
    "BuiltInTool",
    "Candidate",
    "ChatEvent",
    "ChatRequest",
    "ChatResponse",
    "ChatTraits",
    "Citation",
    "Client",
    "Cloudflare",
    "CodeResult",
    "ConfigurationError",
    "ConfigurationWarning",
    "ConnectionFailed",
    "ContextOverflow",
    "EventStream",
    "ExecutableCode",
    "FailoverOn",
    "FileReference",
    "Finished",
    "GeminiMultiError",
    "Hedging",
    "InvalidResponse",
    "JsonObject",
    "JsonValue",
    "Limits",
    "Message",
    "ModelNotFound",
    "Opaque",
    "OpenAICompatible",
    "Oxen",
    "Part",
    "PartReady",
    "PermissionDenied",
    "PromptBlocked",
    "Provider",
    "ProviderError",
    "QuotaExhausted",
    "RateLimit",
    "RateLimited",
    "RateLimits",
    "ReasoningEffort",
    "RequestTimeout",
    "ResponseFormat",
    "RetryPolicy",
    "SafetySetting",
    "ServerError",
    "SettingIgnoredWarning",
    "SharedStorage",
    "StorageUnavailable",
    "Signature",
    "Strategy",
    "StreamInterrupted",
    "Text",
    "TextDelta",
    "Thought",
    "ThoughtDelta",
    "Timeouts",
    "TokenCount",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallReady",
    "ToolChoice",
    "ToolResult",
    "Totals",
    "UnsupportedFeature",
    "Usage",
    "__version__",
]

_MODULES: Final = {
    "gemini_multi._routing.ledger": ("Totals",),
    "gemini_multi._transport.steps": ("Limits", "Timeouts"),
    "gemini_multi._types.efforts": ("ReasoningEffort",),
    "gemini_multi.client": ("AsyncClient", "AsyncEventStream", "Client", "EventStream"),
    "gemini_multi.errors": (
        "AllRoutesFailed",
        "AuthenticationFailed",
        "BadRequest",
        "BudgetExceeded",
        "ConfigurationError",
        "ConfigurationWarning",
        "ConnectionFailed",
        "ContextOverflow",
        "GeminiMultiError",
        "InvalidResponse",
        "SettingIgnoredWarning",
        "ModelNotFound",
        "PermissionDenied",
        "PromptBlocked",
        "ProviderError",
        "QuotaExhausted",
        "RateLimited",
        "RequestTimeout",
        "ServerError",
        "StorageUnavailable",
        "StreamInterrupted",
        "UnsupportedFeature",
    ),
    "gemini_multi.preference": ("FailoverOn", "Hedging", "Strategy"),
    "gemini_multi.providers": ("AIMLAPI", "ChatTraits", "Cloudflare", "OpenAICompatible", "Oxen", "Provider"),
    "gemini_multi.rate_limits": ("RateLimit", "RateLimits", "SharedStorage"),
    "gemini_multi.retry": ("RetryPolicy",),
    "gemini_multi.types": (
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
        "Finished",
        "JsonObject",
        "JsonValue",
        "Message",
        "Opaque",
        "Part",
        "PartReady",
        "ResponseFormat",
        "SafetySetting",
        "Signature",
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
    ),
}
_SOURCES: Final = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "KnobIgnored":  # until 0.3; the module warns
        return getattr(import_module("gemini_multi.errors"), name)
    source = _SOURCES.get(name)
    if source is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    value: object = getattr(import_module(source), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
