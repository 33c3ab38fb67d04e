"""Gemini models over Cloudflare AI, AIMLAPI and Oxen.ai, with one interface and failover between the providers.

The framework bindings are `langchain_gemini_multi` and `llama_index_gemini_multi`; this package is independent of them.
Names are imported on first use, so that importing the package is cheap: all names of `gemini_multi.errors` and
`gemini_multi.types`, and those of `_MODULES`. Type checkers get the same names from the imports below.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from gemini_multi._types.version import __version__ as __version__

if TYPE_CHECKING:
    from gemini_multi._routing.ledger import Totals as Totals
    from gemini_multi._transport.steps import Limits as Limits, Timeouts as Timeouts
    from gemini_multi.client import AsyncClient as AsyncClient, AsyncEventStream as AsyncEventStream
    from gemini_multi.client import Client as Client, EventStream as EventStream
    from gemini_multi.errors import *  # noqa: F403  # `__all__` lists its classes
    from gemini_multi.preference import FailoverOn as FailoverOn, Hedging as Hedging, Strategy as Strategy
    from gemini_multi.providers import AIMLAPI as AIMLAPI, ChatTraits as ChatTraits, Cloudflare as Cloudflare
    from gemini_multi.providers import OpenAICompatible as OpenAICompatible, Oxen as Oxen, Provider as Provider
    from gemini_multi.rate_limits import RateLimit as RateLimit, RateLimits as RateLimits
    from gemini_multi.rate_limits import SharedStorage as SharedStorage
    from gemini_multi.retry import RetryPolicy as RetryPolicy
    from gemini_multi.types import *  # noqa: F403  # `__all__` lists its classes

_MODULES: Final = {
    "_routing.ledger": ("Totals",),
    "_transport.steps": ("Limits", "Timeouts"),
    "client": ("AsyncClient", "AsyncEventStream", "Client", "EventStream"),
    "preference": ("FailoverOn", "Hedging", "Strategy"),
    "providers": ("AIMLAPI", "ChatTraits", "Cloudflare", "OpenAICompatible", "Oxen", "Provider"),
    "rate_limits": ("RateLimit", "RateLimits", "SharedStorage"),
    "retry": ("RetryPolicy",),
}
_WHOLE: Final = ("errors", "types")
_DEPRECATED: Final = frozenset({"KnobIgnored"})
"""Works until 0.3; `gemini_multi.errors` warns."""


def _sources() -> dict[str, str]:
    """Return the module of each public name."""
    whole = ((module, import_module(f"{__name__}.{module}").__all__) for module in _WHOLE)
    return {name: module for module, names in (*whole, *_MODULES.items()) for name in names}


def __getattr__(name: str) -> object:
    if name == "__all__":
        return [*_sources(), "__version__"]
    source = next((module for module, names in _MODULES.items() if name in names), None)
    if source is None:
        source = "errors" if name in _DEPRECATED else _sources().get(name)
    if source is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{source}"), name)
    if name not in _DEPRECATED:
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*_sources(), "__version__"])
