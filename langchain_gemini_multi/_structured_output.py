"""Structured output: schemas in, objects out, and a typed error whenever the object is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import AddableDict, Runnable, RunnableGenerator, RunnableMap
from langchain_core.runnables.config import run_in_executor
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

from gemini_multi.errors import ConfigurationError
from gemini_multi.structured import conform, json_text, partial_json, problems
from gemini_multi.types import JsonObject, ResponseFormat
from langchain_gemini_multi._errors import StructuredOutputError, StructuredOutputRefused
from langchain_gemini_multi._refusals import refusal_of
from langchain_gemini_multi._shapes import is_mapping, is_object, mapping_of
from langchain_gemini_multi._typed_dicts import is_typed_dict, typed_dict_schema

Method: TypeAlias = Literal["json_schema", "function_calling", "json_mode"]
Schema: TypeAlias = Mapping[str, Any] | type[Any]
METHODS: Final = get_args(Method)
_PLAIN: Final = (str, int, float, bool)
_WRAPPED: Final = ("schema", "parametersJsonSchema", "parameters_json_schema", "inputSchema")
"""Where the schema stands in what has a name beside it."""
_JSON_TYPES: Final = ("object", "array", "string", "integer", "number", "boolean")


def check_method(method: str, *, has_schema: bool, has_tools: bool) -> None:
    """Refuse what cannot work.

    Raises:
        ConfigurationError: The method is unknown, lacks its schema, or has tools that it cannot let the model call.
    """
    if method not in METHODS:
        raise ConfigurationError(f"`method` must be one of {list(METHODS)!r}, not {method!r}.")
    if not has_schema and method != "json_mode":
        raise ConfigurationError(f"`method={method!r}` needs a `schema`.")
    if has_tools and method == "function_calling":
        raise ConfigurationError(
            "`tools` do not go with `method='function_calling'`, which forces one call: use another."
        )


def to_response_format(value: object) -> ResponseFormat | None:
    """Read OpenAI's `response_format`, a JSON Schema, or a class that has one.

    Raises:
        ConfigurationError: It is of no known form.
    """
    if isinstance(value, ResponseFormat):
        return value
    if isinstance(value, type):
        return ResponseFormat(json_schema_of(value), name=value.__name__)
    if not is_mapping(value):
        raise ConfigurationError(f"`response_format` must be an object or a class, not {value!r}.")
    match value.get("type"):
        case "text":
            return None
        case "json_object":
            return ResponseFormat()
        case "json_schema":
            return _from_openai(value.get("json_schema", value))
        case _:
            return _bare(value)


def _from_openai(described: object) -> ResponseFormat:
    if not is_mapping(described) or not is_mapping(schema := described.get("schema")):
        raise ConfigurationError(f"`response_format` lacks its `schema`: {described!r}.")
    description, strict = described.get("description"), described.get("strict")
    return ResponseFormat(
        schema,
        name=str(described.get("name") or schema.get("title") or "response"),
        description=description if isinstance(description, str) else None,
        strict=strict if isinstance(strict, bool) else None,
    )


def _bare(value: Mapping[str, Any]) -> ResponseFormat:
    """Read a JSON Schema that stands alone."""
    if not any(key in value for key in ("properties", "type", "anyOf", "$ref", "enum")):
        raise ConfigurationError(f"`response_format` {dict(value)!r} is no JSON Schema and of no form that OpenAI has.")
    return ResponseFormat(value, name=str(value.get("title") or "response"))


def json_schema_of(schema: Schema) -> JsonObject:
    """Return the JSON Schema of a schema in any form that LangChain takes.

    Pydantic's own is kept whole: LangChain's conversion cuts recursive references off.

    Raises:
        ConfigurationError: It cannot be turned into one.
    """
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema.model_json_schema()
    if _is_value_type(schema) or (isinstance(schema, type) and is_dataclass(schema)):
        return _adapted(schema)
    if isinstance(schema, Mapping) and _is_json_schema(schema):
        return schema
    try:
        if is_typed_dict(schema):
            return typed_dict_schema(schema)
        return convert_to_json_schema(dict(schema) if isinstance(schema, Mapping) else schema)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{schema!r} cannot be turned into a JSON Schema: {error}") from error


def standalone(
    schema: dict[str, Any] | type[Any] | None, *, strict: bool | None
) -> tuple[dict[str, Any] | type[Any] | None, bool | None]:
    """Take a schema out of what OpenAI, Google and MCP wrap around it, and `strict`, unless that is given already.

    LangChain looks for a function's `parameters` only, and would give an empty schema instead.
    """
    if not is_object(schema):
        return schema, strict
    described = mapping_of(schema.get("json_schema")) if schema.get("type") == "json_schema" else schema
    inner = _inner(described)
    if inner is None:
        return schema, strict
    known = {"title": described.get("name"), "description": described.get("description")}
    own = described.get("strict")
    found = {**{name: value for name, value in known.items() if value}, **inner}
    return found, own if strict is None and isinstance(own, bool) else strict


def _inner(described: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the schema in something that has a name."""
    keys = (*_WRAPPED, "parameters") if described.get("type") == "function" else _WRAPPED
    found = next((found for key in keys if is_mapping(found := described.get(key))), None)
    if found is None and "properties" in described and isinstance(described.get("name"), str):
        return {key: value for key, value in described.items() if key != "name"}
    return found


def _is_value_type(schema: object) -> bool:
    """Whether pydantic knows it for a type and LangChain does not: `list[City]`, `Literal`, enumerations, numbers."""
    if not isinstance(schema, type) or get_origin(schema) is not None:
        return get_origin(schema) is not None
    return schema in _PLAIN or issubclass(schema, Enum)


def _adapted(kind: Any) -> JsonObject:  # noqa: ANN401  # dataclasses, and types such as `list[City]`
    try:
        return TypeAdapter(kind).json_schema()
    except PydanticUserError as error:
        raise ConfigurationError(f"{kind!r} cannot be turned into a JSON Schema: {error}") from error


def _is_json_schema(schema: Mapping[str, Any]) -> bool:
    if any(key in schema for key in ("function", "input_schema", "name")):
        return False
    return schema.get("type") in _JSON_TYPES or any(key in schema for key in ("properties", "anyOf", "$ref", "enum"))


def _is_object(schema: Schema) -> bool:
    """Whether a schema is one of objects, as far as it says."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return json_schema_of(schema).get("type", "object") == "object"
    if not isinstance(schema, Mapping):
        return not _is_value_type(schema)
    is_open = any(key in schema for key in ("properties", "anyOf", "$ref"))
    return not _is_json_schema(schema) or is_open or schema.get("type") == "object"


def as_function(schema: dict[str, Any] | type[Any]) -> dict[str, Any] | type[Any]:
    """Return what can be bound as a function: a JSON Schema needs a name for it.

    Raises:
        ConfigurationError: It describes no object, and a call's arguments are one.
    """
    if not _is_object(schema):
        raise ConfigurationError(
            f"A call's arguments are an object, which {schema!r} is not: use `method='json_schema'`, or a class."
        )
    if isinstance(schema, dict) and _is_json_schema(schema) and "title" not in schema:
        return {**schema, "title": name_of(schema)}
    return schema


def traced(schema: Schema) -> Schema:
    """Return a schema as LangChain's tracing shows it, which would convert it anew for every call.

    It knows no types such as `list[City]`, and leaves out what it cannot convert.
    """
    if _is_value_type(schema) or is_typed_dict(schema):
        schema = {"title": name_of(schema), **json_schema_of(schema)}
    try:
        return convert_to_json_schema(dict(schema) if isinstance(schema, Mapping) else schema)
    except (TypeError, ValueError):
        return schema


def name_of(schema: Schema) -> str:
    """Name a schema, as the function that returns it is called."""
    if isinstance(schema, type):
        return schema.__name__
    if not is_mapping(schema):
        return "response"
    function = schema.get("function")
    source: Mapping[str, Any] = function if is_mapping(function) else schema
    return str(source.get("name") or source.get("title") or "response")


def response_format(schema: Schema | None, *, strict: bool | None) -> dict[str, Any]:
    """Write the wish for JSON in OpenAI's form: of any shape without a schema."""
    if schema is None:
        return {"type": "json_object"}
    described: dict[str, Any] = {"name": name_of(schema), "schema": dict(json_schema_of(schema))}
    if strict is not None:
        described["strict"] = strict
    return {"type": "json_schema", "json_schema": described}


class StructuredOutputParser(BaseCumulativeTransformOutputParser[Any]):
    """Reads the object from an answer: from its call of `tool_name`, or from its text when there is no such name."""

    schema_type: Any = None
    """A class to make instances of; without one, dictionaries are given."""
    tool_name: str | None = None
    json_schema: dict[str, Any] | None = None
    """By which what models get wrong in JSON is put right."""

    def parse(self, text: str) -> Any:  # noqa: ANN401  # an instance of whatever class was passed
        """Read the object from text."""
        return self.parse_result([Generation(text=text)])

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:  # noqa: ANN401  # as above
        """Read the object from an answer.

        Args:
            result: The answer.
            partial: Whether it is still arriving; what cannot be read yet is then `None`.

        Raises:
            StructuredOutputError: The answer does not hold the object.
        """
        message = result[0].message if isinstance(result[0], ChatGeneration) else AIMessage(result[0].text)
        return self.read(message, partial=partial)

    def read(self, message: BaseMessage, *, partial: bool) -> Any:  # noqa: ANN401  # as above
        """Read the object from a message; see `parse_result`."""
        try:
            found = self._from_call(message) if self.tool_name else self._from_text(message, partial=partial)
            return self._instance(found, partial=partial)
        except StructuredOutputError:
            if partial:
                return None
            raise

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:  # noqa: A002  # LangChain's name
        growing = _Growing(self)
        for piece in input:
            yield from growing.more(piece)
        yield from growing.end()

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:  # noqa: A002  # as above
        growing = _Growing(self)
        async for piece in input:
            for found in await run_in_executor(None, growing.more, piece):
                yield found
        for found in await run_in_executor(None, growing.end):
            yield found

    def beside(self, pieces: Iterator[Mapping[str, Any]]) -> Iterator[AddableDict]:
        """Pass the raw answer on as it arrives, and give the object, or the error of reading it, at its end."""
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
        """Take an answer that gives the object as text although a call was asked for; models do that at times."""
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

    def _instance(self, found: Any, *, partial: bool) -> Any:  # noqa: ANN401  # as above
        if self.json_schema is not None:
            found = conform(found, self.json_schema)
        if self.schema_type is None:
            self._check(found, partial=partial)
            return found
        try:
            return _validated(self.schema_type, found)
        except (ValidationError, ValueError, TypeError) as error:
            name = getattr(self.schema_type, "__name__", str(self.schema_type))
            text = f"The answer {found!r} is not a {name}: {error}"
            raise StructuredOutputError(text, llm_output=str(found)) from error

    def _check(self, found: Any, *, partial: bool) -> None:  # noqa: ANN401  # as above
        """Refuse a dictionary that breaks what no host enforces: bounds, lengths, patterns, required properties."""
        if partial or self.json_schema is None:
            return
        if wrong := problems(found, self.json_schema):
            text = f"The answer {found!r} does not keep its schema: {'; '.join(wrong)}."
            raise StructuredOutputError(text, llm_output=str(found))


class _Growing:
    """An answer that is arriving. LangChain's own streams never read it once more when it is whole, nor say so."""

    def __init__(self, parser: StructuredOutputParser) -> None:
        self._parser = parser
        self._message: BaseMessage = AIMessageChunk(content="")
        self._shown: list[Any] = []
        """What was given last."""

    def add(self, piece: str | BaseMessage) -> None:
        """Take a piece, or the whole of it where the model does not stream."""
        if isinstance(piece, str):
            piece = AIMessageChunk(content=piece)
        self._message = self._message + piece if isinstance(piece, AIMessageChunk) else piece  # type: ignore[assignment]  # chunks add up to chunks

    def more(self, piece: str | BaseMessage) -> list[Any]:
        """Take a piece, and give the object as far as it is there when that shows more of it."""
        self.add(piece)
        found = self._parser.read(self._message, partial=True)
        return [] if found is None else self._news(found)

    def end(self) -> list[Any]:
        """Give the whole object, unless that was given already.

        Raises:
            StructuredOutputError: The answer does not hold it.
        """
        return self._news(self._parser.read(self._message, partial=False))

    def outcome(self) -> AddableDict:
        """Give the whole object or the error of reading it."""
        try:
            return AddableDict(parsed=self._parser.read(self._message, partial=False), parsing_error=None)
        except Exception as error:  # noqa: BLE001  # a class of the caller may raise anything when it is made
            return AddableDict(parsed=None, parsing_error=error)

    def _news(self, found: Any) -> list[Any]:  # noqa: ANN401  # an instance of whatever class was passed
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
    """Say why the object isn't there, by the reason for which the answer ended."""
    metadata = mapping_of(message.response_metadata)
    reason = metadata.get("finish_reason")
    raw = metadata.get("raw_finish_reason") or reason
    text = str(message.text)
    if (refusal := refusal_of(message)) is not None:
        why = mapping_of(refusal.get("value", refusal)).get("refusal")
        told = f"The model refused or was stopped ({raw}), so {what}." + (f" It says: {why}" if why else "")
        return StructuredOutputRefused(told, llm_output=text, raw_message=message)
    advice = {
        "length": " It was cut off: raise `max_tokens`, which thoughts count against, or lower `reasoning_effort`.",
        "error": " The model made a call that cannot be read: ask again, or use another `method`.",
    }.get(str(reason), " Ask again, or use another `method`.")
    explained = f"The answer does not hold the object: {what} (finish reason {raw!r}).{advice}"
    return StructuredOutputError(explained, llm_output=text)


def parser_for(schema: Schema | None, *, tool_name: str | None) -> StructuredOutputParser:
    """Make the parser.

    Classes of pydantic (both versions), dataclasses, enumerations and types such as `list[City]` give instances, all
    else plain JSON.
    """
    is_class = isinstance(schema, type) and (is_basemodel_subclass(schema) or is_dataclass(schema))
    is_class = is_class or _is_value_type(schema)
    return StructuredOutputParser(
        schema_type=schema if is_class else None,
        tool_name=tool_name,
        json_schema=None if schema is None else dict(json_schema_of(schema)),
    )


def with_raw(
    model: Runnable[LanguageModelInput, AIMessage], parser: StructuredOutputParser
) -> Runnable[LanguageModelInput, dict[str, Any]]:
    """Give the raw answer, the object and the error of reading it side by side."""
    return RunnableMap(raw=model) | RunnableGenerator(parser.beside, parser.abeside)
