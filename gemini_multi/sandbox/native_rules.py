"""The rules of the upstream for well-formed `generateContent` requests. There is one small check per rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gemini_multi.sandbox.json_value import JsonObject, JsonValue, a_list, a_number, a_text, an_object, objects, texts
from gemini_multi.sandbox.models import Model
from gemini_multi.sandbox.native_fields import DATA_MEMBERS
from gemini_multi.sandbox.native_reading import is_base64, snake
from gemini_multi.sandbox.refusal import bad
from gemini_multi.sandbox.turn_messages import CALL_TURN, COUNT, MODEL_LAST, RESPONSE_TURN, STOP_SEQUENCES

Check = Callable[[JsonObject, Model], None]

FUNCTION_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_FORMATS: Final = frozenset({"enum", "date-time"})


def _contents_present(request: JsonObject, _: Model) -> None:
    if not a_list(request.get("contents")):
        raise bad("* GenerateContentRequest.contents: contents is not specified\n")


def _roles(request: JsonObject, _: Model) -> None:
    for content in objects(request.get("contents")):
        if a_text(content.get("role", "user")) not in {"user", "model"}:
            raise bad("Please use a valid role: user, model.")


def _parts(request: JsonObject, _: Model) -> None:
    for index, content in enumerate(objects(request.get("contents"))):
        path = f"* GenerateContentRequest.contents[{index}].parts"
        parts = objects(content.get("parts"))
        if not parts:
            raise bad(f"{path}: contents.parts must not be empty.\n")
        for position, part in enumerate(parts):
            _one_data_member(part, f"{path}[{position}]")


def _one_data_member(part: JsonObject, path: str) -> None:
    members = [name for name in DATA_MEMBERS if name in part]
    if not members:
        raise bad(f"{path}.data: required oneof field 'data' must have one initialized field\n")
    if len(members) > 1:
        raise bad(f"Invalid value at '{path}': oneof field 'data' is already set. Cannot set '{members[1]}'")
    if part.get("thought") and part.get("text") == "":
        raise bad("Unable to submit request because thought parts must have a text parameter.")


def _blobs(request: JsonObject, _: Model) -> None:
    for part in all_parts(request):
        blobs = [part, *objects(an_object(part.get("functionResponse")).get("parts"))]
        for blob in (an_object(holder["inlineData"]) for holder in blobs if "inlineData" in holder):
            data = blob.get("data")
            if not is_base64(data):
                raise bad("Invalid value at 'contents.parts.inline_data.data' (TYPE_BYTES), Base64 decoding failed")
            if not data:
                raise bad("Unable to submit request because it has an empty inlineData parameter.")
            if "/" not in a_text(blob.get("mimeType")) or blob.get("mimeType") == "image/jpg":
                raise bad(f"Unsupported MIME type: {a_text(blob.get('mimeType'))}")


def _named_members(request: JsonObject, _: Model) -> None:
    for part in all_parts(request):
        for member, name in (("functionCall", "name"), ("functionResponse", "name"), ("fileData", "fileUri")):
            if member in part and not an_object(part[member]).get(name):
                raise bad(f"* GenerateContentRequest.contents.parts.{snake(member)}.{snake(name)}: cannot be empty.\n")
        if "functionResponse" in part and "response" not in an_object(part["functionResponse"]):
            raise bad("* GenerateContentRequest.contents.parts.function_response.response: cannot be empty.\n")


def _safety(request: JsonObject, _: Model) -> None:
    categories = [a_text(setting.get("category")) for setting in objects(request.get("safetySettings"))]
    if len(set(categories)) < len(categories):
        raise bad("Invalid value at 'safety_settings': only one setting per category is allowed.")


def _system_instruction(request: JsonObject, _: Model) -> None:
    if "systemInstruction" not in request:
        return
    parts = objects(an_object(request["systemInstruction"]).get("parts"))
    if not parts or any(set(part) - {"text"} for part in parts):
        raise bad("Unable to submit request because systemInstruction must have text parts only.")


def _functions(request: JsonObject, _: Model) -> None:
    names: set[str] = set()
    for function in declarations(request):
        name = a_text(function.get("name"))
        if not FUNCTION_NAME.fullmatch(name):
            raise bad(
                "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name. Must start "
                "with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), "
                "colons (:), or dashes (-), with a maximum length of 128.\n"
            )
        if name in names:
            raise bad(f"Duplicate function declaration found: {name}")
        names.add(name)
        if "parameters" in function and "parametersJsonSchema" in function:
            raise bad("Only one of parameters and parameters_json_schema can be set.")
        if "parameters" in function:
            _schema(an_object(function["parameters"]), f"{name}: parameters")
    if len(names) > 512:
        raise bad("The number of function declarations must not exceed 512.")


def _response_schema(request: JsonObject, _: Model) -> None:
    config = generation_config(request)
    if "responseSchema" in config and "responseJsonSchema" in config:
        raise bad("Only one of response_schema and response_json_schema can be set.")
    if ("responseSchema" in config or "responseJsonSchema" in config) and config.get("responseMimeType") not in {
        "application/json",
        "text/x.enum",
    }:
        raise bad(
            "response_schema is only supported when response_mime_type is set to application/json or text/x.enum."
        )
    if "responseSchema" in config:
        _schema(an_object(config["responseSchema"]), "response_schema")


def _schema(schema: JsonObject, path: str) -> None:
    kind = a_text(schema.get("type"))
    if "anyOf" in schema and set(schema) - {"anyOf", "nullable"}:
        raise bad(f"* {path}.any_of: when using any_of, it must be the only field set\n")
    if kind == "OBJECT" and not an_object(schema.get("properties")):
        raise bad(f"* {path}.properties: should be non-empty for OBJECT type\n")
    if kind == "ARRAY" and "items" not in schema:
        raise bad(f"* {path}.items: missing field.\n")
    if kind == "STRING" and "format" in schema and schema["format"] not in _FORMATS:
        raise bad(f"* {path}.format: only 'enum' and 'date-time' are supported for STRING type\n")
    if "" in texts(schema.get("enum")):
        raise bad(f"* {path}.enum[0]: cannot be empty\n")
    _properties(schema, path)


def _properties(schema: JsonObject, path: str) -> None:
    properties = an_object(schema.get("properties"))
    for index, name in enumerate(texts(schema.get("required"))):
        if name not in properties:
            raise bad(f"* {path}.required[{index}]: property is not defined\n")
    for name, inner in properties.items():
        _schema(an_object(inner), f"{path}.properties[{name}]")
    for index, inner in enumerate(objects(schema.get("anyOf"))):
        _schema(inner, f"{path}.any_of[{index}]")
    if "items" in schema:
        _schema(an_object(schema["items"]), f"{path}.items")


def _tool_config(request: JsonObject, _: Model) -> None:
    config = calling_config(request)
    names = [a_text(function.get("name")) for function in declarations(request)]
    if config and not names:
        raise bad("Function calling config is set without function_declarations.")
    allowed = texts(config.get("allowedFunctionNames"))
    if allowed and config.get("mode") not in {"ANY", "VALIDATED"}:
        raise bad("Please set allowed_function_names only when function calling mode is ANY or VALIDATED.")
    for name in allowed:
        if name not in names:
            raise bad(f"allowed_function_names contains {name!r}, which is not in function_declarations.")


def _tool_mixtures(request: JsonObject, model: Model) -> None:
    if model.is_gemini_3:
        return
    kinds = {kind for tool in objects(request.get("tools")) for kind in tool}
    has_functions = bool(declarations(request))
    wants_json = generation_config(request).get("responseMimeType") == "application/json"
    if has_functions and kinds - {"functionDeclarations"}:
        raise bad("Tool use with function calling is unsupported")
    if has_functions and wants_json:
        raise bad("Function calling with a response mime type: 'application/json' is unsupported")
    if kinds and wants_json and not has_functions:
        raise bad("Tool use with a response mime type: 'application/json' is unsupported")


def _cached_content(request: JsonObject, _: Model) -> None:
    if request.get("cachedContent") and any(name in request for name in ("systemInstruction", "tools", "toolConfig")):
        raise bad(
            "Tool config, tools and system instruction should not be set in the request when using cached content."
        )


def check_thinking(request: JsonObject, model: Model) -> None:
    """Refuse a thinking configuration that the model does not support."""
    config = an_object(generation_config(request).get("thinkingConfig"))
    budget, level = a_number(config.get("thinkingBudget")), a_text(config.get("thinkingLevel"))
    if budget is not None and level:
        raise bad("You can only set only one of thinking budget and thinking level.")
    if level and level.lower() not in model.levels:
        known = f"Thinking level {level} is not supported for this model."
        raise bad(known if model.is_gemini_3 else "Thinking level is not supported for this model.")
    if config and model.generation < (2, 5):
        raise bad("Thinking is not enabled for this model")
    if budget is not None:
        _budget(int(budget), model)


def _budget(budget: int, model: Model) -> None:
    if budget == -1 or model.budgets is None:
        return
    if budget == 0:
        if model.can_stop_thinking:
            return
        raise bad("Budget 0 is invalid. This model only works in thinking mode.")
    least, most = model.budgets
    if not least <= budget <= most:
        raise bad(f"The thinking budget {budget} is invalid. Please choose a value between {least} and {most}.")


_RANGES: Final = (
    ("temperature", 0.0, 2.0),
    ("topP", 0.0, 1.0),
    ("topK", 1, 1000),
    ("candidateCount", 1, 8),
    ("maxOutputTokens", 1, 65_536),
    ("presencePenalty", -2.0, 2.0),
    ("frequencyPenalty", -2.0, 2.0),
    ("logprobs", 0, 20),
    ("seed", -(2**31), 2**31 - 1),
)


def _ranges(request: JsonObject, model: Model) -> None:
    config = generation_config(request)
    for name, least, most in _RANGES:
        number = a_number(config.get(name))
        if number is not None and not least <= number <= most:
            raise bad(
                f"Unable to submit request because it has a {name} value of {number} "
                f"but the supported range is from {least} to {most}."
            )
    if len(texts(config.get("stopSequences"))) > 5:
        raise bad(STOP_SEQUENCES)
    if model.is_gemini_3 and {"presencePenalty", "frequencyPenalty"} & set(config):
        raise bad("Penalty is not enabled for this model")
    if "logprobs" in config and not config.get("responseLogprobs"):
        raise bad("logprobs can only be set when response_logprobs is true.")


def _turns(request: JsonObject, model: Model) -> None:
    contents = objects(request.get("contents"))
    if contents[0].get("role") == "model":
        raise bad(CALL_TURN)
    calls = 0
    for content in contents:
        kinds = {name for part in objects(content.get("parts")) for name in part}
        responses = sum("functionResponse" in part for part in objects(content.get("parts")))
        _pair(calls, responses)
        if responses and (content.get("role") == "model" or kinds & (set(DATA_MEMBERS) - {"functionResponse"})):
            raise bad(MODEL_LAST)
        calls = sum("functionCall" in part for part in objects(content.get("parts")))
        if calls and content.get("role") != "model":
            raise bad(CALL_TURN)
    if calls or (model.refuses_prefill and contents[-1].get("role") == "model"):
        raise bad(MODEL_LAST)


def _pair(calls: int, responses: int) -> None:
    if responses and not calls:
        raise bad(RESPONSE_TURN)
    if calls and calls != responses:
        raise bad(COUNT)


def declarations(request: JsonObject) -> list[JsonObject]:
    """List the declared functions."""
    return [one for tool in objects(request.get("tools")) for one in objects(tool.get("functionDeclarations"))]


def calling_config(request: JsonObject) -> JsonObject:
    """Find the function calling configuration."""
    return an_object(an_object(request.get("toolConfig")).get("functionCallingConfig"))


def generation_config(request: JsonObject) -> JsonObject:
    """Find the generation configuration."""
    return an_object(request.get("generationConfig"))


def all_parts(request: JsonObject) -> list[JsonObject]:
    """List the parts of all contents."""
    return [part for content in objects(request.get("contents")) for part in objects(content.get("parts"))]


def call_ids(request: JsonObject) -> list[JsonValue]:
    """List the ids on calls and responses."""
    holders = [
        an_object(part.get(kind)) for part in all_parts(request) for kind in ("functionCall", "functionResponse")
    ]
    return [holder["id"] for holder in holders if holder.get("id")]


CHECKS: Final[tuple[Check, ...]] = (
    _contents_present,
    _roles,
    _parts,
    _blobs,
    _named_members,
    _safety,
    _system_instruction,
    _functions,
    _response_schema,
    _tool_config,
    _tool_mixtures,
    _cached_content,
    check_thinking,
    _ranges,
    _turns,
)
