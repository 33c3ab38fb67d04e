"""Who is measured: raw httpx, the frameworks' floors, ours and the rivals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .answers import Dialect

Role = Literal["raw", "floor", "ours", "rival"]
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
    is_twin: bool = False
    """Whether it is one of ours through its second dialect."""


ENTRANTS: Final = (
    Entrant("httpx", "raw", "core", "chat", "raw:RawHttpx"),
    Entrant("httpx, native", "raw", "core", "native", "raw:RawHttpxNative"),
    Entrant("Client", "ours", "core", "chat", "core:chat"),
    Entrant("Client, native", "ours", "core", "native", "core:native", is_twin=True),
    Entrant("LangChain, no model", "floor", "langchain", "chat", "langchain:floor"),
    Entrant("ChatGeminiMulti", "ours", "langchain", "chat", "langchain:chat"),
    Entrant("ChatGeminiMulti, native", "ours", "langchain", "native", "langchain:native", is_twin=True),
    Entrant("LlamaIndex, no model", "floor", "llama_index", "chat", "llama_index:floor"),
    Entrant("GeminiMulti", "ours", "llama_index", "chat", "llama_index:chat"),
    Entrant("GeminiMulti, native", "ours", "llama_index", "native", "llama_index:native", is_twin=True),
)
