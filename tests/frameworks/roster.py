"""The frameworks that are tried, and how."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from gemini_multi.sandbox import Answer


@dataclass(frozen=True)
class Framework:
    """One framework."""

    name: str
    title: str
    requirements: Sequence[str]
    extra: str = ""
    """Our extra that is installed beside it, where it takes our objects."""
    note: str = ""
    script: Sequence[tuple[str | None, Sequence[Answer]]] = ()
    """What the sandbox says, where its rules do not lead through."""

    @property
    def recipe(self) -> str:
        """The recipe's file."""
        return f"with_{self.name}.py"

    @property
    def takes_objects(self) -> bool:
        """Whether it takes our objects; the others ask the endpoint."""
        return bool(self.extra)


_CALL = Answer(tool_calls=[("get_weather", {"city": "Lyon"})])
_FINAL = Answer(tool_calls=[("final_answer", {"answer": "It is sunny in Lyon."})])
_REACT = [
    Answer(json.dumps(step))
    for step in (
        {"next_thought": "I ask.", "next_tool_name": "get_weather", "next_tool_args": {"city": "Lyon"}},
        {"next_thought": "I know.", "next_tool_name": "finish", "next_tool_args": {}},
        {"reasoning": "The tool said so.", "answer": "It is sunny in Lyon."},
    )
]

FRAMEWORKS = (
    Framework("crewai", "CrewAI", ["crewai"]),
    Framework(
        "dspy",
        "DSPy",
        ["dspy"],
        note="`ReAct` writes its calls as JSON text, so no signatures are involved.",
        script=[(None, _REACT)],
    ),
    Framework("openai_agents", "OpenAI Agents SDK", ["openai-agents"]),
    Framework("pydantic_ai", "pydantic-ai", ["pydantic-ai-slim[openai]"]),
    Framework("smolagents", "smolagents", ["smolagents[openai]"], script=[(None, [_CALL, _FINAL])]),
    Framework("haystack", "Haystack", ["haystack-ai"]),
    Framework("autogen", "AutoGen", ["autogen-agentchat", "autogen-ext[openai]"]),
    Framework("deepagents", "deepagents", ["deepagents"], "langchain"),
    Framework(
        "langgraph_supervisor",
        "langgraph-supervisor",
        ["langgraph-supervisor", "langchain"],
        "langchain",
        note="`response_format` needs `state_schema=AgentStateWithStructuredResponse` (of `langgraph.prebuilt`) beside"
        " it: the outer graph drops the object otherwise. The calls with which an agent hands back are written by"
        " langgraph-supervisor, so no model signed them: they get the value that Google documents for this.",
    ),
    Framework("langgraph_swarm", "langgraph-swarm", ["langgraph-swarm", "langchain"], "langchain"),
    Framework("langchain_mcp", "langchain-mcp-adapters", ["langchain-mcp-adapters", "langchain"], "langchain"),
    Framework("llama_index_mcp", "LlamaIndex MCP tools", ["llama-index-tools-mcp"], "llama-index"),
)
