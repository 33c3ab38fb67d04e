"""The model object: arguments, keys, serialization, copies, threads, event loops, tracing, tokens."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.language_models import FakeListChatModel
from langchain_core.load import dumpd, dumps
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.runnables import ConfigurableField

from gemini_multi import AIMLAPI, ConfigurationError, Oxen, RetryPolicy, Timeouts, __version__
from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM, init_chat_model

NAME = "gemini-2.5-flash-lite"
SECRET = "sk-very-secret"


@pytest.fixture(autouse=True)
def _sandbox(sandbox: Sandbox) -> None:
    """Serve the providers."""


def sent(sandbox: Sandbox) -> Any:
    return sandbox.requests[-1].body


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "temperature": ({"temperature": 0}, {"temperature": 0}),
    "top_p": ({"top_p": 0.5}, {"topP": 0.5}),
    "top_k": ({"top_k": 4}, {"topK": 4}),
    "max_tokens": ({"max_tokens": 7}, {"maxOutputTokens": 7}),
    "max_output_tokens": ({"max_output_tokens": 7}, {"maxOutputTokens": 7}),
    "stop": ({"stop": ["x"]}, {"stopSequences": ["x"]}),
    "one stop": ({"stop": "x"}, {"stopSequences": ["x"]}),
    "stop_sequences": ({"stop_sequences": ["x"]}, {"stopSequences": ["x"]}),
    "seed": ({"seed": 1}, {"seed": 1}),
    "n": ({"n": 2}, {"candidateCount": 2}),
    "penalties": (
        {"presence_penalty": 0.5, "frequency_penalty": 0.25},
        {"presencePenalty": 0.5, "frequencyPenalty": 0.25},
    ),
    "thinking_budget": ({"thinking_budget": 512}, {"thinkingConfig": {"thinkingBudget": 512}}),
    "logprobs": ({"logprobs": True, "top_logprobs": 2}, {"responseLogprobs": True, "logprobs": 2}),
    "extra_body": ({"extra_body": {"generationConfig": {"seed": 5}}}, {"seed": 5}),
}


@pytest.mark.parametrize("per_call", [False, True], ids=["of the model", "of the call"])
@pytest.mark.parametrize("name", SETTINGS)
def test_setting_is_sent(sandbox: Sandbox, name: str, per_call: bool) -> None:
    """Each setting reaches the provider, from the model as from the call, and nothing else does."""
    given, config = SETTINGS[name]
    model = ChatGeminiMulti(model=NAME, providers="cloudflare", **({} if per_call else given))
    model.invoke("hi", **(given if per_call else {}))
    assert sent(sandbox)["input"] == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generationConfig": config,
    }


SAFETY = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]


def test_a_setting_that_a_subclass_gives_is_sent(sandbox: Sandbox) -> None:
    """A default of one's own counts like an argument."""

    class Calm(ChatGeminiMulti):
        temperature: float | None = 0.25

    Calm(model=NAME, providers="cloudflare").invoke("hi")

    assert sent(sandbox)["input"]["generationConfig"] == {"temperature": 0.25}


@pytest.mark.parametrize("given", [{"HARM_CATEGORY_HARASSMENT": "OFF"}, SAFETY, SAFETY[0]])
def test_safety_settings_are_taken_in_every_form(sandbox: Sandbox, given: Any) -> None:
    """A mapping, a list of objects and one object mean the same."""
    ChatGeminiMulti(model=NAME, providers="cloudflare", safety_settings=given).invoke("hi")
    assert sent(sandbox)["input"]["safetySettings"] == SAFETY


def test_nothing_set_is_nothing_sent(sandbox: Sandbox) -> None:
    """Defaults are the provider's."""
    ChatGeminiMulti(model=NAME, providers="oxen").invoke("hi")
    assert sent(sandbox) == {
        "model": "gemini-2-5-flash-lite-preview-09-2025",
        "messages": [{"role": "user", "content": "hi"}],
    }


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_every_way_of_asking_tells_the_same(provider: str) -> None:
    """Streams and typed events know all that an answer in one piece knows."""
    model: Any = ChatGeminiMulti(model=NAME, providers=provider)
    first, *rest = model.stream("hi")
    typed = set(model.stream_events("hi", version="v3").output.response_metadata) - {"output_version"}
    endpoints = {"candidate_metadata", "provider_metadata"}  # Cloudflare has an endpoint of its own for streams
    told = [
        set(keys) - endpoints for keys in (model.invoke("hi").response_metadata, first.__add__(rest).response_metadata)
    ]
    assert told == [typed - endpoints] * 2
    assert {"token_usage", "cost_usd", "attempts", "finish_reason"} <= typed


def test_next_provider_answers_when_the_first_is_out_of_credit(sandbox: Sandbox) -> None:
    """Failover is invisible but for the metadata."""
    sandbox.fail("cloudflare", status=402)
    found = ChatGeminiMulti(model=NAME, providers=["cloudflare", "oxen"]).invoke("hi")
    tried = [(attempt["provider"], attempt["outcome"]) for attempt in found.response_metadata["attempts"]]
    assert tried == [("cloudflare", "failed"), ("oxen", "answered")]


@pytest.mark.parametrize("arguments", [{"modle": "x"}, {"temprature": 1}, {"wait": 3}])
def test_unknown_constructor_argument_is_an_error(arguments: dict[str, Any]) -> None:
    """A typo is never swallowed."""
    with pytest.raises(ConfigurationError, match="There is no argument"):
        ChatGeminiMulti(**{"model": NAME, "providers": "oxen", **arguments})


UNUSABLE: list[dict[str, Any]] = [
    {"providers": "nowhere"},
    {"providers": []},
    {"providers": ["oxen", "aimlapi"], "api_key": "k"},
    {"api_key": "k"},
    {"providers": ["oxen", "aimlapi"], "base_url": "http://x"},
    {"providers": "oxen", "timeout": -1},
    {"providers": "oxen", "max_retries": -1},
    {"providers": "oxen", "timeout": "long"},
    {"providers": "oxen", "retry_policy": 3},
    {"providers": 3},
    {"providers": "oxen", "reasoning_effort": "heroic"},
    {"providers": "oxen", "safety_settings": "strict"},
]


@pytest.mark.parametrize("arguments", UNUSABLE)
def test_unusable_argument_is_an_error_at_once(arguments: dict[str, Any]) -> None:
    """What cannot work is said when the model is made, as our own error."""
    with pytest.raises(ConfigurationError):
        ChatGeminiMulti(model=NAME, **arguments)


def test_missing_key_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable."""
    monkeypatch.delenv("OXEN_API_KEY")
    with pytest.raises(ConfigurationError, match="OXEN_API_KEY"):
        ChatGeminiMulti(model=NAME, providers="oxen")


def test_two_names_of_one_argument_are_an_error() -> None:
    """Neither silently wins."""
    with pytest.raises(ConfigurationError, match="is given twice"):
        ChatGeminiMulti(model=NAME, providers="oxen", max_tokens=1, max_output_tokens=2)


@pytest.mark.parametrize("first", ["stop", "max_tokens"])
def test_two_names_of_one_argument_of_a_call_are_an_error(first: str) -> None:
    """Also where LangChain takes the argument itself."""
    other = {"stop": "stop_sequences", "max_tokens": "max_output_tokens"}[first]
    with pytest.raises(ConfigurationError, match="is given twice"):
        ChatGeminiMulti(model=NAME, providers="oxen").invoke("hi", **{first: ["a"], other: ["b"]})


def shown(model: ChatGeminiMulti) -> str:
    written = [
        dumps(model),
        str(model.asdict()),
        str(pickle.dumps(model)),
        model.model_dump_json(),
        str(model.model_dump()),
    ]
    return " ".join([repr(model), str(model), *written])


def test_key_is_never_shown() -> None:
    """Not in `repr`, serialization, tracing parameters or a pickle's text."""
    assert SECRET not in shown(ChatGeminiMulti(model=NAME, providers="oxen", api_key=SECRET))
    assert SECRET not in shown(ChatGeminiMulti(model=NAME, providers=[Oxen(api_key=SECRET), AIMLAPI(api_key=SECRET)]))


def test_key_is_not_in_the_message_about_a_typo() -> None:
    """Pydantic's messages show what they were given; ours do not."""
    with pytest.raises(ConfigurationError) as caught:
        ChatGeminiMulti(model=NAME, providers="oxen", api_key=SECRET, modle="x")
    assert SECRET not in str(caught.value)


CONFIGURED: dict[str, Any] = {
    "model": NAME,
    "providers": ["oxen", "aimlapi"],
    "temperature": 0.5,
    "retry_policy": RetryPolicy(max_retries=5),
    "timeout": Timeouts(read=3.0),
}


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copy_is_equal_and_works(copied: Any, used: bool) -> None:
    """Models can be copied and pickled, before and after their first call."""
    model = ChatGeminiMulti(**CONFIGURED)
    if used:
        model.invoke("hi")
        asyncio.run(model.ainvoke("hi"))
    twin = copied(model)
    assert twin == model
    assert twin.invoke("Hello").text


def test_pickled_model_keeps_its_key(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """A key that was passed travels with the pickle."""
    key, url = sandbox.environment()["OXEN_API_KEY"], sandbox.environment()["OXEN_BASE_URL"]
    stored = pickle.dumps(ChatGeminiMulti(model=NAME, providers="oxen", api_key=key, base_url=url))
    monkeypatch.delenv("OXEN_API_KEY")
    monkeypatch.delenv("OXEN_BASE_URL")
    assert pickle.loads(stored).invoke("Hello").text


def test_own_http_clients_are_shared_by_copies_and_left_out_of_pickles() -> None:
    """They hold sockets."""
    with httpx.Client() as own:
        model = ChatGeminiMulti(model=NAME, providers="oxen", http_client=own)
        assert copy.deepcopy(model).http_client is own
        assert pickle.loads(pickle.dumps(model)).http_client is None


def test_own_http_client_is_used(sandbox: Sandbox) -> None:
    """A client that the caller brings carries the request."""
    with httpx.Client(headers={"x-mine": "1"}) as own:
        ChatGeminiMulti(model=NAME, providers="oxen", http_client=own).invoke("hi")
    assert sandbox.requests[-1].headers["x-mine"] == "1"


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize(
    "providers", ["oxen", ["oxen", "aimlapi"], [Oxen(api_key=SECRET, target_namespace="team"), "aimlapi"]]
)
def test_serialized_model_is_rebuilt(providers: Any) -> None:
    """`load` gives the same model; keys come from the environment."""
    from langchain_core.load import load

    model = ChatGeminiMulti(**{**CONFIGURED, "providers": providers})
    loaded = load(dumpd(model), valid_namespaces=["langchain_gemini_multi"], allowed_objects=[ChatGeminiMulti])
    assert (loaded.asdict(), loaded.timeout, loaded.retry_policy) == (model.asdict(), model.timeout, model.retry_policy)


def test_assignment_takes_effect(sandbox: Sandbox) -> None:
    """Settings and connection may be changed on a model that was used."""
    model = ChatGeminiMulti(model=NAME, providers="cloudflare")
    model.invoke("hi")
    model.providers = "oxen"
    model.temperature = 0.5
    assert model.invoke("hi").response_metadata["provider"] == "oxen"
    assert sent(sandbox)["temperature"] == 0.5


def test_changed_copy_leaves_its_original_alone() -> None:
    """A copy with another provider has a client of its own."""
    model = ChatGeminiMulti(model=NAME, providers="cloudflare")
    other = model.model_copy(update={"providers": "oxen"})
    hosts = [one.invoke("hi").response_metadata["provider"] for one in (model, other, model)]
    assert (hosts, model.model_copy().client is model.client) == (["cloudflare", "oxen", "cloudflare"], True)


def test_fields_are_configurable(sandbox: Sandbox) -> None:
    """LangChain's own way to change a field at run time works, and streams still stream."""
    model = ChatGeminiMulti(model=NAME, providers="oxen").configurable_fields(temperature=ConfigurableField(id="t"))
    assert len(list(model.stream("Hello", {"configurable": {"t": 0.75}}))) > 2
    assert sent(sandbox)["temperature"] == 0.75


class Tokens(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        self.seen.append(token)


@pytest.mark.parametrize("streaming", [True, False])
def test_each_token_is_reported_once(streaming: bool) -> None:
    """Callbacks see every piece once, in `stream` and in a streaming `invoke`."""
    handler = Tokens()
    model = ChatGeminiMulti(model=NAME, providers="oxen", streaming=True)
    config: Any = {"callbacks": [handler]}
    text = model.invoke("Hello", config).text if streaming else "".join(c.text for c in model.stream("Hello", config))
    assert "".join(handler.seen) == text


def test_streaming_false_does_not_stream(sandbox: Sandbox) -> None:
    """`streaming=False` makes `stream` ask for the answer in one piece."""
    chunks = list(ChatGeminiMulti(model=NAME, providers="oxen", streaming=False).stream("Hello"))
    assert (len(chunks), "stream" in sent(sandbox)) == (1, False)


def test_usage_is_collected_by_model_name() -> None:
    """LangChain's usage callback finds what it needs."""
    handler = UsageMetadataCallbackHandler()
    ChatGeminiMulti(model=NAME, providers="oxen").batch(["Hello", "Hello"], {"callbacks": [handler]})
    (usage,) = handler.usage_metadata.values()
    assert usage["total_tokens"] == 30


def test_batch_adds_usage_up() -> None:
    """`generate` gives the tokens of all prompts together."""
    result = ChatGeminiMulti(model=NAME, providers="oxen").generate([[HumanMessage("Hello")]] * 2)
    assert result.llm_output is not None
    assert result.llm_output["token_usage"]["total_tokens"] == 30


def test_cache_answers_the_second_call(sandbox: Sandbox) -> None:
    """An equal call is not sent again; one with another setting is."""
    model = ChatGeminiMulti(model=NAME, providers="oxen", cache=InMemoryCache())
    model.invoke("hi")
    model.invoke("hi")
    assert len(sandbox.requests) == 1
    model.temperature = 0.25
    model.invoke("hi")
    assert len(sandbox.requests) == 2


def test_tracing_parameters_honor_the_call() -> None:
    """Traces show what was asked of which model."""
    model = ChatGeminiMulti(model=NAME, providers="oxen", temperature=1, stop="x")
    assert model._get_ls_params(model="other", max_tokens=5) == {
        "ls_provider": "gemini_multi",
        "ls_model_name": "other",
        "ls_model_type": "chat",
        "ls_temperature": 1.0,
        "ls_max_tokens": 5,
        "ls_stop": ["x"],
    }


def test_tokens_are_estimated_without_a_request(sandbox: Sandbox) -> None:
    """Counting asks no provider."""
    model = ChatGeminiMulti(model=NAME, providers="oxen")
    assert (model.get_num_tokens("a" * 400), model.get_num_tokens("")) == (100, 0)
    few = model.get_num_tokens_from_messages([HumanMessage("hi")])
    many = model.get_num_tokens_from_messages([HumanMessage("hi")], tools=[{"title": "f", "properties": {"x": {}}}])
    assert (0 < few < many, sandbox.requests) == (True, [])


def test_own_tokenizer_is_honored() -> None:
    """`custom_get_token_ids` counts instead."""
    model = ChatGeminiMulti(model=NAME, providers="oxen", custom_get_token_ids=lambda text: [0] * len(text))
    assert (model.get_num_tokens("abc"), model.get_token_ids("abc")) == (3, [0, 0, 0])


def test_token_ids_are_not_invented() -> None:
    """Without a tokenizer there are no ids."""
    with pytest.raises(ConfigurationError, match="custom_get_token_ids"):
        ChatGeminiMulti(model=NAME, providers="oxen").get_token_ids("abc")


def test_profile_tells_what_the_providers_take() -> None:
    """The profile is of the model as the configured providers serve it."""
    taken = {
        provider: ChatGeminiMulti(model=NAME, providers=provider).profile["audio_inputs"]  # type: ignore[index]
        for provider in ("cloudflare", "aimlapi")
    }
    assert taken == {"cloudflare": True, "aimlapi": False}


def test_versions_are_told() -> None:
    """Traces know which version of this package it was."""
    model = ChatGeminiMulti(model=NAME, providers="oxen")
    assert model.metadata is not None
    usual = (FakeListChatModel(responses=["x"]).metadata or {}).get("lc_versions", {})
    assert model.metadata["lc_versions"] == {**usual, "gemini-multi": __version__}


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_output_version_decides_the_content(version: Any) -> None:
    """`v1` gives blocks, in whole answers as in streams."""
    model = ChatGeminiMulti(model=NAME, providers="oxen", output_version=version)
    first, *rest = model.stream("Hello")
    merged = first.__add__(rest)
    expected = str if version == "v0" else list
    assert isinstance(merged, AIMessageChunk)
    assert [type(model.invoke("Hello").content), type(merged.content)] == [expected, expected]


def test_model_is_made_from_text() -> None:
    """`init_chat_model` takes the provider before a colon."""
    model = init_chat_model("oxen:gemini-2.5-flash", temperature=0)
    assert (model.model, model.provider_names, model.temperature) == ("gemini-2.5-flash", ["oxen"], 0)


@pytest.mark.parametrize(
    ("name", "provider"), [("gpt-4", "openai"), ("oxen:gemini-2.5-flash", "aimlapi"), ("gemini-2.5-flash", "")]
)
def test_model_of_another_provider_is_not_made(name: str, provider: str) -> None:
    """What is asked of a provider that there is not, or of two at once, is not asked of all instead."""
    with pytest.raises(ConfigurationError):
        init_chat_model(name, model_provider=provider)


@pytest.mark.parametrize("kind", [ChatGeminiMulti, GeminiMultiLLM])
def test_traces_know_settings_by_their_other_names(kind: Any) -> None:
    """What a call changes is told to traces whichever name it has."""
    told = kind(model=NAME, providers="oxen")._get_ls_params(
        model_name="other", max_output_tokens=5, stop_sequences="x"
    )
    assert (told["ls_model_name"], told["ls_max_tokens"], told["ls_stop"]) == ("other", 5, ["x"])


def test_text_model_shares_the_arguments() -> None:
    """Both classes take the same."""
    ours = set(ChatGeminiMulti.model_fields) - {"streaming", "stream_usage"}
    own = {"model", "providers", "temperature", "max_cost_usd", "http_client"}
    assert own < ours & set(GeminiMultiLLM.model_fields)
