"""The providers' official clients are witnesses: what they accept is well-formed."""

from __future__ import annotations

import json

import openai
import pytest
from google import genai
from google.genai import types

CASES = [
    ("cloudflare", "google/gemini-2.5-flash"),
    ("cloudflare", "google/gemini-3.8-flash"),
    ("aimlapi", "google/gemini-3-flash-preview"),
    ("aimlapi", "google/gemini-3-5-flash"),
    ("aimlapi", "google/gemini-3-7-flash"),
    ("aimlapi", "google/gemini-pro-latest"),
    ("oxen", "gemini-3-8-flash"),
]
QUESTION = "Use add(2, 3) and multiply(4, 5)."
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": SCHEMA}}
    for name in ("add", "multiply")
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def client_and_model(request, asking):
    """An `openai` client of each chat endpoint."""
    provider, model = request.param
    settings = {"base_url": asking.bases[provider], "api_key": asking.keys[provider], "http_client": asking.client}
    with openai.OpenAI(**settings, max_retries=0) as client:
        yield client, model


def test_openai_reads_a_whole_answer(client_and_model):
    """A whole answer has text, model and counts."""
    client, model = client_and_model
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Good morning"}])
    assert "“Good morning”" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert model in answer.model
    assert "sandbox" in answer.model
    assert answer.usage.prompt_tokens == 3


def test_openai_reads_a_stream(client_and_model):
    """A stream has several pieces, one finish reason at least, and counts when asked for."""
    client, model = client_and_model
    messages = [{"role": "user", "content": "Good morning 你好"}]
    options = {"include_usage": True}
    with client.chat.completions.create(model=model, messages=messages, stream=True, stream_options=options) as stream:
        chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert "“Good morning 你好”" in text
    assert len(chunks) > 4
    assert [chunk.usage for chunk in chunks if chunk.usage][-1].total_tokens > 0


def test_openai_gets_no_counts_unasked(client_and_model):
    """A stream has counts only when they were asked for."""
    client, model = client_and_model
    messages = [{"role": "user", "content": "Good morning"}]
    with client.chat.completions.create(model=model, messages=messages, stream=True) as stream:
        assert [chunk.usage for chunk in stream if chunk.usage] == []


def test_openai_goes_round_the_tool_loop(client_and_model):
    """Parallel calls come with arguments and ids, and their results are quoted."""
    client, model = client_and_model
    messages = [{"role": "user", "content": QUESTION}]
    first = client.chat.completions.create(model=model, messages=messages, tools=TOOLS).choices[0]
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in first.message.tool_calls]
    assert calls == [("add", {"a": 2, "b": 3}), ("multiply", {"a": 2, "b": 3})]
    assert first.finish_reason == "tool_calls"
    said = {"content": "", **first.message.model_dump(exclude_none=True)}
    results = [{"role": "tool", "tool_call_id": call.id, "content": "42"} for call in first.message.tool_calls]
    last = client.chat.completions.create(model=model, messages=[*messages, said, *results], tools=TOOLS).choices[0]
    assert last.message.content.count("“42”") == 2


def test_openai_reads_streamed_calls(client_and_model):
    """Streamed calls add up to the same calls, whatever the provider's habit."""
    client, model = client_and_model
    messages = [{"role": "user", "content": QUESTION}]
    arguments: dict[str, str] = {}
    current = ""
    with client.chat.completions.create(model=model, messages=messages, tools=TOOLS, stream=True) as stream:
        for call in [call for chunk in stream for choice in chunk.choices for call in choice.delta.tool_calls or []]:
            current = call.function.name or current
            arguments[current] = arguments.get(current, "") + (call.function.arguments or "")
    assert {name: json.loads(text) for name, text in arguments.items()} == {
        "add": {"a": 2, "b": 3},
        "multiply": {"a": 2, "b": 3},
    }


@pytest.fixture
def google(asking):
    """A `google-genai` client of AI Studio behind the gateway."""
    options = types.HttpOptions(base_url=asking.studio, httpx_client=asking.client)
    with genai.Client(api_key=asking.keys["cloudflare"], http_options=options) as client:
        yield client


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
def test_google_reads_a_whole_answer_and_a_stream(google, model):
    """Both forms say the same and count the same."""
    whole = google.models.generate_content(model=model, contents="Good morning 你好")
    chunks = list(google.models.generate_content_stream(model=model, contents="Good morning 你好"))
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert chunks[-1].usage_metadata.total_token_count == whole.usage_metadata.total_token_count
    assert whole.model_version == f"{model}-sandbox"
    assert len(chunks) > 4


def test_google_goes_round_the_tool_loop(google):
    """A call comes with arguments and a signature; given back as it is, its result is quoted."""
    declared = types.Tool(function_declarations=[types.FunctionDeclaration(name="add", parameters_json_schema=SCHEMA)])
    config = types.GenerateContentConfig(tools=[declared], automatic_function_calling={"disable": True})
    asked = types.Content(role="user", parts=[types.Part(text="Use add on 2 and 3.")])
    first = google.models.generate_content(model="gemini-3-flash-preview", contents=[asked], config=config)
    call = first.function_calls[0]
    assert (call.name, call.args) == ("add", {"a": 2, "b": 3})
    result = types.Part.from_function_response(name="add", response={"output": "5"})
    result.function_response.id = call.id
    contents = [asked, first.candidates[0].content, types.Content(role="user", parts=[result])]
    last = google.models.generate_content(model="gemini-3-flash-preview", contents=contents, config=config)
    assert "“5”" in last.text


def test_google_reads_thoughts_and_structured_output(google):
    """Thought parts are marked, and JSON follows the schema."""
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=1024),
        response_mime_type="application/json",
        response_json_schema={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    )
    answer = google.models.generate_content(model="gemini-2.5-flash", contents="Give me 7.", config=config)
    assert [part.thought for part in answer.candidates[0].content.parts] == [True, None]
    assert json.loads(answer.text) == {"a": 7}
    assert answer.usage_metadata.thoughts_token_count == 12


def test_google_reads_errors(google):
    """A refusal is told as the provider tells it."""
    with pytest.raises(genai.errors.ClientError, match="not found") as caught:
        google.models.generate_content(model="gemini-unknown", contents="Hello")
    assert caught.value.status == "NOT_FOUND"


def test_google_counts_tokens(google):
    """A count is the number of tokens that the answer tells of its prompt."""
    counted = google.models.count_tokens(model="gemini-2.5-flash", contents="Good morning 你好")
    answer = google.models.generate_content(model="gemini-2.5-flash", contents="Good morning 你好")
    assert counted.total_tokens == answer.usage_metadata.prompt_token_count == 4
