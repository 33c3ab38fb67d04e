"""What LlamaIndex loads by a name, after one call that registers it."""

from __future__ import annotations

import pytest
from llama_index.core.llms import loading

from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti, register_with_llama_index


def test_a_written_model_is_loaded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """From what `to_dict` gave, or a configuration file; a string may name the provider."""
    unregistered = {name: made for name, made in loading.RECOGNIZED_LLMS.items() if name != GeminiMulti.class_name()}
    monkeypatch.setattr(loading, "RECOGNIZED_LLMS", unregistered)
    with pytest.raises(ValueError, match="GeminiMulti"):
        loading.load_llm(GeminiMulti(model="oxen:gemini-2.5-flash").to_dict())
    register_with_llama_index()
    written = GeminiMulti(model="oxen:gemini-2.5-flash", temperature=0.5).to_dict()
    made = [
        loading.load_llm(each)
        for each in (written, {"class_name": "GeminiMulti", "model": "oxen:gemini-2.5-flash", "temperature": 0.5})
    ]

    assert [(llm.model, llm.provider_names, llm.temperature) for llm in made] == [  # type: ignore[attr-defined]
        ("gemini-2.5-flash", ("oxen",), 0.5)
    ] * 2
