"""Reads a chat-completions request as a prompt."""

from __future__ import annotations

import json

from gemini_multi.sandbox.chat_rules import content_parts, messages_of
from gemini_multi.sandbox.json_value import (
    JsonObject,
    JsonValue,
    a_list,
    a_text,
    a_whole_number,
    an_object,
    objects,
    texts,
)
from gemini_multi.sandbox.models import read_model
from gemini_multi.sandbox.native import effort, modality
from gemini_multi.sandbox.native_reading import Reader
from gemini_multi.sandbox.prompt import Call, Function, Mode, Prompt, Result, Role, Turn, joined


def read(request: JsonObject, model_id: str) -> Prompt:
    """Read a validated request as a prompt."""
    extras = _extras(request)
    thinking = an_object(an_object(extras.get("generationConfig")).get("thinkingConfig"))
    asked = request.get("reasoning_effort", an_object(request.get("reasoning")).get("effort"))
    output = an_object(request.get("response_format"))
    mode, allowed = _tool_choice(request.get("tool_choice"))
    schema = an_object(output.get("json_schema")).get("schema")
    return Prompt(
        model=model_id,
        turns=_turns(request),
        system="".join(
            _text(message) for message in objects(request.get("messages")) if message not in messages_of(request)
        ),
        tools=tuple(_function(an_object(tool.get("function"))) for tool in objects(request.get("tools"))),
        mode=mode,
        allowed=allowed,
        wants_json=output.get("type") in {"json_object", "json_schema"},
        output_schema=schema if isinstance(schema, dict) else None,
        stop=texts(request.get("stop")),
        max_tokens=a_whole_number(request.get("max_completion_tokens")) or a_whole_number(request.get("max_tokens")),
        count=a_whole_number(request.get("n")) or 1,
        include_thoughts=thinking.get("includeThoughts") is True,
        effort=a_text(asked) or effort(thinking, read_model(model_id)),
        wants_audio="audio" in a_list(request.get("modalities")),
        caches=_marks_cache(request),
        cached_content=a_text(extras.get("cachedContent")),
    )


def _extras(request: JsonObject) -> JsonObject:
    google = an_object(an_object(request.get("extra_body")).get("google"))
    thinking = google.get("thinking_config")
    others: JsonObject = {name: value for name, value in google.items() if name in {"cached_content"}}
    return Reader(is_vertex=True).request({**others, "generationConfig": {"thinkingConfig": thinking or {}}})


def _marks_cache(request: JsonObject) -> bool:
    return any("cache_control" in one for one in (*content_parts(request), *objects(request.get("tools"))))


def _function(function: JsonObject) -> Function:
    return Function(a_text(function.get("name")), an_object(function.get("parameters")))


def _tool_choice(choice: JsonValue) -> tuple[Mode, tuple[str, ...]]:
    if choice == "required":
        return "any", ()
    if choice == "none":
        return "none", ()
    name = a_text(an_object(an_object(choice).get("function")).get("name"))
    if name:
        return "any", (name,)
    allowed = an_object(an_object(choice).get("allowed_tools"))
    names = tuple(a_text(an_object(tool.get("function")).get("name")) for tool in objects(allowed.get("tools")))
    return ("any" if allowed.get("mode") == "required" else "auto"), names


def _turns(request: JsonObject) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    names: dict[str, str] = {}
    for message in messages_of(request):
        turn = _turn(message, names)
        names.update({call.id: call.name for call in turn.calls})
        if turn.role == "tool" and turns and turns[-1].role == "tool":
            turn = Turn("tool", results=(*turns.pop().results, *turn.results))
        turns.append(turn)
    return joined(turns)


def _turn(message: JsonObject, names: dict[str, str]) -> Turn:
    roles: dict[str, Role] = {"assistant": "model", "tool": "tool"}
    role: Role = roles.get(a_text(message.get("role")), "user")
    if role == "tool":
        call_id = a_text(message.get("tool_call_id"))
        return Turn("tool", results=(Result(names.get(call_id, a_text(message.get("name"))), _text(message), call_id),))
    return Turn(
        role,
        text=_text(message),
        calls=tuple(_call(call) for call in objects(message.get("tool_calls"))),
        media=tuple(
            _modality(part) for part in objects(message.get("content")) if part.get("type") not in {"text", "refusal"}
        ),
        signatures=(_signature(message),),
    )


def _text(message: JsonObject) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else "".join(a_text(part.get("text")) for part in objects(content))


def _call(call: JsonObject) -> Call:
    function = an_object(call.get("function"))
    arguments: JsonValue = json.loads(a_text(function.get("arguments")))
    return Call(a_text(function.get("name")), an_object(arguments), a_text(call.get("id")), _signature(call))


def _signature(holder: JsonObject) -> str:
    extra = an_object(holder.get("extra_content"))
    return a_text(an_object(extra.get("google", extra.get("vertex"))).get("thought_signature"))


def _modality(part: JsonObject) -> str:
    kinds = {"image_url": "IMAGE", "input_audio": "AUDIO", "audio_url": "AUDIO", "video_url": "VIDEO"}
    return kinds.get(a_text(part.get("type")), modality("application/pdf"))
