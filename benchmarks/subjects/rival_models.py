"""The rivals in the two frameworks: only how they are made."""

from __future__ import annotations

from typing import Any

from benchmarks.answers import MODEL
from benchmarks.subjects.base import Subject


def _chat_openai(url: str) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=MODEL, base_url=f"{url}/v1", api_key="key", max_retries=0, stream_usage=True)


def _chat_google(url: str) -> Any:
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(model=MODEL, base_url=url, google_api_key="key", max_retries=0)


def _chat_litellm(url: str) -> Any:
    from langchain_litellm import ChatLiteLLM

    return ChatLiteLLM(model=f"openai/{MODEL}", api_base=f"{url}/v1", api_key="key", max_retries=0)


def _openai_like(url: str) -> Any:
    from llama_index.llms.openai_like import OpenAILike

    known = {
        "is_chat_model": True,
        "should_use_structured_outputs": True,
        "is_function_calling_model": True,
        "context_window": 1_048_576,
    }
    return OpenAILike(model=MODEL, api_base=f"{url}/v1", api_key="key", max_retries=0, **known)


def _google_genai(url: str) -> Any:
    from llama_index.llms.google_genai import GoogleGenAI

    return GoogleGenAI(model=MODEL, api_key="key", http_options={"base_url": url})


def _litellm(url: str) -> Any:
    from llama_index.llms.litellm import LiteLLM

    return LiteLLM(model=f"openai/{MODEL}", api_base=f"{url}/v1", api_key="key", max_retries=0)


def _in_langchain(make: Any, url: str) -> Subject:
    from benchmarks.subjects.langchain import LangChain

    return LangChain(url, make)


def _in_llama_index(make: Any, url: str) -> Subject:
    from benchmarks.subjects.llama_index import LlamaIndex

    return LlamaIndex(url, make)


def chat_openai(url: str) -> Subject:
    return _in_langchain(_chat_openai, url)


def chat_google(url: str) -> Subject:
    return _in_langchain(_chat_google, url)


def chat_litellm(url: str) -> Subject:
    return _in_langchain(_chat_litellm, url)


def openai_like(url: str) -> Subject:
    return _in_llama_index(_openai_like, url)


def google_genai(url: str) -> Subject:
    return _in_llama_index(_google_genai, url)


def litellm(url: str) -> Subject:
    return _in_llama_index(_litellm, url)
