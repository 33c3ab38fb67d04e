"""What type checkers have to accept; `make lint` checks it, nothing runs it."""

from __future__ import annotations

from pydantic import SecretStr

from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM
from llama_index_gemini_multi import GeminiMulti

ours = ChatGeminiMulti(model="gemini-2.5-flash", api_key="key", max_tokens=5, providers=["oxen"])
theirs = ChatGeminiMulti(model_name="gemini-2.5-flash", api_key=SecretStr("key"), max_output_tokens=5, provider="oxen")
text = GeminiMultiLLM(model="gemini-2.5-flash", api_key="key", stop_sequences=["x"])
llm = GeminiMulti(model="gemini-2.5-flash", api_key="key", max_tokens=5, providers=["oxen"])
other_llm = GeminiMulti(
    model_name="gemini-2.5-flash", api_key=SecretStr("key"), max_output_tokens=5, api_base="https://x"
)
searching = GeminiMulti(model="gemini-2.5-flash", built_in_tools=["google_search"], extra_body={"a": {"b": [1]}})
name: str = theirs.model_name
