"""langmem."""

from checks import MODEL, City, run

# recipe
from langmem import create_memory_manager

from langchain_gemini_multi import register_with_langchain

register_with_langchain()

manager = create_memory_manager(f"hosted_gemini:{MODEL}", schemas=[City])
conversation = [{"role": "user", "content": "Name the city 'Lyon'."}]
memories = manager.invoke({"messages": conversation})
# end


def structured():
    """The memory is an object."""
    assert [memory.content for memory in memories] == [City(name="Lyon")], memories


run(["langmem", "langchain-core"], structured)
