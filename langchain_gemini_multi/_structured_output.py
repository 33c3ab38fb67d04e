"""Structured output: the request for an object, and the parser that reads it from an answer or while it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, get_args

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import AddableDict, Runnable
from langchain_core.runnables.config import run_in_executor
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import TypeAdapter

from gemini_multi.bindings.answers import GrowingJson, explained, problems
from gemini_multi.bindings.tools import format_json, function_json
from gemini_multi.bindings.values import mapping_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.structured import json_text, partial_json, repair, validation_errors
from gemini_multi.types import JsonObject
from langchain_gemini_multi._model import ToolArgument
from langchain_gemini_multi._tools import Schema, is_value_type, json_schema_of, standalone
from langchain_gemini_multi._translator import refusal_of
from langchain_gemini_multi.chat_models import Method
from langchain_gemini_multi.errors import StructuredOutputError, StructuredOutputRefused

if TYPE_CHECKING:
    from langchain_gemini_multi.chat_models import ChatGeminiMulti


def structured(
    model: ChatGeminiMulti,
    schema: Schema | None,
    *,
    method: Method,
    include_raw: bool,
    strict: bool | None,
    tools: Sequence[ToolArgument],
    options: dict[str, Any],
) -> Runnable[LanguageModelInput, Any]:
    """Make the runnable that requests an object and reads it. See `ChatGeminiMulti.with_structured_output`."""
    schema, strict = standalone(schema, strict=strict)
    _check_method(method, schema, tools)
    parser = StructuredOutputParser(include_raw=include_raw)
    options = {"strict": strict, **options}
    if schema is None:
        asking = model.bind_tools(tools, response_format={"type": "json_object"}, **options)
    else:
        json_schema = json_schema_of(schema)
        name = schema.__name__ if isinstance(schema, type) else str(json_schema.get("title") or "response")
        parser.json_schema = dict(json_schema)
        parser.schema_type = schema if _has_instances(schema) else None
        # LangChain shows this in traces. It would convert a class in each call.
        is_model = isinstance(schema, type) and is_basemodel_subclass(schema)
        shown = convert_to_json_schema(schema) if is_model else {"title": name, **json_schema}
        options["ls_structured_output_format"] = {"kwargs": {"method": method, "strict": strict}, "schema": shown}
        if method == "function_calling":
            parser.tool_name = name
            asking = model.bind_tools([_function(name, schema, json_schema)], tool_choice="any", **options)
        else:
            wanted = format_json(name, json_schema, strict=strict)
            asking = model.bind_tools(tools, response_format=wanted, **options)
    return asking | parser


def _check_method(method: str, schema: Schema | None, tools: Sequence[ToolArgument]) -> None:
    if method not in (methods := get_args(Method)):
        raise ConfigurationError(f"`method` must be one of {list(methods)!r}, not {method!r}.")
    if schema is None and method != "json_mode":
        raise ConfigurationError(f"`method={method!r}` needs a `schema`.")
    if tools and method == "function_calling":
        raise ConfigurationError(
            "`tools` do not go with `method='function_calling'`, which forces one call: use another."
        )


def _has_instances(schema: Schema) -> bool:
    """Whether objects are instances of the schema: of a class with fields, an enumeration or a type as `list[City]`."""
    is_class = isinstance(schema, type) and (is_basemodel_subclass(schema) or is_dataclass(schema))
    return is_class or is_value_type(schema)


def _function(name: str, schema: Schema, json_schema: JsonObject) -> dict[str, Any]:
    is_open = any(key in json_schema for key in ("properties", "anyOf", "$ref"))
    is_object = is_open or ("enum" not in json_schema and json_schema.get("type", "object") == "object")
    if is_value_type(schema) or not is_object:
        raise ConfigurationError(
            f"A call's arguments are an object, which {schema!r} is not: use `method='json_schema'`, or a class."
        )
    parameters = {key: value for key, value in json_schema.items() if key not in ("title", "description")}
    return function_json(name, str(json_schema.get("description") or ""), parameters)


class StructuredOutputParser(BaseCumulativeTransformOutputParser[Any]):
    """Reads the object from an answer: from its call of `tool_name`, or from its text if there is no such name."""

    schema_type: Any = None
    """The class of the objects. Without a class, objects are dictionaries."""
    tool_name: str | None = None
    json_schema: dict[str, Any] | None = None
    """The schema that is used to repair frequent mistakes of models in JSON."""
    include_raw: bool = False
    """Whether to return the answer, too, and to return errors instead of raising them."""

    def parse(self, text: str) -> Any:  # noqa: ANN401  # an instance of whatever class was passed
        """Read the object from text."""
        return self.parse_result([Generation(text=text)])

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:  # noqa: ANN401  # as above
        """Read the object from an answer; `None` if the answer is still arriving (`partial`) and not readable yet."""
        message = result[0].message if isinstance(result[0], ChatGeneration) else AIMessage(result[0].text)
        if not partial:
            return {"raw": message, **self.outcome(message)} if self.include_raw else self.read(message)
        try:
            return self.instance(self._json(message, partial=True), partial=True)
        except StructuredOutputError:
            return None

    def read(self, message: BaseMessage) -> Any:  # noqa: ANN401  # as above
        """Read the object from a whole answer."""
        return self.instance(self._json(message, partial=False), partial=False)

    def outcome(self, message: BaseMessage) -> AddableDict:
        """Return the object of a whole answer, or the error of reading it."""
        try:
            return AddableDict(parsed=self.read(message), parsing_error=None)
        except Exception as error:  # noqa: BLE001  # a class of the caller may raise any error
            return AddableDict(parsed=None, parsing_error=error)

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:
        growing = _Growing(self)
        for piece in input:
            yield from growing.more(piece)
        yield from growing.end()

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
        growing = _Growing(self)
        async for piece in input:
            more = growing.more(piece) if self.include_raw else await run_in_executor(None, growing.more, piece)
            for found in more:
                yield found
        for found in await run_in_executor(None, growing.end):
            yield found

    def _json(self, message: BaseMessage, *, partial: bool) -> Any:  # noqa: ANN401  # JSON
        """Find the JSON. Models sometimes answer with text although a tool call was required."""
        text, name = str(message.text), self.tool_name
        if name is None and partial:
            return partial_json(text)
        if name is not None and isinstance(message, AIMessage):
            if (call := next((call for call in message.tool_calls if call["name"] == name), None)) is not None:
                return call["args"]
            if broken := message.invalid_tool_calls:
                raise StructuredOutputError(
                    f"The arguments of {name!r} are not a JSON object: {broken[0]['args']!r}.",
                    llm_output=broken[0]["args"],
                )
        try:
            found = json_text(text)
        except ValueError as error:
            what = f"its text is not JSON: {text[:200]!r}" if text.strip() else "it has no text"
            raise _missing(message, what if name is None else f"it does not call {name!r}") from error
        if name is not None and not isinstance(found, dict):
            raise _missing(message, f"it does not call {name!r}")
        return found

    def instance(self, found: Any, *, partial: bool) -> Any:  # noqa: ANN401  # as above
        """Make the object from JSON. A dictionary is checked, because providers do not enforce all rules of schemas."""
        kind = self.schema_type
        if self.json_schema is not None:
            found = repair(found, self.json_schema)
            wrong = [] if partial or kind is not None else validation_errors(found, self.json_schema)
            if wrong:
                text = f"The answer {found!r} does not keep its schema: {'; '.join(wrong)}."
                raise StructuredOutputError(text, llm_output=str(found))
        if kind is None:
            return found
        try:
            # The classes of pydantic 1 have no `model_validate`.
            validate = getattr(kind, "model_validate", None) or getattr(kind, "parse_obj", None)
            return (validate or TypeAdapter(kind).validate_python)(found)
        except (ValueError, TypeError) as error:
            name = getattr(kind, "__name__", str(kind))
            text = f"The answer {found!r} is no {name!r}. {problems(error)}"
            raise StructuredOutputError(text, llm_output=str(found)) from error


class _Growing:
    """An answer that is arriving. Unlike LangChain's own parsers, it reads the whole answer once more at the end."""

    def __init__(self, parser: StructuredOutputParser) -> None:
        self._parser = parser
        self._pieces: list[BaseMessage] = []
        """Chunks, or the whole answer of a model that does not stream."""
        self._json = GrowingJson()
        self._shown: list[Any] = []
        """The last value, once there is one."""

    def more(self, piece: str | BaseMessage) -> list[Any]:
        """Add a piece. Return the object so far if the piece adds something to it, or the piece itself."""
        piece = AIMessageChunk(content=piece) if isinstance(piece, str) else piece
        self._pieces.append(piece)
        if self._parser.include_raw:
            return [AddableDict(raw=piece)]
        if not isinstance(piece, AIMessageChunk):
            return []
        by_call = self._parser.tool_name is not None
        text = "".join(chunk["args"] or "" for chunk in piece.tool_call_chunks) if by_call else str(piece.text)
        try:
            known = self._json.add(text)
            return [] if known is None else self._news(self._parser.instance(known, partial=True))
        except StructuredOutputError:
            return []

    def end(self) -> list[Any]:
        """Return the whole object, unless it was already returned."""
        chunks = [piece for piece in self._pieces if isinstance(piece, AIMessageChunk)]
        is_whole = len(chunks) < len(self._pieces)
        message = self._pieces[-1] if is_whole else add_ai_message_chunks(AIMessageChunk(content=""), *chunks)
        return [self._parser.outcome(message)] if self._parser.include_raw else self._news(self._parser.read(message))

    def _news(self, found: Any) -> list[Any]:  # noqa: ANN401  # an instance of whatever class was passed
        if self._shown == [found]:
            return []
        self._shown = [found]
        return self._shown


def _missing(message: BaseMessage, what: str) -> StructuredOutputError:
    """Explain by the finish reason why the answer does not hold the object."""
    metadata, text = mapping_of(message.response_metadata), str(message.text)
    reason = metadata.get("finish_reason")
    raw = metadata.get("raw_finish_reason") or reason
    if isinstance(message, AIMessage) and (refusal := refusal_of(message)) is not None:
        why = mapping_of(refusal.get("value", refusal)).get("refusal")
        error = f"The model refused or was stopped ({raw}), so {what}." + (f" It says: {why}" if why else "")
        return StructuredOutputRefused(error, llm_output=text, raw_message=message)
    error = explained(f"The answer does not hold the object: {what}.", reason, raw)
    return StructuredOutputError(error, llm_output=text)
