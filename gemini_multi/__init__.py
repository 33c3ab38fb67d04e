"""Gemini models over Cloudflare AI, AIMLAPI and Oxen.ai, with one interface and failover between the providers.

The framework bindings are `langchain_gemini_multi` and `llama_index_gemini_multi`; this package is independent of them.
Names are imported on first use, so that importing the package is cheap. `_MODULES` lists the names. Type checkers
cannot read that table; they get the same names from the imports below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gemini_multi._types.version import __version__

if TYPE_CHECKING:
    from gemini_multi._routing.ledger import Totals as Totals
    from gemini_multi._transport.steps import Limits as Limits, Timeouts as Timeouts
    from gemini_multi._types.efforts import ReasoningEffort as ReasoningEffort
    from gemini_multi.client import (
        AsyncClient as AsyncClient,
        AsyncEventStream as AsyncEventStream,
        Client as Client,
        EventStream as EventStream,
    )
    from gemini_multi.errors import (
        AllRoutesFailed as AllRoutesFailed,
        AuthenticationFailed as AuthenticationFailed,
        BadRequest as BadRequest,
        BudgetExceeded as BudgetExceeded,
        ConfigurationError as ConfigurationError,
        ConfigurationWarning as ConfigurationWarning,
        ConnectionFailed as ConnectionFailed,
        ContextOverflow as ContextOverflow,
        GeminiMultiError as GeminiMultiError,
        InvalidResponse as InvalidResponse,
        ModelNotFound as ModelNotFound,
        PermissionDenied as PermissionDenied,
        PromptBlocked as PromptBlocked,
        ProviderError as ProviderError,
        QuotaExhausted as QuotaExhausted,
        RateLimited as RateLimited,
        RequestTimeout as RequestTimeout,
        ServerError as ServerError,
        SettingIgnoredWarning as SettingIgnoredWarning,
        StorageUnavailable as StorageUnavailable,
        StreamInterrupted as StreamInterrupted,
        UnsupportedFeature as UnsupportedFeature,
    )
    from gemini_multi.preference import FailoverOn as FailoverOn, Hedging as Hedging, Strategy as Strategy
    from gemini_multi.providers import (
        AIMLAPI as AIMLAPI,
        ChatTraits as ChatTraits,
        Cloudflare as Cloudflare,
        OpenAICompatible as OpenAICompatible,
        Oxen as Oxen,
        Provider as Provider,
    )
    from gemini_multi.rate_limits import (
        RateLimit as RateLimit,
        RateLimits as RateLimits,
        SharedStorage as SharedStorage,
    )
    from gemini_multi.retry import RetryPolicy as RetryPolicy
    from gemini_multi.types import (
        Attempt as Attempt,
        Blob as Blob,
        BuiltInTool as BuiltInTool,
        Candidate as Candidate,
        ChatEvent as ChatEvent,
        ChatRequest as ChatRequest,
        ChatResponse as ChatResponse,
        Citation as Citation,
        CodeResult as CodeResult,
        ExecutableCode as ExecutableCode,
        FileReference as FileReference,
        Finished as Finished,
        JsonObject as JsonObject,
        JsonValue as JsonValue,
        Message as Message,
        Opaque as Opaque,
        Part as Part,
        PartReady as PartReady,
        ResponseFormat as ResponseFormat,
        SafetySetting as SafetySetting,
        Signature as Signature,
        Text as Text,
        TextDelta as TextDelta,
        Thought as Thought,
        ThoughtDelta as ThoughtDelta,
        TokenCount as TokenCount,
        Tool as Tool,
        ToolCall as ToolCall,
        ToolCallDelta as ToolCallDelta,
        ToolCallReady as ToolCallReady,
        ToolChoice as ToolChoice,
        ToolResult as ToolResult,
        Usage as Usage,
    )


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
__all__ = [*_SOURCES, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "KnobIgnored":  # deprecated, works until 0.3; the module warns
        return getattr(import_module("gemini_multi.errors"), name)
    source = _SOURCES.get(name)
    if source is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    value: object = getattr(import_module(source), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
