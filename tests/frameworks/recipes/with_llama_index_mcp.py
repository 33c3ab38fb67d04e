"""MCP tools of LlamaIndex."""

import asyncio
import sys
from pathlib import Path

from checks import MODEL, WEATHER, City, check_pieces, run

SERVER = str(Path(__file__).with_name("mcp_server.py"))

# recipe
from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

from llama_index_gemini_multi import GeminiMulti

model = GeminiMulti(model=MODEL, providers=["cloudflare", "aimlapi", "oxen"])
tools = McpToolSpec(BasicMCPClient(sys.executable, args=[SERVER])).to_tool_list()


async def ask(question):
    return str(await FunctionAgent(llm=model, tools=tools).run(question))


answer = asyncio.run(ask("Use get_weather for 'Lyon'."))
# end


def tool_loop():
    """The result of the server's tool is in the answer."""
    assert WEATHER in answer, answer


async def stream():
    """The answer comes in pieces, after the tool."""
    running = FunctionAgent(llm=model, tools=tools).run("Use get_weather for 'Lyon'.")
    pieces = [event.delta async for event in running.stream_events() if isinstance(event, AgentStream)]
    check_pieces(pieces, WEATHER)


def structured():
    """The answer is an object."""
    found = model.as_structured_llm(City).complete("Name the city 'Lyon'.").raw
    assert found == City(name="Lyon"), found


run(["llama-index-tools-mcp", "mcp", "llama-index-core"], tool_loop, stream, structured)
