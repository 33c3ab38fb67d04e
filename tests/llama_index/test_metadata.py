"""What the model tells of itself, without asking anybody."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import MessageRole
from llama_index.core.indices.prompt_helper import PromptHelper

from gemini_multi import catalog
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

pytestmark = pytest.mark.usefixtures("sandbox")


def model(**settings: object) -> GeminiMulti:
    return GeminiMulti(**{"model": "gemini-2.5-flash", "providers": "cloudflare", **settings})


def test_metadata_comes_from_the_catalog(sandbox: Sandbox) -> None:
    """A chat model with functions, its window and output limit, and no request."""
    metadata = model().metadata
    assert (metadata.is_chat_model, metadata.is_function_calling_model) == (True, True)
    hosted = catalog.find("gemini-2.5-flash").providers["cloudflare"]
    assert (metadata.context_window, metadata.num_output) == (hosted.context_window, hosted.max_output_tokens)
    assert (metadata.model_name, metadata.system_role) == ("gemini-2.5-flash", MessageRole.SYSTEM)
    assert sandbox.requests == []


@pytest.mark.parametrize("name", ["gemini-2.5-flash-lite", "gemini-99-quark", "google/some-new-thing"])
def test_metadata_never_raises(name: str) -> None:
    """A model that the catalog does not know has the traits of its nearest relative."""
    assert model(model=name).metadata.context_window > 100_000


@pytest.mark.parametrize(
    ("settings", "window", "num_output"),
    [
        ({"context_window": 4096}, 4096, 1024),
        ({"context_window": 4096, "max_tokens": 512}, 4096, 512),
        ({"context_window": 4096, "max_tokens": 9999}, 4096, 2048),
        ({"context_window": 900_000, "max_tokens": 1000}, 900_000, 1000),
    ],
)
def test_num_output_leaves_room_for_the_prompt(settings: dict[str, int], window: int, num_output: int) -> None:
    """LlamaIndex subtracts it from the window; what is left must hold a prompt."""
    metadata = model(**settings).metadata
    assert (metadata.context_window, metadata.num_output) == (window, num_output)
    assert PromptHelper.from_llm_metadata(metadata).context_window == window


def test_payload_names_model_and_provider_and_no_secret() -> None:
    """Tracers read it with every event."""
    payload = model(temperature=0.5, max_tokens=9).to_payload()
    wanted = {"model": "gemini-2.5-flash", "provider": "cloudflare", "temperature": 0.5, "max_tokens": 9}
    assert wanted.items() <= payload.items()
    assert "sandbox-" not in repr(payload)


def test_class_name_is_stable() -> None:
    """Stored dictionaries and traces rely on it."""
    assert GeminiMulti.class_name() == "GeminiMulti"
