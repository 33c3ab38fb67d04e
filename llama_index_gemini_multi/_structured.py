"""Answers in the shape of a class: what to ask for, how to read it, and what can be shown of it while it arrives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    ToolCallBlock,
)
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.program.utils import FlexibleModel, create_flexible_model
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from gemini_multi.structured import conform, json_text, partial_json
from gemini_multi.types import JsonValue
from llama_index_gemini_multi._errors import InvalidStructuredOutput
from llama_index_gemini_multi._formats import format_json
from llama_index_gemini_multi._tools import function_json
from llama_index_gemini_multi._typed import facts_of, mapping

ModelT = TypeVar("ModelT", bound=BaseModel)

_DECIDED_HERE: Final = frozenset(
    {"allow_parallel_tool_calls", "response_format", "tool_choice", "tool_required", "tools"}
)


@dataclass(frozen=True, slots=True)
class Extraction(Generic[ModelT]):
    """One request for an instance of a class."""

    output_cls: type[ModelT]
    by_tool: bool = False
    """Whether to ask for a call of a function with the class's fields, instead of for JSON."""

    def arguments(self, llm_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
        """Make the arguments for `chat`, without changing the caller's."""
        given = {name: value for name, value in (llm_kwargs or {}).items() if name not in _DECIDED_HERE}
        if not self.by_tool:
            return {**given, "response_format": format_json(self.output_cls)}
        tool = get_function_tool(self.output_cls)
        choice = {"tools": [function_json(tool)], "tool_choice": "required", "allow_parallel_tool_calls": False}
        return {**given, **choice}

    def result(self, response: ChatResponse) -> ModelT:
        """Read the whole answer.

        Raises:
            InvalidStructuredOutput: The answer is no JSON, or does not fit the class.
        """
        text = self._json(response)
        try:
            return self.output_cls.model_validate_json(text)
        except ValidationError:
            pass
        try:
            repaired = conform(json_text(text), self.output_cls.model_json_schema())
            return self.output_cls.model_validate_json(to_json(repaired))
        except ValueError as error:
            raise self._invalid(response, text, error) from error

    def stream(self, chunks: ChatResponseGen) -> Generator[ModelT | FlexibleModel, None, None]:
        """Give the object as it grows, and at the end the whole one."""
        partials = Partials(self)
        last: ChatResponse | None = None
        with closing(chunks):
            for last in chunks:
                if (partial := partials.feed(last)) is not None:
                    yield partial
        yield self.result(_ended(last))

    async def astream(self, chunks: ChatResponseAsyncGen) -> AsyncGenerator[ModelT | FlexibleModel, None]:
        """Give the object as it grows, and at the end the whole one."""
        partials = Partials(self)
        last: ChatResponse | None = None
        async with aclosing(chunks):
            async for last in chunks:
                if (partial := partials.feed(last)) is not None:
                    yield partial
        yield self.result(_ended(last))

    def _json(self, response: ChatResponse) -> str:
        if not self.by_tool:
            return response.message.content or ""
        for block in response.message.blocks:
            if isinstance(block, ToolCallBlock):
                arguments = block.tool_kwargs
                return arguments if isinstance(arguments, str) else to_json(arguments).decode()
        return response.message.content or ""

    def _invalid(self, response: ChatResponse, text: str, error: ValueError) -> InvalidStructuredOutput:
        facts = facts_of(response)
        reason = facts.get("finish_reason")
        what = f"The answer is no {self.output_cls.__name__!r}" if text else "The answer is empty"
        advice = "Raise `max_tokens`." if reason == "length" else "Ask again, or make the class's schema simpler."
        return InvalidStructuredOutput(
            f"{what}; it stopped for the reason {reason!r}. {_short(error)} It was {text[:500]!r}. {advice}",
            raw=text,
            provider=str(facts.get("provider") or ""),
            model=str(facts.get("model_name") or ""),
        )


def _ended(last: ChatResponse | None) -> ChatResponse:
    return ChatResponse(message=ChatMessage()) if last is None else last


def _short(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return f"{error}."
    details = error.errors(include_input=False, include_url=False)
    return " ".join(f"{'.'.join(str(step) for step in detail['loc'])}: {detail['msg']}." for detail in details[:5])


class Partials(Generic[ModelT]):
    """Shows what is known so far of an instance that is still arriving."""

    __slots__ = ("_extraction", "_flexible", "_last", "_pieces")

    def __init__(self, extraction: Extraction[ModelT]) -> None:
        """Begin with nothing."""
        self._extraction = extraction
        self._flexible = create_flexible_model(extraction.output_cls)
        self._pieces: list[str] = []
        self._last: JsonValue = {}

    def feed(self, chunk: ChatResponse) -> ModelT | FlexibleModel | None:
        """Return the object as far as it is known, or `None` when the chunk told nothing new.

        As long as required fields are missing, it is a lookalike of the class in which they are `None`.
        """
        piece = _argument_piece(chunk) if self._extraction.by_tool else chunk.delta
        if not piece:
            return None
        self._pieces.append(piece)
        known = partial_json("".join(self._pieces))
        if not isinstance(known, dict) or known == self._last:
            return None
        self._last = known
        try:
            return self._extraction.output_cls.model_validate(known)
        except ValidationError:
            return self._flexible.model_validate(known)


def _argument_piece(chunk: ChatResponse) -> str:
    arguments = mapping(facts_of(chunk).get("tool_call_delta")).get("arguments")
    return arguments if isinstance(arguments, str) else ""
