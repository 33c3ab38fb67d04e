"""What the chat endpoints refuse, one case per rule, in each provider's own envelope."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

ASKED = {"role": "user", "content": "Hello"}
SAID = {"role": "assistant", "content": "Hello!"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
GAVE = {"role": "tool", "tool_call_id": "call_1", "content": "1"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}
A, B, C, D = "google/gemini-2.5-flash", "google/gemini-3-5-flash", "google/gemini-3-7-flash", "google/gemini-pro-latest"


@dataclass(frozen=True)
class Case:
    """A body that is refused by these providers, and words from the refusal."""

    name: str
    body: dict[str, object]
    says: str
    providers: tuple[str, ...] = ("cloudflare", "aimlapi", "oxen")


def turns(*messages: object, **others: object) -> dict[str, object]:
    """A body of these messages."""
    return {"messages": list(messages), **others}


def media(**part: object) -> dict[str, object]:
    """A body with one content part."""
    return turns({"role": "user", "content": [part]})


PDF = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,eA=="}
CF, AI, OX = ("cloudflare",), ("aimlapi",), ("oxen",)
CASES = [
    Case(
        "tool name",
        {"tools": [{"type": "function", "function": {"name": "1 f", "parameters": {}}}]},
        "'1 f' is no function",
    ),
    Case("same tool", {"tools": [TOOL, TOOL]}, "Duplicate function declaration"),
    Case("tool type", {"tools": [{"type": "google_search"}]}, "is no function", ("cloudflare",)),
    Case("format", {"response_format": {"type": "xml"}}, "type", ("cloudflare", "aimlapi", "oxen")),
    Case("format schema", {"response_format": {"type": "json_schema", "json_schema": {"name": "A"}}}, "schema"),
    Case("type", {"messages": "Hello"}, "expected array, received string"),
    Case("temperature", {"temperature": 2.5}, "Too big: expected number to be <=2"),
    Case("role", turns({"role": "function", "content": "x"}), "role"),
    Case("stream", {"stream": "yes"}, "expected boolean, received string"),
    Case("instructions only", turns({"role": "system", "content": "x"}), "contents is not specified"),
    Case("assistant first", turns(SAID, ASKED), "function call turn comes immediately after a user turn"),
    Case("tool first", turns(GAVE), "function response turn comes immediately after"),
    Case("empty user", turns({"role": "user", "content": ""}), "contents.parts must not be empty"),
    Case(
        "empty assistant", turns(ASKED, {"role": "assistant", "content": ""}, ASKED), "contents.parts must not be empty"
    ),
    Case("unanswered", turns(ASKED, CALLED, ASKED), "number of function response parts is equal"),
    Case("unanswered last", turns(ASKED, CALLED), "number of function response parts is equal"),
    Case("unknown id", turns(ASKED, CALLED, {**GAVE, "tool_call_id": "x"}), "function response turn comes immediately"),
    Case("answered twice", turns(ASKED, CALLED, GAVE, GAVE), "function response turn comes immediately"),
    Case("same id", turns(ASKED, {**CALLED, "tool_calls": [CALL, CALL]}, GAVE), "number of function response parts"),
    Case(
        "arguments",
        turns(ASKED, {**CALLED, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}]}, GAVE),
        "tool call arguments must be a JSON object",
    ),
    Case("choice alone", {"tool_choice": "required"}, "without function_declarations"),
    Case(
        "choice undeclared",
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "'g', which is not among the tools",
    ),
    Case(
        "tools and JSON",
        {"tools": [TOOL], "response_format": {"type": "json_object"}},
        "Function calling with a response mime type",
    ),
    Case("base64", media(type="image_url", image_url={"url": "data:image/png;base64,%%"}), "Base64 decoding failed"),
    Case("no URL", media(type="image_url", image_url={"url": "eA=="}), "is no URL"),
    Case("stream options", {"stream": True, "stream_options": {"x": 1}}, "Unrecognized key(s) in object: 'x'", CF),
    Case("zero tokens", {"max_tokens": 0}, "expected number to be >0", CF),
    Case(
        "video part",
        media(type="video_url", video_url={"url": "https://a/b"}),
        "Invalid content part type: video_url",
        CF,
    ),
    Case("stops", {"stop": list("abcdef")}, "stop sequences must not exceed 5", CF),
    Case("effort", {"reasoning_effort": "xhigh"}, "not supported for this model", CF),
    Case(
        "effort and thinking",
        {"reasoning_effort": "low", "extra_body": {"google": {"thinking_config": {"thinking_budget": 600}}}},
        "Only one of reasoning_effort and thinking_config",
        CF,
    ),
    Case("thinking word", {"extra_body": {"google": {"thinking_config": {"budget": 1}}}}, 'Unknown name "budget"', CF),
    Case("google word", {"extra_body": {"google": {"banana": 1}}}, 'Unknown name "banana"', CF),
    Case("seed", {"seed": 0}, "seed: Too small: expected number to be >=1", AI),
    Case("top_p", {"top_p": 0}, "top_p: Too small: expected number to be >=0.01", AI),
    Case("five stops", {"stop": list("abcde")}, "stop: Too big: expected array to have <=4 items", AI),
    Case("no include_usage", {"stream": True, "stream_options": {}}, "stream_options.include_usage: Required", AI),
    Case("no messages", turns(), "messages: Too small: expected array to have >=1 items", AI),
    Case("null content", turns(ASKED, {**CALLED, "content": None}, GAVE), "messages[1].content: Invalid input", AI),
    Case(
        "tool parts",
        turns(ASKED, CALLED, {**GAVE, "content": [{"type": "text", "text": "x"}]}),
        "messages[2].content",
        AI,
    ),
    Case("tool key", turns(ASKED, CALLED, {**GAVE, "status": "x"}), "Unrecognized key(s) in object: 'status'", AI),
    Case(
        "developer", turns({"role": "developer", "content": "x"}, ASKED), "messages[0].role: Invalid discriminator", AI
    ),
    Case(
        "parameters", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "function.parameters: Required", AI
    ),
    Case("format key", {"response_format": {"type": "json_object", "x": 1}}, "Unrecognized key(s) in object: 'x'", AI),
    Case(
        "audio part",
        media(type="input_audio", input_audio={"data": "eA==", "format": "wav"}),
        "Invalid discriminator",
        AI,
    ),
    Case("n", {"n": 0}, "n: Too small", AI),
    Case("C effort", {"model": C, "reasoning_effort": "none"}, "reasoning_effort: Invalid enum value", AI),
    Case("C audio part", media(type="input_audio", input_audio={}) | {"model": C}, "Invalid discriminator", AI),
    Case("B effort", {"model": B, "reasoning_effort": "minimal"}, "reasoning_effort: Invalid enum value", AI),
    Case("D log probabilities", {"model": D, "top_logprobs": 21}, "top_logprobs: Too big", AI),
    Case("thinking took all", {"model": C, "max_tokens": 10}, "max_tokens or model output limit was reached", AI),
    Case("prefill", turns(ASKED, SAID, model=C), "Requests ending with a model turn are not supported.", AI),
    Case("signature", turns(ASKED, CALLED, GAVE, model=C), "Function call is missing a thought_signature", AI),
    Case("empty list", turns(), "Messages array cannot be empty", OX),
    Case("no model", {"model": ""}, "You must specify a model to call", OX),
    Case("penalty", {"frequency_penalty": 0.1}, "frequency_penalty is not supported", OX),
    Case("other audio", media(type="input_audio", input_audio={"data": "eA==", "format": "wav"}), "'input_audio'", OX),
    Case("file id", media(type="file", file={"file_id": "x"}), "file_id is not supported", OX),
    Case(
        "two files",
        media(type="file", file={**PDF, "file_url": "https://a/b"}),
        "Exactly one of file_data and file_url",
        OX,
    ),
    Case(
        "tiff",
        media(type="file", file={"file_data": "data:image/tiff;base64,eA=="}),
        "Unsupported file type 'image/tiff'",
        OX,
    ),
]


def message_of(provider: str, error: dict[str, object]) -> str:
    """Find the words in a provider's documented error."""
    if provider == "cloudflare":
        return error["error"][0]["message"]
    return error["message"] if provider == "aimlapi" else error["error"].get("detail") or error["error"]["message"]


@pytest.mark.parametrize(
    ("case", "provider"),
    [pytest.param(case, provider, id=f"{provider}-{case.name}") for case in CASES for provider in case.providers],
)
def test_chat_refuses(asking, case, provider):
    """Every provider refuses with status 400 in its own envelope."""
    answer = asking.chat(provider, case.body)
    assert answer.status_code == 400, answer.text
    assert case.says in message_of(provider, answer.json())


ACCEPTED = [
    Case("unknown key", {"banana_toggle": True}, ""),
    Case("image", media(**IMAGE), ""),
    Case("tool loop on 2.5", turns(ASKED, CALLED, GAVE), ""),
    Case("no penalty", {"frequency_penalty": None}, "", AI),
    Case("null content on B", turns(ASKED, {**CALLED, "content": None}, GAVE, model=B), "", AI),
    Case("developer on D", turns({"role": "developer", "content": "x"}, ASKED, model=D), "", AI),
    Case("audio on B", media(type="input_audio", input_audio={"data": "eA==", "format": "wav"}) | {"model": B}, "", AI),
    Case("n on D is unread", {"n": 0, "model": D}, "", AI),
    Case("effort unread", {"reasoning_effort": "banana", "model": "google/gemini-3-1-pro-preview"}, "", AI),
    Case("pdf", media(type="file", file=PDF), "", OX),
    Case("unsigned", turns(ASKED, CALLED, GAVE, model="gemini-3-8-flash"), "", OX),
    Case(
        "tools and JSON on 3",
        {"tools": [TOOL], "response_format": {"type": "json_object"}, "model": "google/gemini-3-flash"},
        "",
        CF,
    ),
]


@pytest.mark.parametrize(
    ("case", "provider"),
    [pytest.param(case, provider, id=f"{provider}-{case.name}") for case in ACCEPTED for provider in case.providers],
)
def test_chat_takes_what_the_provider_takes(asking, case, provider):
    """What is not refused by the real provider is not refused here."""
    answer = asking.chat(provider, case.body)
    assert answer.status_code == 200, answer.text


def test_run_with_messages_refuses_as_the_chat_endpoint(asking):
    """The shape of `input` picks the rules."""
    answer = asking.run({"messages": "Hello"})
    assert (answer.status_code, answer.json()["internalCode"]) == (400, 7003)
    assert "Invalid value at messages: Invalid input: expected array, received string" in answer.json()["message"]


WRONG_KEYS = [
    (
        "cloudflare",
        {
            "result": None,
            "success": False,
            "errors": [{"code": 10000, "message": "Authentication error"}],
            "messages": [],
        },
    ),
    (
        "oxen",
        {
            "error": {"type": "unauthenticated", "title": "You must be authenticated to perform this action."},
            "status": "error",
            "status_message": "unauthenticated",
        },
    ),
]


@pytest.mark.parametrize(("provider", "error"), WRONG_KEYS)
def test_a_wrong_key_is_refused(asking, provider, error):
    """A wrong key gets the provider's 401."""
    asking.keys[provider] = "wrong"
    answer = asking.chat(provider, {})
    assert (answer.status_code, answer.json()) == (401, error)


def test_aimlapi_refuses_a_wrong_key_flatly(asking):
    """AIMLAPI's error body is flat."""
    asking.keys["aimlapi"] = "wrong"
    answer = asking.chat("aimlapi", {})
    assert answer.status_code == 401
    assert sorted(answer.json()) == ["message", "path", "requestId", "statusCode", "timestamp"]
    assert answer.json()["path"] == "/v1/chat/completions"


def test_the_gateway_refuses_wrong_keys(asking):
    """A wrong gateway token is the gateway's 401; a wrong Google key is Google's 400."""
    url = f"{asking.studio}/v1beta/models/gemini-2.5-flash:generateContent"
    gateway = asking.client.post(url, headers={"cf-aig-authorization": "Bearer wrong"}, json={})
    google = asking.client.post(url, headers={"x-goog-api-key": "wrong"}, json={})
    assert (gateway.status_code, gateway.json()["internalCode"]) == (401, 2009)
    assert (google.status_code, google.json()["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


UNKNOWN_MODELS = [
    ("cloudflare", "Model not found: gemini-x"),
    ("aimlapi", "Model gemini-x not found"),
    ("oxen", "Model not found: gemini-x"),
]


@pytest.mark.parametrize(("provider", "says"), UNKNOWN_MODELS)
def test_an_unknown_model_is_refused(asking, provider, says):
    """An unknown model gets the provider's 404."""
    answer = asking.chat(provider, {"model": "gemini-x"})
    assert answer.status_code == 404
    assert says in message_of(provider, answer.json())


def test_a_wrong_account_is_no_route(asking):
    """A wrong account id is Cloudflare's 404."""
    asking.account = asking.account.replace("sandbox0account", "other")
    answer = asking.run({"contents": []})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, 7003)
    assert "perhaps your object identifier is invalid" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/client/v4/nothing", "/aimlapi/v1/nothing", "/oxen/api/ai/nothing"])
def test_an_unknown_path_is_refused(sandbox, asking, path):
    """Each provider has its own way to say that there is nothing."""
    assert asking.client.post(f"{sandbox.url}{path}", json={}).status_code == 404


@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_a_wrong_method_is_refused(asking, provider):
    """Chat is POST only."""
    headers = {"authorization": f"Bearer {asking.keys[provider]}"}
    assert asking.client.get(f"{asking.bases[provider]}/chat/completions", headers=headers).status_code == 405


@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_a_body_that_is_no_json_is_refused(asking, provider):
    """A body must be JSON."""
    url = f"{asking.bases[provider]}/chat/completions"
    headers = {"authorization": f"Bearer {asking.keys[provider]}"}
    assert asking.client.post(url, headers=headers, content=b"{").status_code == 400
