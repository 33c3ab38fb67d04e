"""An answer that does not fit its class is asked for once more, with what was wrong, on every provider."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, Field

from gemini_multi import BudgetExceeded, RetryPolicy
from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti, InvalidStructuredOutput
from llama_index_gemini_multi._structured import StructuredRequest


class Album(BaseModel):
    """A record."""

    name: str
    year: int = Field(gt=1900)


PROMPT = PromptTemplate("Describe {what}.")
BLUE = Album(name="Blue", year=1971)
FLAWED = {"name": "Blue", "year": 0}
WRONG = "year: Input should be greater than 1900."


async def soon(value: Any) -> Any:
    return value


async def last(stream: Awaitable[Any]) -> Any:
    return [part async for part in await stream][-1]


WHOLE: dict[str, Callable[[GeminiMulti], Awaitable[Any]]] = {
    "structured_predict": lambda llm: soon(llm.structured_predict(Album, PROMPT, what="Blue")),
    "astructured_predict": lambda llm: llm.astructured_predict(Album, PROMPT, what="Blue"),
    "as_structured_llm": lambda llm: soon(llm.as_structured_llm(Album).chat([ChatMessage(content="Blue")]).raw),
    "as_structured_llm, async": lambda llm: raw_of(llm.as_structured_llm(Album).achat([ChatMessage(content="Blue")])),
}
STREAMS: dict[str, Callable[[GeminiMulti], Awaitable[Any]]] = {
    "stream_structured_predict": lambda llm: soon(list(llm.stream_structured_predict(Album, PROMPT, what="Blue"))[-1]),
    "astream_structured_predict": lambda llm: last(llm.astream_structured_predict(Album, PROMPT, what="Blue")),
}
MODES = [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION]
modes = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)


async def raw_of(response: Awaitable[ChatResponse]) -> Any:
    return (await response).raw


def told(mode: PydanticProgramMode, value: Any) -> Answer:
    return Answer(tool_calls=[("Album", value)]) if mode == PydanticProgramMode.FUNCTION else Answer(json.dumps(value))


@modes
@pytest.mark.parametrize("ask", WHOLE.values(), ids=WHOLE)
async def test_flawed_answer_is_asked_for_again(
    ask: Callable[[GeminiMulti], Awaitable[Any]], mode: PydanticProgramMode, make: Any, sandbox: Sandbox
) -> None:
    """The second question shows the model its answer and what is wrong with it; both answers are counted."""
    counter = TokenCountingHandler()
    sandbox.script(None, [told(mode, FLAWED), told(mode, BLUE.model_dump())])
    llm = make(pydantic_program_mode=mode, callback_manager=CallbackManager([counter]))
    assert await ask(llm) == BLUE
    first, second = (json.dumps(request.body) for request in sandbox.requests)
    assert WRONG in second
    assert WRONG not in first
    assert llm.totals.calls == len(counter.llm_token_counts) == 2
    assert counter.total_llm_token_count == llm.totals.total_tokens


@modes
@pytest.mark.parametrize("ask", STREAMS.values(), ids=STREAMS)
async def test_stream_is_not_asked_for_again(
    ask: Callable[[GeminiMulti], Awaitable[Any]], mode: PydanticProgramMode, make: Any, sandbox: Sandbox
) -> None:
    """Parts of it were given away already; it ends with the error, which keeps the text."""
    sandbox.script(None, [told(mode, FLAWED)])
    with pytest.raises(InvalidStructuredOutput) as caught:
        await ask(make(pydantic_program_mode=mode))
    assert json.loads(caught.value.raw) == FLAWED
    assert len(sandbox.requests) == 1


@modes
async def test_second_flawed_answer_is_an_error(mode: PydanticProgramMode, make: Any, sandbox: Sandbox) -> None:
    """There is no third question; the error keeps the last answer and names its provider."""
    sandbox.script(None, [told(mode, FLAWED), told(mode, {"name": "Blue"})])
    llm = make(pydantic_program_mode=mode)
    with pytest.raises(InvalidStructuredOutput, match=r"year: Field required") as caught:
        await llm.astructured_predict(Album, PROMPT, what="Blue")
    assert (json.loads(caught.value.raw), caught.value.provider) == ({"name": "Blue"}, llm.provider_names[0])
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
@pytest.mark.parametrize(
    ("settings", "call"),
    [
        ({"max_retries": 0}, {}),
        ({"retry_policy": RetryPolicy(max_retries=0)}, {}),
        ({}, {"max_retries": 0}),
        ({"max_retries": 2}, {"retry_policy": RetryPolicy(max_retries=0)}),
    ],
)
def test_without_retries_there_is_one_question(
    settings: dict[str, Any], call: dict[str, Any], make: Any, sandbox: Sandbox
) -> None:
    """`max_retries=0` promises one request, for the model or for one call."""
    sandbox.script(None, [told(MODES[0], FLAWED)])
    with pytest.raises(InvalidStructuredOutput):
        make(**settings).structured_predict(Album, PROMPT, call, what="Blue")
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_retries_of_a_call_win(make: Any, sandbox: Sandbox) -> None:
    """A model that does not repeat may do so for one call."""
    sandbox.script(None, [told(MODES[0], FLAWED), told(MODES[0], BLUE.model_dump())])
    assert make(max_retries=0).structured_predict(Album, PROMPT, {"max_retries": 1}, what="Blue") == BLUE


@pytest.mark.parametrize("reason", ["length", "content_filter"])
@pytest.mark.parametrize("provider", ["oxen", "aimlapi"], indirect=True)
def test_answer_that_was_stopped_is_not_asked_for_again(reason: str, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """The same limit or filter would stop the next one as well."""
    sandbox.script(None, [Answer('{"name": "Bl', finish_reason=reason)])
    with pytest.raises(InvalidStructuredOutput, match=f"reason '{reason}'"):
        llm.structured_predict(Album, PROMPT, what="Blue")
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_spending_limit_stops_the_second_question(make: Any, sandbox: Sandbox) -> None:
    """It is longer than the first: with money for that one only, this is what is told, and nothing more is sent."""
    with pytest.raises(BudgetExceeded) as caught:
        make(max_cost_usd=1e-12, max_tokens=100).structured_predict(Album, PROMPT, what="Blue")
    needed = re.search(r"may cost ([\d.]+) USD", str(caught.value))
    assert needed is not None
    sandbox.script(None, [told(MODES[0], FLAWED)])
    with pytest.raises(BudgetExceeded):
        make(max_cost_usd=float(needed[1]) * 1.01, max_tokens=100).structured_predict(Album, PROMPT, what="Blue")
    assert len(sandbox.requests) == 1


TEXT = json.dumps(FLAWED)
REPEAT = f"That does not fit what was asked for. {WRONG} Answer again, whole and in the form that was asked for."


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_second_question_as_text(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """After JSON: the whole conversation, the flawed answer and the request to repeat it, with the same schema."""
    sandbox.script(None, [Answer(TEXT), told(MODES[0], BLUE.model_dump())])
    llm.structured_predict(Album, PROMPT, {"temperature": 0.5}, what="Blue")
    first, second = (request.body for request in sandbox.requests)
    assert second == {
        **first,
        "messages": [
            {"role": "user", "content": "Describe Blue."},
            {"role": "assistant", "content": TEXT},
            {"role": "user", "content": REPEAT},
        ],
    }


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_second_question_as_a_result(make: Any, sandbox: Sandbox) -> None:
    """After a call: its result is the flaw, and a call is required again."""
    mode = PydanticProgramMode.FUNCTION
    sandbox.script(None, [told(mode, FLAWED), told(mode, BLUE.model_dump())])
    make(pydantic_program_mode=mode).structured_predict(Album, PROMPT, what="Blue")
    first, second = (request.body for request in sandbox.requests)
    _, answer, result = second["messages"]
    assert second == {**first, "messages": [*first["messages"], answer, result]}
    (call,) = answer["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == FLAWED
    assert (result["role"], result["tool_call_id"]) == ("tool", call["id"])
    assert REPEAT in result["content"]


def test_second_question_keeps_to_the_deadline() -> None:
    """It may take what the first one left, and is not asked when nothing is left."""
    flawed = ChatResponse(message=ChatMessage(role="assistant", content=TEXT))
    requests = StructuredRequest(Album, [], {"deadline": 9.0}, lambda arguments: (1, arguments["deadline"]))
    requests.read(flawed)
    assert requests.arguments is not None
    assert 0 < requests.arguments["deadline"] < 9
    late = StructuredRequest(Album, [], {}, lambda _: (1, 0.0))
    with pytest.raises(InvalidStructuredOutput):
        late.read(flawed)


def test_call_that_answers_in_text_is_corrected_in_text() -> None:
    """Where a call was required and text came, the correction is a message of the user."""
    response = ChatResponse(message=ChatMessage(role="assistant", content="I would rather not."))
    requests = StructuredRequest(Album, [], {}, lambda _: (1, None), by_tool=True)
    requests.read(response)
    assert [message.role.value for message in requests.messages] == ["assistant", "user"]


def test_empty_answer_is_told_as_empty() -> None:
    """There is nothing else that could be said of it."""
    requests = StructuredRequest(Album, [], {}, lambda _: (1, None))
    requests.read(ChatResponse(message=ChatMessage(role="assistant", content=None)))
    assert "It was empty." in str(requests.messages[-1].content)
