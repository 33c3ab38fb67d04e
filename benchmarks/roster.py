"""Who is measured: raw httpx, the frameworks' floors, the parts of ours one after the other, ours and the rivals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .answers import Dialect

Role = Literal["raw", "floor", "parts", "ours", "rival"]
Transport = Literal["httpx", "httpx2", "pyreqwest"]
Field = Literal["core", "langchain", "llama_index"]


@dataclass(frozen=True, slots=True)
class Entrant:
    """A client in its field."""

    name: str
    role: Role
    field: Field
    """Whom it is compared with; each field has an environment of its own."""
    dialect: Dialect
    """Which yardstick it is divided by: raw httpx on the same bytes."""
    factory: str
    """The module below `benchmarks.subjects` and the function in it that takes a URL."""
    imports: str = ""
    """What its user imports."""
    package: str = ""
    """Whose version is told."""
    is_twin: bool = False
    """Whether it is one of ours through its second dialect."""
    transport: Transport = "httpx"
    """What carries the calls of ours."""


def _ours(name: str, field: Field, imports: str) -> tuple[Entrant, ...]:
    factory = f"{field}:chat"
    return (
        Entrant(name, "ours", field, "chat", factory, imports, "gemini-multi"),
        Entrant(f"{name} over httpx2", "ours", field, "chat", factory, transport="httpx2"),
        Entrant(f"{name} over pyreqwest", "ours", field, "chat", factory, transport="pyreqwest"),
        Entrant(f"{name} over httpx-aiohttp", "ours", field, "chat", f"{field}:aiohttp"),
        Entrant(f"{name}, native", "ours", field, "native", f"{field}:native", is_twin=True),
    )


def _parts(name: str, field: Field) -> tuple[Entrant, ...]:
    return tuple(
        Entrant(f"{library}, then {name}", "parts", field, "chat", f"parts:{library}_{field}", transport=library)
        for library in ("httpx", "pyreqwest")
    )


def _rival(name: str, field: Field, dialect: Dialect, function: str, imports: str, package: str) -> Entrant:
    module = "rival_clients" if field == "core" else "rival_models"
    return Entrant(name, "rival", field, dialect, f"{module}:{function}", imports, package)


ENTRANTS: Final = (
    Entrant("httpx", "raw", "core", "chat", "raw:chat", "import httpx", "httpx"),
    Entrant("httpx, native", "raw", "core", "native", "raw:native"),
    Entrant("httpx2", "raw", "core", "chat", "raw_others:httpx2_chat", "import httpx2", "httpx2"),
    Entrant("pyreqwest", "raw", "core", "chat", "raw_others:pyreqwest_chat", "import pyreqwest.client", "pyreqwest"),
    Entrant("aiohttp", "raw", "core", "chat", "raw_others:aiohttp_chat", "import aiohttp", "aiohttp"),
    *_ours("Client", "core", "from gemini_multi import Client"),
    *_parts("Client", "core"),
    _rival("openai", "core", "chat", "OpenAIClient", "from openai import OpenAI", "openai"),
    _rival("google-genai", "core", "native", "GoogleClient", "from google import genai", "google-genai"),
    _rival("LiteLLM", "core", "chat", "LiteLLMClient", "import litellm", "litellm"),
    _rival("LiteLLM Router", "core", "chat", "LiteLLMRouter", "from litellm import Router", "litellm"),
    Entrant(
        "LangChain, no model",
        "floor",
        "langchain",
        "chat",
        "langchain:floor",
        "from langchain_core.language_models import BaseChatModel",
        "langchain-core",
    ),
    *_ours("ChatGeminiMulti", "langchain", "from langchain_gemini_multi import ChatGeminiMulti"),
    *_parts("ChatGeminiMulti", "langchain"),
    _rival(
        "ChatOpenAI",
        "langchain",
        "chat",
        "chat_openai",
        "from langchain_openai import ChatOpenAI",
        "langchain-openai",
    ),
    _rival(
        "ChatGoogleGenerativeAI",
        "langchain",
        "native",
        "chat_google",
        "from langchain_google_genai import ChatGoogleGenerativeAI",
        "langchain-google-genai",
    ),
    _rival(
        "ChatLiteLLM",
        "langchain",
        "chat",
        "chat_litellm",
        "from langchain_litellm import ChatLiteLLM",
        "langchain-litellm",
    ),
    Entrant(
        "LlamaIndex, no model",
        "floor",
        "llama_index",
        "chat",
        "llama_index:floor",
        "from llama_index.core.llms.function_calling import FunctionCallingLLM",
        "llama-index-core",
    ),
    *_ours("GeminiMulti", "llama_index", "from llama_index_gemini_multi import GeminiMulti"),
    *_parts("GeminiMulti", "llama_index"),
    _rival(
        "OpenAILike",
        "llama_index",
        "chat",
        "openai_like",
        "from llama_index.llms.openai_like import OpenAILike",
        "llama-index-llms-openai-like",
    ),
    _rival(
        "GoogleGenAI",
        "llama_index",
        "native",
        "google_genai",
        "from llama_index.llms.google_genai import GoogleGenAI",
        "llama-index-llms-google-genai",
    ),
    _rival(
        "LiteLLM for LlamaIndex",
        "llama_index",
        "chat",
        "litellm",
        "from llama_index.llms.litellm import LiteLLM",
        "llama-index-llms-litellm",
    ),
)
