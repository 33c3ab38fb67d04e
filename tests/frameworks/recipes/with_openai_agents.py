"""OpenAI Agents SDK."""

from checks import BASE_URL, KEY, MODEL, WEATHER, City, check_pieces, get_weather, run

# recipe
from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

set_tracing_disabled(True)
model = OpenAIChatCompletionsModel(model=MODEL, openai_client=AsyncOpenAI(base_url=BASE_URL, api_key=KEY))
reporter = Agent(name="reporter", model=model, tools=[function_tool(get_weather)])
answer = Runner.run_sync(reporter, "Use get_weather for 'Lyon'.").final_output
# end


def fresh():
    """A model for another event loop: OpenAI's client belongs to one."""
    return OpenAIChatCompletionsModel(model=MODEL, openai_client=AsyncOpenAI(base_url=BASE_URL, api_key=KEY))


def tool_loop():
    """The result of the tool is in the answer."""
    assert WEATHER in answer, answer


async def stream():
    """The answer comes in pieces, after the tool."""
    agent = Agent(name="reporter", model=fresh(), tools=[function_tool(get_weather)])
    running = Runner.run_streamed(agent, "Use get_weather for 'Lyon'.")
    pieces = [
        event.data.delta
        async for event in running.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    check_pieces(pieces, WEATHER)


async def structured():
    """The answer is an object."""
    agent = Agent(name="writer", model=fresh(), output_type=City)
    found = (await Runner.run(agent, "Name the city 'Lyon'.")).final_output
    assert found == City(name="Lyon"), found


run(["openai-agents", "openai"], tool_loop, stream, structured)
