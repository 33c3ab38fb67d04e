"""Tools and tool choices in every form that LangChain users write."""

from __future__ import annotations

import functools
from enum import IntEnum
from typing import Annotated, Any, Literal, TypedDict

import pytest
from google.genai import types as google
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, tool
from langchain_core.tools import Tool as TextTool
from pydantic import BaseModel
from pydantic.v1 import BaseModel as BaseModelV1

from gemini_multi import BuiltInTool, ConfigurationError, Tool, ToolChoice
from gemini_multi.bindings.tools import choice_json, read_choice
from langchain_gemini_multi import ChatGeminiMulti
from langchain_gemini_multi._tools import bound, to_tools

PARAMETERS = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
ADD = Tool("add", "Add one.", PARAMETERS)


@tool
def add_tool(x: int) -> int:
    """Add one."""
    return x + 1


def add(x: int) -> int:
    """Add one."""
    return x + 1


class Add(BaseModel):
    """Add one."""

    x: int


class AddV1(BaseModelV1):
    """Add one."""

    x: int


async def aadd(x: int) -> int:
    """Add one."""
    return x + 1


@tool
def injected(x: int, state: Annotated[dict[str, Any], InjectedToolArg]) -> int:
    """Add one."""
    return x + len(state)


class AddTool(BaseTool):
    name: str = "add"
    description: str = "Add one."

    def _run(self, x: int) -> int:
        return x + 1


class AddDict(TypedDict):
    """Add one."""

    x: int


FORMS: dict[str, tuple[Any, str]] = {
    "tool": (add_tool, "add_tool"),
    "function": (add, "add"),
    "awaitable function": (aadd, "aadd"),
    "class of tools": (AddTool(), "add"),
    "tool that is given the state": (injected, "injected"),
    "tool of a schema": (
        StructuredTool(name="add", description="Add one.", args_schema=PARAMETERS, func=add),
        "add",
    ),
    "pydantic class": (Add, "Add"),
    "pydantic 1 class": (AddV1, "AddV1"),
    "typed dictionary": (AddDict, "AddDict"),
    "json schema": ({"title": "add", "description": "Add one.", **PARAMETERS}, "add"),
    "openai": (
        {"type": "function", "function": {"name": "add", "description": "Add one.", "parameters": PARAMETERS}},
        "add",
    ),
    "openai function": ({"name": "add", "description": "Add one.", "parameters": PARAMETERS}, "add"),
    "anthropic": ({"name": "add", "description": "Add one.", "input_schema": PARAMETERS}, "add"),
    "google": (
        {"function_declarations": [{"name": "add", "description": "Add one.", "parameters": PARAMETERS}]},
        "add",
    ),
    "openai responses": (
        {"type": "function", "name": "add", "description": "Add one.", "parameters": PARAMETERS},
        "add",
    ),
    "google alone": ({"name": "add", "description": "Add one.", "parametersJsonSchema": PARAMETERS}, "add"),
    "google's class": (
        google.Tool(
            function_declarations=[
                google.FunctionDeclaration(name="add", description="Add one.", parameters_json_schema=PARAMETERS)
            ]
        ),
        "add",
    ),
    "google's class alone": (
        google.FunctionDeclaration(name="add", description="Add one.", parameters_json_schema=PARAMETERS),
        "add",
    ),
    "model context protocol": ({"name": "add", "description": "Add one.", "inputSchema": PARAMETERS}, "add"),
    "ours": (ADD, "add"),
}


@pytest.mark.parametrize("name", FORMS)
def test_tool_is_translated(name: str) -> None:
    """Every form of a tool means the same."""
    form, called = FORMS[name]
    assert to_tools([form]) == (Tool(called, "Add one.", PARAMETERS),)


class Employee(TypedDict):
    """Someone who works."""

    name: Annotated[str, ..., "as in the passport"]
    age: Annotated[int, 30, "in years"]
    reports: list[Employee]


def test_typed_dictionary_may_hold_itself_and_defaults() -> None:
    """A field with a default need not be given."""
    (found,) = to_tools([Employee])
    assert isinstance(found, Tool)
    schema: Any = found.parameters["$defs"]["Employee"]  # type: ignore[index,call-overload]
    assert (schema["required"], schema["properties"]["age"]["default"]) == (["name", "reports"], 30)
    assert schema["properties"]["reports"]["items"] == {"$ref": "#/$defs/Employee"}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"google_search": {}}, BuiltInTool("google_search")),
        ({"googleSearch": {}}, BuiltInTool("google_search")),
        ({"type": "google_search"}, BuiltInTool("google_search")),
        ({"type": "url_context"}, BuiltInTool("url_context")),
        ({"code_execution": {}}, BuiltInTool("code_execution")),
        ({"google_search": {"time_range": "x"}}, BuiltInTool("google_search", {"time_range": "x"})),
        ({"type": "code_interpreter"}, BuiltInTool("code_execution")),
        ({"type": "web_search_20250305"}, BuiltInTool("google_search")),
        ({"type": "web_search_20250305", "name": "web_search"}, BuiltInTool("google_search")),
        ({"type": "code_interpreter", "container": {"type": "auto"}}, BuiltInTool("code_execution")),
        (google.Tool(google_search=google.GoogleSearch()), BuiltInTool("google_search")),
        (BuiltInTool("google_maps"), BuiltInTool("google_maps")),
    ],
)
def test_built_in_tool_is_translated(form: Any, expected: BuiltInTool) -> None:
    """Tools that the provider runs are told from functions."""
    assert to_tools([form]) == (expected,)


class Node(BaseModel):
    """A tree."""

    name: str
    children: list[Node] = []


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Odd(BaseModel):
    """What rivals get wrong."""

    union: int | str | None
    pair: tuple[int, int]
    level: Level
    number: Literal[10, 11]


TREE = Node.model_json_schema()["$defs"]


def grow(node: Node) -> int:
    """Grow a tree."""
    return len(node.children)


def remote_tool() -> StructuredTool:
    """Make a tool as MCP servers have them: its schema is plain JSON."""
    schema = {"type": "object", "properties": {"node": {"$ref": "#/$defs/Node"}}, "required": ["node"], "$defs": TREE}
    return StructuredTool(name="grow", description="Grow a tree.", args_schema=schema, func=grow)


@pytest.mark.parametrize("form", [Node, grow, tool(grow), remote_tool()], ids=["class", "function", "tool", "json"])
def test_recursive_schema_is_kept(form: Any) -> None:
    """A tree stays a tree: LangChain's own conversion cuts the recursion off."""
    (found,) = to_tools([form])
    assert isinstance(found, Tool)
    assert found.parameters["$defs"] == TREE


def test_unions_tuples_and_number_enums_are_kept() -> None:
    """No type is turned into another."""
    (found,) = to_tools([Odd])
    assert isinstance(found, Tool)
    assert found.parameters["properties"] == Odd.model_json_schema()["properties"]  # type: ignore[comparison-overlap]


def test_strict_is_passed_on() -> None:
    """`strict` reaches each function."""
    assert [one.strict for one in to_tools(bound([add], strict=True)) if isinstance(one, Tool)] == [True]


def test_tool_of_one_text_keeps_its_argument() -> None:
    """LangChain's oldest kind of tool says nothing of its argument, nor of what LangChain passes beside it."""
    asked = {"__arg1": {"title": "__arg1", "type": "string"}}
    (tool,) = to_tools([TextTool(name="echo", description="Echo.", func=str)])
    assert tool == Tool("echo", "Echo.", {"type": "object", "properties": asked, "required": ["__arg1"]})


def test_strict_of_a_flat_tool_is_its_own() -> None:
    """OpenAI's responses API keeps it beside the name."""
    flat = {"type": "function", "name": "f", "parameters": PARAMETERS, "strict": True}
    assert to_tools(bound([flat], strict=False)) == (Tool("f", "", PARAMETERS, strict=True),)


@pytest.mark.parametrize(
    "form",
    [
        {"what": "is this"},
        7,
        "add",
        functools.partial(add, 1),
        {"type": "mcp", "server_label": "x"},
        {"type": "computer_use_preview", "display_width": 1},
        {"type": "image_generation"},
    ],
)
def test_what_is_no_tool_is_an_error(form: Any) -> None:
    """Something that cannot be a tool is named."""
    with pytest.raises(ConfigurationError):
        to_tools([form])


TWO = to_tools([{"title": name, "type": "object", "properties": {}} for name in ("f", "g")])
ONLY_F = {"type": "function", "function": {"name": "f"}}
CHOICES: list[tuple[Any, ToolChoice | None]] = [
    (None, None),
    (False, None),
    ("auto", ToolChoice("auto")),
    ("any", ToolChoice("required")),
    ("required", ToolChoice("required")),
    ("none", ToolChoice("none")),
    ("ANY", ToolChoice("required")),
    (True, ToolChoice("required")),
    ("f", ToolChoice("required", ("f",))),
    ({"type": "function", "function": {"name": "f"}}, ToolChoice("required", ("f",))),
    ({"type": "function", "name": "f"}, ToolChoice("required", ("f",))),
    ({"type": "tool", "name": "f"}, ToolChoice("required", ("f",))),
    ({"type": "any"}, ToolChoice("required")),
    ({"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}}, ToolChoice("required", ("f",))),
    ({"mode": "VALIDATED"}, ToolChoice("validated")),
    (ToolChoice("none"), ToolChoice("none")),
    (["f"], ToolChoice("required", ("f",))),
    (["f", "g"], ToolChoice("required", ("f", "g"))),
    ({"type": "custom", "name": "f"}, ToolChoice("required", ("f",))),
    ({"mode": "AUTO", "allowed_function_names": ["f"]}, ToolChoice("validated", ("f",))),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [ONLY_F]}},
        ToolChoice("required", ("f",)),
    ),
    (
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        ToolChoice("validated", ("f",)),
    ),
]


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_tool_choice_is_translated(choice: Any, expected: ToolChoice | None) -> None:
    """Every form of a choice is understood, also after it was bound."""
    assert read_choice(choice, TWO) == expected
    assert read_choice(choice_json(expected), TWO) == (expected or ToolChoice("auto"))


def test_true_means_the_only_tool() -> None:
    """With one tool, `True` forces it."""
    assert read_choice(True, TWO[:1]) == ToolChoice("required", ("f",))


@pytest.mark.parametrize(
    "choice", ["h", ["f", "h"], 5, [5], {"type": "function", "function": {"name": "h"}}, {"shape": "unknown"}]
)
def test_choice_of_no_tool_is_an_error(choice: Any) -> None:
    """A choice that names no tool says which there are."""
    with pytest.raises(ConfigurationError):
        read_choice(choice, TWO)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ChatGeminiMulti:
    monkeypatch.setenv("OXEN_API_KEY", "k")
    return ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen")


def test_bind_tools_binds_plain_json(model: ChatGeminiMulti) -> None:
    """What is bound can be shown by traces and caches."""
    bound_model: Any = model.bind_tools([add], tool_choice="any", parallel_tool_calls=False)
    function = {"name": "add", "description": "Add one.", "parameters": PARAMETERS}
    assert bound_model.kwargs == {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    }


def test_binding_no_tools_sends_none(model: ChatGeminiMulti) -> None:
    """`create_agent` binds an empty list beside its response format; providers refuse `tools: []`."""
    bound_model: Any = model.bind_tools([], response_format={"type": "json_object"})
    assert bound_model.kwargs == {"response_format": {"type": "json_object"}}


@pytest.mark.parametrize(("given", "expected"), [(None, False), (True, True)])
def test_choice_of_anthropics_form_can_forbid_parallel_calls(
    model: ChatGeminiMulti, given: bool | None, expected: bool
) -> None:
    """It says so within the choice; an argument of its own goes before."""
    choice = {"type": "any", "disable_parallel_tool_use": True}
    bound_model: Any = model.bind_tools([add], tool_choice=choice, parallel_tool_calls=given)
    assert (bound_model.kwargs["tool_choice"], bound_model.kwargs["parallel_tool_calls"]) == ("required", expected)
