"""The frameworks that are tried, and how."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from gemini_multi.sandbox import Answer

CHECKS = ("tool_loop", "stream", "structured")


@dataclass(frozen=True)
class Framework:
    """One framework."""

    name: str
    title: str
    requirements: Sequence[str]
    extra: str = ""
    """Our extra that is installed beside it, where it takes our objects."""
    by_string: bool = False
    """Whether the recipe names the model by a string."""
    checks: Sequence[str] = CHECKS
    """What the framework can do."""
    note: str = ""
    script: Sequence[tuple[str | None, Sequence[Answer]]] = ()
    """What the sandbox says, where its rules do not lead through."""

    @property
    def recipe(self) -> str:
        """The recipe's file."""
        return f"with_{self.name}.py"

    @property
    def through(self) -> str:
        """How it reaches the model."""
        return "string" if self.by_string else "our object" if self.takes_objects else "endpoint"

    @property
    def takes_objects(self) -> bool:
        """Whether it takes our objects, or makes them from a string; the others ask the endpoint."""
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
    Framework(
        "deepagents",
        "deepagents",
        ["deepagents"],
        "langchain",
        by_string=True,
        note="`model` may also be a `ChatGeminiMulti`: with one the structured answer was measured.",
    ),
    Framework(
        "langgraph_dev",
        "langgraph dev",
        ["langgraph-cli[inmem]", "langchain"],
        "langchain",
        by_string=True,
        checks=("tool_loop", "stream"),
        note='This is `graph.py`; `langgraph.json` names it: `{"dependencies": ["."], "graphs": {"agent":'
        ' "./graph.py:graph"}}`. The checks ask the HTTP API of `langgraph dev`.',
    ),
    Framework(
        "nemoguardrails",
        "NeMo Guardrails",
        ["nemoguardrails", "langchain", "langchain-community"],
        "langchain",
        by_string=True,
        checks=("stream",),
        note="Only NeMo's LangChain framework knows the strings; it needs `langchain-community`. In a folder of"
        " configuration, the first five lines belong into `config.py`, beside `config.yml`.",
    ),
    Framework(
        "langmem",
        "langmem",
        ["langmem"],
        "langchain",
        by_string=True,
        checks=("structured",),
        script=[(None, [Answer(tool_calls=[("City", {"name": "Lyon"})])])],
    ),
    Framework("openevals", "openevals", ["openevals"], "langchain", by_string=True, checks=("structured",)),
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
