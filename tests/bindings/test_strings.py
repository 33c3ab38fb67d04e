"""Models named by strings, alike in both bindings."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_multi import Cloudflare, ConfigurationError, Oxen
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM
from llama_index_gemini_multi import GeminiMulti

KINDS = pytest.mark.parametrize("kind", [ChatGeminiMulti, GeminiMultiLLM, GeminiMulti])


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every provider have a key."""
    for name in ("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "AIMLAPI_API_KEY", "OXEN_API_KEY"):
        monkeypatch.setenv(name, "key")


ALL = ["cloudflare", "aimlapi", "oxen"]
NAMED: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "a provider": ({"model": "oxen:gemini-2.5-flash"}, "gemini-2.5-flash", ["oxen"]),
    "in capitals": ({"model": "Cloudflare:gemini-2.5-flash"}, "gemini-2.5-flash", ["cloudflare"]),
    "by the provider's own id": ({"model": "aimlapi:google/gemini-2.5-flash"}, "google/gemini-2.5-flash", ["aimlapi"]),
    "all": ({"model": "hosted_gemini:gemini-2.5-flash"}, "gemini-2.5-flash", ALL),
    "all, with a dash": ({"model": "hosted-gemini:gemini-2.5-flash"}, "gemini-2.5-flash", ALL),
    "all, by the package": ({"model": "gemini_multi:gemini-2.5-flash"}, "gemini-2.5-flash", ALL),
    "some": ({"model": "hosted_gemini:x", "providers": ["oxen", "aimlapi"]}, "x", ["oxen", "aimlapi"]),
    "the same one twice": ({"model": "oxen:x", "providers": [Oxen("key")]}, "x", ["oxen"]),
    "part of an id": ({"model": "gemini-2.5-flash:free", "providers": "oxen"}, "gemini-2.5-flash:free", ["oxen"]),
    "another name": ({"model_name": "oxen:gemini-2.5-flash"}, "gemini-2.5-flash", ["oxen"]),
}


@KINDS
@pytest.mark.parametrize("name", NAMED)
def test_a_string_names_model_and_provider(kind: Any, name: str) -> None:
    """What stands before the colon is the provider, where it is one."""
    arguments, model, providers = NAMED[name]
    made = kind(**arguments)

    assert (made.model, list(made.provider_names)) == (model, providers)


@KINDS
@pytest.mark.parametrize("providers", ["aimlapi", ["oxen", "aimlapi"], Cloudflare("account", "token")])
def test_two_providers_are_refused(kind: Any, providers: Any) -> None:
    """None of them is asked instead of the other."""
    with pytest.raises(ConfigurationError, match="name the provider once"):
        kind(model="oxen:gemini-2.5-flash", providers=providers)
