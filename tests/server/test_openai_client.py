"""The official client is the witness: what it accepts and reads is OpenAI's form."""

from __future__ import annotations

import json

import openai
import pytest
from pydantic import BaseModel

from tests.server.conftest import KEY

MODEL = "gemini-2.5-flash"
HELLO = [{"role": "user", "content": "Good morning 你好"}]
SAID = "Hello from the Gemini sandbox — you said “Good morning 你好”."
QUESTION = [{"role": "user", "content": "Use add(2, 3) and multiply(4, 5)."}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": SCHEMA}}
    for name in ("add", "multiply")
]
CALLS = [("add", {"a": 2, "b": 3}), ("multiply", {"a": 2, "b": 3})]
MODELS = ["oxen/gemini-3-flash", "aimlapi/gemini-3-flash", "cloudflare/gemini-3-flash", "gemini-2.5-flash"]


def test_a_whole_answer_is_read(served):
    """It has text, usage that adds up, and an id."""
    answer = served.openai().chat.completions.create(model=MODEL, messages=HELLO)

    assert answer.choices[0].message.content == SAID
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens_details.reasoning_tokens == 12
    assert answer.id.startswith("chatcmpl-")


def test_headers_tell_who_answered_and_for_how_much(served):
    """Provider, model, attempts and cost."""
    told = served.openai().chat.completions.with_raw_response.create(model=MODEL, messages=HELLO).headers

    assert told["x-gemini-multi-provider"] == "oxen"
    assert told["x-gemini-multi-model"] == "gemini-2-5-flash-sandbox"
    assert told["x-gemini-multi-attempts"] == "1"
    assert float(told["x-gemini-multi-cost-usd"]) > 0


def test_a_stream_is_read(served):
    """It says the same as a whole answer, in pieces of one id, with usage where it was asked for."""
    create = served.openai().chat.completions.create
    with create(model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}) as stream:
        chunks = list(stream)

    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == SAID
    assert [choice.delta.role for choice in choices] == ["assistant"] + [None] * (len(choices) - 1)
    assert [choice.finish_reason for choice in choices] == [None] * (len(choices) - 1) + ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].usage.total_tokens > chunks[-1].usage.prompt_tokens > 0
    assert chunks[-1].choices == []


def test_a_stream_has_no_usage_unasked(served):
    """As OpenAI's."""
    with served.openai().chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        assert [chunk.usage for chunk in stream if chunk.usage] == []


async def test_the_asynchronous_client_reads_both(served):
    """Whole and streamed."""
    async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=KEY) as client:
        answer = await client.chat.completions.create(model=MODEL, messages=HELLO)
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        streamed = [chunk.choices[0].delta.content or "" async for chunk in stream]

    assert answer.choices[0].message.content == "".join(streamed) == SAID


@pytest.mark.parametrize("model", MODELS)
def test_the_tool_loop_goes_round(served, model):
    """Parallel calls come with arguments and ids; what the model said goes back as the client dumps it."""
    client = served.openai()
    first = client.chat.completions.create(model=model, messages=QUESTION, tools=TOOLS).choices[0]
    calls = first.message.tool_calls
    results = [{"role": "tool", "tool_call_id": call.id, "content": "42"} for call in calls]
    last = client.chat.completions.create(model=model, messages=[*QUESTION, first.message, *results], tools=TOOLS)

    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == CALLS
    assert first.finish_reason == "tool_calls"
    assert last.choices[0].message.content == "Sandbox answer — add gave “42”; multiply gave “42”."


@pytest.mark.parametrize("model", MODELS)
def test_streamed_calls_are_put_together(served, model):
    """The client's own helper reads them."""
    with served.openai().chat.completions.stream(model=model, messages=QUESTION, tools=TOOLS) as stream:
        stream.until_done()
        message = stream.get_final_completion().choices[0].message

    assert [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls] == CALLS


INFINITE = (
    b'{"choices": [{"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop",'
    b' "logprobs": {"content": [{"token": "a", "logprob": -Infinity, "top_logprobs": []}]}}]}'
)


@pytest.mark.parametrize("stream", [False, True])
def test_infinite_numbers_are_null(served, stream):
    """JSON has none, though providers send them."""
    served.sandbox.reply_raw("oxen", headers={"content-type": "application/json"}, body=INFINITE)
    answer = served.post({"model": f"oxen/{MODEL}", "messages": HELLO, "stream": stream})

    assert '"logprob":null' in answer.text


class Sum(BaseModel):
    """Two numbers."""

    a: int
    b: int


def test_parse_gives_an_object(served):
    """The client's structured output."""
    messages = [{"role": "user", "content": "Give me 7 and 8."}]
    answer = served.openai().chat.completions.parse(model=MODEL, messages=messages, response_format=Sum)

    assert answer.choices[0].message.parsed == Sum(a=7, b=8)


@pytest.mark.filterwarnings("ignore::gemini_multi.SettingIgnoredWarning")  # `strict` means nothing to the provider
def test_parse_gives_arguments(served):
    """The client's strict functions."""
    tool = openai.pydantic_function_tool(Sum, name="add")
    answer = served.openai().chat.completions.parse(model=MODEL, messages=QUESTION, tools=[tool])

    assert answer.choices[0].message.tool_calls[0].function.parsed_arguments == Sum(a=2, b=3)


def test_models_are_listed(served):
    """By their own names, and with each provider's name before them."""
    listed = {model.id: model for model in served.openai().models.list()}
    one = served.openai().models.retrieve("oxen/gemini-2.5-flash")

    assert {MODEL, f"oxen/{MODEL}", f"aimlapi/{MODEL}", f"cloudflare/{MODEL}"} <= set(listed)
    assert listed[MODEL].providers == ["oxen", "aimlapi", "cloudflare"]
    assert one == listed["oxen/gemini-2.5-flash"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_errors_are_those_of_the_client(served, status, kind):
    """A refusal of a provider is the class of error that the client has for it."""
    served.sandbox.fail("oxen", status=status)
    with pytest.raises(kind):
        served.openai().chat.completions.create(model=f"oxen/{MODEL}", messages=HELLO)


def test_a_wrong_key_is_an_authentication_error(served):
    """And no key too."""
    with pytest.raises(openai.AuthenticationError, match="wrong key"):
        served.openai("sk-wrong").chat.completions.create(model=MODEL, messages=HELLO)


@pytest.mark.parametrize("fault", ["cut", "error_in_stream"])
def test_a_stream_that_breaks_ends_with_an_error(served, fault):
    """What had come is not taken for the whole."""
    served.sandbox.fail("oxen", fault=fault)
    pieces = []
    with (
        pytest.raises(openai.APIError, match="broke after its first content"),
        served.openai().chat.completions.create(model=f"oxen/{MODEL}", messages=HELLO, stream=True) as stream,
    ):
        pieces.extend(chunk.choices[0].delta.content for chunk in stream)

    assert SAID.startswith("".join(pieces))
    assert pieces
