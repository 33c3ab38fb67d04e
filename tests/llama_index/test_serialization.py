"""A model can be stored, pickled and copied, before and after use, without showing a key."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import httpx
import pytest
from llama_index.core.callbacks import CallbackManager

from gemini_multi import Oxen, RetryPolicy
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

COPIES: dict[str, Callable[[GeminiMulti], GeminiMulti]] = {
    "to_dict": lambda llm: GeminiMulti.from_dict(llm.to_dict()),
    "to_json": lambda llm: GeminiMulti.from_json(llm.to_json()),
    "pickle": lambda llm: pickle.loads(pickle.dumps(llm)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda llm: llm.model_copy(),
}


@pytest.fixture
def used(sandbox: Sandbox) -> GeminiMulti:
    """A model that has answered already."""
    policy = RetryPolicy(max_retries=1)
    llm = GeminiMulti(model="gemini-2.5-flash", providers=["oxen", "aimlapi"], temperature=0.5, retry_policy=policy)
    llm.complete("Hi")
    return llm


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_copy_works_like_the_original(make: Callable[[GeminiMulti], GeminiMulti], used: GeminiMulti) -> None:
    """After use, with the same settings and providers."""
    copied = make(used)
    assert copied.complete("Hi").additional_kwargs["provider"] == "oxen"
    assert (copied.model, copied.temperature, copied.retry_policy) == (used.model, 0.5, RetryPolicy(max_retries=1))
    assert copied.provider_names == ("oxen", "aimlapi")


async def test_deepcopy_works_after_async_use(used: GeminiMulti) -> None:
    """Async connections do not get in the way either."""
    await used.acomplete("Hi")
    assert (await copy.deepcopy(used).acomplete("Hi")).text
    assert pickle.loads(pickle.dumps(used)).complete("Hi").text


def test_keys_show_nowhere(sandbox: Sandbox, used: GeminiMulti) -> None:
    """Not in `repr`, `str`, dictionaries, JSON or the text of a pickle."""
    with_key = GeminiMulti(model="gemini-2.5-flash", providers="oxen", api_key="very-secret")
    for llm in (used, with_key):
        shown = [repr(llm), str(llm), str(llm.to_dict()), llm.to_json(), str(llm.model_dump()), repr(pickle.dumps(llm))]
        for secret in ("very-secret", sandbox.environment()["OXEN_API_KEY"]):
            assert not any(secret in text for text in shown)


def test_dictionary_is_json(used: GeminiMulti) -> None:
    """It holds the providers with their options; their keys come from the environment again."""
    told = json.loads(json.dumps(used.to_dict()))
    assert (told["class_name"], [provider["name"] for provider in told["providers"]]) == (
        "GeminiMulti",
        ["oxen", "aimlapi"],
    )


def test_deepcopy_shares_what_holds_sockets(sandbox: Sandbox) -> None:
    """The caller's HTTP clients and callbacks go on being used, and spending counts together."""
    manager = CallbackManager([])
    with httpx.Client() as client:
        llm = GeminiMulti(model="gemini-2.5-flash", providers="oxen", http_client=client, callback_manager=manager)
        copied = copy.deepcopy(llm)
        copied.complete("Hi")
        assert copied.http_client is client
        assert copied.callback_manager is manager
        assert llm.totals.calls == 1


def test_configured_provider_survives_a_pickle(sandbox: Sandbox) -> None:
    """Its options and its key are the same afterwards."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers=Oxen(target_namespace="me"))
    restored = pickle.loads(pickle.dumps(llm))
    assert restored.providers == (Oxen(target_namespace="me"),)
