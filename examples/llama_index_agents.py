"""Agents with LlamaIndex: tools and memory, steps as they happen, and two agents that hand work over.

Run it as it is and it talks to the sandbox, a stand-in for the providers on this machine. Set a provider's key (see
the README) and the same file talks to that provider.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from llama_index.core.agent.workflow import (
    AgentOutput,
    AgentStream,
    AgentWorkflow,
    FunctionAgent,
    ToolCall,
    ToolCallResult,
)
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow.handler import WorkflowHandler
from pydantic import BaseModel, Field

from gemini_multi import ConfigurationError
from gemini_multi.providers import resolve
from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti

MODEL = "gemini-3-flash-preview"
HAND_OVER = [
    Answer(tool_calls=[("handoff", {"to_agent": "accountant", "reason": "There is something to work out."})]),
    Answer(tool_calls=[("multiply", {"a": 3, "b": 40})]),
    Answer("Three nights at 40 a night come to 120."),
    Answer('{"total": 120, "reason": "Three nights at 40 a night."}'),
]


class Bill(BaseModel):
    """What something costs."""

    total: int = Field(description="The whole price")
    reason: str = Field(description="How it is made up")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


async def get_weather(city: str) -> str:
    """Say what the weather is like in a city."""
    return f"It is 21 °C and sunny in {city}."


def main() -> None:
    """Run the agents one after the other, and print what they did."""
    with usable_providers() as sandbox:
        llm = GeminiMulti(model=MODEL)
        print(f"\n== {MODEL} on {', '.join(llm.provider_names)}")
        asyncio.run(run_all(llm, sandbox))
        print(f"\n{llm.totals.calls} calls, {llm.totals.input_tokens} tokens in, {llm.totals.output_tokens} out")


@contextmanager
def usable_providers() -> Iterator[Sandbox | None]:
    """Use the providers that have a key, or all three on the sandbox when none has."""
    if has_key():
        yield None
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print("No key is set: this runs on the sandbox, which has no model: its answers repeat what they were asked.")
        yield sandbox


def has_key() -> bool:
    """Tell whether a provider's key is in the environment."""
    try:
        return bool(resolve(None))
    except ConfigurationError:
        return False


async def run_all(llm: GeminiMulti, sandbox: Sandbox | None) -> None:
    """Run each agent in turn."""
    print("\n-- An agent with tools, and a memory that goes from one question to the next")
    await remember(llm)
    print("\n-- A tool whose result is the answer")
    await answer_directly(llm)
    if sandbox is not None:
        # The sandbox does what a question names, but does not decide for itself who should work on it.
        print("\n(The sandbox was told what to say in what follows.)")
        sandbox.script(None, HAND_OVER)
    print("\n-- One agent hands over to another; the workflow gives a `Bill`")
    await hand_over(llm)


async def remember(llm: GeminiMulti) -> None:
    """Let one agent call several tools; the thought signatures of its calls go back from memory."""
    agent = FunctionAgent(tools=[add, multiply, get_weather], llm=llm, system_prompt="Use your tools. Be brief.")
    memory = ChatMemoryBuffer.from_defaults(token_limit=60_000)  # an implicit one does not outlive a run
    await follow(agent.run("Use add for 2 and 3, and get_weather for Lisbon.", memory=memory))
    await follow(agent.run("Now use multiply for 6 and 7.", memory=memory))


async def answer_directly(llm: GeminiMulti) -> None:
    """Let a tool end the run, which saves the model's last call."""
    tool = FunctionTool.from_defaults(multiply, return_direct=True)
    await follow(FunctionAgent(tools=[tool], llm=llm).run("Use multiply for 12 and 12."))


async def hand_over(llm: GeminiMulti) -> None:
    """Let a clerk pass the calculation on, and ask for the outcome in a shape of its own."""
    clerk = FunctionAgent(
        name="clerk",
        description="Takes orders.",
        system_prompt="Hand anything that needs calculating over to the accountant.",
        can_handoff_to=["accountant"],
        llm=llm,
    )
    accountant = FunctionAgent(name="accountant", description="Calculates.", tools=[multiply], llm=llm)
    workflow = AgentWorkflow(agents=[clerk, accountant], root_agent="clerk", output_cls=Bill)
    output = await follow(workflow.run("What do three nights at 40 a night cost?"))
    print(f"   {output.get_pydantic_model(Bill)!r}")


async def follow(handler: WorkflowHandler) -> AgentOutput:
    """Print a run's steps as they happen, and return its outcome."""
    pieces: list[str] = []
    async for event in handler.stream_events():
        if isinstance(event, ToolCallResult):
            print(f"   {event.tool_name} gave {event.tool_output.content}")
        elif isinstance(event, ToolCall):
            print(f"   calls {event.tool_name}({event.tool_kwargs})")
        elif isinstance(event, AgentStream) and event.delta:
            pieces.append(event.delta)
    output: AgentOutput = await handler
    print(f"   {output.current_agent_name}: {' | '.join(pieces) or output}")
    return output


if __name__ == "__main__":
    main()
