"""LlamaIndex's agents on every provider, streaming and not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.agent.workflow import (
    AgentOutput,
    AgentStream,
    AgentWorkflow,
    CodeActAgent,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, JsonSerializer
from pydantic import BaseModel

from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti

from .functions import TOOLS

# LlamaIndex's agents use names that pydantic and its own workflows have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


@pytest.fixture(params=[True, False], ids=["streaming", "whole"])
def streaming(request: pytest.FixtureRequest) -> bool:
    """Both ways of asking."""
    return bool(request.param)


@pytest.fixture
def memory() -> ChatMemoryBuffer:
    """A memory for one test; agents lose the implicit one between runs."""
    return ChatMemoryBuffer.from_defaults(token_limit=40_000)


async def finished(handler: Any) -> tuple[AgentOutput, list[Any]]:
    events = [event async for event in handler.stream_events()]
    return await handler, events


def results_in(events: list[Any]) -> list[str]:
    return [str(event.tool_output.content) for event in events if isinstance(event, ToolCallResult)]


async def test_function_agent(llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox) -> None:
    """Calls the tools one after the other, returns every signature, and streams what it says."""
    agent = FunctionAgent(tools=[add, multiply], llm=llm, streaming=streaming, system_prompt="Use tools.")
    output, events = await finished(agent.run("add 2 and 3 then multiply them", memory=memory))
    assert len(results_in(events)) == 2
    assert "multiply gave" in str(output)
    assert llm.totals.calls == len(sandbox.requests)
    said = "".join(event.delta for event in events if isinstance(event, AgentStream))
    assert said == (str(output) if streaming else "")


async def test_function_agent_goes_on_from_memory(
    llm: GeminiMulti, streaming: bool, stored_memory: Memory, sandbox: Sandbox
) -> None:
    """A second run sends the first one's calls with their signatures again, from the database."""
    agent = FunctionAgent(tools=[add], llm=llm, streaming=streaming)
    await finished(agent.run("Please add 2 and 3", memory=stored_memory))
    _, events = await finished(agent.run("Please add 4 and 5", memory=stored_memory))
    assert results_in(events) == ["9"]
    assert llm.totals.calls == len(sandbox.requests)


async def test_function_agent_runs_parallel_calls(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox
) -> None:
    """Two calls in one answer are two results; with `allow_parallel_tool_calls=False` they are one."""
    two = Answer(tool_calls=[("add", {"a": 2, "b": 3}), ("add", {"a": 4, "b": 5})])
    for is_allowed, expected in ((True, {"5", "9"}), (False, {"5"})):
        sandbox.script(None, [two])
        agent = FunctionAgent(tools=[add], llm=llm, streaming=streaming, allow_parallel_tool_calls=is_allowed)
        _, events = await finished(agent.run("Add", memory=memory))
        assert set(results_in(events)) == expected


@pytest.mark.parametrize(("tool", "given", "expected"), TOOLS.values(), ids=TOOLS)
async def test_function_agent_takes_every_kind_of_tool(
    tool: FunctionTool,
    given: dict[str, Any],
    expected: str,
    llm: GeminiMulti,
    streaming: bool,
    memory: ChatMemoryBuffer,
    sandbox: Sandbox,
) -> None:
    """LlamaIndex's own forms of functions, whose results go back to the model."""
    sandbox.script(None, [Answer(tool_calls=[(str(tool.metadata.name), given)]), Answer("Done.")])
    output, events = await finished(FunctionAgent(tools=[tool], llm=llm, streaming=streaming).run("Go", memory=memory))
    assert (results_in(events), str(output)) == ([expected], "Done.")
    assert expected in str(sandbox.requests[-1].body)
    assert ("image/png" in str(sandbox.requests[-1].body)) is (tool.metadata.name == "look")


@pytest.mark.filterwarnings("ignore:Skipping serialization of known unserializable key")
async def test_run_can_be_stored_and_exported(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox
) -> None:
    """Its context and its events are JSON, signatures included; another run goes on from them."""
    agent = FunctionAgent(tools=[add], llm=llm, streaming=streaming)
    context = Context(agent)
    _, events = await finished(agent.run("Please add 2 and 3", ctx=context, memory=memory))
    told = [event.model_dump_json() for event in events if isinstance(event, AgentStream | AgentOutput)]
    assert len(told) >= 2
    stored = json.dumps(context.to_dict(serializer=JsonSerializer()))
    restored = Context.from_dict(agent, json.loads(stored), serializer=JsonSerializer())
    _, events = await finished(agent.run("Please add 4 and 5", ctx=restored, memory=memory))
    assert results_in(events) == ["9"]
    assert llm.totals.calls == len(sandbox.requests)


async def test_function_agent_without_tools(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox
) -> None:
    """It is a plain chat: no tools are sent."""
    output, _ = await finished(FunctionAgent(llm=llm, streaming=streaming).run("Hi", memory=memory))
    assert "you said “Hi”" in str(output)
    assert "tool" not in str(sandbox.requests[-1].body).lower()


async def test_function_agent_forces_the_first_tool(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer
) -> None:
    """`initial_tool_choice` is the tool's name."""
    agent = FunctionAgent(tools=[add, multiply], llm=llm, streaming=streaming, initial_tool_choice="multiply")
    _, events = await finished(agent.run("Hi", memory=memory))
    assert [event.tool_name for event in events if isinstance(event, ToolCallResult)] == ["multiply"]


async def test_function_agent_returns_a_result_directly(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox
) -> None:
    """`return_direct` ends the run; the history that it leaves is accepted by the next run."""
    tool = FunctionTool.from_defaults(add, return_direct=True)
    agent = FunctionAgent(tools=[tool], llm=llm, streaming=streaming)
    output, _ = await finished(agent.run("Please add 2 and 3", memory=memory))
    assert str(output) == "5"
    await finished(agent.run("Thank you", memory=memory))
    assert llm.totals.calls == len(sandbox.requests)


async def test_function_agent_gives_structured_output(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer
) -> None:
    """`output_cls` asks for JSON after the run."""

    class Total(BaseModel):
        value: int

    agent = FunctionAgent(tools=[add], llm=llm, streaming=streaming, output_cls=Total)
    output, _ = await finished(agent.run("Please add 2 and 3", memory=memory))
    assert isinstance(output.get_pydantic_model(Total), Total)


async def test_function_agent_streams_thoughts(sandbox: Sandbox, memory: ChatMemoryBuffer) -> None:
    """Thoughts are in `thinking_delta`, not in `delta`."""
    llm = GeminiMulti(model="gemini-3-flash-preview", providers="cloudflare", include_thoughts=True)
    output, events = await finished(FunctionAgent(tools=[add], llm=llm).run("Please add 2 and 3", memory=memory))
    stream = [event for event in events if isinstance(event, AgentStream)]
    assert any("Sandbox thoughts" in (event.thinking_delta or "") for event in stream)
    assert "Sandbox thoughts" not in "".join(event.delta for event in stream) + str(output)


@pytest.mark.parametrize("kind", [FunctionAgent, ReActAgent, CodeActAgent])
@pytest.mark.parametrize("provider", ["oxen", "aimlapi"], indirect=True)
async def test_every_agent_streams_reasoning(
    kind: Any, llm: GeminiMulti, memory: ChatMemoryBuffer, sandbox: Sandbox, provider: str
) -> None:
    """What chat completions call reasoning is `thinking_delta`, and no part of what the agent says."""
    said = "Thought: I can answer without using any more tools.\nAnswer: It is 5."
    deltas: list[dict[str, Any]] = [{"reasoning_content": "Let me "}, {"reasoning_content": "see."}, {"content": said}]
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    sandbox.reply_raw(
        provider, headers={"content-type": "text/event-stream"}, body="".join([*events, "data: [DONE]\n\n"]).encode()
    )
    given = {"code_execute_fn": lambda code: code} if kind is CodeActAgent else {}
    output, seen = await finished(kind(llm=llm, tools=[add], **given).run("2 + 3?", memory=memory))
    stream = [event for event in seen if isinstance(event, AgentStream)]
    assert "".join(event.thinking_delta or "" for event in stream) == "Let me see."
    assert "".join(event.delta for event in stream) == said
    assert "It is 5." in str(output)
    assert "Let me see." not in str(output)


@pytest.mark.skipif("early_stopping_method" not in FunctionAgent.model_fields, reason="this core has none")
async def test_function_agent_sums_up_when_it_may_not_go_on(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox
) -> None:
    """`early_stopping_method="generate"` puts a system message last; it is part of the system prompt like any other."""
    sandbox.script(None, [Answer(tool_calls=[("add", {"a": 1, "b": 2})])] * 2)
    agent = FunctionAgent(tools=[add], llm=llm, streaming=streaming, early_stopping_method="generate")
    output, _ = await finished(agent.run("Add for ever", memory=memory, max_iterations=2))
    assert str(output)
    assert llm.totals.calls == len(sandbox.requests)


async def test_function_agent_keeps_state(llm: GeminiMulti, memory: ChatMemoryBuffer, sandbox: Sandbox) -> None:
    """A workflow's state is written into the question, and signatures go back all the same."""
    agent = FunctionAgent(name="adder", description="Adds.", tools=[add], llm=llm)
    workflow = AgentWorkflow(agents=[agent], initial_state={"mood": "sunny"})
    _, events = await finished(workflow.run("Please add 2 and 3", memory=memory))
    assert results_in(events) == ["5"]
    assert "sunny" in str(sandbox.requests[0].body)
    assert llm.totals.calls == len(sandbox.requests)


@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
async def test_signatures_stay_right_over_many_steps(
    llm: GeminiMulti, streaming: bool, stored_memory: Memory, sandbox: Sandbox
) -> None:
    """Ten steps, stored as JSON in a database, and no request refused."""
    steps = [Answer("Next.", tool_calls=[("add", {"a": step, "b": 1})] * (1 + step % 2)) for step in range(10)]
    sandbox.script(None, [*steps, Answer("Done.")])
    output, events = await finished(
        FunctionAgent(tools=[add], llm=llm, streaming=streaming).run("Go", memory=stored_memory)
    )
    assert str(output) == "Done."
    assert len(results_in(events)) == 15
    assert llm.totals.calls == len(sandbox.requests) == 11


REACT = [
    Answer('Thought: I need a tool.\nAction: add\nAction Input: {"a": 2, "b": 3}'),
    Answer("Thought: I can answer without using any more tools.\nAnswer: It is 5."),
]


async def test_react_agent(llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox) -> None:
    """Works with plain text."""
    sandbox.script(None, REACT)
    agent = ReActAgent(tools=[add], llm=llm, streaming=streaming)
    output, events = await finished(agent.run("What is 2 + 3?", memory=memory))
    assert results_in(events) == ["5"]
    assert str(output) == "It is 5."


async def test_react_agent_survives_an_unreadable_answer(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox
) -> None:
    """It sends the bad answer back with what is wrong; the model then does better."""
    sandbox.script(None, [Answer("Thought: Hm.\nAction: add\nAction Input: nothing"), *REACT])
    agent = ReActAgent(tools=[add], llm=llm, streaming=streaming)
    output, _ = await finished(agent.run("What is 2 + 3?", memory=memory))
    assert str(output) == "It is 5."


async def test_code_act_agent(llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox) -> None:
    """Runs the code between its tags."""
    sandbox.script(None, [Answer("Let me see.\n<execute>\nadd(2, 3)\n</execute>"), Answer("It is 5.")])
    agent = CodeActAgent(lambda code: str(eval(code, {"add": add})), tools=[add], llm=llm, streaming=streaming)  # type: ignore[arg-type]
    output, events = await finished(agent.run("What is 2 + 3?", memory=memory))
    assert results_in(events) == ["5"]
    assert str(output) == "It is 5."


class Report(BaseModel):
    total: int


async def test_agents_hand_over(llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox) -> None:
    """One agent passes the work on, the other one uses its tool, and the workflow gives structured output."""
    sandbox.script(
        None,
        [
            Answer(tool_calls=[("handoff", {"to_agent": "adder", "reason": "numbers"})]),
            Answer(tool_calls=[("add", {"a": 2, "b": 3})]),
            Answer("It is 5."),
            Answer('{"total": 5}'),
        ],
    )
    common = {"llm": llm, "streaming": streaming}
    clerk = FunctionAgent(name="clerk", description="Takes orders.", can_handoff_to=["adder"], **common)
    adder = FunctionAgent(name="adder", description="Adds.", tools=[add], **common)
    workflow = AgentWorkflow(agents=[clerk, adder], root_agent="clerk", output_cls=Report)
    output, events = await finished(workflow.run("2 + 3?", memory=memory))
    assert results_in(events)[-1] == "5"
    assert output.get_pydantic_model(Report) == Report(total=5)
    assert (output.current_agent_name, llm.totals.calls) == ("adder", len(sandbox.requests))


async def test_code_act_agent_hands_over(
    llm: GeminiMulti, streaming: bool, memory: ChatMemoryBuffer, sandbox: Sandbox
) -> None:
    """It keeps the hand-off's result without the call; that orphan must not break the next request."""
    sandbox.script(
        None,
        [
            Answer(tool_calls=[("handoff", {"to_agent": "adder", "reason": "numbers"})]),
            Answer("It is 5."),
        ],
    )
    coder = CodeActAgent(
        lambda code: code,  # type: ignore[arg-type]
        name="coder",
        description="Writes code.",
        llm=llm,
        streaming=streaming,
        can_handoff_to=["adder"],
    )
    adder = FunctionAgent(name="adder", description="Adds.", tools=[add], llm=llm, streaming=streaming)
    workflow = AgentWorkflow(agents=[coder, adder], root_agent="coder")
    output, _ = await finished(workflow.run("2 + 3?", memory=memory))
    assert str(output) == "It is 5."


async def test_agent_searches_beside_its_tools(sandbox: Sandbox, streaming: bool, memory: ChatMemoryBuffer) -> None:
    """The model's own `built_in_tools` go with every request; a provider that has none is passed over."""
    llm = GeminiMulti(
        model="gemini-3-flash-preview", providers=["oxen", "cloudflare"], built_in_tools=["google_search"]
    )
    agent = FunctionAgent(tools=[add], llm=llm, streaming=streaming)
    _, events = await finished(agent.run("Please add 2 and 3", memory=memory))
    assert results_in(events) == ["5"]
    told = [json.dumps(request.body["input"]["tools"]) for request in sandbox.requests]
    assert len(told) == 2
    assert all("googleSearch" in each and '"name": "add"' in each for each in told)


async def test_workflow_chooses_a_function_agent(llm: GeminiMulti, memory: ChatMemoryBuffer) -> None:
    """`from_tools_or_functions` sees that the model calls functions."""
    workflow = AgentWorkflow.from_tools_or_functions([add], llm=llm)
    assert isinstance(next(iter(workflow.agents.values())), FunctionAgent)
    output, events = await finished(workflow.run("Please add 2 and 3", memory=memory))
    assert results_in(events) == ["5"]
    assert not any(isinstance(block, ToolCallBlock) for block in output.response.blocks)


async def test_agent_fails_over_in_a_tool_loop(sandbox: Sandbox, memory: ChatMemoryBuffer) -> None:
    """The next provider takes a history with signatures of the first."""
    llm = GeminiMulti(model="gemini-3-flash-preview", providers=["cloudflare", "oxen"], max_retries=0)

    def add_and_break(a: int, b: int) -> int:
        """Add, while the first provider goes down."""
        sandbox.fail("cloudflare", status=503, times=9)
        return a + b

    tool = FunctionTool.from_defaults(add_and_break, name="add")
    output, events = await finished(FunctionAgent(tools=[tool], llm=llm).run("Please add 2 and 3", memory=memory))
    assert results_in(events) == ["5"]
    assert output.raw["provider"] == "oxen"
