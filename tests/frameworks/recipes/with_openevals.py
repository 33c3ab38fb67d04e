"""openevals."""

from checks import MODEL, run

# recipe
from openevals.llm import create_llm_as_judge

from langchain_gemini_multi import register_with_langchain

register_with_langchain()

judge = create_llm_as_judge(
    prompt="Is the answer right?\n{inputs}\n{outputs}", model=f"hosted_gemini:{MODEL}", feedback_key="right"
)
verdict = judge(inputs="What is the capital of France?", outputs="Paris")
# end


def structured():
    """The verdict holds a score."""
    assert isinstance(verdict["score"], bool), verdict


run(["openevals", "langchain-core"], structured)
