"""What the binding adds to a call and to a chunk, counted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, create_model

from llama_index_gemini_multi import GeminiMulti
from tests.meter import PROVIDER, cost_of, http_client, per_chunk


def model(chunks: int | None = None) -> GeminiMulti:
    return GeminiMulti(model="gemini-2.5-flash-lite", providers=PROVIDER, http_client=http_client(chunks))


def asking() -> Callable[[], object]:
    asked = model()
    return lambda: asked.chat([ChatMessage(content="Hello")])


def streaming(chunks: int) -> Callable[[], object]:
    asked = model(chunks)
    return lambda: sum(1 for _ in asked.stream_chat([ChatMessage(content="Hello")]))


@pytest.mark.skipif(not hasattr(BaseLLM, "to_payload"), reason="older versions write the whole model in each call")
def test_chat_costs_few_calls() -> None:
    """Ours, not LlamaIndex's own."""
    assert cost_of(asking()).calls <= 370


def test_a_chunk_costs_few_calls_in_streams_of_any_length() -> None:
    """Nothing that is done per chunk grows with the answer, but for the text that each snapshot holds."""
    short, long = per_chunk(streaming)

    assert short <= 39
    assert long == short


class Place(BaseModel):
    """Where to look; it counts how often its schema is made."""

    made: ClassVar[int] = 0
    city: str

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        cls.made += 1
        return super().model_json_schema(*args, **kwargs)


def look(city: str) -> str:
    return city


def test_the_schema_of_a_class_is_made_once() -> None:
    """For its use as a tool, and for its use as an answer's form; pydantic takes longer for it than a call does."""
    unseen = create_model("Unseen", __base__=Place)
    unseen.made = 0
    tool = FunctionTool.from_defaults(look, description="Look.", fn_schema=unseen)
    asked = model()

    for _ in range(3):
        asked.chat_with_tools([tool], "Hello")
        asked.chat([ChatMessage(content="Hello")], response_format=unseen)

    assert unseen.made == 2


def test_what_is_done_to_a_schema_spoils_no_later_one() -> None:
    """Each call has its own copy."""
    tool = FunctionTool.from_defaults(look, description="Look.", fn_schema=Place)
    asked = model()
    first = asked._prepare_chat_with_tools([tool], "Hello")["tools"]
    expected = copy.deepcopy(first)

    first[0]["function"]["parameters"].clear()

    assert asked._prepare_chat_with_tools([tool], "Hello")["tools"] == expected


def test_a_rebuilt_class_has_its_new_schema() -> None:
    """As pydantic gives it."""
    kind = create_model("Growing", city=(str, ...))
    tool = FunctionTool.from_defaults(look, description="Look.", fn_schema=kind)
    asked = model()
    asked._prepare_chat_with_tools([tool], "Hello")

    kind.model_fields["city"].description = "Its name."
    kind.model_rebuild(force=True)

    function = asked._prepare_chat_with_tools([tool], "Hello")["tools"][0]["function"]
    assert function["parameters"]["properties"]["city"]["description"] == "Its name."


def test_json_is_read_once() -> None:
    """The binding reads and writes none of its own."""
    assert dict(cost_of(asking()).json) == {"to_json": 1, "from_json": 1}
    assert cost_of(streaming(500)).json["from_json"] == 501
