"""langgraph-swarm."""

from checks import MODEL, WEATHER, City, check_pieces, get_weather, run

# recipe
from langchain.agents import create_agent
from langgraph_swarm import create_handoff_tool, create_swarm

from langchain_gemini_multi import ChatGeminiMulti

model = ChatGeminiMulti(model=MODEL, providers=["cloudflare", "aimlapi", "oxen"])
greeter = create_agent(model, tools=[create_handoff_tool(agent_name="reporter")], name="greeter")
reporter = create_agent(model, tools=[get_weather], name="reporter")
team = create_swarm([greeter, reporter], default_active_agent="greeter").compile()
asked = {"messages": [{"role": "user", "content": "Use transfer_to_reporter, then get_weather for 'Lyon'."}]}
messages = team.invoke(asked)["messages"]
# end


def tool_loop():
    """One agent hands over to the other, whose tool is called."""
    said = [message.text for message in messages]
    assert any(WEATHER in text for text in said), said


def stream():
    """The answer comes in pieces."""
    events = team.stream(asked, stream_mode="messages", subgraphs=True)
    pieces = [chunk.text for _, (chunk, _) in events if chunk.type == "AIMessageChunk"]
    check_pieces(pieces, WEATHER)


def structured():
    """An agent of the swarm answers with an object."""
    namer = create_agent(model, response_format=City, name="namer")
    swarm = create_swarm([namer], default_active_agent="namer").compile()
    found = [
        update["namer"]
        for update in swarm.stream(
            {"messages": [{"role": "user", "content": "Name the city 'Lyon'."}]}, stream_mode="updates"
        )
    ]
    assert '"Lyon"' in str(found), found


run(["langgraph-swarm", "langgraph", "langchain-core"], tool_loop, stream, structured)
