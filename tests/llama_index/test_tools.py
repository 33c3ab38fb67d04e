"""Tool calls: what is prepared, what is read, and the round trip on every provider."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti, InvalidToolCall


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def count(words: dict[str, int]) -> int:
    """Count words."""
    return sum(words.values())


ADD, MULTIPLY, COUNT = (FunctionTool.from_defaults(function) for function in (add, multiply, count))
TWO_CALLS = Answer(tool_calls=[("add", {"a": 2, "b": 3}), ("add", {"a": 4, "b": 5})])


def response_of(*blocks: Any, **extra: Any) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role="assistant", blocks=blocks, additional_kwargs=extra))


@pytest.fixture
def oxen(sandbox: Sandbox) -> GeminiMulti:
    """One model; these tests send nothing."""
    return GeminiMulti(model="gemini-2.5-flash", providers="oxen")


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({}, "auto"),
        ({"tool_required": False}, "auto"),
        ({"tool_required": True}, "required"),
        ({"tool_required": True, "tool_choice": None}, "required"),
        ({"tool_required": True, "tool_choice": "add"}, "add"),
        ({"tool_choice": "none"}, "none"),
    ],
)
def test_prepare_decides_the_choice(given: dict[str, Any], choice: str, oxen: GeminiMulti) -> None:
    """`tool_required` asks for any call; an explicit choice wins."""
    prepared = oxen._prepare_chat_with_tools([ADD], "Hi", **given)
    assert prepared["tool_choice"] == choice
    assert [tool["function"]["name"] for tool in prepared["tools"]] == ["add"]


def test_prepare_without_tools_asks_for_none(oxen: GeminiMulti) -> None:
    """An agent without tools is a plain chat."""
    history = [ChatMessage(content="Hi")]
    prepared = oxen._prepare_chat_with_tools([], chat_history=history, tool_required=True, tool_choice="add")
    assert prepared == {"messages": history}


def test_prepare_changes_nothing_and_passes_the_rest_on(oxen: GeminiMulti) -> None:
    """The history given is not appended to; call arguments go to `chat`."""
    history = [ChatMessage(content="Hi")]
    before = copy.deepcopy(history)
    prepared = oxen._prepare_chat_with_tools([ADD], "More", history, temperature=0.5)
    assert history == before
    assert prepared["messages"] == [*before, ChatMessage(content="More")]
    assert (prepared["temperature"], prepared["allow_parallel_tool_calls"]) == (0.5, False)


@pytest.mark.parametrize(
    ("given", "arguments"),
    [({"a": 2}, {"a": 2}), ('{"a": 2}', {"a": 2}), ('{"a": "x\ny"}', {"a": "x\ny"}), ("", {}), ("null", {})],
)
def test_selection_reads_arguments(given: Any, arguments: dict[str, Any], oxen: GeminiMulti) -> None:
    """Objects and their JSON text, as providers write it."""
    block = ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs=given)
    (selection,) = oxen.get_tool_calls_from_response(response_of(block))
    assert (selection.tool_id, selection.tool_name, selection.tool_kwargs) == ("c1", "add", arguments)


@pytest.mark.parametrize("given", ["{oops", "[1]", '{"a": "once upon', "a=1", '{"a": NaN}', "[" * 10_000])
def test_unreadable_arguments_are_an_error(given: str, oxen: GeminiMulti) -> None:
    """LlamaIndex would run the tool without arguments, or with another set than the model meant."""
    blocks = [ToolCallBlock(tool_name="add", tool_kwargs={}), ToolCallBlock(tool_name="add", tool_kwargs=given)]
    with pytest.raises(InvalidToolCall, match=r"'add'.*not run.*max_tokens") as caught:
        oxen.get_tool_calls_from_response(response_of(*blocks), error_on_no_tool_call=False)
    assert isinstance(caught.value, ValueError)
    assert (caught.value.raw, len(str(caught.value)) < 1_000) == (given[:4096], True)


UNREADABLE = {"cut off": ('{"a": 1, "b": ', "length"), "broken": ('{"a": }', "tool_calls"), "no JSON": ("a=1", "stop")}


def _scripted(sandbox: Sandbox, provider: str, name: str, *, stream: bool) -> None:
    """Answer twice with an unreadable call: the first answer may be asked for once more."""
    arguments, finish = UNREADABLE[name]
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": arguments}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "delta" if stream else "message": said, "finish_reason": finish}
    document = json.dumps({"id": "1", "choices": [choice]})
    body = f"data: {document}\n\ndata: [DONE]\n\n" if stream else document
    for _ in range(2):
        sandbox.reply_raw(provider, body=body.encode(), headers={"content-type": "text/event-stream"} if stream else {})


@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")
@pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_agent_never_runs_an_unreadable_call(
    name: str, stream: bool, llm: GeminiMulti, sandbox: Sandbox, provider: str
) -> None:
    """The run ends with an error that says why."""
    ran: list[object] = []

    def add(a: int = 0, b: int = 0) -> int:
        """Add."""
        ran.append((a, b))
        return a + b

    _scripted(sandbox, provider, name, stream=stream)
    with pytest.raises(InvalidToolCall):
        await FunctionAgent(tools=[add], llm=llm, streaming=stream).run("Add.")
    assert ran == []


@pytest.mark.parametrize("name", UNREADABLE)
async def test_predict_and_call_never_runs_an_unreadable_call(
    name: str, llm: GeminiMulti, sandbox: Sandbox, provider: str
) -> None:
    """Neither blocking nor asynchronously."""
    ran: list[object] = []
    tool = FunctionTool.from_defaults(lambda a=0: ran.append(a), name="add", description="Add.")
    _scripted(sandbox, provider, name, stream=False)
    with pytest.raises(InvalidToolCall):
        llm.predict_and_call([tool], "Add.")
    sandbox.clear()
    _scripted(sandbox, provider, name, stream=False)
    with pytest.raises(InvalidToolCall):
        await llm.apredict_and_call([tool], "Add.")
    assert ran == []


@pytest.mark.parametrize("stream", [False, True])
def test_glued_calls_are_as_many_selections(stream: bool, llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """Parallel calls in one text, each with an id of its own."""
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}{"a":2}'}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "delta" if stream else "message": said, "finish_reason": "tool_calls"}
    document = json.dumps({"id": "1", "choices": [choice]})
    sandbox.reply_raw(provider, body=f"data: {document}\n\ndata: [DONE]\n\n".encode() if stream else document.encode())
    arguments: Any = {"tools": [ADD], "user_msg": "Add.", "allow_parallel_tool_calls": True}
    response = list(llm.stream_chat_with_tools(**arguments))[-1] if stream else llm.chat_with_tools(**arguments)
    selections = llm.get_tool_calls_from_response(response)

    assert [selection.tool_kwargs for selection in selections] == [{"a": 1}, {"a": 2}]
    assert len({selection.tool_id for selection in selections}) == 2


def test_selection_has_an_id_always(oxen: GeminiMulti) -> None:
    """Also for calls of integrations that give none."""
    selections = oxen.get_tool_calls_from_response(response_of(*[ToolCallBlock(tool_name="add")] * 2))
    assert len({selection.tool_id for selection in selections}) == 2


def test_selection_reads_openai_objects(oxen: GeminiMulti) -> None:
    """Responses that were made by other code may carry the calls beside the blocks."""
    function = {"name": "add", "arguments": '{"a": 1}'}
    response = response_of(tool_calls=[{"id": "c1", "type": "function", "function": function}])
    assert oxen.get_tool_calls_from_response(response)[0].tool_kwargs == {"a": 1}


def test_missing_call_is_an_error_on_request(oxen: GeminiMulti) -> None:
    """With LlamaIndex's usual words, the reason and the text; agents ask without the error."""
    response = response_of(TextBlock(text="No."))
    assert oxen.get_tool_calls_from_response(response, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match=r"Expected at least one tool call, but got 0 tool calls\..*'No\.'"):
        oxen.get_tool_calls_from_response(response)


def test_chat_with_tools(llm: GeminiMulti) -> None:
    """The model's call has its name, its arguments and an id."""
    response = llm.chat_with_tools([ADD, MULTIPLY], "Please add 2 and 3")
    (selection,) = llm.get_tool_calls_from_response(response)
    assert (selection.tool_name, selection.tool_kwargs) == ("add", {"a": 2, "b": 3})


async def test_stream_with_tools(llm: GeminiMulti) -> None:
    """Every chunk can be asked for calls; the last one has them."""
    stream = list(llm.stream_chat_with_tools([ADD], "Please add 2 and 3"))
    astream = [chunk async for chunk in await llm.astream_chat_with_tools([ADD], "Please add 2 and 3")]
    for chunks in (stream, astream):
        found = [llm.get_tool_calls_from_response(chunk, error_on_no_tool_call=False) for chunk in chunks]
        assert [call.tool_kwargs for call in found[-1]] == [{"a": 2, "b": 3}]


def test_required_call_is_made(llm: GeminiMulti) -> None:
    """Even if the question has nothing to do with the tool."""
    response = llm.chat_with_tools([ADD], "Hi", tool_required=True)
    assert llm.get_tool_calls_from_response(response)[0].tool_name == "add"


def test_open_mapping_is_an_argument(llm: GeminiMulti) -> None:
    """`dict[str, int]` is a schema with `additionalProperties`, which must reach the provider in some form."""
    response = llm.chat_with_tools([COUNT], "Hi", tool_required=True)
    assert isinstance(llm.get_tool_calls_from_response(response)[0].tool_kwargs.get("words"), dict)


def test_parallel_calls_of_one_tool_stay_apart(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Whole and streamed: two calls, two ids, both arguments."""
    sandbox.script(None, [TWO_CALLS, TWO_CALLS])
    whole = llm.chat_with_tools([ADD], "Add", allow_parallel_tool_calls=True)
    last = list(llm.stream_chat_with_tools([ADD], "Add", allow_parallel_tool_calls=True))[-1]
    for response in (whole, last):
        calls = llm.get_tool_calls_from_response(response)
        assert [call.tool_kwargs for call in calls] == [{"a": 2, "b": 3}, {"a": 4, "b": 5}]
        assert len({call.tool_id for call in calls}) == 2


async def test_calls_can_be_read_from_every_chunk(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Agents do so: a call is there once it is whole, then stays, and is the same in the last chunk."""
    sandbox.script(None, [TWO_CALLS, TWO_CALLS])
    given = {"user_msg": "Add", "allow_parallel_tool_calls": True}
    blocking = list(llm.stream_chat_with_tools([ADD], **given))
    stream = await llm.astream_chat_with_tools([ADD], **given)
    for chunks in (blocking, [chunk async for chunk in stream]):
        found = [llm.get_tool_calls_from_response(chunk, error_on_no_tool_call=False) for chunk in chunks]
        counts = [len(calls) for calls in found]
        assert counts == sorted(counts)
        assert counts[-1] == 2
        assert all(calls == found[-1][: len(calls)] for calls in found)


def test_single_call_is_kept_when_parallel_ones_are_not_allowed(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Gemini may answer with two calls all the same; the first one counts, whole and streamed."""
    sandbox.script(None, [TWO_CALLS, TWO_CALLS])
    whole = llm.chat_with_tools([ADD], "Add", allow_parallel_tool_calls=False)
    last = list(llm.stream_chat_with_tools([ADD], "Add", allow_parallel_tool_calls=False))[-1]
    for response in (whole, last):
        assert [call.tool_kwargs for call in llm.get_tool_calls_from_response(response)] == [{"a": 2, "b": 3}]


def test_validation_changes_nothing(oxen: GeminiMulti) -> None:
    """The response given keeps its calls; the one returned has the first."""
    calls = [ToolCallBlock(tool_call_id=name, tool_name="add") for name in ("c1", "c2")]
    response = response_of(*calls)
    kept = oxen._validate_chat_with_tools_response(response, [ADD])
    assert (kept.message.blocks, response.message.blocks) == (calls[:1], calls)
    assert oxen._validate_chat_with_tools_response(response, [ADD], allow_parallel_tool_calls=True) is response


async def test_predict_and_call(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """The tool is run, once, or as often as it was called where that is allowed."""
    assert llm.predict_and_call([ADD], "Please add 2 and 3").response == "5"
    assert (await llm.apredict_and_call([ADD], "Please add 2 and 3")).response == "5"
    sandbox.script(None, [TWO_CALLS, TWO_CALLS])
    assert llm.predict_and_call([ADD], "Add").response == "5"
    assert llm.predict_and_call([ADD], "Add", allow_parallel_tool_calls=True).response == "5\n\n9"


@pytest.mark.parametrize("is_stored", [False, True])
def test_tool_loop_returns_the_signature(llm: GeminiMulti, sandbox: Sandbox, *, is_stored: bool) -> None:
    """The sandbox refuses a call whose signature does not come back unchanged; storing the history does no harm."""
    sandbox.script(None, [TWO_CALLS])
    history = [ChatMessage(content="Please add")]
    answer = llm.chat_with_tools([ADD], chat_history=history, allow_parallel_tool_calls=True)
    history.append(answer.message)
    for call in llm.get_tool_calls_from_response(answer):
        result = str(add(**call.tool_kwargs))
        history.append(ChatMessage(role="tool", content=result, additional_kwargs={"tool_call_id": call.tool_id}))
    if is_stored:
        history = [ChatMessage.model_validate_json(message.model_dump_json()) for message in history]
    final = llm.chat_with_tools([ADD], chat_history=history)
    assert all(number in str(final.message.content) for number in ("5", "9"))
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize(
    "history",
    [
        [ChatMessage(content="Hi"), ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": "gone"})],
        [ChatMessage(role="assistant", content="Yes?"), ChatMessage(content="Hi")],
        [
            ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": "gone"}),
            ChatMessage(role="assistant", content="It is 5."),
            ChatMessage(content="And now?"),
        ],
        [ChatMessage(content="Hi"), ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_name="add")])],
        [
            ChatMessage(content="Hi"),
            ChatMessage(
                role="assistant",
                blocks=[ToolCallBlock(tool_call_id="x", tool_name="add"), ToolCallBlock(tool_name="add")],
            ),
            ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": "x"}),
            ChatMessage(content="And now?"),
        ],
        [
            ChatMessage(content="Hi"),
            ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="x", tool_name="add")]),
            ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": "x"}),
            ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": "x"}),
        ],
        [
            ChatMessage(content="Hi"),
            ChatMessage(
                role="assistant", blocks=[ToolCallBlock(tool_call_id="x", tool_name="add", tool_kwargs='{"a": 1}')]
            ),
            ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": "x"}),
            ChatMessage(role="assistant", content="5", additional_kwargs={"tool_call_id": "x"}),
            ChatMessage(content="And now?"),
        ],
    ],
    ids=[
        "orphan result",
        "begins with an answer",
        "begins with a result",
        "call without result",
        "two calls, one result",
        "result twice",
        "return_direct of another model",
    ],
)
def test_any_history_is_accepted(history: list[ChatMessage], llm: GeminiMulti, sandbox: Sandbox) -> None:
    """What truncation, hand-offs and other models leave behind is put right, whole and streamed."""
    assert llm.chat(history).message.content
    assert list(llm.stream_chat(history))[-1].message.content
    assert len(sandbox.requests) == 2


class Query(BaseModel):
    text: str


def test_tool_names_with_other_characters_work(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """A name that providers refuse is sent in a form that they take, and comes back as it was."""
    tool = FunctionTool.from_defaults(lambda text: text, name="Search[docs]", description="Search.", fn_schema=Query)
    response = llm.chat_with_tools([tool], "Hi", tool_required=True)
    assert llm.get_tool_calls_from_response(response)[0].tool_name == "Search[docs]"
