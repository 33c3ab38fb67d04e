"""What each binding takes by another integration's name, and what it says of what it does not take."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types as google

from gemini_multi import ConfigurationError, Timeouts, UnsupportedFeature
from tests.bindings.frameworks import MODEL, Framework, Provider

GOOGLE = "It is for Google's own endpoints: leave it out, and set the address or the HTTP client with `base_url` or "
EFFORTS = "none, minimal, low, medium, high, xhigh, max"


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"max_output_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"stop_sequences": ["x"]}, {"stop": ["x"]}),
        ({"model_kwargs": {"seed": 3, "max_output_tokens": 5}}, {"seed": 3, "max_tokens": 5}),
        ({"model_kwargs": {"service_tier": "flex"}}, {"service_tier": "flex"}),
        (
            {"model_kwargs": {"service_tier": "flex"}, "extra_body": {"store": True}},
            {"store": True, "service_tier": "flex"},
        ),
        (
            {"additional_kwargs": {"service_tier": "flex", "store": False}, "extra_body": {"store": True}},
            {"store": True, "service_tier": "flex"},
        ),
        ({"generation_config": {"temperature": 0.5, "max_output_tokens": 5}}, {"temperature": 0.5, "max_tokens": 5}),
        ({"generation_config": google.GenerateContentConfig(top_p=0.5)}, {"top_p": 0.5}),
        ({"generation_config": {"thinking_config": {"thinking_level": "low"}}}, {"reasoning_effort": "low"}),
        ({"temperature": 0.5, "generation_config": {"temperature": 0.5}}, {"temperature": 0.5}),
        ({"request_timeout": 3, "temperature": 2}, {"temperature": 2}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("where", ["model", "call"])
def test_name_that_means_the_same_is_taken(
    framework: Framework, provider: Provider, where: str, given: dict[str, Any], body: dict[str, Any]
) -> None:
    """For the model and for one call."""
    settings, call = (given, {}) if where == "model" else ({}, given)
    framework.ask(framework.model(providers="oxen", http_client=provider.client, **settings), "hi", **call)

    sent = provider.body
    assert {name: value for name, value in sent.items() if name not in ("model", "messages")} == body


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"provider": "aimlapi"}, "https://api.aimlapi.com/v1/chat/completions"),
        (
            {"provider": "oxen", "openai_api_key": "k", "openai_api_base": "https://x.test/v1"},
            "https://x.test/v1/chat/completions",
        ),
        ({"provider": "oxen", "api_base": "https://x.test/v1"}, "https://x.test/v1/chat/completions"),
    ],
    ids=repr,
)
def test_connection_by_another_name_is_taken(
    framework: Framework, provider: Provider, given: dict[str, Any], url: str
) -> None:
    """A key, an address and a provider."""
    framework.ask(framework.model(http_client=provider.client, **given), "hi")

    assert str(provider.requests[-1].url) == url


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"temprature": 1}, "There is no argument `temprature`. Did you mean `temperature`?"),
    ({"zzz": 1}, "There is no argument `zzz`. What a provider takes and has no name here goes into `extra_body`."),
    (
        {"temprature": 1, "zzz": 1},
        (
            "There is no argument `temprature`. Did you mean `temperature`? There is no argument `zzz`. What a "
            "provider takes and has no name here goes into `extra_body`."
        ),
    ),
    (
        {"google_api_key": "secret"},
        (
            "There is no argument `google_api_key`. It is a key of Google's own API, which no provider takes: pass the "
            "provider's key as `api_key`, or use `providers=Cloudflare(api='google_ai_studio', google_api_key=...)`."
        ),
    ),
    ({"vertexai": True}, f"There is no argument `vertexai`. {GOOGLE}`http_client`."),
    ({"client_options": {}}, f"There is no argument `client_options`. {GOOGLE}`http_client`."),
    ({"is_chat_model": True}, "There is no argument `is_chat_model`. It is not needed here: leave it out."),
    (
        {"default_headers": {}},
        (
            "There is no argument `default_headers`. Give headers to the provider, as in "
            "`providers=Oxen(headers={...})`, or `headers` to a call."
        ),
    ),
    (
        {"account_id": "a"},
        (
            "There is no argument `account_id`. Give it to the provider, as in "
            "`providers=Cloudflare(account_id=..., api_token=...)`."
        ),
    ),
    (
        {"use_responses_api": True},
        "There is no argument `use_responses_api`. No provider has OpenAI's Responses API: leave it out.",
    ),
    (
        {"transport": "rest"},
        "`transport='rest'` is for Google's own client; every provider is asked over HTTPS: leave it out.",
    ),
    (
        {"generation_config": {"response_schema": {}}},
        (
            "There is no argument `response_schema`. Ask for structured output instead, by the framework's method or "
            "by `response_format` in the call."
        ),
    ),
    (
        {"generation_config": 3},
        "`generation_config` must be a mapping of settings. Better pass each setting by its own name.",
    ),
    (
        {"max_tokens": 1, "max_output_tokens": 2},
        "`max_tokens` is given twice, here as `max_output_tokens`: give it once.",
    ),
    ({"temperature": 3}, "`temperature` must be from 0 to 2, not 3."),
    ({"temperature": -0.1}, "`temperature` must be from 0 to 2, not -0.1."),
    ({"max_tokens": 0}, "`max_tokens` must be 1 or more, not 0."),
    ({"n": 0}, "`n` must be 1 or more, not 0."),
    ({"max_retries": -1}, "`max_retries` must be 0 or more, not -1."),
    ({"top_p": "high"}, "`top_p` must be a valid number, not 'high'."),
    ({"deadline": "late"}, "`deadline` must be a valid number, not 'late'."),
    ({"retry_policy": 3}, "`retry_policy` must be a dictionary or an instance of RetryPolicy, not 3."),
    (
        {"timeout": True},
        (
            "`timeout` must be a number of seconds or `Timeouts`, not True: write "
            "`gemini_multi.Timeouts(connect=..., read=...)`."
        ),
    ),
    (
        {"built_in_tools": ["hammer"]},
        (
            "'hammer' is no tool that a provider runs, such as 'google_search'. Give functions as `tools`, with the "
            "call."
        ),
    ),
    (
        {"built_in_tools": [{"type": "function", "function": {"name": "add"}}]},
        "'add' is a function. Give it as one of `tools`, with the call.",
    ),
    ({"reasoning_effort": "hihg"}, f"`reasoning_effort` must be one of {EFFORTS}, not 'hihg'."),
    (
        {"timeout": (3, 10)},
        (
            "`timeout` must be a number of seconds or `Timeouts`, not (3, 10): write "
            "`gemini_multi.Timeouts(connect=..., read=...)`."
        ),
    ),
]


@pytest.mark.parametrize(("given", "message"), UNUSABLE, ids=lambda value: repr(value)[:60])
@pytest.mark.parametrize("where", ["model", "call"])
def test_argument_that_cannot_be_used_is_told_alike(
    framework: Framework, provider: Provider, where: str, given: dict[str, Any], message: str
) -> None:
    """One sentence for each, which says what to do; nothing is sent."""
    settings, call = (given, {}) if where == "model" else ({}, given)
    with pytest.raises(ConfigurationError) as caught:
        framework.ask(framework.model(providers="oxen", http_client=provider.client, **settings), "hi", **call)

    assert str(caught.value) == message
    assert provider.requests == []


@pytest.mark.parametrize("name", ["api_key", "base_url", "openai_api_base", "strategy", "max_cost_usd", "http_client"])
def test_argument_of_the_model_is_refused_by_a_call(framework: Framework, provider: Provider, name: str) -> None:
    """A call cannot change what the clients are made from."""
    model = framework.model(providers="oxen", http_client=provider.client)
    with pytest.raises(ConfigurationError, match=f"`{name}` is an argument of the model; a call cannot change it"):
        framework.ask(model, "hi", **{name: "x"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"temperature": "warm"}, "`temperature` must be a valid number, not 'warm'."),
        ({"max_retries": "many"}, "`max_retries` must be a valid integer, not 'many'."),
        (
            {"strategy": "best"},
            "`strategy` must be 'ordered', 'round_robin', 'cheapest' or 'fastest', not 'best'.",
        ),
        ({"temperature": "a-secret-key-of-mine"}, "`temperature` must be a valid number."),
        ({"model": None}, "`model` must be a valid string."),
    ],
    ids=repr,
)
def test_value_of_another_type_is_told_in_a_sentence(framework: Framework, given: dict[str, Any], message: str) -> None:
    """As our own error; a long text is not repeated, because it may be a key."""
    with pytest.raises(ConfigurationError) as caught:
        framework.model(**{"providers": "oxen", **given})

    assert str(caught.value) == message


@pytest.mark.parametrize("providers", [3, 0.5])
def test_providers_of_another_type_are_refused(framework: Framework, providers: Any) -> None:
    """With the forms that are accepted."""
    with pytest.raises(ConfigurationError, match="must be a provider, its name, or several in a list"):
        framework.model(providers=providers)


@pytest.mark.parametrize("tools", [["google_search"], [{"google_search": {}}], "google_search"])
@pytest.mark.parametrize("where", ["model", "call"])
def test_built_in_tools_are_sent(framework: Framework, provider: Provider, where: str, tools: Any) -> None:
    """For the model and for one call; a call may also leave them out."""
    settings, call = ({"built_in_tools": tools}, {}) if where == "model" else ({}, {"built_in_tools": tools})
    model = framework.model(providers="cloudflare", http_client=provider.client, **settings)
    framework.ask(model, "hi", **call)
    assert provider.body["tools"] == [{"googleSearch": {}}]

    framework.ask(model, "hi", built_in_tools=[])
    assert "tools" not in provider.body


def test_bodies_of_the_model_and_of_the_call_are_merged(framework: Framework, provider: Provider) -> None:
    """The call takes precedence."""
    model = framework.model(providers="oxen", http_client=provider.client, extra_body={"store": True, "tier": "flex"})
    framework.ask(model, "hi", extra_body={"store": False, "more": 1})

    assert {name: provider.body[name] for name in ("store", "tier", "more")} == {
        "store": False,
        "tier": "flex",
        "more": 1,
    }


def test_missing_model_is_told(framework: Framework) -> None:
    """With an example."""
    with pytest.raises(ConfigurationError) as caught:
        type(framework.model(providers="oxen"))(providers="oxen")

    assert str(caught.value) == "`model` is missing: pass one, such as 'gemini-2.5-flash-lite'."


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (MODEL, "the model takes minimal, low, medium, high"),
        ("gemini-2.5-flash", "the levels are minimal, low, medium, high"),
    ],
)
def test_level_that_nobody_knows_is_told_once(framework: Framework, provider: Provider, model: str, hint: str) -> None:
    """Not by every provider."""
    made = framework.model(model=model, thinking_level="hihg", http_client=provider.client)
    with pytest.raises(UnsupportedFeature) as caught:
        framework.ask(made, "hi")

    assert str(caught.value) == (
        f"None of the providers (cloudflare, aimlapi, oxen) supports `thinking_level='hihg'` ({hint}) for this model."
    )


def test_timeouts_are_taken(framework: Framework, provider: Provider) -> None:
    """In the form that the message names."""
    framework.ask(
        framework.model(providers="oxen", timeout=Timeouts(connect=3, read=10), http_client=provider.client), "hi"
    )

    assert len(provider.requests) == 1


@pytest.mark.parametrize("address", ["file:///tmp/cat.png", "C:/cat.png", "ftp://example.com/cat.png"])
def test_address_that_no_provider_can_open_is_told(framework: Framework, provider: Provider, address: str) -> None:
    """A picture on this machine, say: the message names the forms that are taken."""
    model = framework.model(http_client=provider.client)
    with pytest.raises(
        ConfigurationError, match=r"Give an http\(s\) address, or the data itself as a base64 `data:` URL"
    ):
        framework.look(model, address)

    assert provider.requests == []
