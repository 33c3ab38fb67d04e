"""A provider's record of a model that it serves."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import JsonValue

from gemini_multi._types.parts import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model in a provider's own list. Values that the provider does not send are `None` or empty."""

    provider: str
    id: str
    """The provider's id, which the `model` setting accepts."""
    name: str | None = None
    """The display name."""
    description: str | None = None
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    inputs: tuple[str, ...] = ()
    """Kinds of media, by the provider's names."""
    outputs: tuple[str, ...] = ()
    request_schema: JsonValue = field(default=None, hash=False)
    """The JSON Schema of requests (`json_request_schema`), if the provider has a schema for each model."""
    record: JsonObject = field(default_factory=dict[str, JsonValue], hash=False, repr=False)
    """The provider's record, unchanged."""
