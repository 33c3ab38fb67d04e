"""An agent with tools whose conversation is kept in SQLite, and goes on with another agent object.

Gemini 3 signs its tool calls and refuses a history without the signatures. They are kept in the checkpoints.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti


@tool
def get_weather(city: str) -> str:
    """Say what the weather is like in a city."""
    return f"It is 21 °C and sunny in {city}."


@tool
def get_population(city: str) -> int:
    """Say how many people live in a city."""
    return 2_103_000 if city == "Paris" else 873_000


def main() -> None:
    """Ask twice; the second agent knows what the first one was told."""
    with providers(), closing(sqlite3.connect(":memory:", check_same_thread=False)) as database:
        ask(database, "Use get_weather and get_population for Paris and tell me both.")
        ask(database, "Thanks. Which city did I ask about?")


def ask(database: sqlite3.Connection, question: str) -> None:
    """Let a new agent continue the conversation that the database holds."""
    model = ChatGeminiMulti(model="gemini-3-flash")
    agent = create_agent(model, [get_weather, get_population], checkpointer=SqliteSaver(database))
    state = agent.invoke({"messages": [("user", question)]}, {"configurable": {"thread_id": "example"}})
    print(f"\nuser: {question}")
    begin = max(number for number, message in enumerate(state["messages"]) if message.type == "human")
    for message in state["messages"][begin + 1 :]:
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        for call in calls:
            print(f"  calls {call['name']}({call['args']})")
        if message.text:
            print(f"{message.type}: {message.text}")


@contextmanager
def providers() -> Iterator[None]:
    """Ask the providers that have a key; without any, the sandbox."""
    if any(os.environ.get(name) for name in ("CLOUDFLARE_API_TOKEN", "AIMLAPI_API_KEY", "OXEN_API_KEY")):
        yield
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print("No key is set: this runs on the sandbox, which has no model: its answers repeat what they were asked.")
        yield


if __name__ == "__main__":
    main()
