"""What a caller sends becomes what a provider gets: everything is translated, or refused by name."""

from __future__ import annotations

import pytest

HELLO = [{"role": "user", "content": "Hello"}]
PNG = "data:image/png;base64,iVBORw0KGgo="
FUNCTION = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
}
TOOL = {"type": "function", "function": FUNCTION}
PLAIN = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

TRANSLATED = {
    "settings": (
        {
            "temperature": 0.5,
            "top_p": 0.9,
            "max_completion_tokens": 50,
            "stop": "END",
            "seed": 7,
            "n": 1,
            "reasoning_effort": "low",
        },
        {
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 50,
            "stop": ["END"],
            "seed": 7,
            "reasoning_effort": "low",
        },
    ),
    "several stops": ({"stop": ["A", "B"]}, {"stop": ["A", "B"]}),
    "tools": (
        {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
        {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
    ),
    "a named tool": (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
    ),
    "a schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "sum", "schema": PLAIN}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "sum", "schema": PLAIN}}},
    ),
    "JSON": ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
    "text": ({"response_format": {"type": "text"}}, {}),
    "nulls and what changes nothing": (
        {"temperature": None, "logit_bias": {}, "store": False, "service_tier": "auto", "metadata": {}, "tools": None},
        {},
    ),
}


@pytest.mark.parametrize(("sent", "got"), TRANSLATED.values(), ids=TRANSLATED)
def test_parameters_reach_the_provider(served, sent, got):
    """Each under the name that the provider has for it."""
    answer = served.post({"model": "oxen/gemini-2.5-flash", "messages": HELLO, **sent})

    assert answer.status_code == 200, answer.text
    assert served.body == {"model": "gemini-2-5-flash", "messages": HELLO, **got}


MESSAGES = {
    "developer": (
        [{"role": "developer", "content": "Be brief."}, *HELLO],
        [{"role": "system", "content": "Be brief."}, *HELLO],
    ),
    "parts": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                ],
            }
        ],
        [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                    {"type": "text", "text": "What is it?"},
                ],
            }
        ],
    ),
    "an image by address": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "text", "text": "?"},
                ],
            }
        ],
        [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "text", "text": "?"},
                ],
            }
        ],
    ),
    "a document": (
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "file",
                        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
                    },
                    {"type": "text", "text": "?"},
                ],
            }
        ],
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "file",
                        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
                    },
                    {"type": "text", "text": "?"},
                ],
            }
        ],
    ),
    "sound": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                    {"type": "text", "text": "?"},
                ],
            }
        ],
        [
            {
                "role": "user",
                "content": [
                    {"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,UklGRg=="}},
                    {"type": "text", "text": "?"},
                ],
            }
        ],
    ),
    "an answer in parts": (
        [
            *HELLO,
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "Hi"}, {"type": "refusal", "refusal": " no"}],
                "annotations": [],
                "audio": None,
            },
            *HELLO,
        ],
        [*HELLO, {"role": "assistant", "content": "Hi no"}, *HELLO],
    ),
}


@pytest.mark.parametrize(("sent", "got"), MESSAGES.values(), ids=MESSAGES)
def test_messages_reach_the_provider(served, sent, got):
    """In the form that the provider takes."""
    answer = served.post({"model": "oxen/gemini-2.5-flash", "messages": sent})

    assert answer.status_code == 200, answer.text
    assert served.body == {"model": "gemini-2-5-flash", "messages": got}


def test_hints_for_a_cache_reach_a_provider_that_takes_them(served):
    """On content and on tools; they change nothing else."""
    hint = {"type": "ephemeral"}
    part = {"type": "text", "text": "Hello", "cache_control": hint}
    body = {"messages": [{"role": "user", "content": [part]}], "tools": [{**TOOL, "cache_control": hint}]}
    answer = served.post({"model": "aimlapi/gemini-3.7-flash", **body})

    assert answer.status_code == 200, answer.text
    assert served.body["messages"] == body["messages"]
    assert served.body["tools"] == body["tools"]


def test_results_of_tools_may_hold_parts_and_names(served):
    """A name that the result does not say is that of its call."""
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    result = {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "2"}]}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    served.post({"model": "oxen/gemini-2.5-flash", "messages": [*HELLO, said, result], "tools": [TOOL]})

    written = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    assert served.body["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": [written]},
        {"role": "tool", "tool_call_id": "c1", "name": "add", "content": "2"},
    ]


@pytest.mark.parametrize("arguments", ["{broken", "[1]"])
def test_arguments_that_the_model_broke_come_back_as_an_error_of_the_call(served, arguments):
    """They are history: a caller cannot help it."""
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": arguments}}
    result = {"role": "tool", "tool_call_id": "c1", "content": "Unreadable."}
    said = {"role": "assistant", "tool_calls": [call]}
    answer = served.post({"model": "oxen/gemini-2.5-flash", "messages": [*HELLO, said, result], "tools": [TOOL]})

    assert answer.status_code == 200, answer.text


def test_googles_own_settings_go_by_their_names(served):
    """As on Google's own OpenAI endpoint; thoughts leave as `reasoning_content`."""
    extra = {
        "thinking_config": {"thinking_budget": 1024, "include_thoughts": True},
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    }
    body = {"model": "gemini-2.5-flash", "messages": HELLO, "extra_body": {"google": extra}, "top_k": 5}
    answer = served.post(body, **{"x-gemini-multi-provider": "cloudflare"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["reasoning_content"]
    assert served.body["input"]["generationConfig"]["thinkingConfig"] == {
        "thinkingBudget": 1024,
        "includeThoughts": True,
    }
    assert served.body["input"]["generationConfig"]["topK"] == 5
    assert served.body["input"]["safetySettings"] == extra["safety_settings"]


def test_several_answers_are_several_choices(served):
    """`n`, whole and streamed."""
    body = {"model": "cloudflare/gemini-2.5-flash", "messages": HELLO, "n": 2}
    whole = served.post(body).json()
    streamed = served.post({**body, "stream": True}).text

    assert [choice["index"] for choice in whole["choices"]] == [0, 1]
    assert '"index":1' in streamed


ROUTED = {
    "by name": ("aimlapi/gemini-2.5-flash", {}, "aimlapi"),
    "by header": ("gemini-2.5-flash", {"x-gemini-multi-provider": "cloudflare"}, "cloudflare"),
    "by both": ("Oxen/gemini-2.5-flash", {"x-gemini-multi-provider": "oxen"}, "oxen"),
    "in order": ("gemini-2.5-flash", {"x-gemini-multi-provider": "aimlapi, oxen"}, "aimlapi"),
    "by the server": ("gemini-2.5-flash", {}, "oxen"),
    "a provider's own id": ("google/gemini-2.5-flash", {}, "oxen"),
}


@pytest.mark.parametrize(("model", "headers", "provider"), ROUTED.values(), ids=ROUTED)
def test_the_provider_is_chosen(served, model, headers, provider):
    """By the model's name, by a header, or by the order of the server."""
    answer = served.post({"model": model, "messages": HELLO}, **headers)

    assert answer.headers["x-gemini-multi-provider"] == provider


IGNORED = {
    "the model refuses it": ("oxen/gemini-3.8-flash", {"temperature": 0.5}),
    "the provider refuses it": ("oxen/gemini-2.5-flash", {"presence_penalty": 0.5, "frequency_penalty": 0.5}),
    "the provider has no field for it": ("cloudflare/gemini-2.5-flash", {"user": "u-1"}),
}


@pytest.mark.filterwarnings("ignore::gemini_multi.SettingIgnoredWarning")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "settings"), IGNORED.values(), ids=IGNORED)
def test_a_setting_that_is_left_out_is_told(served, model, settings, stream):
    """As everywhere in this library it is left out, and the answer's headers say so."""
    answer = served.post({"model": model, "messages": HELLO, "stream": stream, **settings})

    left_out = answer.headers["x-gemini-multi-ignored"]
    assert left_out == ", ".join(settings)
    assert not settings.keys() & served.body.keys()


def test_the_settings_of_a_request_that_are_sent_are_not_told(served):
    """The header is there only where something was left out."""
    answer = served.post({"model": "oxen/gemini-2.5-flash", "messages": HELLO, "temperature": 0.5})

    assert "x-gemini-multi-ignored" not in answer.headers


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_provider_answers_when_one_fails(served, stream):
    """Failover is what the server is for; the head of a stream waits for the provider that answers."""
    served.sandbox.fail("oxen", status=500)
    answer = served.post({"model": "gemini-2.5-flash", "messages": HELLO, "stream": stream})

    assert answer.headers["x-gemini-multi-provider"] == "aimlapi"
    assert answer.headers["x-gemini-multi-attempts"] == "2"


BROKEN = {
    "no JSON": (b"{", 400, None, "invalid_json"),
    "no object": (b"[]", 400, None, "invalid_value"),
    "no text at all": (b"\xff", 400, None, "invalid_json"),
    "no messages": ({"model": "gemini-2.5-flash"}, 400, "messages", "missing_required_parameter"),
    "no message": ({"messages": []}, 400, "messages", "invalid_value"),
    "a model of a wrong type": ({"model": 3}, 400, "model", "invalid_value"),
    "an unknown model": ({"model": "gpt-4o"}, 404, "model", "model_not_found"),
    "an unknown Gemini": ({"model": "oxen/gemini-9-none"}, 404, "model", "model_not_found"),
    "a role": ({"messages": [{"role": "robot", "content": ""}]}, 400, "messages[0]", "invalid_value"),
    "a content": ({"messages": [{"role": "user", "content": 5}]}, 400, "messages[0].content", "invalid_value"),
    "a part": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
        400,
        "messages[0].content[0].text",
        "invalid_value",
    ),
    "a field of a message": (
        {"messages": [{"role": "user", "content": "", "mood": 1}]},
        400,
        "messages[0].mood",
        "unsupported_parameter",
    ),
    "arguments that are no text": (
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {}}}]}]},
        400,
        "messages[0].tool_calls[0].function.arguments",
        "invalid_value",
    ),
    "a number as text": ({"temperature": "1"}, 400, "temperature", "invalid_value"),
    "a number out of range": ({"temperature": 3}, 400, "temperature", "invalid_value"),
    "a flag as text": ({"stream": "yes"}, 400, "stream", "invalid_value"),
    "an effort": ({"reasoning_effort": "extreme"}, 400, "reasoning_effort", "invalid_value"),
    "biases": ({"logit_bias": {"1": 2}}, 400, "logit_bias", "unsupported_parameter"),
    "functions of old": ({"functions": []}, 400, "functions", "unsupported_parameter"),
    "a parameter of tomorrow": ({"telepathy": True}, 400, "telepathy", "unsupported_parameter"),
    "storing": ({"store": True}, 400, "store", "invalid_value"),
    "a tool of another kind": ({"tools": [{"type": "custom"}]}, 400, "tools[0].type", "invalid_value"),
    "a tool that is not there": (
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        400,
        "tool_choice",
        "invalid_value",
    ),
    "a required call without tools": ({"tool_choice": "required"}, 400, None, "invalid_request"),
    "two limits": ({"max_tokens": 1, "max_completion_tokens": 2}, 400, "max_tokens", "invalid_value"),
    "what a provider has no field for": (
        {"model": "oxen/gemini-2.5-flash", "top_k": 5, "logprobs": True},
        400,
        "top_k",
        "unsupported_feature",
    ),
}


@pytest.mark.parametrize(("body", "status", "param", "code"), BROKEN.values(), ids=BROKEN)
def test_bad_input_is_refused_in_openais_form(served, body, status, param, code):
    """With the name of what cannot be used, before any provider is asked."""
    whole = body if isinstance(body, bytes) else {"model": "gemini-2.5-flash", "messages": HELLO, **body}
    if isinstance(whole, dict) and body.keys() == {"model"} and code == "missing_required_parameter":
        del whole["messages"]
    answer = served.post(whole)
    error = answer.json()["error"]

    assert (answer.status_code, error["param"], error["code"]) == (status, param, code), answer.text
    assert error["message"]


@pytest.mark.parametrize(
    ("model", "header", "said"),
    [("oxen/gemini-2.5-flash", "aimlapi", "names"), ("gemini-2.5-flash", "acme", "There is no provider 'acme' here")],
)
def test_a_provider_that_cannot_be_meant_is_refused(served, model, header, said):
    """One that the name contradicts, and one that the server does not have."""
    answer = served.post({"model": model, "messages": HELLO}, **{"x-gemini-multi-provider": header})

    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "hint"),
    [
        ("POST", "/v1/embeddings", 404, "/v1/chat/completions"),
        ("POST", "/v1/responses", 404, "/v1/chat/completions"),
        ("POST", "/chat/completions", 404, "ends in /v1"),
        ("GET", "/v1/chat/completions", 405, "/v1/chat/completions"),
    ],
)
def test_other_paths_hint_at_those_that_are_served(served, method, path, status, hint):
    """In OpenAI's form."""
    answer = served.http.request(method, f"{served.url}{path}")

    assert answer.status_code == status
    assert hint in answer.json()["error"]["message"]


def test_an_unknown_model_is_not_listed(served):
    """404, in OpenAI's form."""
    answer = served.get("/v1/models/gpt-4o")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_health_needs_no_key(served):
    """A load balancer has none."""
    assert served.http.get(f"{served.url}/health").json()["status"] == "ok"
