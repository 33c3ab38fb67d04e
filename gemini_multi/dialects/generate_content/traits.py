"""The deviations of the endpoints of `generateContent`, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gemini_multi.dialects.base import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateContentTraits:
    """A provider's deviations. The defaults are Vertex AI's rules, which also apply behind Cloudflare."""

    accepts_synthetic_ids: bool = False
    """Whether the endpoint accepts ids of calls that the provider did not issue."""
    json_schema_fields: bool = True
    """Whether `parametersJsonSchema` and `responseJsonSchema` are known; else the older fields hold the schemas."""
    typed_response_format: bool = False
    """Whether the endpoint knows `responseFormat`, the newer form of a response format."""
    server_side_tool_flag: bool = False
    """Whether functions together with built-in tools need `includeServerSideToolInvocations`."""
    developer_api: bool = False
    """Whether the upstream is the Gemini API rather than Vertex AI."""
    needs_text: bool = True
    """Whether the endpoint refuses a user turn that holds media only."""
    inline_limit: int = 20 * 1024 * 1024
    """The largest size in bytes of all inline media of a request."""


GenerateTarget: TypeAlias = Target[GenerateContentTraits]


def takes_json_schema(target: GenerateTarget) -> bool:
    """Whether schemas go into the JSON Schema fields."""
    return target.traits.json_schema_fields and "open_api_schemas" not in target.repairs
