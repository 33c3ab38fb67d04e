"""Tools and tool choices in every form that LangChain users write."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, Literal, TypedDict

import pytest
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, tool
from pydantic import BaseModel
from pydantic.v1 import BaseModel as BaseModelV1

from gemini_multi import BuiltInTool, ConfigurationError, Tool, ToolChoice
from langchain_gemini_multi import ChatGeminiMulti
from langchain_gemini_multi._tools import bound, bound_choice, to_tool_choice, to_tools

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
    "ours": (ADD, "add"),
}


@pytest.mark.parametrize("name", FORMS)
def test_tool_is_translated(name: str) -> None:
    """Every form of a tool means the same."""
    form, called = FORMS[name]
    assert to_tools([form]) == (Tool(called, "Add one.", PARAMETERS),)


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
        (BuiltInTool("google_maps"), BuiltInTool("google_maps")),
    ],
)
def test_built_in_tool_is_translated(form: Any, expected: BuiltInTool) -> None:
    """Tools that the host runs are told from functions."""
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


@pytest.mark.parametrize("form", [{"what": "is this"}, 7, "add"])
def test_what_is_no_tool_is_an_error(form: Any) -> None:
    """Something that cannot be a tool is named."""
    with pytest.raises(ConfigurationError):
        to_tools([form])


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
]


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_tool_choice_is_translated(choice: Any, expected: ToolChoice | None) -> None:
    """Every form of a choice is understood, also after it was bound."""
    tools = bound(
        [{"title": "f", "type": "object", "properties": {}}, {"title": "g", "type": "object", "properties": {}}]
    )
    assert to_tool_choice(choice, ["f", "g"]) == expected
    assert to_tool_choice(bound_choice(choice, tools), ["f", "g"]) == (expected or ToolChoice("auto"))


def test_true_means_the_only_tool() -> None:
    """With one tool, `True` forces it."""
    assert to_tool_choice(True, ["f"]) == ToolChoice("required", ("f",))


@pytest.mark.parametrize("choice", ["h", {"type": "function", "function": {"name": "h"}}, {"shape": "unknown"}])
def test_choice_of_no_tool_is_an_error(choice: Any) -> None:
    """A choice that names no tool says which there are."""
    with pytest.raises(ConfigurationError):
        to_tool_choice(choice, ["f", "g"])


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
    """`create_agent` binds an empty list beside its response format; hosts refuse `tools: []`."""
    bound_model: Any = model.bind_tools([], response_format={"type": "json_object"})
    assert bound_model.kwargs == {"response_format": {"type": "json_object"}}
