"""What differs between the places where `generateContent` is spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gemini_multi.dialects.base import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateContentTraits:
    """A provider's deviations. The defaults are Vertex AI's rules, which also hold behind Cloudflare."""

    accepts_synthetic_ids: bool = False
    """Whether ids of calls may be sent that the provider did not issue itself."""
    json_schema_fields: bool = True
    """Whether `parametersJsonSchema` and `responseJsonSchema` are known; else schemas go into the older fields."""
    typed_response_format: bool = False
    """Whether `responseFormat` is known, the newer form of a wish for JSON."""
    server_side_tool_flag: bool = False
    """Whether functions beside built-in tools need `includeServerSideToolInvocations`."""
    developer_api: bool = False
    """Whether the upstream is the Gemini API rather than Vertex AI."""
    needs_text: bool = True
    """Whether a turn of the user that holds media only is refused."""
    inline_limit: int = 20 * 1024 * 1024
    """Bytes of inline media in one request."""


GenerateTarget: TypeAlias = Target[GenerateContentTraits]


def takes_json_schema(target: GenerateTarget) -> bool:
    """Whether schemas go into the JSON Schema fields."""
    return target.traits.json_schema_fields and "open_api_schemas" not in target.repairs
