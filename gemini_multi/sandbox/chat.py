"""The chat completions dialect: writes an outcome as one completion or as chunks, in each provider's form."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Final, Literal

from gemini_multi.sandbox.json_value import JsonObject, JsonValue
from gemini_multi.sandbox.outcome import Candidate, Outcome, pieces
from gemini_multi.sandbox.prompt import Call

_SPEECH: Final = base64.b64encode(b"RIFF$\x00\x00\x00WAVEfmt " + bytes(64)).decode()
_USD_PER_TOKEN: Final = (0.0975e-6, 0.39e-6)
_CREDITS_PER_USD: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """The form in which a provider writes a completion."""

    provider: Literal["cloudflare", "aimlapi", "oxen"]
    signature: Literal["extra_content", "reasoning_details"] = "extra_content"
    counts_thoughts: Literal["inside", "outside"] = "outside"
    """Whether `completion_tokens` includes the thoughts."""
    details_thoughts: bool = True
    whole_calls: bool = False
    """Whether streams hold each call in one chunk without `index`, and finish with `stop`, like Google's endpoint."""
    tags_thoughts: bool = False
    """Whether thoughts are in the content between tags; else they are in `reasoning_content`."""


CLOUDFLARE: Final = Manner(provider="cloudflare", details_thoughts=False, whole_calls=True, tags_thoughts=True)
OXEN: Final = Manner(provider="oxen", counts_thoughts="inside")


def aimlapi(family: str) -> Manner:
    """Return the form of one family of AIMLAPI's models. It depends on the upstream."""
    if family == "A":
        return Manner(provider="aimlapi", signature="reasoning_details", counts_thoughts="inside")
    return Manner(provider="aimlapi", counts_thoughts="inside" if family == "D" else "outside")


def cost(outcome: Outcome) -> JsonObject:
    """Return AIMLAPI's charge."""
    counts = outcome.counts
    usd = counts.prompt * _USD_PER_TOKEN[0] + (counts.output + counts.thoughts) * _USD_PER_TOKEN[1]
    return {"credits_used": round(usd * _CREDITS_PER_USD), "usd_spent": round(usd, 9)}


def completion(outcome: Outcome, manner: Manner) -> JsonObject:
    """Write a whole answer."""
    if outcome.document is not None:
        return outcome.document
    choices: list[JsonValue] = [_choice(one, outcome, manner, index) for index, one in enumerate(outcome.candidates)]
    answer: JsonObject = {
        **_head(outcome, manner, "chat.completion"),
        "choices": choices,
        "usage": _usage(outcome, manner),
    }
    if manner.provider == "aimlapi":
        answer["meta"] = {"usage": cost(outcome)}
    if manner.provider == "cloudflare":
        answer["gatewayMetadata"] = {"keySource": "Unified"}
    return answer


def _head(outcome: Outcome, manner: Manner, kind: str) -> JsonObject:
    prefix = {"cloudflare": "sandbox-", "aimlapi": "gen-sandbox-", "oxen": "chatcmpl-sandbox-"}[manner.provider]
    return {
        "id": f"{prefix}{outcome.number}",
        "object": kind,
        "created": outcome.created,
        "model": f"{outcome.model}-sandbox",
    }


def _choice(candidate: Candidate, outcome: Outcome, manner: Manner, index: int) -> JsonObject:
    message: JsonObject = {"role": "assistant"}
    content = _content(candidate, manner)
    if content or not candidate.calls or not manner.whole_calls:
        message["content"] = content or (None if candidate.calls else "")
    if candidate.thoughts and not manner.tags_thoughts:
        message["reasoning_content"] = candidate.thoughts
    if candidate.calls:
        message["tool_calls"] = [_call(call, manner, position) for position, call in enumerate(candidate.calls)]
    if outcome.speaks:
        message["audio"] = _audio(outcome, candidate)
    return {
        "index": index,
        "message": {**message, **_message_signature(candidate, manner)},
        "finish_reason": _finish(candidate),
        "logprobs": None,
    }


def _content(candidate: Candidate, manner: Manner) -> str:
    if candidate.thoughts and manner.tags_thoughts:
        return f"<thought>{candidate.thoughts}</thought>{candidate.text}"
    return candidate.text


def _finish(candidate: Candidate) -> str:
    return "tool_calls" if candidate.calls and candidate.finish == "stop" else candidate.finish


def _audio(outcome: Outcome, candidate: Candidate) -> JsonObject:
    return {
        "id": f"audio-{outcome.number}",
        "data": _SPEECH,
        "transcript": candidate.text,
        "expires_at": outcome.created + 3600,
    }


def _call(call: Call, manner: Manner, position: int) -> JsonObject:
    function: JsonObject = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    record: JsonObject = {"id": call.id, "type": "function", "function": function}
    if manner.provider == "oxen":
        record["index"] = position
    return {**record, **_call_signature(call, manner)}


def _call_signature(call: Call, manner: Manner) -> JsonObject:
    if not call.signature or manner.signature != "extra_content":
        return {}
    return {"extra_content": {"google": {"thought_signature": call.signature}}}


def _message_signature(candidate: Candidate, manner: Manner) -> JsonObject:
    first = candidate.calls[0] if candidate.calls else Call("", {}, "", candidate.signature)
    if not first.signature:
        return {}
    if manner.signature == "extra_content":
        return {} if candidate.calls else {"extra_content": {"google": {"thought_signature": first.signature}}}
    details: JsonObject = {
        "type": "reasoning.encrypted",
        "data": first.signature,
        "format": "google-gemini-v1",
        "index": 0,
    }
    return {"reasoning_details": [{**details, "id": first.id} if first.id else details]}


def _usage(outcome: Outcome, manner: Manner) -> JsonObject:
    counts = outcome.counts
    inside = counts.thoughts if manner.counts_thoughts == "inside" else 0
    usage: JsonObject = {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.output + inside,
        "total_tokens": counts.prompt + counts.output + counts.thoughts,
    }
    audio = sum(count for kind, count in counts.media if kind == "AUDIO")
    written = "cache_write_tokens" if manner.provider == "aimlapi" else "cache_creation_tokens"
    details: JsonObject = {"cached_tokens": counts.cached, "audio_tokens": audio, written: counts.cache_written}
    if any(details.values()):
        usage["prompt_tokens_details"] = details
    output: JsonObject = {"audio_tokens": counts.speech} if counts.speech else {}
    if counts.thoughts and manner.details_thoughts:
        output["reasoning_tokens"] = counts.thoughts
    return {**usage, "completion_tokens_details": output} if output else usage


def chunks(outcome: Outcome, manner: Manner, *, with_usage: bool) -> list[JsonObject]:
    """Write a streamed answer."""
    head = _head(outcome, manner, "chat.completion.chunk")
    sent: list[JsonObject] = []
    for index, candidate in enumerate(outcome.candidates):
        deltas = [
            *_text_deltas(candidate, manner),
            *_speech_deltas(outcome, candidate),
            *_call_deltas(candidate, manner),
        ]
        deltas[0] = {"role": "assistant", **deltas[0]}
        sent.extend({**head, "choices": [_chunk_choice(delta, index, None)]} for delta in deltas)
        finish = candidate.finish if manner.whole_calls else _finish(candidate)
        last: JsonObject = {"content": None, **_message_signature(candidate, manner)} if candidate.signature else {}
        sent.append({**head, "choices": [_chunk_choice(last, index, finish)]})
    return _with_usage(sent, outcome, manner, with_usage=with_usage)


def _chunk_choice(delta: JsonObject, index: int, finish: str | None) -> JsonObject:
    return {"index": index, "delta": delta, "finish_reason": finish}


def _with_usage(sent: list[JsonObject], outcome: Outcome, manner: Manner, *, with_usage: bool) -> list[JsonObject]:
    usage: JsonObject = {"usage": _usage(outcome, manner)} if with_usage else {}
    meta: JsonObject = {"meta": {"usage": cost(outcome)}} if manner.provider == "aimlapi" else {}
    last = sent[-1]
    if manner.provider == "oxen":
        return [*sent, {**last, "choices": [], **usage}] if usage else sent
    if manner.provider == "aimlapi" and usage:
        finish = outcome.candidates[-1]
        repeated = _chunk_choice({"role": "assistant", "content": ""}, len(outcome.candidates) - 1, _finish(finish))
        return [*sent, {**last, "choices": [repeated], **usage, **meta}]
    return [*sent[:-1], {**last, **usage, **meta}]


def _text_deltas(candidate: Candidate, manner: Manner) -> list[JsonObject]:
    deltas: list[JsonObject] = []
    answer = pieces(candidate.text)
    if candidate.thoughts and manner.tags_thoughts:
        flag: JsonObject = {"extra_content": {"google": {"thought": True}}}
        deltas.extend({"content": piece, **flag} for piece in pieces(f"<thought>{candidate.thoughts}"))
        # A tool call ends the thoughts without a closing tag, as on Google's own endpoint.
        answer = pieces(f"</thought>{candidate.text}") if candidate.text or not candidate.calls else []
    elif candidate.thoughts:
        deltas.extend({"content": "", "reasoning_content": piece} for piece in pieces(candidate.thoughts))
    deltas.extend({"content": piece} for piece in answer)
    before = (
        _message_signature(candidate, manner) if candidate.calls and manner.signature == "reasoning_details" else {}
    )
    if before or not deltas:
        deltas.insert(0, {"content": "", **before})
    return deltas


def _speech_deltas(outcome: Outcome, candidate: Candidate) -> list[JsonObject]:
    return [{"audio": _audio(outcome, candidate)}] if outcome.speaks else []


def _call_deltas(candidate: Candidate, manner: Manner) -> list[JsonObject]:
    deltas: list[JsonObject] = []
    for position, call in enumerate(candidate.calls):
        whole = _call(call, manner, position)
        if manner.whole_calls:
            deltas.append({"tool_calls": [whole]})
            continue
        begun: JsonObject = {**whole, "index": position, "function": {"name": call.name, "arguments": ""}}
        deltas.append({"content": None, "tool_calls": [begun]})
        deltas.extend(
            {"tool_calls": [{"index": position, "function": {"arguments": piece}}]}
            for piece in pieces(json.dumps(call.arguments, ensure_ascii=False))
        )
    return deltas
