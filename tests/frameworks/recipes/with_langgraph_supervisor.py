"""langgraph-supervisor."""

from checks import MODEL, WEATHER, City, check_pieces, get_weather, run

# recipe
from langchain.agents import create_agent
from langgraph_supervisor import create_supervisor

from langchain_gemini_multi import ChatGeminiMulti

model = ChatGeminiMulti(model=MODEL, providers=["cloudflare", "aimlapi", "oxen"])
reporter = create_agent(model, tools=[get_weather], name="reporter")
team = create_supervisor([reporter], model=model, prompt="Hand questions on the weather to the reporter.").compile()
asked = {"messages": [{"role": "user", "content": "Use transfer_to_reporter, then get_weather for 'Lyon'."}]}
messages = team.invoke(asked)["messages"]
# end

from langgraph.prebuilt.chat_agent_executor import AgentStateWithStructuredResponse


def tool_loop():
    """The supervisor hands over, and the reporter's tool is called."""
    said = [message.text for message in messages]
    assert any(WEATHER in text for text in said), said


def stream():
    """The answer comes in pieces."""
    events = team.stream(asked, stream_mode="messages", subgraphs=True)
    pieces = [chunk.text for _, (chunk, _) in events if chunk.type == "AIMessageChunk"]
    check_pieces(pieces, WEATHER)


def structured():
    """The state holds an object."""
    state = AgentStateWithStructuredResponse
    graph = create_supervisor([reporter], model=model, response_format=City, state_schema=state).compile()
    found = graph.invoke({"messages": [{"role": "user", "content": "Name the city 'Lyon'."}]})
    assert found["structured_response"] == City(name="Lyon"), found


run(["langgraph-supervisor", "langgraph", "langchain-core"], tool_loop, stream, structured)
