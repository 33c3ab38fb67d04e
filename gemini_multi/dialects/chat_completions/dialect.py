"""OpenAI's dialect, as AIMLAPI, Oxen.ai, Cloudflare and Google itself implement it for Gemini, and its deviations.

The first call imports the encoder and the decoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from gemini_multi.dialects.base import Decoder, Dialect, EncodingReport, Target
from gemini_multi.types import ChatRequest, JsonObject, JsonValue, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTraits:
    """The fields and values that a provider accepts.

    The defaults are the fields and values that every provider of Gemini is known to accept. Nothing else is sent.
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
    """Whether `stream_options.include_usage` is accepted."""
    # Thinking, and other settings in Google's namespace.
    reasoning_efforts: tuple[str, ...] = ()
    """The accepted values of `reasoning_effort`; empty: the field is not sent."""
    google_extra: bool = False
    """Whether the provider reads Google's literal `extra_body.google`, which holds a thinking configuration, safety
    settings and cached content."""
    # Messages.
    system_role: Literal["system", "developer"] = "system"
    assistant_null_content: bool = True
    """Whether the `content` of an assistant message without content may be null; else it is an empty string."""
    refusal_part: bool = False
    """Whether the `content` of an assistant message accepts parts of type `refusal`; else their text is sent."""
    tool_content: Literal["string", "parts"] = "string"
    tool_name: bool = True
    """Whether tool messages accept `name`."""
    call_extra_content: bool = False
    """Whether tool calls accept `extra_content`."""
    message_extra_content: bool = False
    """Whether assistant messages accept `extra_content`."""
    call_signature_on_message: bool = False
    """Whether a call's signature that arrived on the message is sent back on the message, not on the call."""
    reasoning_details: bool = False
    """Whether assistant messages accept `reasoning_details`."""
    cache_control: bool = False
    """Whether content parts and tools accept `cache_control`."""
    # Media.
    image_part: bool = True
    image_url_remote: bool = True
    """Whether images may be given by URL; else inline only."""
    audio_part: Literal["input_audio", "audio_url"] | None = None
    audio_types: frozenset[str] = frozenset()
    """The MIME types of audio that the provider documents; empty when it documents none."""
    audio_url_remote: bool = False
    """Whether `input_audio` accepts a URL in place of the data."""
    video_part: bool = False
    file_data: bool = False
    """Whether documents may be given inline, in a `file` part."""
    file_url: bool = False
    """Whether documents may be given by URL, in a `file` part."""
    file_mime_types: frozenset[str] = frozenset({"application/pdf"})
    """The MIME types of documents that the `file` part accepts."""
    media_first: bool = False
    """Whether media must precede the text."""
    maximum_bytes: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    """The largest size in bytes of one inline medium, by `image`, `audio`, `video` and `document`."""
    maximum_total_bytes: int | None = None
    """The largest size in bytes of all inline media of a request."""
    # Tools and structured output.
    supports_tools: bool = True
    tool_parameters_required: bool = False
    tool_choice_required: bool = True
    """Whether `tool_choice` accepts `required` and a named function."""
    parallel_tool_calls: bool = False
    """Whether the field is accepted. The limit of one call is enforced on the answer in any case."""
    strict_tools: bool = False
    """Whether functions accept `strict`."""
    maximum_tools: int = 128
    json_object: bool = True
    json_schema: bool = True
    """Whether `response_format` accepts a schema; else the schema goes into the system message."""
    # Answers in other modalities.
    modalities: bool = False
    audio_format: str = "wav"
    """The audio format of answers."""
    unmet: tuple[str, ...] = ()
    """Features that the provider's configuration requires and this model does not support."""
    extra: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """Constant fields of the body."""
    credits_per_usd: float | None = None
    """How many of the provider's credits are one dollar, if it bills in credits (`meta.usage.credits_used`)."""


ChatTarget: TypeAlias = Target[ChatTraits]


@dataclass(frozen=True, slots=True)
class Expectation:
    """The request whose answer is read."""

    request: ChatRequest
    target: ChatTarget
    tools: Mapping[str, Tool]
    """The declared functions, by their wire names."""


class ChatCompletions(Dialect[ChatTraits]):
    """The dialect of `messages` and `choices`."""

    name = "chat_completions"
    refusals = (
        ("dummy_signatures", r"thought[ _]?signature"),
        ("drop_thinking", r"reasoning[ _.]?effort|thinking[ _]?(level|budget|config|mode)|thinking is not enabled"),
        ("drop_thinking", r"reasoning is mandatory|budget -?\d+ is invalid"),
        ("drop_penalties", r"(presence|frequency)[ _]?penalty|penalty is not enabled"),
        (
            "drop_sampling",
            r"(unknown name|unsupported (parameter|value)|unrecognized \w+):? \W*(temperature|top_?[pk])\b",
        ),
        ("drop_sampling", r"\b(temperature|top_?[pk])\b[^.]*(not (supported|allowed|enabled)|unsupported)"),
        ("enums_in_words", r"\benums?\b"),
    )

    def encode(
        self, request: ChatRequest, target: Target[ChatTraits], *, stream: bool, report: EncodingReport | None = None
    ) -> dict[str, JsonValue]:
        """Write the body."""
        from gemini_multi.dialects.chat_completions.request import encode

        return encode(request, target, report or EncodingReport(), stream=stream)

    def decoder(self, request: ChatRequest, target: Target[ChatTraits]) -> Decoder:
        """Make a decoder for one answer to the request."""
        from gemini_multi.dialects.detection import chat_first

        return chat_first(request, target)


CHAT_COMPLETIONS: Final = ChatCompletions()
