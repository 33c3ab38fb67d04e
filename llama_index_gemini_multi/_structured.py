"""Answers as instances of a class: the request, reading the answer, and partial objects while it arrives."""

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
from gemini_multi.bindings.tools import tool_json
from gemini_multi.bindings.values import mapping_of
from gemini_multi.structured import json_text, partial_json, repair
from gemini_multi.types import JsonValue
from llama_index_gemini_multi._schemas import class_schema
from llama_index_gemini_multi._tools import to_tools
from llama_index_gemini_multi._typed import facts_of
from llama_index_gemini_multi.errors import InvalidStructuredOutput

ModelT = TypeVar("ModelT", bound=BaseModel)

_DECIDED_HERE: Final = frozenset(
    {"allow_parallel_tool_calls", "response_format", "tool_choice", "tool_required", "tools"}
)
_LASTING: Final = frozenset({"content_filter", "length"})
"""Finish reasons that another answer would probably have too."""


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
            return {**given, "response_format": format_json(self.output_cls.__name__, class_schema(self.output_cls))}
        tool = get_function_tool(self.output_cls)
        choice = {
            "tools": [tool_json(tool) for tool in to_tools([tool])],
            "tool_choice": "required",
            "allow_parallel_tool_calls": False,
        }
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
            repaired = repair(json_text(text), class_schema(self.output_cls))
            return self.output_cls.model_validate_json(to_json(repaired))
        except ValueError as error:
            raise self._invalid(response, text, error) from error

    def correction(self, response: ChatResponse, error: InvalidStructuredOutput) -> list[ChatMessage]:
        """Tell the model what is wrong with its answer; nothing when it would only meet the same obstacle again."""
        if facts_of(response).get("finish_reason") in _LASTING:
            return []
        wrong = _short(error.__cause__) if response.message.blocks else "It was empty."
        told = f"That does not fit what was asked for. {wrong} Answer again, whole and in the form that was asked for."
        call = _call(response) if self.by_tool else None
        if call is None:
            return [response.message, ChatMessage(role=MessageRole.USER, content=told)]
        extra = {"tool_call_id": call.tool_call_id, "is_error": True}
        return [response.message, ChatMessage(role=MessageRole.TOOL, content=told, additional_kwargs=extra)]

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
        call = _call(response) if self.by_tool else None
        if call is None:
            return response.message.content or ""
        return call.tool_kwargs if isinstance(call.tool_kwargs, str) else to_json(call.tool_kwargs).decode()

    def _invalid(self, response: ChatResponse, text: str, error: ValueError) -> InvalidStructuredOutput:
        facts = facts_of(response)
        reason = facts.get("finish_reason")
        what = f"The answer is no {self.output_cls.__name__!r}" if text else "The answer is empty"
        spent = "Raise `max_tokens`, which thoughts count against, or lower `reasoning_effort`."
        advice = spent if reason == "length" else "Ask again, or make the class's schema simpler."
        return InvalidStructuredOutput(
            f"{what}; it stopped for the reason {reason!r}. {_short(error)} It was {text[:500]!r}. {advice}",
            raw=text,
            provider=str(facts.get("provider") or ""),
            model=str(facts.get("model_name") or ""),
        )


@dataclass(frozen=True, slots=True)
class Patience:
    """How much may be spent on one answer."""

    retries: int
    deadline: float | None = None
    """Seconds from the first question on, when they are limited."""


class Inquiry(Generic[ModelT]):
    """Asks until an answer fits the class: once, and once more with what was wrong when it may.

    Whoever asks sends `messages` with the arguments in `question` and lets it `hear` the answer, as long as there is a
    question; then `result` is there.
    """

    __slots__ = ("_began", "_extraction", "_patience", "messages", "question", "result")

    result: ModelT

    def __init__(
        self,
        extraction: Extraction[ModelT],
        messages: list[ChatMessage],
        arguments: dict[str, Any],
        patience: Callable[[dict[str, Any]], Patience],
    ) -> None:
        """Begin with the first question.

        Args:
            extraction: What is wanted.
            messages: The conversation.
            arguments: What `chat` gets beside it.
            patience: Tells for such arguments how much may be spent. Asked only when an answer does not fit.
        """
        self._extraction = extraction
        self._patience: Callable[[dict[str, Any]], Patience] | None = patience
        self._began = monotonic()
        self.messages = messages
        self.question: dict[str, Any] | None = arguments

    def hear(self, response: ChatResponse) -> None:
        """Take the answer to the question.

        Raises:
            InvalidStructuredOutput: It does not fit, and there is no sense or no time in asking again.
        """
        arguments, self.question = self.question or {}, None
        try:
            self.result = self._extraction.result(response)
        except InvalidStructuredOutput as error:
            correction = self._extraction.correction(response, error)
            if self._patience is None or not correction:
                raise
            patience, self._patience = self._patience(arguments), None
            left = None if patience.deadline is None else patience.deadline - (monotonic() - self._began)
            if patience.retries < 1 or (left is not None and left <= 0):
                raise
            self.messages = [*self.messages, *correction]
            self.question = arguments if left is None else {**arguments, "deadline": left}


def _call(response: ChatResponse) -> ToolCallBlock | None:
    return next((block for block in response.message.blocks if isinstance(block, ToolCallBlock)), None)


def _ended(last: ChatResponse | None) -> ChatResponse:
    return ChatResponse(message=ChatMessage()) if last is None else last


def _short(error: BaseException | None) -> str:
    if not isinstance(error, ValidationError):
        return f"{error}."
    details = error.errors(include_input=False, include_url=False)
    return " ".join(f"{'.'.join(str(step) for step in detail['loc'])}: {detail['msg']}." for detail in details[:5])


_SHORT: Final = 10_000
"""Characters that are read anew with each chunk."""
_READ_AGAIN: Final = 20
"""What share of a longer text must be new, as its inverse, so that reading it again and again costs linear time."""


class Partials(Generic[ModelT]):
    """Shows what is known so far of an instance that is still arriving."""

    __slots__ = ("_extraction", "_flexible", "_last", "_length", "_pieces", "_worth")

    def __init__(self, extraction: Extraction[ModelT]) -> None:
        """Begin with nothing."""
        self._extraction = extraction
        self._flexible = create_flexible_model(extraction.output_cls)
        self._pieces: list[str] = []
        self._length = 0
        self._worth = 0
        """How long the text must be to be read again: the longer it is, the more must be new."""
        self._last: JsonValue = {}

    def feed(self, chunk: ChatResponse) -> ModelT | FlexibleModel | None:
        """Return the object as far as it is known, or `None` when the chunk told nothing new.

        As long as required fields are missing, it is a lookalike of the class in which they are `None`.
        """
        piece = _argument_piece(chunk) if self._extraction.by_tool else chunk.delta
        if not piece:
            return None
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length < self._worth:
            return None
        self._worth = self._length + self._length // _READ_AGAIN if self._length > _SHORT else 0
        known = partial_json("".join(self._pieces))
        if not isinstance(known, dict) or known == self._last:
            return None
        self._last = known
        try:
            return self._extraction.output_cls.model_validate(known)
        except ValidationError:
            return self._flexible.model_validate(known)


def _argument_piece(chunk: ChatResponse) -> str:
    arguments = mapping_of(facts_of(chunk).get("tool_call_delta")).get("arguments")
    return arguments if isinstance(arguments, str) else ""
