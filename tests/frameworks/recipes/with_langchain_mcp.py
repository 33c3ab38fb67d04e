"""langchain-mcp-adapters."""

import asyncio
import sys
from pathlib import Path

from checks import MODEL, WEATHER, City, check_pieces, run

SERVER = str(Path(__file__).with_name("mcp_server.py"))

# recipe
from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient

from langchain_gemini_multi import ChatGeminiMulti

model = ChatGeminiMulti(model=MODEL, providers=["cloudflare", "aimlapi", "oxen"])
client = MultiServerMCPClient({"weather": {"transport": "stdio", "command": sys.executable, "args": [SERVER]}})
tools = asyncio.run(client.get_tools())
reporter = create_agent(model, tools)
asked = {"messages": [{"role": "user", "content": "Use get_weather for 'Lyon'."}]}
answer = asyncio.run(reporter.ainvoke(asked))["messages"][-1].text
# end


def tool_loop():
    """The result of the server's tool is in the answer."""
    assert WEATHER in answer, answer


async def stream():
    """The answer comes in pieces, after the tool."""
    pieces = [
        chunk.text
        async for chunk, _ in reporter.astream(asked, stream_mode="messages")
        if chunk.type == "AIMessageChunk"
    ]
    check_pieces(pieces, WEATHER)


async def structured():
    """The answer is an object, after the tool."""
    agent = create_agent(model, tools, response_format=City)
    found = await agent.ainvoke({"messages": [{"role": "user", "content": "Name the city 'Lyon'."}]})
    assert found["structured_response"] == City(name="Lyon"), found


run(["langchain-mcp-adapters", "mcp", "langchain-core"], tool_loop, stream, structured)
