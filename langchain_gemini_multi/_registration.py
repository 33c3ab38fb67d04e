"""Makes models from text, and registers this package's models with LangChain."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

from gemini_multi.bindings.arguments import ANY_PROVIDER, prefixes
from gemini_multi.bindings.values import is_object
from langchain_gemini_multi.chat_models import ChatGeminiMulti


def init_chat_model(model: str, *, model_provider: str | None = None, **arguments: Any) -> ChatGeminiMulti:
    """Make a chat model from text, such as `oxen:gemini-2.5-flash-lite`.

    Args:
        model: A model's name. A provider's name and a colon may precede it.
        model_provider: A provider's name, or `hosted_gemini` for all providers with a key.
        **arguments: Arguments of `ChatGeminiMulti`.

    Raises:
        ConfigurationError: The provider is unknown, or two different providers are named.
    """
    given: dict[str, Any] = {} if model_provider in (None, *ANY_PROVIDER) else {"provider": model_provider}
    return ChatGeminiMulti(model=model, **given, **arguments)


def register_with_langchain() -> None:
    """Let `langchain_core.load` and `langchain`'s `init_chat_model` make this package's models, in this process.

    For security, `load` makes only the classes on a list; this function adds this package's two models to the list. If
    `langchain` is installed, its `init_chat_model` and everything that accepts a model as text (`create_agent`,
    middlewares, deepagents) also accept `oxen:…`, `aimlapi:…` and `cloudflare:…`. `hosted_gemini:…` and
    `gemini_multi:…` stand for all providers with a key.
    """
    # `langchain_core.load.load` as an attribute is a function, so the module is imported by its path.
    load = import_module("langchain_core.load.load")
    for names in (("chat_models", "ChatGeminiMulti"), ("llms", "GeminiMultiLLM")):
        path = ("langchain_gemini_multi", *names)
        load.ALL_SERIALIZABLE_MAPPINGS.setdefault(path, path)
    # `load` caches the list. The name of the cache is private, so another version may not have it.
    getattr(load, "_default_class_paths_cache", {}).clear()
    with suppress(ImportError):
        known = getattr(import_module("langchain.chat_models.base"), "_BUILTIN_PROVIDERS", None)
        providers: dict[str, object] = known if is_object(known) else {}
        for name in prefixes():
            providers.setdefault(name, ("langchain_gemini_multi", "ChatGeminiMulti", partial(_created, prefix=name)))


def _created(cls: type[ChatGeminiMulti], *, model: str, prefix: str, **arguments: Any) -> ChatGeminiMulti:
    # `langchain` passes the class as `cls`.
    return cls(model=f"{prefix}:{model}", **arguments)
