"""The request shapes of the chat providers, from their published schemas."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from gemini_multi.sandbox.json_value import JsonObject, JsonValue

_TEXT: Final[JsonObject] = {"type": "string"}
_FLAG: Final[JsonObject] = {"type": "boolean"}
_ANY: Final[JsonObject] = {}


def _object(required: str = "", *, closed: bool = False, **properties: JsonValue) -> JsonObject:
    names: list[JsonValue] = [*required.split()]
    shape: JsonObject = {"type": "object", "properties": properties, "required": names}
    return {**shape, "additionalProperties": False} if closed else shape


def _list(items: JsonObject, **limits: JsonValue) -> JsonObject:
    return {"type": "array", "items": items, **limits}


def _number(
    least: float | None = None, most: float | None = None, *, kind: str = "number", nullable: bool = False
) -> JsonObject:
    kinds: list[JsonValue] = [kind, "null"] if nullable else [kind]
    limits: JsonObject = {"minimum": least, "maximum": most}
    return {"type": kinds, **{word: limit for word, limit in limits.items() if limit is not None}}


def _one_of(*branches: JsonObject) -> JsonObject:
    return {"anyOf": [*branches]}


def _choice(*values: str) -> JsonObject:
    return {"enum": [*values]}


def _by(key: str, **cases: JsonValue) -> JsonObject:
    return {"key": key, "cases": cases}


_NULL: Final[JsonObject] = {"type": "null"}
_TEXT_PART: Final = _object("type text", type=_choice("text"), text=_TEXT)
_FUNCTION_CALL: Final = _object(
    "id type function", id=_TEXT, type=_TEXT, function=_object("name arguments", name=_TEXT, arguments=_TEXT)
)
_RESPONSE_FORMAT: Final = _by(
    "type",
    text=_object("type", closed=True, type=_TEXT),
    json_object=_object("type", closed=True, type=_TEXT),
    json_schema=_object(
        "type json_schema",
        closed=True,
        type=_TEXT,
        json_schema=_object(
            "name schema",
            closed=True,
            name=_TEXT,
            schema={"type": "object"},
            strict={"type": ["boolean", "null"]},
            description=_TEXT,
        ),
    ),
)
_NAMED_TOOL: Final = _object("type function", type=_choice("function"), function=_object("name", name=_TEXT))


def _tools(*, parameters_required: bool) -> JsonObject:
    function = _object(
        "name parameters" if parameters_required else "name",
        name=_TEXT,
        description=_TEXT,
        parameters={"type": "object"},
        strict={"type": ["boolean", "null"]},
    )
    return _list(_object("type function", type=_TEXT, function=function), maxItems=128)


CLOUDFLARE: Final = _object(
    "messages",
    messages=_list(
        _object(
            "role",
            role=_choice("system", "developer", "user", "assistant", "tool"),
            content={"type": ["string", "null", "array"]},
        )
    ),
    temperature=_number(0, 2),
    max_tokens={"type": "number", "exclusiveMinimum": 0},
    max_completion_tokens={"type": "number", "exclusiveMinimum": 0},
    top_p=_number(0, 1),
    frequency_penalty=_number(-2, 2),
    presence_penalty=_number(-2, 2),
    stream=_FLAG,
    stream_options=_object(closed=True, include_usage=_FLAG),
    tools=_list({"type": "object"}),
    modalities=_list(_choice("text", "audio")),
    audio=_object(closed=True, voice=_TEXT, format=_TEXT),
    reasoning_effort={"type": ["string", "null"]},
)

OXEN: Final = _object(
    "",
    model=_TEXT,
    messages=_list(
        _object(
            "role",
            role=_choice("system", "developer", "user", "assistant", "tool"),
            content={"type": ["string", "null", "array"]},
        )
    ),
    stream=_FLAG,
    max_tokens=_number(1, kind="integer"),
    temperature=_number(0, 2),
    top_p=_number(0, 1),
    tools=_list(_object("type function", type=_TEXT, function=_object("name", name=_TEXT))),
    parallel_tool_calls=_FLAG,
    response_format={"type": "object"},
    target_namespace=_TEXT,
)


def _user_parts(family: str) -> JsonObject:
    image = _object(
        "type image_url", type=_TEXT, image_url=_object("url", url=_TEXT, detail=_choice("low", "high", "auto"))
    )
    cases: JsonObject = {"text": _TEXT_PART, "image_url": image}
    if family in {"B", "C+media"}:
        audio = _object("data format", data=_TEXT, format=_TEXT)
        cases["input_audio"] = _object("type input_audio", type=_TEXT, input_audio=audio)
        cases["video_url"] = _object("type video_url", type=_TEXT, video_url=_object("url", url=_TEXT))
    if family in {"B", "C+media", "D"}:
        cases["file"] = _object("type file", type=_TEXT, file={"type": "object"})
    return {"key": "type", "cases": cases}


def _messages(family: str) -> JsonObject:
    is_first = family == "A"
    written = _list(_TEXT_PART)
    contents = [_TEXT, _list(_by("type", text=_TEXT_PART, refusal=_object("type refusal", type=_TEXT, refusal=_TEXT)))]
    cases: JsonObject = {
        "system": _object("role content", content=_one_of(_TEXT, written)),
        "user": _object("role content", content=_one_of(_TEXT, _list(_user_parts(family)))),
        "assistant": _object(
            "role",
            content=_one_of(*contents) if is_first else _one_of(_NULL, *contents),
            tool_calls=_list(_FUNCTION_CALL),
        ),
        "tool": _object(
            "role content tool_call_id",
            closed=is_first,
            role=_TEXT,
            tool_call_id=_TEXT,
            name=_TEXT,
            content=_TEXT if is_first else _one_of(_TEXT, written),
        ),
    }
    if family == "D":
        cases["developer"] = cases["system"]
    return _list({"key": "role", "cases": cases}, minItems=1)


def _tool_choice(family: str) -> JsonObject:
    branches = [_choice("none", "auto", "required"), _NAMED_TOOL]
    if family != "A":
        branches.append(_object("type allowed_tools", type=_choice("allowed_tools"), allowed_tools={"type": "object"}))
    return _one_of(*branches)


_EFFORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "google/gemini-3-6-flash": ("minimal", "low", "medium", "high", "max"),
    "google/gemini-3-7-flash": ("low", "medium", "high", "max"),
    "google/gemini-3-8-flash": ("none", "low", "medium", "high"),
}
_EFFORTLESS: Final = ("2.5-flash", "2.5-pro", "3-flash-preview", "3-1-pro-preview")
"""Models of family A that ignore `reasoning_effort`."""


@lru_cache(maxsize=64)
def aimlapi(model: str, family: str) -> JsonObject:
    """Return the request shape of one AIMLAPI model. Keys that the shape does not name are silently accepted."""
    properties: JsonObject = {
        "model": _TEXT,
        "messages": _messages(family),
        "max_completion_tokens": _number(1, kind="integer"),
        "max_tokens": _number(1),
        "stream": _FLAG,
        "stream_options": _object("include_usage", include_usage=_FLAG),
        "temperature": _number(0, 2),
        "top_p": _number(0.01, 1),
        "stop": _one_of(_TEXT, _NULL, _list(_TEXT, maxItems=4)),
        "seed": _number(1, kind="integer"),
        "response_format": _RESPONSE_FORMAT,
        "tools": _tools(parameters_required=family == "A"),
        "tool_choice": _tool_choice(family),
        "parallel_tool_calls": _FLAG,
    }
    if family != "D":
        properties["n"] = _number(1, kind="integer", nullable=True)
    if not family.startswith("C"):
        properties["frequency_penalty"] = _number(-2, 2, nullable=True)
        properties["presence_penalty"] = _number(-2, 2, nullable=True)
    if family != "A" or not model.endswith(_EFFORTLESS):
        properties["reasoning_effort"] = _choice(*_EFFORTS.get(model, ("low", "medium", "high")))
    return {"type": "object", "properties": {**properties, **_extras(family)}, "required": ["model", "messages"]}


def _extras(family: str) -> JsonObject:
    if family == "D":
        return {
            "reasoning": _object(effort=_TEXT, max_tokens=_number(1, kind="integer"), exclude=_FLAG),
            "logprobs": {"type": ["boolean", "null"]},
            "top_logprobs": _number(0, 20, nullable=True),
            "min_p": _number(0.001, 0.999),
            "top_k": _number(),
            "top_a": _number(0, 1),
            "provider": _TEXT,
        }
    if family in {"B", "C+media"}:
        return {"modalities": _list(_choice("text", "audio")), "audio": {"type": ["object", "null"]}, "provider": _TEXT}
    return {"provider": _TEXT}
