"""Writes the body of a `generateContent` request."""

from __future__ import annotations

from typing import Final

from gemini_multi._history.turns import conversation, sign
from gemini_multi._schemas.translate import is_empty_object, json_schema, open_api_schema, wire_names
from gemini_multi.dialects.base import EncodingReport, merge
from gemini_multi.dialects.generate_content.config import described, format_demand, generation_config
from gemini_multi.dialects.generate_content.contents import ContentsWriter
from gemini_multi.dialects.generate_content.dialect import GenerateTarget
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import (
    BuiltInTool,
    ChatRequest,
    JsonObject,
    JsonValue,
    ResponseFormat,
    SafetySetting,
    Text,
    Tool,
    ToolChoice,
)

_VERTEX_HARMS: Final = frozenset(
    f"HARM_CATEGORY_{harm}"
    for harm in ["JAILBREAK", "IMAGE_HATE", "IMAGE_DANGEROUS_CONTENT", "IMAGE_HARASSMENT", "IMAGE_SEXUALLY_EXPLICIT"]
)
"""Safety categories that only Vertex AI supports."""
_VERTEX_TOOLS: Final = frozenset({"retrieval", "enterprise_web_search", "parallel_ai_search", "exa_ai_search"})
_DEVELOPER_TOOLS: Final = frozenset({"file_search", "mcp_servers"})


def tool_names(request: ChatRequest) -> dict[str, str]:
    """Return the wire name of each function."""
    return wire_names(tool.name for tool in request.tools if isinstance(tool, Tool))


class RequestWriter:
    """Writes one request for one target."""

    def __init__(self, request: ChatRequest, target: GenerateTarget, report: EncodingReport) -> None:
        self._request = request
        self._target = target
        self._report = report
        self._names = tool_names(request)
        self._functions = [tool for tool in request.tools if isinstance(tool, Tool)]
        self._built_in = [tool for tool in request.tools if isinstance(tool, BuiltInTool)]
        self._uses_maps = any(tool.kind == "google_maps" for tool in self._built_in)

    def body(self) -> dict[str, JsonValue]:
        """Write the body, or raise an error that names what the target or Gemini itself does not support."""
        wanted = self._request.response_format
        demand = wanted if wanted is not None and self._demands_json(wanted) else None
        body = self._contents(demand)
        if tools := self._tools():
            body["tools"] = tools
        if config := self._tool_config():
            body["toolConfig"] = config
        generation = generation_config(self._request, self._target, self._report)
        if wanted is not None and demand is None:
            generation |= self._format(wanted)
        if generation:
            body["generationConfig"] = generation
        self._add_rest(body)
        self._report.settle(self._target)
        merge(body, self._request.extra_body)
        return body

    def _contents(self, demand: ResponseFormat | None) -> dict[str, JsonValue]:
        target, distrust = self._target, "dummy_signatures" in self._target.repairs
        found = conversation(self._request.messages, target.model)
        required = target.model.needs_signatures or distrust
        turns = sign(found.turns, issuer=target.issuer, required=required, distrust=distrust)
        body: dict[str, JsonValue] = {"contents": ContentsWriter(target, self._names, self._report).write(turns)}
        texts = [part.text for message in found.system for part in message.parts if isinstance(part, Text)]
        if any(message.name for message in found.system):
            self._report.setting("name", "`generateContent` has no field for the name of a system message")
        if demand is not None:
            texts.append(format_demand(demand))
        if texts:
            body["systemInstruction"] = {"parts": [{"text": text} for text in texts]}
        return body

    def _demands_json(self, wanted: ResponseFormat) -> bool:
        """Whether the prompt must request JSON: old models support no format with tools, others no format with Maps."""
        if not self._request.tools or not self._target.model.tools_with_json:
            return bool(self._request.tools)
        is_typed = self._target.traits.typed_response_format and wanted.mime_type == "application/json"
        return self._uses_maps and not is_typed

    def _tools(self) -> list[JsonValue]:
        """Write the tools, one kind per object."""
        if self._functions and self._built_in and not self._target.model.tools_with_built_in:
            self._report.feature("functions together with built-in tools")
        unknown = _VERTEX_TOOLS if self._target.traits.developer_api else _DEVELOPER_TOOLS
        for tool in self._built_in:
            if tool.kind in unknown:
                self._report.feature(f"the built-in tool `{tool.kind}`")
        written: list[JsonValue] = [{_camel(tool.kind): dict(tool.options)} for tool in self._built_in]
        declared = [self._declaration(tool) for tool in self._functions]
        return [{"functionDeclarations": declared}, *written] if declared else written

    def _declaration(self, tool: Tool) -> JsonValue:
        declaration: dict[str, JsonValue] = {"name": self._names[tool.name]}
        if tool.description:
            declaration["description"] = tool.description
        if not is_empty_object(tool.parameters):
            declaration |= self._schema(tool.parameters, "parametersJsonSchema", "parameters")
        return declaration

    def _schema(self, schema: JsonObject, newer: str, older: str) -> dict[str, JsonValue]:
        """Write a schema in the newer field, which holds JSON Schema, or in the older one with Gemini's own schemas."""
        in_words = "enums_in_words" in self._target.repairs
        if "open_api_schemas" in self._target.repairs:
            return {older: open_api_schema(schema, enums_in_words=in_words)}
        return {newer: json_schema(schema, enums_in_words=in_words)}

    def _tool_config(self) -> dict[str, JsonValue]:
        """Write the tool choice and the options of tools."""
        config: dict[str, JsonValue] = {}
        if calling := self._calling(self._request.tool_choice):
            config["functionCallingConfig"] = calling
        if self._target.traits.server_side_tool_flag and self._functions and self._built_in:
            config["includeServerSideToolInvocations"] = True
        return config

    def _calling(self, choice: ToolChoice | None) -> dict[str, JsonValue]:
        if not self._functions:
            if choice is not None and choice.mode == "required":
                raise ConfigurationError(
                    "`tool_choice` asks for a call, but there is no function to call. Pass `tools`."
                )
            return {}
        if choice is None or choice == ToolChoice():
            if any(tool.strict for tool in self._functions):
                # The mode that enforces the schemas of calls without forcing a call.
                return {"mode": "VALIDATED"}
            # With built-in tools this mode is the provider's default, and the provider refuses `AUTO`.
            return {} if choice is None else {"mode": "VALIDATED" if self._built_in else "AUTO"}
        if choice.mode == "none":
            return {"mode": "NONE"}
        if missing := [name for name in choice.names if name not in self._names]:
            known = ", ".join(map(repr, self._names))
            raise ConfigurationError(f"`tool_choice` names {', '.join(map(repr, missing))}, but the tools are {known}.")
        allowed: dict[str, JsonValue] = {"allowedFunctionNames": [self._names[name] for name in choice.names]}
        return {"mode": "ANY" if choice.mode == "required" else "VALIDATED", **(allowed if choice.names else {})}

    def _format(self, wanted: ResponseFormat) -> dict[str, JsonValue]:
        """Write the response format as fields of `generationConfig`, or in the newer form, which Google Maps needs."""
        schema = None if wanted.schema is None else described(wanted.schema, wanted.description)
        fields: dict[str, JsonValue] = {}
        if schema is not None and wanted.mime_type == "text/x.enum":
            # The documentation describes bare enum members for the older field only.
            fields = {"responseSchema": open_api_schema(schema)}
        elif schema is not None:
            fields = self._schema(schema, "responseJsonSchema", "responseSchema")
        if self._uses_maps:
            text: dict[str, JsonValue] = {"mimeType": "APPLICATION_JSON"}
            text.update(("schema", written) for written in fields.values())
            return {"responseFormat": {"text": text}}
        return {"responseMimeType": wanted.mime_type, **fields}

    def _add_rest(self, body: dict[str, JsonValue]) -> None:
        request = self._request
        if request.safety_settings:
            body["safetySettings"] = [self._safety(setting) for setting in request.safety_settings]
        if request.cached_content is not None:
            # Gemini refuses these beside a cache. Sent elsewhere, they would be repeated or change their meaning.
            words = {"systemInstruction": "system messages", "tools": "tools", "toolConfig": "a tool choice"}
            if found := [word for field, word in words.items() if field in body]:
                raise ConfigurationError(
                    f"`cached_content` cannot be combined with {' or '.join(found)}: Gemini takes these from the "
                    "cache. Leave them out of the request, or put them into the cached content."
                )
            body["cachedContent"] = request.cached_content
        if request.labels:
            body["labels"] = dict(request.labels)
        if request.user is not None:
            self._report.setting("user", "`generateContent` has no field for it; `labels` can tell users apart")

    def _safety(self, setting: SafetySetting) -> JsonValue:
        if self._target.traits.developer_api and setting.category in _VERTEX_HARMS:
            self._report.feature(f"the safety category `{setting.category}`")
        if self._target.traits.developer_api and setting.method is not None:
            self._report.feature("the `method` of a safety setting")
        method: dict[str, JsonValue] = {} if setting.method is None else {"method": setting.method}
        return {"category": setting.category, "threshold": setting.threshold, **method}


def _camel(kind: str) -> str:
    head, *rest = kind.split("_")
    return head + "".join(word.capitalize() for word in rest)
