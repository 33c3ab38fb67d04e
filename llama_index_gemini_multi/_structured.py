"""Answers as instances of a class: the request, the second request after an invalid answer, and partial instances."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing, closing
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.program.utils import FlexibleModel, create_flexible_model
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from gemini_multi.bindings.formats import format_json
from gemini_multi.bindings.structured import GrowingJson, explained, problems
from gemini_multi.bindings.tools import tool_json
from gemini_multi.bindings.values import mapping_of, text_of
from gemini_multi.structured import json_text, repair
from llama_index_gemini_multi._schemas import class_schema
from llama_index_gemini_multi._tools import to_tools
from llama_index_gemini_multi._typed import facts_of
from llama_index_gemini_multi.errors import InvalidStructuredOutput

ModelT = TypeVar("ModelT", bound=BaseModel)

_DECIDED_HERE: Final = frozenset(
    {"allow_parallel_tool_calls", "response_format", "tool_choice", "tool_required", "tools"}
)
_LASTING: Final = frozenset({"content_filter", "length"})
"""The finish reasons that a second answer would probably have too."""


@dataclass(frozen=True, slots=True)
class Extraction(Generic[ModelT]):
    """The form of the request for an instance of a class, and the way to read the answer."""

    output_cls: type[ModelT]
    by_tool: bool = False
    """Whether to request a call of a function with the fields of the class, instead of JSON."""

    def arguments(self, llm_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
        """Make the arguments for `chat`, without changing the caller's."""
        given = {name: value for name, value in (llm_kwargs or {}).items() if name not in _DECIDED_HERE}
        if not self.by_tool:
            return {**given, "response_format": format_json(self.output_cls.__name__, class_schema(self.output_cls))}
        tools = [tool_json(tool) for tool in to_tools([get_function_tool(self.output_cls)])]
        return {**given, "tools": tools, "tool_choice": "required", "allow_parallel_tool_calls": False}

    def result(self, response: ChatResponse) -> ModelT:
        """Read a whole answer.

        Raises:
            InvalidStructuredOutput: The answer is not JSON, or does not fit the class.
        """
        text = self._json(response)
        try:
            return self.output_cls.model_validate_json(text)
        except ValidationError:
            pass
        try:
            repaired = repair(json_text(text), class_schema(self.output_cls))
            return self.output_cls.model_validate_json(to_json(repaired))
        except ValueError as error:
            raise self._invalid(response, text, error) from error

    def correction(self, response: ChatResponse, error: InvalidStructuredOutput) -> list[ChatMessage]:
        """Write messages about the errors of an answer; no messages if a second answer would probably be no better."""
        if facts_of(response).get("finish_reason") in _LASTING:
            return []
        wrong = problems(error.__cause__) if response.message.blocks else "It was empty."
        told = f"That does not fit what was asked for. {wrong} Answer again, whole and in the form that was asked for."
        call = _call(response) if self.by_tool else None
        if call is None:
            return [response.message, ChatMessage(role=MessageRole.USER, content=told)]
        extra = {"tool_call_id": call.tool_call_id, "is_error": True}
        return [response.message, ChatMessage(role=MessageRole.TOOL, content=told, additional_kwargs=extra)]

    def stream(self, chunks: ChatResponseGen) -> Generator[ModelT | FlexibleModel, None, None]:
        """Yield the instance while it arrives, and at the end the whole instance."""
        partials = Partials(self)
        last = ChatResponse(message=ChatMessage())
        with closing(chunks):
            for last in chunks:
                if (partial := partials.feed(last)) is not None:
                    yield partial
        yield self.result(last)

    async def astream(self, chunks: ChatResponseAsyncGen) -> AsyncGenerator[ModelT | FlexibleModel, None]:
        """Yield the instance while it arrives, and at the end the whole instance."""
        partials = Partials(self)
        last = ChatResponse(message=ChatMessage())
        async with aclosing(chunks):
            async for last in chunks:
                if (partial := partials.feed(last)) is not None:
                    yield partial
        yield self.result(last)

    def _json(self, response: ChatResponse) -> str:
        call = _call(response) if self.by_tool else None
        if call is None:
            return response.message.content or ""
        return call.tool_kwargs if isinstance(call.tool_kwargs, str) else to_json(call.tool_kwargs).decode()

    def _invalid(self, response: ChatResponse, text: str, error: ValueError) -> InvalidStructuredOutput:
        facts = facts_of(response)
        what = "The answer is empty."
        if text:
            what = f"The answer is no {self.output_cls.__name__!r}. {problems(error)} It was {text[:500]!r}."
        return InvalidStructuredOutput(
            explained(what, facts.get("finish_reason")),
            raw=text,
            provider=str(facts.get("provider") or ""),
            model=str(facts.get("model_name") or ""),
        )


@dataclass(frozen=True, slots=True)
class RetryLimit:
    """The limits on the second request after an invalid answer."""

    retries: int
    deadline: float | None = None
    """The seconds from the first request on, if they are limited."""


class CorrectedRequest(Generic[ModelT]):
    """The requests until an answer fits the class: one, and a second one that says what is wrong with the first answer.

    The caller sends `messages` with `arguments` and passes the answer to `read`, until `arguments` is `None`. Then
    `result` is set.
    """

    __slots__ = ("_began", "_extraction", "_limit", "arguments", "messages", "result")

    result: ModelT

    def __init__(
        self,
        extraction: Extraction[ModelT],
        messages: list[ChatMessage],
        arguments: dict[str, Any],
        limit: Callable[[dict[str, Any]], RetryLimit],
    ) -> None:
        """Make the first request.

        Args:
            extraction: The way to read an answer.
            messages: The conversation.
            arguments: The other arguments of `chat`.
            limit: Returns the limit for these arguments. It is called only for an invalid answer.
        """
        self._extraction = extraction
        self._limit: Callable[[dict[str, Any]], RetryLimit] | None = limit
        self._began = monotonic()
        self.messages = messages
        self.arguments: dict[str, Any] | None = arguments

    def read(self, response: ChatResponse) -> None:
        """Read the answer to the last request.

        Raises:
            InvalidStructuredOutput: The answer is invalid, and a second request is pointless or too late.
        """
        arguments, self.arguments = self.arguments or {}, None
        try:
            self.result = self._extraction.result(response)
        except InvalidStructuredOutput as error:
            correction = self._extraction.correction(response, error)
            if self._limit is None or not correction:
                raise
            limit, self._limit = self._limit(arguments), None
            left = None if limit.deadline is None else limit.deadline - (monotonic() - self._began)
            if limit.retries < 1 or (left is not None and left <= 0):
                raise
            self.messages = [*self.messages, *correction]
            self.arguments = arguments if left is None else {**arguments, "deadline": left}


class Partials(Generic[ModelT]):
    """Makes instances from the part of an answer that has arrived."""

    __slots__ = ("_extraction", "_flexible", "_json")

    def __init__(self, extraction: Extraction[ModelT]) -> None:
        """Make a reader to which nothing has arrived."""
        self._extraction = extraction
        self._flexible = create_flexible_model(extraction.output_cls)
        self._json = GrowingJson()

    def feed(self, chunk: ChatResponse) -> ModelT | FlexibleModel | None:
        """Return the instance so far, or `None` if the chunk adds nothing to it.

        As long as required fields are missing, the instance is of a similar class, in which these fields may be `None`.
        """
        piece = _argument_piece(chunk) if self._extraction.by_tool else chunk.delta
        known = self._json.add(piece or "")
        if not known or not isinstance(known, dict):
            return None
        try:
            return self._extraction.output_cls.model_validate(known)
        except ValidationError:
            return self._flexible.model_validate(known)


def _call(response: ChatResponse) -> ToolCallBlock | None:
    return next((block for block in response.message.blocks if isinstance(block, ToolCallBlock)), None)


def _argument_piece(chunk: ChatResponse) -> str:
    return text_of(mapping_of(facts_of(chunk).get("tool_call_delta")), "arguments")
