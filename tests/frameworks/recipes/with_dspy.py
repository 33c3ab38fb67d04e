"""DSPy."""

from checks import BASE_URL, KEY, MODEL, WEATHER, get_weather, run

# recipe
import dspy

model = dspy.LM(f"openai/{MODEL}", api_base=BASE_URL, api_key=KEY)
dspy.configure(lm=model, adapter=dspy.JSONAdapter())
reporter = dspy.ReAct("question -> answer", tools=[get_weather])
answer = reporter(question="How is the weather in Lyon?").answer
# end


class City(dspy.Signature):
    """Name the city."""

    question: str = dspy.InputField()
    name: str = dspy.OutputField()


def tool_loop():
    """The tool is called, and the answer is read."""
    assert answer == WEATHER, answer


async def stream():
    """The answer comes in pieces."""
    program = dspy.streamify(dspy.Predict(City), async_streaming=True)
    pieces = [piece async for piece in program(question="Name the city 'Lyon'.")]
    assert len(pieces) > 2, pieces
    assert pieces[-1].name == "Lyon", pieces


def structured():
    """The answer is an object."""
    found = dspy.Predict(City)(question="Name the city 'Lyon'.")
    assert found.name == "Lyon", found


run(["dspy", "litellm", "openai"], tool_loop, stream, structured)
