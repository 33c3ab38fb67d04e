"""NeMo Guardrails."""

from checks import MODEL, check_pieces, run

# recipe
import os

os.environ["NEMOGUARDRAILS_LLM_FRAMEWORK"] = "langchain"

from nemoguardrails import LLMRails, RailsConfig

from langchain_gemini_multi import register_with_langchain

register_with_langchain()

CONFIG = f"""
models:
  - type: main
    engine: hosted_gemini
    model: {MODEL}
"""
rails = LLMRails(RailsConfig.from_content(yaml_content=CONFIG))
answer = rails.generate(messages=[{"role": "user", "content": "Say 'Hello there, Lyon'."}])["content"]
# end


async def stream():
    """The answer comes in pieces."""
    asked = [{"role": "user", "content": "Say 'Hello there, Lyon'."}]
    check_pieces([piece async for piece in rails.stream_async(messages=asked)], answer)


run(["nemoguardrails", "langchain-core"], stream)
