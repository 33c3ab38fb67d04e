"""Tools, choices and formats have the same forms in both bindings: the same request, or the same refusal."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types as google

from gemini_multi import BuiltInTool, ConfigurationError, Tool
from tests.bindings.frameworks import Framework, Provider

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "Tell the weather."}
FUNCTIONS: dict[str, Any] = {
    "openai": {"type": "function", "function": {**WEATHER, "parameters": PARAMETERS}},
    "openai, flat": {"type": "function", **WEATHER, "parameters": PARAMETERS},
    "openai, bare": {**WEATHER, "parameters": PARAMETERS},
    "anthropic": {**WEATHER, "input_schema": PARAMETERS},
    "mcp": {**WEATHER, "inputSchema": PARAMETERS},
    "google": {"functionDeclarations": [{**WEATHER, "parametersJsonSchema": PARAMETERS}]},
    "google's class": google.Tool(
        function_declarations=[google.FunctionDeclaration(**WEATHER, parameters_json_schema=PARAMETERS)]
    ),
    "ours": Tool("weather", "Tell the weather.", PARAMETERS),
}
BUILT_IN: list[tuple[Any, dict[str, Any]]] = [
    ("google_search", {"googleSearch": {}}),
    ({"google_search": {}}, {"googleSearch": {}}),
    ({"googleSearch": None}, {"googleSearch": {}}),
    ({"type": "google_search"}, {"googleSearch": {}}),
    ({"type": "web_search_20250305", "name": "web_search"}, {"googleSearch": {}}),
    ("code_execution", {"codeExecution": {}}),
    ({"type": "code_interpreter", "container": {"type": "auto"}}, {"codeExecution": {}}),
    (BuiltInTool("url_context"), {"urlContext": {}}),
    (google.Tool(google_search=google.GoogleSearch()), {"googleSearch": {}}),
]
NO_TOOLS: list[Any] = [
    7,
    "weather",
    {"what": "is this"},
    {"type": "custom", "name": "f"},
    {"type": "mcp", "server_label": "x"},
    {"type": "function", "function": {"description": "It has no name."}},
    {"type": "function", "function": {"name": 5}},
    {"type": "function", "function": {"name": ""}},
    {"type": "function", "function": "weather"},
    {"type": "function", "function": {"name": "weather", "parameters": "city"}},
    {"name": "weather", "input_schema": ["city"]},
    {"function_declarations": "weather"},
    {"function_declarations": [{"description": "It has no name."}]},
]


@pytest.fixture
def model(framework: Framework, provider: Provider) -> Any:
    """A model of either framework."""
    return framework.model(providers="cloudflare", http_client=provider.client)


@pytest.mark.parametrize("form", FUNCTIONS.values(), ids=FUNCTIONS)
def test_function_is_read_in_every_form(form: Any, framework: Framework, provider: Provider, model: Any) -> None:
    """OpenAI's, Anthropic's, MCP's, Google's and ours."""
    framework.call(model, [form])

    (declared,) = provider.body["tools"][0]["functionDeclarations"]
    assert (declared["name"], declared["description"]) == ("weather", "Tell the weather.")
    assert declared["parametersJsonSchema"] == PARAMETERS


@pytest.mark.parametrize(("form", "sent"), BUILT_IN)
def test_built_in_tool_is_read_in_every_form(
    form: Any, sent: dict[str, Any], framework: Framework, provider: Provider, model: Any
) -> None:
    """By its name too."""
    framework.call(model, [form])

    assert provider.body["tools"] == [sent]


@pytest.mark.parametrize("form", NO_TOOLS)
def test_what_is_no_tool_is_refused(form: Any, framework: Framework, provider: Provider, model: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError):
        framework.call(model, [form])
    assert provider.requests == []


@pytest.mark.parametrize(
    ("choice", "mode"),
    [
        ("any", "ANY"),
        ("required", "ANY"),
        ("none", "NONE"),
        ("weather", "ANY"),
        (True, "ANY"),
        (["weather"], "ANY"),
        ({"type": "tool", "name": "weather"}, "ANY"),
        ({"type": "function", "function": {"name": "weather"}}, "ANY"),
        ({"functionCallingConfig": {"mode": "VALIDATED"}}, "VALIDATED"),
        ({"mode": "AUTO", "allowedFunctionNames": ["weather"]}, "VALIDATED"),
    ],
)
def test_choice_is_read_in_every_form(
    choice: Any, mode: str, framework: Framework, provider: Provider, model: Any
) -> None:
    """Modes, names and objects."""
    framework.call(model, [FUNCTIONS["openai"]], tool_choice=choice)

    assert provider.body["toolConfig"]["functionCallingConfig"]["mode"] == mode


@pytest.mark.parametrize("choice", ["other", ["weather", "other"], 5, {"shape": "unknown"}])
def test_choice_of_no_tool_is_refused(choice: Any, framework: Framework, provider: Provider, model: Any) -> None:
    """By name, before anything is sent."""
    with pytest.raises(ConfigurationError, match="tool_choice"):
        framework.call(model, [FUNCTIONS["openai"]], tool_choice=choice)
    assert provider.requests == []


def test_choice_without_tools_is_refused(framework: Framework, provider: Provider, model: Any) -> None:
    """There is nothing to call."""
    with pytest.raises(ConfigurationError, match="without `tools`"):
        framework.ask(model, tool_choice="any")
    assert provider.requests == []


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_schema", "json_schema": {"name": "answer", "schema": PARAMETERS}},
        {"type": "json_schema", "name": "answer", "schema": PARAMETERS},
        PARAMETERS,
    ],
)
def test_format_is_read_in_every_form(form: Any, framework: Framework, provider: Provider, model: Any) -> None:
    """OpenAI's two, and the schema alone."""
    framework.ask(model, response_format=form)

    config = provider.body["generationConfig"]
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", PARAMETERS)


@pytest.mark.parametrize(
    "form",
    [7, {"type": "json_schema"}, {"shape": "unknown"}, {"type": "xml"}, {"type": "regex", "pattern": "a"}, {"type": 5}],
)
def test_what_is_no_format_is_refused(form: Any, framework: Framework, provider: Provider, model: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match="response_format"):
        framework.ask(model, response_format=form)
    assert provider.requests == []
