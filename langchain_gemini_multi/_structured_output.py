"""Structured output: the request for an object, and the parser that reads it from an answer or while it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import AddableDict, Runnable, RunnableGenerator, RunnableMap
from langchain_core.runnables.config import run_in_executor
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import TypeAdapter, ValidationError

from gemini_multi.bindings.structured import GrowingJson, explained, problems
from gemini_multi.bindings.tools import names_of
from gemini_multi.bindings.values import is_object, mapping_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.structured import json_text, partial_json, repair, validation_errors
from langchain_gemini_multi._model import ToolArgument
from langchain_gemini_multi._refusals import refusal_of
from langchain_gemini_multi._schemas import (
    Schema,
    as_function,
    is_value_type,
    json_schema_of,
    response_format,
    standalone,
    traced,
)
from langchain_gemini_multi._tools import to_tools
from langchain_gemini_multi.chat_models import Method
from langchain_gemini_multi.errors import StructuredOutputError, StructuredOutputRefused

if TYPE_CHECKING:
    from langchain_gemini_multi.chat_models import ChatGeminiMulti

METHODS: Final = get_args(Method)


def check_method(method: str, *, has_schema: bool, has_tools: bool) -> None:
    """Check that the arguments fit together.

    Raises:
        ConfigurationError: The method is unknown, needs a schema, or cannot be combined with tools.
    """
    if method not in METHODS:
        raise ConfigurationError(f"`method` must be one of {list(METHODS)!r}, not {method!r}.")
    if not has_schema and method != "json_mode":
        raise ConfigurationError(f"`method={method!r}` needs a `schema`.")
    if has_tools and method == "function_calling":
        raise ConfigurationError(
            "`tools` do not go with `method='function_calling'`, which forces one call: use another."
        )


def structured(
    model: ChatGeminiMulti,
    schema: dict[str, Any] | type | None,
    *,
    method: Method,
    include_raw: bool,
    strict: bool | None,
    tools: Sequence[ToolArgument],
    options: dict[str, Any],
) -> Runnable[LanguageModelInput, Any]:
    """Make the runnable that requests an object and reads it. See `ChatGeminiMulti.with_structured_output`."""
    schema, strict = standalone(schema, strict=strict)
    check_method(method, has_schema=schema is not None, has_tools=bool(tools))
    tool_name: str | None = None
    if schema is not None:
        format_kwargs = {"method": method, "strict": strict}
        options["ls_structured_output_format"] = {"kwargs": format_kwargs, "schema": traced(schema)}
    if method == "function_calling" and schema is not None:
        function = as_function(schema)
        tool_name = names_of(to_tools([function], strict=strict))[0]
        asking = model.bind_tools([function], tool_choice="any", strict=strict, **options)
    else:
        options["response_format"] = response_format(schema, strict=strict)
        asking = model.bind_tools(tools, strict=strict, **options)
    parser = parser_for(schema, tool_name=tool_name)
    if include_raw:
        return RunnableMap(raw=asking) | RunnableGenerator(parser.beside, parser.abeside)
    return asking | parser


class StructuredOutputParser(BaseCumulativeTransformOutputParser[Any]):
    """Reads the object from an answer: from its call of `tool_name`, or from its text if there is no such name."""

    schema_type: Any = None
    """The class of the objects. Without a class, objects are dictionaries."""
    tool_name: str | None = None
    json_schema: dict[str, Any] | None = None
    """The schema that is used to repair frequent mistakes of models in JSON."""

    def parse(self, text: str) -> Any:  # noqa: ANN401  # an instance of whatever class was passed
        """Read the object from text."""
        return self.parse_result([Generation(text=text)])

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:  # noqa: ANN401  # as above
        """Read the object from an answer.

        Args:
            result: The answer.
            partial: Whether the answer is still arriving. Then the result is `None` if it cannot be read yet.

        Raises:
            StructuredOutputError: The answer does not hold the object.
        """
        message = result[0].message if isinstance(result[0], ChatGeneration) else AIMessage(result[0].text)
        return self.read(message, partial=partial)

    def read(self, message: BaseMessage, *, partial: bool) -> Any:  # noqa: ANN401  # as above
        """Read the object from a message. See `parse_result`."""
        try:
            found = self._from_call(message) if self.tool_name else self._from_text(message, partial=partial)
            return self.instance(found, partial=partial)
        except StructuredOutputError:
            if partial:
                return None
            raise

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:
        growing = _Growing(self)
        for piece in input:
            yield from growing.more(piece)
        yield from growing.end()

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
        growing = _Growing(self)
        async for piece in input:
            for found in await run_in_executor(None, growing.more, piece):
                yield found
        for found in await run_in_executor(None, growing.end):
            yield found

    def beside(self, pieces: Iterator[Mapping[str, Any]]) -> Iterator[AddableDict]:
        """Yield the pieces of the raw answer, and at the end the object, or the error of reading it."""
        growing = _Growing(self)
        for piece in pieces:
            growing.add(piece["raw"])
            yield AddableDict(piece)
        yield growing.outcome()

    async def abeside(self, pieces: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[AddableDict]:
        """Do the same as `beside`, with `await`."""
        growing = _Growing(self)
        async for piece in pieces:
            growing.add(piece["raw"])
            yield AddableDict(piece)
        yield await run_in_executor(None, growing.outcome)

    def _from_call(self, message: Any) -> Any:  # noqa: ANN401  # a message of the model; the value is JSON
        if isinstance(message, AIMessage):
            for call in message.tool_calls:
                if call["name"] == self.tool_name:
                    return call["args"]
            if broken := message.invalid_tool_calls:
                raise StructuredOutputError(
                    f"The arguments of {self.tool_name!r} are not a JSON object: {broken[0]['args']!r}.",
                    llm_output=broken[0]["args"],
                )
        return self._from_text_instead(message)

    def _from_text_instead(self, message: Any) -> Any:  # noqa: ANN401  # as above
        """Read the object from the text. Models sometimes answer with text although a tool call was required."""
        try:
            found = json_text(str(message.text))
        except ValueError:
            found = None
        if is_object(found):
            return found
        raise _missing(message, f"it does not call {self.tool_name!r}")

    def _from_text(self, message: Any, *, partial: bool) -> Any:  # noqa: ANN401  # as above
        text = str(message.text)
        if partial:
            return partial_json(text)
        if not text.strip():
            raise _missing(message, "it has no text")
        try:
            return json_text(text)
        except ValueError as error:
            raise _missing(message, f"its text is not JSON: {text[:200]!r}") from error

    def instance(self, found: Any, *, partial: bool) -> Any:  # noqa: ANN401  # as above
        """Make the object from JSON.

        Raises:
            StructuredOutputError: The JSON does not fit the schema.
        """
        if self.json_schema is not None:
            found = repair(found, self.json_schema)
        if self.schema_type is None:
            self._check(found, partial=partial)
            return found
        try:
            return _validated(self.schema_type, found)
        except (ValidationError, ValueError, TypeError) as error:
            name = getattr(self.schema_type, "__name__", str(self.schema_type))
            text = f"The answer {found!r} is no {name!r}. {problems(error)}"
            raise StructuredOutputError(text, llm_output=str(found)) from error

    def _check(self, found: Any, *, partial: bool) -> None:  # noqa: ANN401  # as above
        """Check the rules that providers do not enforce: bounds, lengths, patterns and required properties."""
        if partial or self.json_schema is None:
            return
        if wrong := validation_errors(found, self.json_schema):
            text = f"The answer {found!r} does not keep its schema: {'; '.join(wrong)}."
            raise StructuredOutputError(text, llm_output=str(found))


class _Growing:
    """An answer that is arriving. Unlike LangChain's own parsers, it reads the whole answer once more at the end."""

    def __init__(self, parser: StructuredOutputParser) -> None:
        self._parser = parser
        self._pieces: list[AIMessageChunk] = []
        self._message: BaseMessage | None = None
        """The answer of a model that does not stream."""
        self._json = GrowingJson()
        self._shown: list[Any] = []
        """The last value, once there is one."""

    def add(self, piece: str | BaseMessage) -> str:
        """Add a piece, and return its JSON text."""
        if isinstance(piece, str):
            piece = AIMessageChunk(content=piece)
        if not isinstance(piece, AIMessageChunk):
            self._message = piece
            return ""
        self._pieces.append(piece)
        if self._parser.tool_name is None:
            return str(piece.text)
        return "".join(chunk["args"] or "" for chunk in piece.tool_call_chunks)

    def more(self, piece: str | BaseMessage) -> list[Any]:
        """Add a piece. Return the object so far if the piece adds something to it."""
        known = self._json.add(self.add(piece))
        if known is None:
            return []
        try:
            return self._news(self._parser.instance(known, partial=True))
        except StructuredOutputError:
            return []

    def end(self) -> list[Any]:
        """Return the whole object; `None` if it was already returned.

        Raises:
            StructuredOutputError: The answer does not hold the object.
        """
        return self._news(self._whole())

    def outcome(self) -> AddableDict:
        """Return the whole object, or the error of reading it."""
        try:
            return AddableDict(parsed=self._whole(), parsing_error=None)
        except Exception as error:  # noqa: BLE001  # a class of the caller may raise any error
            return AddableDict(parsed=None, parsing_error=error)

    def _whole(self) -> Any:  # noqa: ANN401  # an instance of whatever class was passed
        message = self._message or add_ai_message_chunks(AIMessageChunk(content=""), *self._pieces)
        return self._parser.read(message, partial=False)

    def _news(self, found: Any) -> list[Any]:  # noqa: ANN401  # as above
        if self._shown == [found]:
            return []
        self._shown = [found]
        return self._shown


def _validated(kind: Any, found: Any) -> Any:  # noqa: ANN401  # an instance of whatever class was passed
    if not is_basemodel_subclass(kind):
        return TypeAdapter(kind).validate_python(found)
    # A class of pydantic 1 has no `model_validate`.
    return kind.model_validate(found) if hasattr(kind, "model_validate") else kind.parse_obj(found)


def _missing(message: Any, what: str) -> StructuredOutputError:  # noqa: ANN401  # a message of the model
    """Explain by the finish reason why the answer does not hold the object."""
    metadata = mapping_of(message.response_metadata)
    reason = metadata.get("finish_reason")
    raw = metadata.get("raw_finish_reason") or reason
    text = str(message.text)
    if (refusal := refusal_of(message)) is not None:
        why = mapping_of(refusal.get("value", refusal)).get("refusal")
        told = f"The model refused or was stopped ({raw}), so {what}." + (f" It says: {why}" if why else "")
        return StructuredOutputRefused(told, llm_output=text, raw_message=message)
    told = explained(f"The answer does not hold the object: {what}.", reason, raw)
    return StructuredOutputError(told, llm_output=text)


def parser_for(schema: Schema | None, *, tool_name: str | None) -> StructuredOutputParser:
    """Make the parser.

    The objects are instances for classes of pydantic (both versions), dataclasses, enumerations and types such as
    `list[City]`, and plain JSON for all other schemas.
    """
    is_class = is_value_type(schema) or (
        isinstance(schema, type) and (is_basemodel_subclass(schema) or is_dataclass(schema))
    )
    return StructuredOutputParser(
        schema_type=schema if is_class else None,
        tool_name=tool_name,
        json_schema=None if schema is None else dict(json_schema_of(schema)),
    )
