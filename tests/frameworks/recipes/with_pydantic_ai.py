"""pydantic-ai."""

from checks import BASE_URL, KEY, MODEL, WEATHER, City, check_pieces, get_weather, run

# recipe
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=BASE_URL, api_key=KEY))
reporter = Agent(model, tools=[get_weather])
answer = reporter.run_sync("Use get_weather for 'Lyon'.").output
# end


def tool_loop():
    """The result of the tool is in the answer."""
    assert WEATHER in answer, answer


async def stream():
    """The answer comes in pieces, after the tool."""
    async with reporter.run_stream("Use get_weather for 'Lyon'.") as running:
        pieces = [piece async for piece in running.stream_text(delta=True, debounce_by=None)]
    check_pieces(pieces, WEATHER)


def structured():
    """The answer is an object."""
    found = Agent(model, output_type=City).run_sync("Name the city 'Lyon'.").output
    assert found == City(name="Lyon"), found


run(["pydantic-ai-slim", "openai"], tool_loop, stream, structured)
