"""What the sandbox says: the recorded answers, and the rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gemini_multi.sandbox
from gemini_multi.sandbox import Sandbox

RECORDINGS = Path(gemini_multi.sandbox.__file__).parent / "recordings"
NATIVE = sorted(path.name.removesuffix(".request.json") for path in RECORDINGS.glob("cloudflare_*.request.json"))


def load(name: str) -> dict[str, object]:
    """Load one file of a recording."""
    return json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))


def test_all_eight_native_recordings_are_there():
    """Four prompts to two models."""
    assert len(NATIVE) == 8


@pytest.mark.parametrize("name", NATIVE)
def test_a_documented_prompt_gets_the_recorded_answer(asking, name):
    """The recorded answer comes as it is, wrapped in `result`."""
    request, answer = load(f"{name}.request"), load(f"{name}.answer")
    told = asking.run(request["input"], request["model"]).json()
    assert told == {"result": answer, "success": True, "errors": [], "messages": []}


def test_aimlapis_documented_prompt_gets_the_recorded_answer(asking):
    """The recorded answer comes as it is."""
    name = "aimlapi_gemini-2.5-flash-lite-preview_hello"
    assert asking.chat("aimlapi", load(f"{name}.request")).json() == load(f"{name}.answer")


def test_a_recorded_answer_is_told_in_the_other_dialect_too(asking):
    """The chat endpoint gives the recorded words and counts."""
    name = "cloudflare_gemini-3-flash_thermodynamics"
    body = {
        "model": "google/gemini-3-flash",
        "messages": [{"role": "user", "content": "What are the three laws of thermodynamics?"}],
    }
    told, recorded = asking.chat("cloudflare", body).json(), load(f"{name}.answer")
    assert told["choices"][0]["message"]["content"] == recorded["candidates"][0]["content"]["parts"][0]["text"]
    assert told["usage"] == {"prompt_tokens": 8, "completion_tokens": 652, "total_tokens": 1023}


@pytest.mark.parametrize("wrapping", ["bare", "result", "result_state"])
def test_the_wrapping_can_be_chosen(wrapping):
    """The run endpoint wraps in each of the ways that were seen."""
    import httpx

    with Sandbox(wrapping=wrapping) as sandbox, httpx.Client() as client:
        environment = sandbox.environment()
        url = f"{environment['CLOUDFLARE_BASE_URL']}/accounts/{environment['CLOUDFLARE_ACCOUNT_ID']}/ai/run"
        body = {"model": "google/gemini-2.5-flash", "input": {"contents": [{"parts": [{"text": "Hello"}]}]}}
        headers = {"authorization": f"Bearer {environment['CLOUDFLARE_API_TOKEN']}"}
        told = client.post(url, headers=headers, json=body).json()
    inner = {"bare": lambda: told, "result": lambda: told["result"], "result_state": lambda: told["result"]["result"]}
    assert inner[wrapping]()["modelVersion"] == "gemini-2.5-flash-sandbox"


def function(name: str, **properties: object) -> dict[str, object]:
    """A tool whose properties are all required."""
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
MAGIC, NO_ARGUMENTS = function("magic_function", input=WHOLE), function("magic_function_no_args")
PIRATE, WEATHER = function("greeting_generator", answer_style=TEXT), function("get_weather", location=TEXT)
CUSTOMER = function("unicode_customer", customer_name=TEXT, description=TEXT)
CALLS = [
    ("What is the value of magic_function(3)? Use the tool.", [MAGIC], "required", ("magic_function", {"input": 3})),
    (
        "What is the value of magic_function_no_args()? Use the tool.",
        [NO_ARGUMENTS],
        "required",
        ("magic_function_no_args", {}),
    ),
    ("Using the tool, generate a Pirate greeting.", [PIRATE], None, ("greeting_generator", {"answer_style": "Pirate"})),
    ("What is the weather in San Francisco, CA?", [WEATHER], None, ("get_weather", {"location": "San Francisco, CA"})),
    ("Hello!", [MAGIC, WEATHER], "required", ("magic_function", {"input": 1})),
    (
        "Hello!",
        [WEATHER, MAGIC],
        {"type": "function", "function": {"name": "magic_function"}},
        ("magic_function", {"input": 1}),
    ),
]


@pytest.mark.parametrize(("prompt", "tools", "choice", "call"), CALLS)
@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_a_tool_is_called_when_asked_for(asking, provider, prompt, tools, choice, call):
    """The prompts of LangChain's standard tests get the calls that those tests look for."""
    body = {"messages": [{"role": "user", "content": prompt}], "tools": tools}
    told = asking.chat(provider, body if choice is None else {**body, "tool_choice": choice}).json()["choices"][0][
        "message"
    ]
    calls = [(one["function"]["name"], json.loads(one["function"]["arguments"])) for one in told["tool_calls"]]
    assert calls == [call]


@pytest.mark.parametrize("name", ["你好啊集团", "こんにちは株式会社"])
def test_a_quoted_name_is_copied(asking, name):
    """Quoted words become string arguments."""
    prompt = f"Create a customer named '{name}' (Hello Group) - a Chinese technology company"
    body = {"messages": [{"role": "user", "content": prompt}], "tools": [CUSTOMER], "tool_choice": "required"}
    told = asking.chat("oxen", body).json()["choices"][0]["message"]["tool_calls"][0]["function"]
    assert json.loads(told["arguments"])["customer_name"] == name


def test_tools_are_left_alone_unasked(asking):
    """A prompt that asks for no tool gets a text."""
    told = asking.chat("oxen", {"tools": [MAGIC, WEATHER]}).json()["choices"][0]
    assert told["message"]["content"].startswith("Hello from the Gemini sandbox")
    assert told["finish_reason"] == "stop"


def test_then_means_one_after_the_other(asking):
    """With " then ", the second tool is called after the first one's result."""
    asked = {"role": "user", "content": "Use magic_function and then get_weather."}
    tools = [MAGIC, WEATHER]
    first = asking.chat("oxen", {"messages": [asked], "tools": tools}).json()["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "5"}
    second = asking.chat("oxen", {"messages": [asked, first, result], "tools": tools}).json()["choices"][0]["message"]
    names = [call["function"]["name"] for message in (first, second) for call in message["tool_calls"]]
    assert names == ["magic_function", "get_weather"]


JOKE = {"type": "object", "properties": {"setup": TEXT, "punchline": TEXT}, "required": ["setup", "punchline"]}
NESTED = {
    "type": "object",
    "$defs": {"Cat": {"type": "object", "properties": {"age": {"type": "integer", "minimum": 2}}, "required": ["age"]}},
    "properties": {
        "cats": {"type": "array", "items": {"$ref": "#/$defs/Cat"}, "minItems": 2},
        "mood": {"enum": ["grim", "gay"]},
        "note": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
        "unasked": TEXT,
    },
    "required": ["cats", "mood", "note"],
}
SCHEMAS = [
    (
        JOKE,
        "Tell me a joke about cats.",
        {"setup": "Why did the cat sit on the computer?", "punchline": "To keep an eye on the mouse!"},
    ),
    (NESTED, "Be gay.", {"cats": [{"age": 2}, {"age": 2}], "mood": "gay", "note": True}),
]


@pytest.mark.parametrize(("schema", "prompt", "value"), SCHEMAS, ids=["joke", "nested"])
def test_structured_output_is_the_smallest_instance(asking, schema, prompt, value):
    """References are followed, the minimum is kept, and nothing optional is there."""
    output = {"type": "json_schema", "json_schema": {"name": "Answer", "schema": schema}}
    body = {"messages": [{"role": "user", "content": prompt}], "response_format": output}
    assert json.loads(asking.chat("aimlapi", body).json()["choices"][0]["message"]["content"]) == value


def test_json_mode_has_the_quoted_keys(asking):
    """Without a schema, the keys are those that the prompt quotes."""
    prompt = "A joke about cats, please. Return the result as a JSON with 'setup' and 'punchline' keys. Nothing else."
    body = {"messages": [{"role": "user", "content": prompt}], "response_format": {"type": "json_object"}}
    assert list(json.loads(asking.chat("oxen", body).json()["choices"][0]["message"]["content"])) == [
        "setup",
        "punchline",
    ]


def test_stop_sequences_end_the_text(asking):
    """The stop sequence itself is not told."""
    told = asking.chat("oxen", {"stop": ["you"]}).json()["choices"][0]
    assert (told["message"]["content"], told["finish_reason"]) == ("Hello from the Gemini sandbox — ", "stop")


def test_a_limit_cuts_the_text(asking):
    """The limit ends the text with the reason of its dialect."""
    given = {"contents": [{"parts": [{"text": "Hello"}]}], "generationConfig": {"maxOutputTokens": 2}}
    native = asking.run(given, "google/gemini-2.5-flash-lite").json()["result"]["candidates"][0]
    chat = asking.chat("cloudflare", {"max_tokens": 2, "model": "google/gemini-2.5-flash-lite"}).json()["choices"][0]
    assert (native["content"]["parts"], native["finishReason"]) == ([{"text": "Hello fr"}], "MAX_TOKENS")
    assert (chat["message"]["content"], chat["finish_reason"]) == ("Hello fr", "length")


def test_thinking_can_take_the_whole_limit(asking):
    """Thinking counts against the limit; then there is a candidate without parts."""
    given = {"contents": [{"parts": [{"text": "Hello"}]}], "generationConfig": {"maxOutputTokens": 10}}
    told = asking.run(given, "google/gemini-3-flash").json()["result"]
    assert told["candidates"][0]["content"] == {"role": "model"}
    assert told["usageMetadata"]["thoughtsTokenCount"] == 10
    assert "candidatesTokenCount" not in told["usageMetadata"]


@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_several_candidates(asking, provider):
    """As many candidates come as were asked for."""
    assert [choice["index"] for choice in asking.chat(provider, {"n": 3}).json()["choices"]] == [0, 1, 2]


def test_thoughts_are_told_in_each_providers_way(asking):
    """Google's endpoint puts thoughts between tags, AIMLAPI in a field of their own."""
    thinking = {"extra_body": {"google": {"thinking_config": {"thinking_budget": 1000, "include_thoughts": True}}}}
    tagged = asking.chat("cloudflare", thinking).json()["choices"][0]["message"]
    apart = asking.chat("aimlapi", {"reasoning_effort": "low", "model": "google/gemini-3-7-flash"}).json()["choices"][
        0
    ]["message"]
    assert tagged["content"].startswith("<thought>**Sandbox thoughts**")
    assert "</thought>Hello from" in tagged["content"]
    assert apart["reasoning_content"].startswith("**Sandbox thoughts**")
    assert apart["content"].startswith("Hello from")


def test_the_answer_says_that_it_is_a_sandbox(asking):
    """The model's name holds the requested id, and a word that says what answers."""
    given = {"contents": [{"parts": [{"text": "Hello"}]}]}
    assert (
        asking.run(given, "google/gemini-2.5-flash-lite").json()["result"]["modelVersion"]
        == "gemini-2.5-flash-lite-sandbox"
    )
    assert asking.chat("oxen", {}).json()["model"] == "gemini-2-5-flash-sandbox"


def test_documented_headers_and_cost(asking):
    """AIMLAPI tells the cost in headers and body, Cloudflare its log ids."""
    told = asking.chat("aimlapi", {})
    assert told.headers["x-aimlapi-credits-used"] == str(told.json()["meta"]["usage"]["credits_used"])
    assert float(told.headers["x-aimlapi-usd-spent"]) == told.json()["meta"]["usage"]["usd_spent"]
    assert "x-inference-id" in told.headers
    assert "cf-aig-log-id" in asking.chat("cloudflare", {}).headers


def test_models_are_listed(asking):
    """AIMLAPI lists without a key, Oxen with one."""
    assert len(asking.client.get(f"{asking.bases['aimlapi']}/models").json()["data"]) == 19
    assert asking.client.get(f"{asking.bases['oxen']}/models").status_code == 401
    headers = {"authorization": f"Bearer {asking.keys['oxen']}"}
    one = asking.client.get(f"{asking.bases['oxen']}/models/gemini-3-8-flash", headers=headers)
    assert one.json()["id"] == "gemini-3-8-flash"
