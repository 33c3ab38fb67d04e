"""What the native endpoints refuse, one case per rule."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

ASKED = {"role": "user", "parts": [{"text": "Hello"}]}
SAID = {"role": "model", "parts": [{"text": "Hello!"}]}
CALLED = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
GAVE = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": 1}}}]}
TOOL = {"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}
PLAIN = "google/gemini-2.5-flash"
THREE = "google/gemini-3-flash"


@dataclass(frozen=True)
class Case:
    """A body that is refused, and words from the refusal."""

    name: str
    given: dict[str, object]
    says: str
    model: str = field(default=PLAIN)


def contents(*turns: object, **others: object) -> dict[str, object]:
    """A body of these turns."""
    return {"contents": list(turns), **others}


def schema(**words: object) -> dict[str, object]:
    """A body with one function whose `parameters` hold these words."""
    parameters = {"type": "object", "properties": {"x": words}}
    return contents(ASKED, tools=[{"functionDeclarations": [{"name": "f", "parameters": parameters}]}])


def config(**settings: object) -> dict[str, object]:
    """A body with these settings."""
    return contents(ASKED, generationConfig=settings)


def part(**members: object) -> dict[str, object]:
    """A body with one part."""
    return contents({"role": "user", "parts": [members]})


UNKNOWN_IN_SCHEMA = (
    "Unknown name \"{}\" at 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find"
)
WORDS = [
    "const",
    "$ref",
    "oneOf",
    "allOf",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "uniqueItems",
    "prefixItems",
]
CASES = [
    Case("no URI", part(fileData={"mimeType": "image/png"}), "file_data.file_uri: cannot be empty"),
    Case(
        "nameless call", contents(ASKED, {"role": "model", "parts": [{"functionCall": {}}]}, GAVE), "function_call.name"
    ),
    Case(
        "no response",
        contents(ASKED, CALLED, {"role": "user", "parts": [{"functionResponse": {"name": "f"}}]}),
        "function_response.response: cannot be empty",
    ),
    Case(
        "safety twice",
        contents(ASKED, safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}] * 2),
        "only one setting per category",
    ),
    Case("unknown top", contents(ASKED, banana=1), 'Unknown name "banana": Cannot find field.'),
    Case("stream", contents(ASKED, stream=True), 'Unknown name "stream": Cannot find field.'),
    Case(
        "unknown config", config(max_tokens=1), "Unknown name \"max_tokens\" at 'generation_config': Cannot find field."
    ),
    Case("unknown part", part(text="a", cache_control={}), "Unknown name \"cache_control\" at 'contents[0].parts[0]'"),
    Case(
        "unknown content",
        contents({**ASKED, "name": "x"}),
        "Unknown name \"name\" at 'contents[0]': Cannot find field.",
    ),
    Case("studio field", contents(ASKED, serviceTier="flex"), 'Unknown name "serviceTier": Cannot find field.'),
    Case("type", config(temperature="hot"), "Invalid value at 'generation_config.temperature' (number), \"hot\""),
    Case(
        "enum",
        contents(ASKED, safetySettings=[{"category": "X", "threshold": "OFF"}]),
        "Invalid value at 'safety_settings[0]",
    ),
    Case("no contents", contents(), "contents is not specified"),
    Case("role", contents({"role": "assistant", "parts": [{"text": "x"}]}), "Please use a valid role: user, model."),
    Case(
        "function role",
        contents({"role": "function", "parts": [{"text": "x"}]}),
        "Please use a valid role: user, model.",
    ),
    Case("no parts", contents({"role": "user", "parts": []}), "contents[0].parts: contents.parts must not be empty."),
    Case("no data", part(thoughtSignature="eA=="), "required oneof field 'data' must have one initialized field"),
    Case(
        "two data",
        part(text="a", inlineData={"mimeType": "image/png", "data": "eA=="}),
        "oneof field 'data' is already set",
    ),
    Case(
        "base64",
        part(inlineData={"mimeType": "image/png", "data": "data:image/png;base64,eA=="}),
        "Base64 decoding failed",
    ),
    Case("no bytes", part(inlineData={"mimeType": "image/png", "data": ""}), "empty inlineData"),
    Case("mime type", part(inlineData={"mimeType": "image/jpg", "data": "eA=="}), "Unsupported MIME type: image/jpg"),
    Case(
        "system media",
        contents(ASKED, systemInstruction={"parts": [{"fileData": {"fileUri": "x"}}]}),
        "text parts only",
    ),
    Case(
        "function name", contents(ASKED, tools=[{"functionDeclarations": [{"name": "1 f"}]}]), "Invalid function name"
    ),
    Case("same name", contents(ASKED, tools=[TOOL, TOOL]), "Duplicate function declaration found: f"),
    Case(
        "two schemas",
        contents(
            ASKED, tools=[{"functionDeclarations": [{"name": "f", "parameters": {}, "parametersJsonSchema": {}}]}]
        ),
        "Only one of parameters and parameters_json_schema can be set.",
    ),
    Case(
        "empty object",
        contents(
            ASKED, tools=[{"functionDeclarations": [{"name": "f", "parameters": {"type": "object", "properties": {}}}]}]
        ),
        "properties: should be non-empty for OBJECT type",
    ),
    *(Case(f"word {word}", schema(type="string", **{word: 1}), UNKNOWN_IN_SCHEMA.format(word)) for word in WORDS),
    Case("type list", schema(type=["string", "null"]), "Proto field is not repeating, cannot start list."),
    Case("any of", schema(type="string", anyOf=[{"type": "string"}]), "it must be the only field set"),
    Case("no items", schema(type="array"), "items: missing field."),
    Case("enum of numbers", schema(type="integer", enum=[1]), "Invalid value at"),
    Case("empty enum", schema(type="string", enum=[""]), "enum[0]: cannot be empty"),
    Case("format", schema(type="string", format="uuid"), "only 'enum' and 'date-time' are supported for STRING type"),
    Case(
        "required",
        schema(type="object", properties={"a": {"type": "string"}}, required=["b"]),
        "property is not defined",
    ),
    Case("schema alone", config(responseSchema={"type": "string"}), "response_mime_type is set to application/json"),
    Case(
        "two answers' schemas",
        config(responseMimeType="application/json", responseSchema={"type": "string"}, responseJsonSchema={}),
        "Only one of response_schema and response_json_schema can be set.",
    ),
    Case(
        "calling without functions",
        contents(ASKED, toolConfig={"functionCallingConfig": {"mode": "ANY"}}),
        "Function calling config is set without function_declarations.",
    ),
    Case(
        "allowed in auto",
        contents(
            ASKED, tools=[TOOL], toolConfig={"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}}
        ),
        "only when function calling mode is ANY or VALIDATED",
    ),
    Case(
        "allowed undeclared",
        contents(
            ASKED, tools=[TOOL], toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}
        ),
        "'g', which is not in function_declarations",
    ),
    Case(
        "functions and search",
        contents(ASKED, tools=[TOOL, {"googleSearch": {}}]),
        "Tool use with function calling is unsupported",
    ),
    Case(
        "functions and JSON",
        contents(ASKED, tools=[TOOL], generationConfig={"responseMimeType": "application/json"}),
        "Function calling with a response mime type: 'application/json' is unsupported",
    ),
    Case(
        "search and JSON",
        contents(ASKED, tools=[{"googleSearch": {}}], generationConfig={"responseMimeType": "application/json"}),
        "Tool use with a response mime type: 'application/json' is unsupported",
    ),
    Case(
        "cache and system",
        contents(ASKED, cachedContent="cachedContents/1", systemInstruction={"parts": [{"text": "x"}]}),
        "should not be set in the request when using cached content",
    ),
    Case(
        "budget and level", config(thinkingConfig={"thinkingBudget": 1, "thinkingLevel": "LOW"}), "only one of", THREE
    ),
    Case(
        "level on 2.5",
        config(thinkingConfig={"thinkingLevel": "LOW"}),
        "Thinking level is not supported for this model.",
    ),
    Case(
        "no budget on pro", config(thinkingConfig={"thinkingBudget": 0}), "Budget 0 is invalid", "google/gemini-2.5-pro"
    ),
    Case(
        "small budget",
        config(thinkingConfig={"thinkingBudget": 100}),
        "between 512 and",
        "google/gemini-2.5-flash-lite",
    ),
    Case(
        "minimal",
        config(thinkingConfig={"thinkingLevel": "MINIMAL"}),
        "MINIMAL is not supported",
        "google/gemini-3.8-flash",
    ),
    Case("minimal pro", config(thinkingConfig={"thinkingLevel": "MINIMAL"}), "MINIMAL is not", "google/gemini-3.1-pro"),
    Case("temperature", config(temperature=2.1), "temperature value of 2.1 but the supported range"),
    Case("stops", config(stopSequences=list("abcdef")), "the number of stop sequences must not exceed 5"),
    Case("penalty", config(frequencyPenalty=0.5), "Penalty is not enabled for this model", THREE),
    Case("log probabilities", config(logprobs=3), "only be set when response_logprobs is true"),
    Case(
        "model first",
        contents(SAID, ASKED),
        "Please ensure that function call turn comes immediately after a user turn",
    ),
    Case("orphan response", contents(ASKED, GAVE), "Please ensure that function response turn comes immediately after"),
    Case("missing response", contents(ASKED, CALLED, ASKED), "number of function response parts is equal"),
    Case(
        "too many responses",
        contents(ASKED, CALLED, {"role": "user", "parts": GAVE["parts"] * 2}),
        "number of function response parts is equal",
    ),
    Case(
        "mixed response",
        contents(ASKED, CALLED, {"role": "user", "parts": [*GAVE["parts"], {"text": "x"}]}),
        "Requests ending with a model turn are not supported.",
    ),
    Case("call last", contents(ASKED, CALLED), "Requests ending with a model turn are not supported."),
    Case("prefill 3.6", contents(ASKED, SAID), "Requests ending with a model turn", "google/gemini-3.6-flash"),
    Case(
        "prefill 3.5 lite", contents(ASKED, SAID), "Requests ending with a model turn", "google/gemini-3.5-flash-lite"
    ),
    Case(
        "invented id",
        contents(
            ASKED,
            {"role": "model", "parts": [{"functionCall": {"name": "f", "id": "mine_1"}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "id": "mine_1", "response": {}}}]},
        ),
        "function call id 'mine_1' is not one that was issued",
    ),
    Case("no signature", contents(ASKED, CALLED, GAVE), "Function call is missing a thought_signature", THREE),
    Case(
        "altered signature",
        contents(
            ASKED, {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "QUJD"}]}, GAVE
        ),
        "Corrupted thought signature.",
        THREE,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_run_refuses_in_the_gateways_envelope(asking, case):
    """Cloudflare's run endpoint refuses with the upstream's words in the gateway's error."""
    answer = asking.run(case.given, case.model)
    error = answer.json()
    assert answer.status_code == 400
    assert case.says in error["error"][0]["message"]
    assert error["error"][0]["code"] == error["internalCode"] == 7003
    assert error["name"] == "AiGatewayError"


ON_VERTEX_ONLY = {"stream", "studio field", "invented id"}


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name not in ON_VERTEX_ONLY], ids=lambda case: case.name
)
def test_studio_refuses_in_googles_envelope(asking, case):
    """AI Studio refuses the same with Google's own error."""
    name = case.model.removeprefix("google/")
    name = {"gemini-3-flash": "gemini-3-flash-preview", "gemini-3.1-pro": "gemini-3.1-pro-preview"}.get(name, name)
    answer = asking.native(name, case.given)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert case.says in error["message"]


ACCEPTED = [
    Case("snake case", {"contents": [ASKED], "generation_config": {"max_output_tokens": 9}}, ""),
    Case("same roles in a row", contents(ASKED, ASKED, SAID, SAID, ASKED), ""),
    Case("prefill on 2.5", contents(ASKED, SAID), ""),
    Case(
        "functions and JSON on 3",
        contents(ASKED, tools=[TOOL], generationConfig={"responseMimeType": "application/json"}),
        "",
        THREE,
    ),
    Case("budget on 3", config(thinkingConfig={"thinkingBudget": 0}), "", THREE),
    Case("calls of 2.5 unsigned", contents(ASKED, CALLED, GAVE), ""),
    Case("earlier turns unsigned", contents(ASKED, CALLED, GAVE, SAID, ASKED), "", THREE),
    Case(
        "dummy",
        contents(
            ASKED,
            {
                "role": "model",
                "parts": [{**CALLED["parts"][0], "thoughtSignature": "skip_thought_signature_validator"}],
            },
            GAVE,
        ),
        "",
        THREE,
    ),
]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_run_takes_what_the_provider_takes(asking, case):
    """What is not refused by the real provider is not refused here."""
    answer = asking.run(case.given, case.model)
    assert answer.status_code == 200, answer.text


def test_a_signature_is_good_only_where_it_was_issued(asking):
    """What AI Studio signed is refused by Vertex AI, and taken by AI Studio."""
    tools = [TOOL]
    asked = {"role": "user", "parts": [{"text": "Use f."}]}
    signed = asking.native("gemini-3.1-flash-lite", contents(asked, tools=tools)).json()["candidates"][0]["content"]
    gave = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
    again = contents(
        asked, {"role": "model", "parts": [{**one, "functionCall": {"name": "f"}} for one in signed["parts"]]}, gave
    )
    assert asking.native("gemini-3.1-flash-lite", again).status_code == 200
    assert "Corrupted thought signature." in asking.run(again, "google/gemini-3.1-flash-lite").text


def test_both_cloudflare_endpoints_share_one_upstream(asking):
    """A signature from the chat endpoint is good at the native endpoint."""
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    messages = [{"role": "user", "content": "Use f."}]
    body = {"model": "google/gemini-3-flash", "messages": messages, "tools": tools}
    call = asking.chat("cloudflare", body).json()["choices"][0]["message"]["tool_calls"][0]
    signature = call["extra_content"]["google"]["thought_signature"]
    signed = {
        "role": "model",
        "parts": [{"functionCall": {"name": "f", "id": call["id"]}, "thoughtSignature": signature}],
    }
    assert asking.run(contents(ASKED, signed, GAVE), "google/gemini-3-flash").status_code == 200


COUNTS = {
    "both ways of asking": (
        {"contents": [ASKED], "generateContentRequest": {"model": "models/gemini-2.5-flash", "contents": [ASKED]}},
        "mutually exclusive",
    ),
    "model without its prefix": (
        {"generateContentRequest": {"model": "gemini-2.5-flash", "contents": [ASKED]}},
        "unexpected model name format",
    ),
    "no model": ({"generateContentRequest": {"contents": [ASKED]}}, "unexpected model name format"),
    "nothing": ({}, "contents is not specified"),
    "unknown name": ({"contents": [ASKED], "tools": []}, 'Unknown name "tools"'),
}


@pytest.mark.parametrize("name", COUNTS)
def test_request_to_count_is_refused(asking, name):
    """A count takes contents or a whole request that names its model in full."""
    given, says = COUNTS[name]
    answer = asking.native("gemini-2.5-flash", given, "countTokens")
    assert (answer.status_code, says in answer.json()["error"]["message"]) == (400, True)
