"""Answers as instances of a class: the request, the second request after an invalid answer, and partial instances."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing, closing, suppress
from time import monotonic
from typing import Any, Final, Generic, TypeAlias, TypeVar

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ChatResponseAsyncGen, ChatResponseGen
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.program.utils import FlexibleModel, create_flexible_model
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from gemini_multi.bindings.answers import GrowingJson, explained, problems
from gemini_multi.bindings.tools import format_json, tool_json
from gemini_multi.bindings.values import mapping_of, text_of
from gemini_multi.structured import json_text, repair
from llama_index_gemini_multi._messages import first_call
from llama_index_gemini_multi._tools import class_schema, to_tools
from llama_index_gemini_multi._typed import facts_of
from llama_index_gemini_multi.errors import InvalidStructuredOutput

ModelT = TypeVar("ModelT", bound=BaseModel)
RetryLimit: TypeAlias = tuple[int, float | None]
"""The number of second requests after an invalid answer, and the seconds from the first request on, if limited."""

_DECIDED_HERE: Final = ("allow_parallel_tool_calls", "response_format", "tool_choice", "tool_required", "tools")
_LASTING: Final = ("content_filter", "length")
"""The finish reasons that a second answer would probably have too."""


class StructuredRequest(Generic[ModelT]):
    """The request for an instance of a class, and a second one that says what is wrong with the first answer.

    The caller sends `messages` with `arguments` and passes the answer to `read`, until `arguments` is `None`. Then
    `result` is set. A stream goes to `stream` or `astream` instead.
    """

    result: ModelT

    def __init__(
        self,
        output_cls: type[ModelT],
        messages: list[ChatMessage],
        llm_kwargs: Mapping[str, Any] | None,
        limit: Callable[[dict[str, Any]], RetryLimit],
        *,
        by_tool: bool = False,
    ) -> None:
        """Make the first request, for JSON or, `by_tool`, for a call of a function with the fields of the class.

        `llm_kwargs` are the caller's other arguments of `chat`. `limit` is called with all of them after an invalid
        answer.
        """
        self._output_cls = output_cls
        self._by_tool = by_tool
        self._limit: Callable[[dict[str, Any]], RetryLimit] | None = limit
        self._began = monotonic()
        self._json = GrowingJson()
        self._flexible: type[FlexibleModel] | None = None
        self._last = ChatResponse(message=ChatMessage())
        self.messages = messages
        self.arguments: dict[str, Any] | None = self._arguments(llm_kwargs or {})

    def _arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in given.items() if name not in _DECIDED_HERE}
        if not self._by_tool:
            return {**kept, "response_format": format_json(self._output_cls.__name__, class_schema(self._output_cls))}
        tools = [tool_json(tool) for tool in to_tools([get_function_tool(self._output_cls)])]
        return {**kept, "tools": tools, "tool_choice": "required", "allow_parallel_tool_calls": False}

    def read(self, response: ChatResponse) -> None:
        """Read the answer to the last request.

        Raises:
            InvalidStructuredOutput: The answer is invalid, and a second request is pointless or too late.
        """
        arguments, self.arguments = self.arguments or {}, None
        try:
            self.result = self._instance(response)
        except InvalidStructuredOutput as error:
            if self._limit is None or facts_of(response).get("finish_reason") in _LASTING:
                raise
            (retries, deadline), self._limit = self._limit(arguments), None
            left = None if deadline is None else deadline - (monotonic() - self._began)
            if retries < 1 or (left is not None and left <= 0):
                raise
            self.messages = [*self.messages, response.message, self._correction(response, error)]
            self.arguments = arguments if left is None else {**arguments, "deadline": left}

    def _instance(self, response: ChatResponse) -> ModelT:
        text = self._text(response)
        with suppress(ValidationError):
            return self._output_cls.model_validate_json(text)
        try:
            repaired = repair(json_text(text), class_schema(self._output_cls))
            return self._output_cls.model_validate_json(to_json(repaired))
        except ValueError as error:
            raise self._invalid(response, text, error) from error

    def _text(self, response: ChatResponse) -> str:
        call = first_call(response) if self._by_tool else None
        if call is None:
            return response.message.content or ""
        return call.tool_kwargs if isinstance(call.tool_kwargs, str) else to_json(call.tool_kwargs).decode()

    def _invalid(self, response: ChatResponse, text: str, error: ValueError) -> InvalidStructuredOutput:
        facts = facts_of(response)
        what = f"The answer is no {self._output_cls.__name__!r}. {problems(error)} It was {text[:500]!r}."
        return InvalidStructuredOutput(
            explained(what if text else "The answer is empty.", facts.get("finish_reason")),
            raw=text,
            provider=str(facts.get("provider") or ""),
            model=str(facts.get("model_name") or ""),
        )

    def _correction(self, response: ChatResponse, error: InvalidStructuredOutput) -> ChatMessage:
        wrong = problems(error.__cause__) if response.message.blocks else "It was empty."
        text = f"That does not fit what was asked for. {wrong} Answer again, whole and in the form that was asked for."
        call = first_call(response) if self._by_tool else None
        if call is None:
            return ChatMessage(role="user", content=text)
        extra = {"tool_call_id": call.tool_call_id, "is_error": True}
        return ChatMessage(role="tool", content=text, additional_kwargs=extra)

    def stream(self, chunks: ChatResponseGen) -> Generator[ModelT | FlexibleModel, None, None]:
        """Yield the instance while it arrives, and at the end the whole instance."""
        with closing(chunks):
            yield from filter(None, map(self._partial, chunks))
        yield self._instance(self._last)

    async def astream(self, chunks: ChatResponseAsyncGen) -> AsyncGenerator[ModelT | FlexibleModel, None]:
        """Yield the instance while it arrives, and at the end the whole instance."""
        async with aclosing(chunks):
            async for chunk in chunks:
                if (partial := self._partial(chunk)) is not None:
                    yield partial
        yield self._instance(self._last)

    def _partial(self, chunk: ChatResponse) -> ModelT | FlexibleModel | None:
        """Return the instance so far, or `None` if the chunk adds nothing to it.

        As long as required fields are missing, the instance is of a similar class, in which these fields may be `None`.
        """
        self._last = chunk
        delta = mapping_of(facts_of(chunk).get("tool_call_delta"))
        known = self._json.add(text_of(delta, "arguments") if self._by_tool else chunk.delta or "")
        if not known or not isinstance(known, dict):
            return None
        try:
            return self._output_cls.model_validate(known)
        except ValidationError:
            self._flexible = self._flexible or create_flexible_model(self._output_cls)
            return self._flexible.model_validate(known)
