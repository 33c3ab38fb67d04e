"""Haystack."""

from checks import BASE_URL, KEY, MODEL, WEATHER, City, check_pieces, get_weather, run

# recipe
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret

model = OpenAIChatGenerator(model=MODEL, api_base_url=BASE_URL, api_key=Secret.from_token(KEY))
reporter = Agent(chat_generator=model, tools=[create_tool_from_function(get_weather)])
answer = reporter.run(messages=[ChatMessage.from_user("Use get_weather for 'Lyon'.")])["last_message"].text
# end

import json


def generator(**options):
    """A model with options."""
    return OpenAIChatGenerator(model=MODEL, api_base_url=BASE_URL, api_key=Secret.from_token(KEY), **options)


def tool_loop():
    """The result of the tool is in the answer."""
    assert WEATHER in answer, answer


def stream():
    """The answer comes in pieces."""
    pieces = []
    generator(streaming_callback=lambda chunk: pieces.append(chunk.content)).run(
        [ChatMessage.from_user("Good morning")]
    )
    check_pieces(pieces, "Good morning")


def structured():
    """The answer is an object."""
    model = generator(generation_kwargs={"response_format": City})
    found = json.loads(model.run([ChatMessage.from_user("Name the city 'Lyon'.")])["replies"][0].text)
    assert found == {"name": "Lyon"}, found


run(["haystack-ai", "openai"], tool_loop, stream, structured)
