"""deepagents."""

from checks import MODEL, WEATHER, City, check_pieces, get_weather, run

# recipe
from deepagents import create_deep_agent

from langchain_gemini_multi import register_with_langchain

register_with_langchain()

reporter = create_deep_agent(model=f"hosted_gemini:{MODEL}", tools=[get_weather])
asked = {"messages": [{"role": "user", "content": "Use get_weather for 'Lyon'."}]}
answer = reporter.invoke(asked)["messages"][-1].text
# end


from langchain_gemini_multi import ChatGeminiMulti


def tool_loop():
    """The result of the tool is in the answer."""
    assert WEATHER in answer, answer


def stream():
    """The answer comes in pieces, after the tool."""
    pieces = [
        chunk.text for chunk, _ in reporter.stream(asked, stream_mode="messages") if chunk.type == "AIMessageChunk"
    ]
    check_pieces(pieces, WEATHER)


def structured():
    """The answer is an object."""
    agent = create_deep_agent(model=ChatGeminiMulti(model=MODEL), response_format=City)
    found = agent.invoke({"messages": [{"role": "user", "content": "Name the city 'Lyon'."}]})["structured_response"]
    assert found == City(name="Lyon"), found


run(["deepagents", "langchain", "langchain-core"], tool_loop, stream, structured)
