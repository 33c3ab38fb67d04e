"""How a provider deviates from chat completions, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gemini_multi.types import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTraits:
    """What a provider takes.

    The defaults are what every provider in front of Gemini is known to take; nothing else is sent.
    """

    # Sampling and limits.
    supports_n: bool = False
    supports_penalties: bool = False
    supports_seed: bool = False
    minimum_seed: int | None = None
    minimum_top_p: float = 0.0
    supports_top_k: bool = False
    supports_stop: bool = True
    maximum_stop: int = 4
    supports_logprobs: bool = False
    supports_user: bool = False
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    stream_usage: bool = True
    """Whether `stream_options.include_usage` is taken."""

    # Thinking and what else travels in Google's own namespace.
    reasoning_efforts: tuple[str, ...] = ()
    """Values of `reasoning_effort` that the provider takes; empty: the field is not sent."""
    google_extra: bool = False
    """Whether the provider reads Google's literal `extra_body.google`, and so a thinking configuration, safety
    settings and cached content."""

    # Messages.
    system_role: Literal["system", "developer"] = "system"
    assistant_null_content: bool = True
    """Whether `content` of an assistant message that has none may be null; else it is an empty string."""
    refusal_part: bool = False
    """Whether `content` of an assistant message takes parts of the type `refusal`; else their text is sent."""
    tool_content: Literal["string", "parts"] = "string"
    tool_name: bool = True
    """Whether tool messages take `name`."""
    call_extra_content: bool = False
    """Whether `extra_content` is taken on tool calls."""
    message_extra_content: bool = False
    """Whether `extra_content` is taken on assistant messages."""
    call_signature_on_message: bool = False
    """Whether a call's signature that came with the whole message goes back with it; else it goes to the call."""
    reasoning_details: bool = False
    """Whether `reasoning_details` is taken on assistant messages."""

    cache_control: bool = False
    """Whether `cache_control` is taken on content parts and on tools."""

    # Media.
    image_part: bool = True
    image_url_remote: bool = True
    """Whether images may be given by address; else inline only."""
    audio_part: Literal["input_audio", "audio_url"] | None = None
    audio_types: frozenset[str] = frozenset()
    """The MIME types of sounds that the provider documents; empty when it states none."""
    audio_url_remote: bool = False
    """Whether `input_audio` takes an address in the place of the data."""
    video_part: bool = False
    file_data: bool = False
    """Whether documents may be given inline, in a `file` part."""
    file_url: bool = False
    """Whether documents may be given by address, in a `file` part."""
    file_mime_types: frozenset[str] = frozenset({"application/pdf"})
    """Documents that the `file` part takes."""
    media_first: bool = False
    """Whether media must stand before the text."""
    maximum_bytes: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    """The most bytes of one inline medium, by `image`, `audio`, `video` and `document`."""
    maximum_total_bytes: int | None = None
    """The most bytes of all inline media of a request."""

    # Tools and structured output.
    supports_tools: bool = True
    tool_parameters_required: bool = False
    tool_choice_required: bool = True
    """Whether `required` and a named function are taken as `tool_choice`."""
    parallel_tool_calls: bool = False
    """Whether the field is taken. One call at most is enforced on the answer in any case."""
    strict_tools: bool = False
    """Whether `strict` is taken on functions."""
    maximum_tools: int = 128
    json_object: bool = True
    json_schema: bool = True
    """Whether `response_format` takes a schema; else it goes into the system message."""

    # Answers in other modalities.
    modalities: bool = False
    audio_format: str = "wav"
    """The format of spoken answers."""

    unmet: tuple[str, ...] = ()
    """What the provider was configured to do and cannot for this model."""
    extra: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """Constant fields of the body."""
    credits_per_usd: float | None = None
    """What one dollar is in the provider's credits, where it bills in them (`meta.usage.credits_used`)."""
