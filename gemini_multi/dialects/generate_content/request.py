"""Writes the body of a `generateContent` request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gemini_multi._history.turns import conversation, sign
from gemini_multi._schemas.translate import wire_names
from gemini_multi.dialects.base import EncodingReport, merge
from gemini_multi.dialects.generate_content.config import generation_config
from gemini_multi.dialects.generate_content.contents import ContentsWriter
from gemini_multi.dialects.generate_content.dialect import GenerateTarget
from gemini_multi.dialects.generate_content.tools import format_demand, format_fields, tool_config, tools
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import BuiltInTool, ChatRequest, JsonValue, SafetySetting, Text, Tool

_VERTEX_HARMS: Final = frozenset(
    f"HARM_CATEGORY_{harm}"
    for harm in ["JAILBREAK", "IMAGE_HATE", "IMAGE_DANGEROUS_CONTENT", "IMAGE_HARASSMENT", "IMAGE_SEXUALLY_EXPLICIT"]
)
"""Safety categories that only Vertex AI supports."""


def encode(request: ChatRequest, target: GenerateTarget, report: EncodingReport) -> dict[str, JsonValue]:
    """Write the body.

    Raises:
        UnsupportedFeature: The target does not support a feature of the request.
        ConfigurationError: Gemini does not support something at any provider.
    """
    names = tool_names(request)
    body = _contents(request, target, names, report)
    if written := tools(request, target, names, report):
        body["tools"] = written
    if config := tool_config(request, target, names):
        body["toolConfig"] = config
    generation = generation_config(request, target, report)
    if request.response_format is not None and not _demands_json(request, target):
        generation |= format_fields(request.response_format, target, is_typed=_uses_maps(request))
    if generation:
        body["generationConfig"] = generation
    _add_rest(body, request, target, report)
    report.settle(target)
    merge(body, request.extra_body)
    return body


def tool_names(request: ChatRequest) -> dict[str, str]:
    """Return the wire name of each function."""
    return wire_names(tool.name for tool in request.tools if isinstance(tool, Tool))


def _contents(
    request: ChatRequest, target: GenerateTarget, names: Mapping[str, str], report: EncodingReport
) -> dict[str, JsonValue]:
    found = conversation(request.messages, target.model)
    distrust = "dummy_signatures" in target.repairs
    required = target.model.needs_signatures or distrust
    turns = sign(found.turns, issuer=target.issuer, required=required, distrust=distrust)
    body: dict[str, JsonValue] = {"contents": ContentsWriter(target, names, report).write(turns)}
    system: list[JsonValue] = [
        {"text": part.text} for message in found.system for part in message.parts if isinstance(part, Text)
    ]
    if any(message.name for message in found.system):
        report.setting("name", "`generateContent` has no field for the name of a system message")
    if request.response_format is not None and _demands_json(request, target):
        system.append({"text": format_demand(request.response_format)})
    if system:
        body["systemInstruction"] = {"parts": system}
    return body


def _demands_json(request: ChatRequest, target: GenerateTarget) -> bool:
    """Whether the prompt must request JSON: old models support no format with tools, others no format with Maps."""
    if not request.tools or request.response_format is None:
        return False
    if not target.model.tools_with_json:
        return True
    is_json = request.response_format.mime_type == "application/json"
    return _uses_maps(request) and not (target.traits.typed_response_format and is_json)


def _uses_maps(request: ChatRequest) -> bool:
    return any(isinstance(tool, BuiltInTool) and tool.kind == "google_maps" for tool in request.tools)


def _add_rest(body: dict[str, JsonValue], request: ChatRequest, target: GenerateTarget, report: EncodingReport) -> None:
    if request.safety_settings:
        body["safetySettings"] = [_safety(setting, target, report) for setting in request.safety_settings]
    if request.cached_content is not None:
        # Gemini refuses these together with a cache. Sent elsewhere, they would be repeated or change their meaning.
        words = {"systemInstruction": "system messages", "tools": "tools", "toolConfig": "a tool choice"}
        if found := [word for field, word in words.items() if field in body]:
            raise ConfigurationError(
                f"`cached_content` cannot be combined with {' or '.join(found)}: Gemini takes these from the cache. "
                "Leave them out of the request, or put them into the cached content."
            )
        body["cachedContent"] = request.cached_content
    if request.labels:
        body["labels"] = dict(request.labels)
    if request.user is not None:
        report.setting("user", "`generateContent` has no field for it; `labels` can tell users apart")


def _safety(setting: SafetySetting, target: GenerateTarget, report: EncodingReport) -> JsonValue:
    if target.traits.developer_api and setting.category in _VERTEX_HARMS:
        report.feature(f"the safety category `{setting.category}`")
    if target.traits.developer_api and setting.method is not None:
        report.feature("the `method` of a safety setting")
    method: dict[str, JsonValue] = {} if setting.method is None else {"method": setting.method}
    return {"category": setting.category, "threshold": setting.threshold, **method}
