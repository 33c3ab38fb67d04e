"""The rules of the chat providers that go beyond the shape of a request. There is one small check per rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from gemini_multi.sandbox.json_value import JsonObject, JsonValue, a_text, an_object, objects, texts
from gemini_multi.sandbox.models import Model
from gemini_multi.sandbox.native_reading import Reader, is_base64
from gemini_multi.sandbox.native_rules import FUNCTION_NAME, check_thinking
from gemini_multi.sandbox.refusal import bad
from gemini_multi.sandbox.turn_messages import CALL_TURN, COUNT, MODEL_LAST, RESPONSE_TURN, STOP_SEQUENCES

Check = Callable[[JsonObject, Model], None]


def messages_of(request: JsonObject) -> list[JsonObject]:
    """List the messages except instructions."""
    return [
        message for message in objects(request.get("messages")) if message.get("role") not in {"system", "developer"}
    ]


def _present(request: JsonObject, _: Model) -> None:
    messages = messages_of(request)
    if not messages:
        raise bad("* GenerateContentRequest.contents: contents is not specified\n")
    if messages[0].get("role") != "user":
        raise bad(RESPONSE_TURN if messages[0].get("role") == "tool" else CALL_TURN)


def _filled(request: JsonObject, _: Model) -> None:
    for index, message in enumerate(objects(request.get("messages"))):
        content = message.get("content")
        if message.get("role") == "user" and not content:
            raise bad(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n")
        if message.get("role") == "assistant" and not content and not message.get("tool_calls"):
            raise bad(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n")


def _tool_turns(request: JsonObject, _: Model) -> None:
    waiting: list[str] = []
    for message in messages_of(request):
        role = message.get("role")
        if role == "tool":
            call_id = a_text(message.get("tool_call_id"))
            if call_id not in waiting:
                raise bad(RESPONSE_TURN)
            waiting.remove(call_id)
        elif waiting:
            raise bad(COUNT)
        elif role == "assistant":
            waiting = [_checked_call(call) for call in objects(message.get("tool_calls"))]
            if len(set(waiting)) != len(waiting) or "" in waiting:
                raise bad(COUNT)
    if waiting:
        raise bad(COUNT)


def _checked_call(call: JsonObject) -> str:
    function = an_object(call.get("function"))
    try:
        arguments: JsonValue = json.loads(a_text(function.get("arguments")))
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict) or not function.get("name"):
        raise bad("Invalid value at 'contents.parts.function_call.args': tool call arguments must be a JSON object.")
    return a_text(call.get("id"))


def _ending(request: JsonObject, model: Model) -> None:
    if model.refuses_prefill and messages_of(request)[-1].get("role") == "assistant":
        raise bad(MODEL_LAST)


def _tools(request: JsonObject, _: Model) -> None:
    names: list[str] = []
    for tool in objects(request.get("tools")):
        name = a_text(an_object(tool.get("function")).get("name"))
        if tool.get("type") != "function" or not FUNCTION_NAME.fullmatch(name):
            raise bad(f"Invalid tool: {tool.get('type')!r} with the name {name!r} is no function that can be declared.")
        names.append(name)
    if len(set(names)) < len(names):
        raise bad("Duplicate function declaration found.")


def _response_format(request: JsonObject, _: Model) -> None:
    output = request.get("response_format")
    if output is None:
        return
    kind, described = an_object(output).get("type"), an_object(an_object(output).get("json_schema"))
    if kind not in {"text", "json_object", "json_schema"}:
        raise bad(f"Invalid value for response_format.type: {kind!r}")
    if kind == "json_schema" and not (a_text(described.get("name")) and isinstance(described.get("schema"), dict)):
        raise bad("response_format.json_schema needs a name and a schema.")


def _tool_choice(request: JsonObject, _: Model) -> None:
    choice = request.get("tool_choice")
    names = [a_text(an_object(tool.get("function")).get("name")) for tool in objects(request.get("tools"))]
    if choice is not None and choice != "none" and not names:
        raise bad("Function calling config is set without function_declarations.")
    wanted = [a_text(an_object(an_object(choice).get("function")).get("name"))] if isinstance(choice, dict) else []
    wanted += [
        a_text(an_object(tool.get("function")).get("name"))
        for tool in objects(an_object(an_object(choice).get("allowed_tools")).get("tools"))
    ]
    for name in wanted:
        if name and name not in names:
            raise bad(f"tool_choice names {name!r}, which is not among the tools.")
    if isinstance(choice, str) and choice not in {"none", "auto", "required"}:
        raise bad(f"Invalid value for tool_choice: {choice!r}")


def _json_with_tools(request: JsonObject, model: Model) -> None:
    kind = an_object(request.get("response_format")).get("type")
    if request.get("tools") and kind in {"json_object", "json_schema"} and not model.is_gemini_3:
        raise bad("Function calling with a response mime type: 'application/json' is unsupported")


def _data_urls(request: JsonObject, _: Model) -> None:
    for part in content_parts(request):
        kind = a_text(part.get("type"))
        holder = part.get(kind)
        url = a_text(holder) or a_text(an_object(holder).get("url")) or a_text(an_object(holder).get("file_data"))
        if kind.endswith("_url") and not url.startswith(("data:", "http://", "https://")):
            raise bad(f"Invalid {kind}: {url[:40]!r} is no URL.")
        if url.startswith("data:"):
            data = url.partition(";base64,")[2]
            if not data or not is_base64(data):
                raise bad(f"Invalid {kind}: Base64 decoding failed")
        if kind == "input_audio" and not is_base64(an_object(holder).get("data")):
            raise bad("Invalid input_audio: Base64 decoding failed")


def content_parts(request: JsonObject) -> list[JsonObject]:
    """List the content parts of all messages."""
    return [part for message in objects(request.get("messages")) for part in objects(message.get("content"))]


def _google_extras(request: JsonObject, model: Model) -> None:
    extras = an_object(an_object(request.get("extra_body")).get("google"))
    thinking = extras.get("thinking_config")
    if thinking is not None and request.get("reasoning_effort") is not None:
        raise bad("Only one of reasoning_effort and thinking_config can be set.")
    renamed: JsonObject = {name: value for name, value in extras.items() if name != "thinking_config"}
    read = Reader(is_vertex=True).request({**renamed, "generationConfig": {"thinkingConfig": thinking or {}}})
    check_thinking(read, model)


def _google_effort(request: JsonObject, model: Model) -> None:
    effort = request.get("reasoning_effort")
    if effort is None:
        return
    known = ("minimal", "low", "medium", "high")
    if effort == "none" and model.can_stop_thinking:
        return
    if effort not in known or (effort == "minimal" and model.generation >= (3, 7)):
        raise bad(f"Invalid value for reasoning_effort: {effort!r} is not supported for this model.")


def _google_parameters(request: JsonObject, model: Model) -> None:
    if len(texts(request.get("stop"))) > 5:
        raise bad(STOP_SEQUENCES)
    if model.is_gemini_3 and (request.get("frequency_penalty") or request.get("presence_penalty")):
        raise bad("Penalty is not enabled for this model")
    for part in content_parts(request):
        if part.get("type") not in {"text", "image_url", "input_audio", "refusal"}:
            raise bad(f"Invalid content part type: {part.get('type')}")


def _oxen_parameters(request: JsonObject, _: Model) -> None:
    if not objects(request.get("messages")):
        raise bad("Messages array cannot be empty", "message_only")
    for name in ("frequency_penalty", "presence_penalty"):
        if request.get(name) is not None:
            raise bad(f"{name} is not supported by this model.")


def _oxen_parts(request: JsonObject, _: Model) -> None:
    for part in content_parts(request):
        kind = part.get("type")
        if kind not in {"text", "image_url", "video_url", "audio_url", "file"}:
            raise bad(f"Unsupported content part type {kind!r}.")
        if kind == "file":
            _oxen_file(an_object(part.get("file")))


def _oxen_file(file: JsonObject) -> None:
    if "file_id" in file:
        raise bad("file_id is not supported.", "invalid_file_input")
    if ("file_data" in file) == ("file_url" in file):
        raise bad("Exactly one of file_data and file_url is required.", "invalid_file_input")
    data = a_text(file.get("file_data"))
    mime_type = data.removeprefix("data:").partition(";")[0]
    if data and mime_type != "application/pdf":
        raise bad(f"Unsupported file type '{mime_type}'. Supported file types: application/pdf.", "invalid_file_input")


COMMON: Final[tuple[Check, ...]] = (
    _present,
    _filled,
    _tool_turns,
    _tools,
    _response_format,
    _ending,
    _tool_choice,
    _json_with_tools,
    _data_urls,
)
CLOUDFLARE: Final[tuple[Check, ...]] = (*COMMON, _google_extras, _google_effort, _google_parameters)
AIMLAPI: Final[tuple[Check, ...]] = COMMON
OXEN: Final[tuple[Check, ...]] = (_oxen_parameters, _oxen_parts, *COMMON)
