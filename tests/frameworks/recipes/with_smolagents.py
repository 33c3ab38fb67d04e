"""smolagents."""

from checks import BASE_URL, KEY, MODEL, WEATHER, check_pieces, get_weather, run

# recipe
from smolagents import OpenAIServerModel, ToolCallingAgent, tool

model = OpenAIServerModel(MODEL, api_base=BASE_URL, api_key=KEY)
reporter = ToolCallingAgent(tools=[tool(get_weather)], model=model)
answer = reporter.run("How is the weather in Lyon?")
# end

import json

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def messages(text):
    """One message."""
    return [{"role": "user", "content": [{"type": "text", "text": text}]}]


def tool_loop():
    """The tool is called, and its result is the final answer."""
    assert WEATHER in str(reporter.memory.get_full_steps())
    assert answer == WEATHER, answer


def stream():
    """The answer comes in pieces."""
    pieces = [delta.content or "" for delta in model.generate_stream(messages("Good morning"))]
    check_pieces(pieces, "Good morning")


def structured():
    """The answer is an object."""
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    found = json.loads(model.generate(messages("Name the city 'Lyon'."), response_format=wanted).content)
    assert found == {"name": "Lyon"}, found


run(["smolagents", "openai"], tool_loop, stream, structured)
