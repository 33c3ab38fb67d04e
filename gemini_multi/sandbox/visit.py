"""One request and the functions that all providers' endpoints share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gemini_multi.sandbox import chat, native, rules
from gemini_multi.sandbox.json_value import JsonObject, JsonValue
from gemini_multi.sandbox.outcome import Outcome, OutcomeBuilder
from gemini_multi.sandbox.prompt import Prompt
from gemini_multi.sandbox.recorded import recorded, recorded_signatures
from gemini_multi.sandbox.refusal import Refused
from gemini_multi.sandbox.reply import Reply
from gemini_multi.sandbox.signatures import check_signatures
from gemini_multi.sandbox.state import Provider, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that was read from the socket."""

    state: State
    provider: Provider
    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    parameters: Mapping[str, str]
    """The parts of the path."""
    body: JsonValue
    raw: bytes = b""
    is_json: bool = field(default=True)

    @property
    def bearer(self) -> str:
        """The key in the `Authorization` header."""
        return bearer(self.headers.get("authorization", ""))

    def outcome(
        self, prompt: Prompt, builder: OutcomeBuilder, *, is_native: bool, requires_signatures: bool
    ) -> Outcome:
        """Choose the answer: a scripted one, a recorded one, or one by the rules."""
        check_signatures(
            prompt, self.state.marks, builder.upstream, required=requires_signatures, known=recorded_signatures()
        )
        scripted = self.state.next_answer(self.provider)
        if scripted is not None:
            return builder.build(prompt, [scripted])
        recording = recorded(self.provider, prompt)
        if recording is not None:
            return recording.outcome(is_native=is_native)
        return builder.build(prompt, [rules.answer(prompt)] * prompt.count)


def bearer(header: str) -> str:
    """Return the key in an authorization header."""
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def as_object(visit: Visit) -> JsonObject:
    """Return the body, which must be a JSON object."""
    if not visit.is_json or not isinstance(visit.body, dict):
        raise Refused(400, "Invalid JSON payload received. Expected a JSON object.")
    return visit.body


def encoded(value: JsonValue) -> bytes:
    """Write JSON in the providers' form: UTF-8, without unnecessary escapes."""
    return json.dumps(value, ensure_ascii=False).encode()


def json_reply(value: JsonValue, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Reply with a JSON value."""
    return Reply(status=status, body=encoded(value), headers=headers or {})


def chat_reply(
    outcome: Outcome,
    manner: chat.Manner,
    request: JsonObject,
    *,
    headers: Mapping[str, str],
    keep_alive: bytes = b"",
) -> Reply:
    """Reply in the chat dialect, whole or streamed."""
    if request.get("stream") is not True:
        return json_reply(chat.completion(outcome, manner), headers=headers)
    options = request.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    events = [b"data: " + encoded(chunk) + b"\n\n" for chunk in chat.chunks(outcome, manner, with_usage=with_usage)]
    if keep_alive:
        events = (
            [keep_alive + events[0], *events[1:-1], keep_alive + events[-1]]
            if len(events) > 1
            else [keep_alive + events[0]]
        )
    return Reply(
        headers=headers, content_type="text/event-stream; charset=utf-8", events=(*events, b"data: [DONE]\n\n")
    )


def native_stream(outcome: Outcome, *, is_vertex: bool, as_events: bool, headers: Mapping[str, str]) -> Reply:
    """Stream in the native dialect: as server-sent events or, without `alt=sse`, as one JSON array in pieces."""
    documents = [encoded(one) for one in native.documents(outcome, is_vertex=is_vertex)]
    if as_events:
        events = tuple(b"data: " + one + b"\r\n\r\n" for one in documents)
        return Reply(headers=headers, content_type="text/event-stream", events=events)
    return Reply(headers=headers, content_type="application/json; charset=UTF-8", events=tuple(_array(documents)))


def _array(documents: Iterable[bytes]) -> Iterable[bytes]:
    before = b"["
    for one in documents:
        yield before + one + b"\n"
        before = b",\r\n"
    yield b"]\n"
