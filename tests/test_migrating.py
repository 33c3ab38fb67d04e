"""The page for those who come from another integration is true, argument by argument."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gemini_multi import ConfigurationError
from langchain_gemini_multi import ChatGeminiMulti
from llama_index_gemini_multi import GeminiMulti

PAGE = (Path(__file__).parent.parent / "docs" / "migrating.md").read_text()
MODELS = {
    "From ChatGoogleGenerativeAI": ChatGeminiMulti,
    "From ChatOpenAI": ChatGeminiMulti,
    "From OpenAILike": GeminiMulti,
    "From GoogleGenAI": GeminiMulti,
}


def rows() -> list[Any]:
    found = []
    for section in PAGE.split("\n## ")[1:]:
        title, model = next((title, model) for title, model in MODELS.items() if section.startswith(title))
        for argument, here in re.findall(r"^\| `(\w+=.*?)` \| (.*?) \|$", section, re.MULTILINE):
            found.append(pytest.param(model, argument, here, id=f"{title[5:]}-{argument.partition('=')[0]}"))
    return found


@pytest.mark.parametrize(("model", "argument", "here"), rows())
def test_an_argument_of_another_integration_does_what_the_page_says(
    model: type[Any], argument: str, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken, or refused with a sentence that names it."""
    monkeypatch.setenv("OXEN_API_KEY", "key")
    given = {"model": "gemini-2.5-flash", "providers": "oxen", **eval(f"dict({argument})")}
    if argument.startswith("model_name"):
        del given["model"]
    if here.startswith("not taken"):
        with pytest.raises(ConfigurationError, match=f"`{argument.partition('=')[0]}"):
            model(**given)
    else:
        assert model(**given).model == "gemini-2.5-flash"
