"""Schemas that other integrations stumble over, as classes and as arguments of tools, on every provider."""

from __future__ import annotations

import inspect
import json
from enum import Enum
from itertools import pairwise
from typing import Any, Literal

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, Field, RootModel

from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti

PROMPT = PromptTemplate("Describe {what}.")


class Kind(Enum):
    TEXT = "text"
    NUMBER = "number"


class Column(BaseModel):
    """A column."""

    name: str
    kind: Kind = Kind.TEXT
    width: int | None = None
    comments: list[str] | None = None


class Table(BaseModel):
    """A table."""

    name: str
    columns: list[Column] = Field(min_length=1)
    parent: Table | None = None


class Grant(BaseModel):
    """A grant."""

    role: str | None = None
    rights: list[Literal["read", "write"]] = Field(default_factory=list)


class Owner(BaseModel):
    """An owner."""

    name: str | int
    grants: list[Grant] | None = None


class Database(BaseModel):
    """A schema of tables."""

    name: str
    tables: list[Table] = Field(min_length=1)
    owner: Owner | None = None
    sizes: dict[str, int] = Field(default_factory=dict)


FULL = Database(
    name="shop",
    tables=[Table(name="orders", columns=[Column(name="id", kind=Kind.NUMBER), Column(name="note", comments=["x"])])],
    owner=Owner(name="ann", grants=[Grant(role=None, rights=["read"])]),
    sizes={"orders": 3},
)
MODES = [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION]


@pytest.mark.parametrize("mode", MODES)
async def test_five_classes_deep_with_optional_fields(mode: PydanticProgramMode, make: Any, sandbox: Sandbox) -> None:
    """References, recursion, enumerations, unions, empty lists and open mappings, by JSON and by a function."""
    told = FULL.model_dump(mode="json")
    by_tool = mode == PydanticProgramMode.FUNCTION
    sandbox.script(None, [Answer(tool_calls=[("Database", told)]) if by_tool else Answer(json.dumps(told))] * 2)
    llm = make(pydantic_program_mode=mode)
    assert llm.structured_predict(Database, PROMPT, what="shop") == FULL
    assert [part async for part in await llm.astream_structured_predict(Database, PROMPT, what="shop")][-1] == FULL


@pytest.mark.parametrize("mode", MODES)
def test_unscripted_answer_fits_the_class(mode: PydanticProgramMode, make: Any) -> None:
    """What the sandbox makes of the schema on the wire is an instance: nothing of it was lost on the way."""
    found = make(pydantic_program_mode=mode).structured_predict(Database, PROMPT, what="shop")
    assert found.tables
    assert found.tables[0].columns


class Tree(BaseModel):
    """A tree."""

    name: str
    branches: list[Tree] = Field(default_factory=list)


class Names(RootModel[list[str]]):
    """Names."""


class Sizes(RootModel[dict[str, int]]):
    """Sizes by name."""


WHOLE: list[BaseModel] = [
    Tree(name="oak", branches=[Tree(name="left"), Tree(name="right", branches=[Tree(name="tip")])]),
    Names(["Ann", "Ben"]),
    Sizes({"small": 1}),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", WHOLE, ids=lambda value: type(value).__name__)
async def test_recursive_class_and_bare_values(
    value: BaseModel, mode: PydanticProgramMode, make: Any, sandbox: Sandbox
) -> None:
    """LlamaIndex loses what such a class says of itself; a list is no set of arguments and is asked for as JSON."""
    kind, told = type(value), value.model_dump(mode="json")
    by_tool = mode == PydanticProgramMode.FUNCTION and kind is Tree
    sandbox.script(None, [Answer(tool_calls=[("Tree", told)]) if by_tool else Answer(json.dumps(told))] * 2)
    llm = make(pydantic_program_mode=mode)
    assert llm.structured_predict(kind, PROMPT, what="it") == value
    assert [part async for part in await llm.astream_structured_predict(kind, PROMPT, what="it")][-1] == value
    assert isinstance(llm.structured_predict(kind, PROMPT, what="it"), kind)  # what the schema on the wire asks for


@pytest.mark.parametrize("provider", ["oxen", "aimlapi"], indirect=True)
def test_lists_grow_element_by_element(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """The objects inside of a list are seen before the list is whole."""
    columns = [{"name": f"column {number}"} for number in range(4)]
    sandbox.script(None, [Answer(json.dumps({"name": "t", "columns": columns}))])
    parts = [part.model_dump() for part in llm.stream_structured_predict(Table, PROMPT, what="t")]
    lengths = [len(part["columns"] or ()) for part in parts]
    assert all(before <= after for before, after in pairwise(lengths))
    assert {1, 2, 3, 4} <= set(lengths)


async def test_arguments_of_a_call_do_not_wipe_the_schema(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """`temperature` for one call stands beside the class's fields in the body."""
    structured = llm.as_structured_llm(Column)
    answers = [structured.chat([ChatMessage(content="x")], temperature=0.1)]
    answers.append(await structured.achat([ChatMessage(content="x")], temperature=0.1))
    assert all(isinstance(answer.raw, Column) for answer in answers)
    for request in sandbox.requests:
        body = json.dumps(request.body)
        assert '"temperature": 0.1' in body
        assert '"comments"' in body


class Description(BaseModel):
    table: Table
    kind: Kind
    note: str | None
    count: dict[str, int]
    limit: int = 10


def describe(**given: Any) -> str:
    return str(given)


DESCRIBE = FunctionTool.from_defaults(
    describe, description="Describe a table.\n\nThe second line counts as well.", fn_schema=Description
)


def test_tool_takes_objects_enumerations_and_mappings(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """The call fits the tool's own schema, and every line of the description is told."""
    response = llm.chat_with_tools([DESCRIBE], "Hi", tool_required=True)
    (call,) = llm.get_tool_calls_from_response(response)
    assert DESCRIBE.metadata.fn_schema is not None
    assert DESCRIBE.metadata.fn_schema.model_validate(call.tool_kwargs)
    assert "The second line counts as well." in str(sandbox.requests[-1].body)


def test_tool_takes_a_recursive_object(llm: GeminiMulti) -> None:
    """Its fields are told, though all that such a class says of itself is a reference."""
    plant = FunctionTool.from_defaults(describe, name="plant", description="Plant a tree.", fn_schema=Tree)
    (call,) = llm.get_tool_calls_from_response(llm.chat_with_tools([plant], "Hi", tool_required=True))
    assert Tree.model_validate(call.tool_kwargs).name


@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
def test_schema_of_a_tool_natively(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Required stays required, optional may be null, and every reference has its definition."""
    llm.chat_with_tools([DESCRIBE], "Hi")
    (declared,) = sandbox.requests[-1].body["input"]["tools"][0]["functionDeclarations"]
    schema = declared["parametersJsonSchema"]
    assert schema["required"] == ["table", "kind", "note", "count"]
    assert schema["properties"]["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert schema["properties"]["count"]["additionalProperties"] == {"type": "integer"}
    assert schema["properties"]["table"] == {"$ref": "#/$defs/Table"}
    assert {"Table", "Column", "Kind"} <= set(schema["$defs"])


def test_tool_required_is_a_named_parameter() -> None:
    """LlamaIndex looks for it in the signature, and drops it with a warning where it is missing."""
    ours = inspect.signature(GeminiMulti._prepare_chat_with_tools).parameters
    assert set(inspect.signature(FunctionCallingLLM._prepare_chat_with_tools).parameters) <= set(ours)
    assert {"tool_required", "tool_choice"} <= set(ours)


def fail(text: str) -> str:
    """Fail."""
    raise RuntimeError(f"no {text}")


@pytest.mark.parametrize("is_async", [False, True])
async def test_predict_and_call_tells_errors_of_tools(is_async: bool, llm: GeminiMulti) -> None:
    """As text, or raised where that was asked for."""
    tools = [FunctionTool.from_defaults(fail)]

    async def ask(**options: Any) -> str:
        if is_async:
            return (await llm.apredict_and_call(tools, "Use fail", **options)).response
        return llm.predict_and_call(tools, "Use fail", **options).response

    assert "no " in await ask()
    with pytest.raises(ValueError, match="Encountered error: no "):
        await ask(error_on_tool_error=True)


def test_predict_and_call_without_a_call_is_an_error(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """With LlamaIndex's usual words and with what was said instead."""
    sandbox.script(None, [Answer("I would rather not.")])
    with pytest.raises(ValueError, match=r"Expected at least one tool call.*I would rather not"):
        llm.predict_and_call([DESCRIBE], "Hi")


@pytest.mark.parametrize("temperature", [0.0, 1.5, 2.0])
def test_temperature_goes_up_to_two(temperature: float, make: Any, sandbox: Sandbox) -> None:
    """And zero is a value; nothing is sent when nothing was set."""
    llm = make(model="gemini-2.5-flash")
    llm.complete("Hi", temperature=temperature)
    assert f'"temperature": {temperature}' in json.dumps(sandbox.requests[-1].body)
    llm.complete("Hi")
    assert "temperature" not in json.dumps(sandbox.requests[-1].body)


@pytest.mark.parametrize("model", ["gemini-3-flash-preview", "gemini-3.1-pro-preview"])
def test_gemini_3_gets_no_temperature_of_ours(model: str, sandbox: Sandbox) -> None:
    """Google advises against changing its default; a value of the caller's is sent."""
    llm = GeminiMulti(model=model, providers="cloudflare")
    for given in ({}, {"temperature": 0.3}):
        llm.complete("Hi", **given)
        assert ("temperature" in json.dumps(sandbox.requests[-1].body)) is bool(given)


def test_search_is_a_tool_beside_functions(sandbox: Sandbox) -> None:
    """Where a provider offers it; what was found is in `raw`, and the provider that cannot search is passed over."""
    grounding = {"webSearchQueries": ["weather"], "groundingChunks": [{"web": {"uri": "https://a.example"}}]}
    parts = [{"text": "Sunny."}]
    candidate = {"content": {"parts": parts}, "finishReason": "STOP", "groundingMetadata": grounding}
    body = json.dumps({"result": {"candidates": [candidate]}, "success": True}).encode()
    llm = GeminiMulti(model="gemini-3-flash-preview", providers=["oxen", "cloudflare"])
    for ask in (llm.chat, lambda messages, **tools: list(llm.stream_chat(messages, **tools))[-1]):
        sandbox.reply_raw("cloudflare", headers={"content-type": "application/json"}, body=body)
        response = ask([ChatMessage(content="Weather?")], tools=[{"google_search": {}}, DESCRIBE])
        assert response.raw["grounding_metadata"]["webSearchQueries"] == ["weather"]
        kinds = [set(tool) for tool in sandbox.requests[-1].body["input"]["tools"]]
        assert {"functionDeclarations"} in kinds or {"functionDeclarations", "googleSearch"} in kinds


def test_log_probabilities_come_through(sandbox: Sandbox) -> None:
    """Asked for where a provider can give them, and read, whole and streamed."""
    best, other = {"token": "Hi", "logProbability": -0.5}, {"token": "Ho", "logProbability": -1.5}
    told = {"chosenCandidates": [best], "topCandidates": [{"candidates": [best, other]}]}
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP", "logprobsResult": told}
    body = json.dumps({"result": {"candidates": [candidate]}, "success": True}).encode()
    llm = GeminiMulti(model="gemini-2.5-flash", providers="cloudflare", logprobs=True, top_logprobs=2)
    for ask in (llm.complete, lambda prompt: list(llm.stream_complete(prompt))[-1]):
        sandbox.reply_raw("cloudflare", headers={"content-type": "application/json"}, body=body)
        (alternatives,) = ask("Hi").logprobs
        assert [(each.token, each.logprob) for each in alternatives] == [("Hi", -0.5), ("Ho", -1.5)]
