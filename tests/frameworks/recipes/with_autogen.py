"""AutoGen."""

import asyncio

from checks import BASE_URL, KEY, MODEL, WEATHER, City, check_pieces, get_weather, run

# recipe
from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient

able = {"vision": True, "function_calling": True, "json_output": True, "structured_output": True, "family": "unknown"}
model = OpenAIChatCompletionClient(model=MODEL, base_url=BASE_URL, api_key=KEY, model_info=able)
reporter = AssistantAgent("reporter", model, tools=[get_weather], reflect_on_tool_use=True)
answer = asyncio.run(reporter.run(task="Use get_weather for 'Lyon'.")).messages[-1].content
# end

from autogen_core.models import UserMessage


def client():
    """A model for another event loop."""
    return OpenAIChatCompletionClient(model=MODEL, base_url=BASE_URL, api_key=KEY, model_info=able)


def tool_loop():
    """The result of the tool is in the answer."""
    assert WEATHER in answer, answer


async def stream():
    """The answer comes in pieces."""
    asked = [UserMessage(content="Good morning", source="user")]
    pieces = [piece async for piece in client().create_stream(asked) if isinstance(piece, str)]
    check_pieces(pieces, "Good morning")


async def structured():
    """The answer is an object."""
    agent = AssistantAgent("writer", client(), output_content_type=City)
    found = (await agent.run(task="Name the city 'Lyon'.")).messages[-1].content
    assert found == City(name="Lyon"), found


run(["autogen-agentchat", "autogen-ext", "openai"], tool_loop, stream, structured)
