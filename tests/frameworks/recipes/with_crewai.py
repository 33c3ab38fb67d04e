"""CrewAI."""

from checks import BASE_URL, KEY, MODEL, WEATHER, City, check_pieces, get_weather, run

# recipe
from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

llm = LLM(model=f"openai/{MODEL}", base_url=BASE_URL, api_key=KEY)
reporter = Agent(
    role="reporter", goal="report the weather", backstory="You report.", llm=llm, tools=[tool(get_weather)]
)
report = Task(description="Use get_weather for 'Lyon'.", expected_output="A sentence.", agent=reporter)
answer = Crew(agents=[reporter], tasks=[report]).kickoff().raw
# end


def crew(description, **options):
    """A crew of one."""
    streaming = LLM(model=f"openai/{MODEL}", base_url=BASE_URL, api_key=KEY, stream="stream" in options)
    agent = Agent(role="writer", goal="write", backstory="You write.", llm=streaming)
    task = Task(
        description=description,
        expected_output="A city.",
        agent=agent,
        output_pydantic=options.pop("output_pydantic", None),
    )
    return Crew(agents=[agent], tasks=[task], **options).kickoff()


def tool_loop():
    """The result of the tool is in the answer."""
    assert WEATHER in answer, answer


def stream():
    """The answer comes in pieces."""
    pieces = [chunk.content for chunk in crew("Good morning", stream=True)]
    check_pieces(pieces, "Good morning")


def structured():
    """The answer is an object."""
    found = crew("Name the city 'Lyon'.", output_pydantic=City).pydantic
    assert found == City(name="Lyon"), found


run(["crewai"], tool_loop, stream, structured)
