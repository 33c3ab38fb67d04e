"""DSPy."""

from checks import BASE_URL, KEY, MODEL, WEATHER, get_weather, run

# recipe
import dspy

dspy.configure(lm=dspy.LM(f"openai/{MODEL}", api_base=BASE_URL, api_key=KEY))
reporter = dspy.ReAct("question -> answer", tools=[get_weather])
# end


def tool_loop():
    """The tool is called and its result is seen."""
    found = reporter(question="Use get_weather for 'Lyon'.")
    assert WEATHER in str(found), found


run(["dspy"], tool_loop)
