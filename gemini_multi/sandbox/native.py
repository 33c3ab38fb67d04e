"""The native dialect: reads a `generateContent` request as a prompt and writes an outcome as response documents."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Final

from gemini_multi.sandbox.json_value import (
    JsonObject,
    JsonValue,
    a_list,
    a_number,
    a_text,
    a_whole_number,
    an_object,
    objects,
    texts,
)
from gemini_multi.sandbox.models import Model, read_model
from gemini_multi.sandbox.native_reading import Reader
from gemini_multi.sandbox.native_rules import CHECKS, calling_config, declarations, generation_config
from gemini_multi.sandbox.outcome import Candidate, Counts, Outcome, pieces
from gemini_multi.sandbox.prompt import Call, Function, Mode, Prompt, Result, Role, Turn, joined
from gemini_multi.sandbox.refusal import bad
from gemini_multi.sandbox.signatures import DUMMIES

_MODES: Final[dict[str, Mode]] = {"ANY": "any", "NONE": "none"}
_FINISHES: Final = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_SILENCE: Final = base64.b64encode(bytes(480)).decode()


def validated(body: JsonObject, model_id: str, *, is_vertex: bool) -> JsonObject:
    """Refuse what the upstream refuses. Return the body with `camelCase` names."""
    request = Reader(is_vertex=is_vertex).request(body)
    model = read_model(model_id)
    for check in CHECKS:
        check(request, model)
    return request


def counted(body: JsonObject, model_id: str) -> JsonObject:
    """Refuse a count that the upstream refuses. Return the request whose tokens are to be counted."""
    asked = Reader(is_vertex=False).count_request(body)
    inner = asked.get("generateContentRequest")
    if inner is None:
        return validated(asked, model_id, is_vertex=False)
    if "contents" in asked:
        raise bad("* CountTokensRequest: contents and generate_content_request are mutually exclusive.\n")
    request = an_object(inner)
    if request.get("model") != f"models/{model_id}":
        raise bad("* CountTokensRequest.generate_content_request.model: unexpected model name format\n")
    return validated(request, model_id, is_vertex=False)


def count_document(counts: Counts) -> JsonObject:
    """Write the number of tokens of a prompt."""
    count: JsonObject = {
        "totalTokens": counts.prompt,
        "promptTokensDetails": _details(counts.prompt, dict(counts.media)),
    }
    return {**count, "cachedContentTokenCount": counts.cached} if counts.cached else count


def read(request: JsonObject, model_id: str) -> Prompt:
    """Read a validated request as a prompt."""
    config = generation_config(request)
    thinking = an_object(config.get("thinkingConfig"))
    schema = config.get("responseJsonSchema", config.get("responseSchema"))
    calling = calling_config(request)
    return Prompt(
        model=model_id,
        turns=joined(_turn(content) for content in objects(request.get("contents"))),
        system="".join(
            a_text(part.get("text")) for part in objects(an_object(request.get("systemInstruction")).get("parts"))
        ),
        tools=tuple(_function(one) for one in declarations(request)),
        mode=_MODES.get(a_text(calling.get("mode")), "auto"),
        allowed=texts(calling.get("allowedFunctionNames")),
        wants_json=config.get("responseMimeType") == "application/json",
        output_schema=schema if isinstance(schema, dict) else None,
        stop=texts(config.get("stopSequences")),
        max_tokens=a_whole_number(config.get("maxOutputTokens")),
        count=a_whole_number(config.get("candidateCount")) or 1,
        include_thoughts=thinking.get("includeThoughts") is True,
        effort=effort(thinking, read_model(model_id)),
        wants_audio="AUDIO" in a_list(config.get("responseModalities")),
        cached_content=a_text(request.get("cachedContent")),
    )


def effort(thinking: JsonObject, model: Model) -> str | None:
    """Return the effort that a thinking configuration requests."""
    level, budget = a_text(thinking.get("thinkingLevel")), a_number(thinking.get("thinkingBudget"))
    if level:
        return level.lower()
    if budget is None:
        return None
    if budget == -1:
        return "medium"
    if budget == 0:
        return "none" if model.can_stop_thinking else "low"
    return "low" if budget < 4096 else "high"


def _function(declaration: JsonObject) -> Function:
    schema = declaration.get("parametersJsonSchema", declaration.get("parameters"))
    return Function(a_text(declaration.get("name")), an_object(schema))


def _turn(content: JsonObject) -> Turn:
    parts = objects(content.get("parts"))
    calls = tuple(_call(part) for part in parts if "functionCall" in part)
    results = tuple(_result(an_object(part["functionResponse"])) for part in parts if "functionResponse" in part)
    role: Role = "model" if content.get("role") == "model" else "tool" if results else "user"
    return Turn(
        role,
        text="".join(a_text(part.get("text")) for part in parts if not part.get("thought")),
        calls=calls,
        results=results,
        media=tuple(modality(_mime_type(part)) for part in parts if "inlineData" in part or "fileData" in part),
        signatures=tuple(_signature(part) for part in parts if "functionCall" not in part),
    )


def _call(part: JsonObject) -> Call:
    call = an_object(part["functionCall"])
    return Call(
        a_text(call.get("name")),
        an_object(call.get("args")),
        a_text(call.get("id")),
        _signature(part),
    )


def _result(response: JsonObject) -> Result:
    value = an_object(response.get("response"))
    result = next((value[key] for key in ("output", "result", "error") if key in value), value)
    content = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return Result(a_text(response.get("name")), content, a_text(response.get("id")))


def _signature(part: JsonObject) -> str:
    signature = a_text(part.get("thoughtSignature"))
    # ProtoJSON accepts bytes in both base64 alphabets, and Google's own client uses the URL-safe one.
    return signature if signature in DUMMIES else signature.replace("-", "+").replace("_", "/")


def _mime_type(part: JsonObject) -> str:
    return a_text(an_object(part.get("inlineData", part.get("fileData"))).get("mimeType"))


def modality(mime_type: str) -> str:
    """Return the modality of a MIME type."""
    kinds = {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO"}
    return kinds.get(mime_type.partition("/")[0], "DOCUMENT")


def document(outcome: Outcome, *, is_vertex: bool) -> JsonObject:
    """Write a whole answer as one document."""
    if outcome.document is not None:
        return outcome.document
    head = _head(outcome, is_vertex=is_vertex)
    if outcome.blocked:
        return {
            **head,
            "promptFeedback": {"blockReason": outcome.blocked},
            "usageMetadata": _blocked_usage(outcome, is_vertex=is_vertex),
        }
    candidates: list[JsonValue] = [
        _candidate(_parts(one, outcome), one, index, is_vertex=is_vertex, ends=True)
        for index, one in enumerate(outcome.candidates)
    ]
    return {"candidates": candidates, **head, "usageMetadata": _usage(outcome, is_vertex=is_vertex)}


def documents(outcome: Outcome, *, is_vertex: bool) -> list[JsonObject]:
    """Write a streamed answer as pieces of parts. The last document holds the finish reason and all counts."""
    if outcome.blocked:
        return [document(outcome, is_vertex=is_vertex)]
    head = _head(outcome, is_vertex=is_vertex)
    written: list[JsonObject] = []
    for index, one in enumerate(outcome.candidates):
        increments = _increments(one, outcome)
        for position, parts in enumerate(increments):
            ends = position == len(increments) - 1
            candidate: list[JsonValue] = [_candidate(parts, one, index, is_vertex=is_vertex, ends=ends)]
            complete = ends and index == len(outcome.candidates) - 1
            usage = _usage(outcome, is_vertex=is_vertex) if complete or not is_vertex else _traffic()
            written.append({"candidates": candidate, **head, "usageMetadata": usage})
    return written


def _traffic() -> JsonObject:
    return {"trafficType": "ON_DEMAND"}


def _head(outcome: Outcome, *, is_vertex: bool) -> JsonObject:
    name = outcome.model.rpartition("/")[2]
    head: JsonObject = {"modelVersion": f"{name}-sandbox", "responseId": f"sandbox-{outcome.number}"}
    if is_vertex:
        head["createTime"] = datetime.fromtimestamp(outcome.created, UTC).isoformat().replace("+00:00", ".000000Z")
        head["gatewayMetadata"] = {"keySource": "Unified"}
    return head


def _candidate(parts: list[JsonValue], candidate: Candidate, index: int, *, is_vertex: bool, ends: bool) -> JsonObject:
    content: JsonObject = {"role": "model", **({"parts": parts} if parts else {})}
    record: JsonObject = {"content": content}
    if not is_vertex or index:
        record["index"] = index
    if ends:
        record["finishReason"] = _FINISHES.get(candidate.finish, candidate.finish)
        if is_vertex:
            record["avgLogprobs"] = -0.25
        elif candidate.calls:
            record["finishMessage"] = "Model generated function call(s)."
    return record


def _parts(candidate: Candidate, outcome: Outcome) -> list[JsonValue]:
    parts: list[JsonObject] = []
    if candidate.thoughts:
        parts.append({"text": candidate.thoughts, "thought": True})
    if candidate.text:
        parts.append({"text": candidate.text})
    if outcome.speaks:
        parts.append({"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": _SILENCE}})
    if candidate.signature and candidate.text:
        parts[-1]["thoughtSignature"] = candidate.signature
    return [*parts, *(_call_part(call) for call in candidate.calls)]


def _call_part(call: Call) -> JsonObject:
    body: JsonObject = {"name": call.name, "args": call.arguments, **({"id": call.id} if call.id else {})}
    return {"functionCall": body, **({"thoughtSignature": call.signature} if call.signature else {})}


def _increments(candidate: Candidate, outcome: Outcome) -> list[list[JsonValue]]:
    increments: list[list[JsonValue]] = [[{"text": piece, "thought": True}] for piece in pieces(candidate.thoughts)]
    is_gemini_3 = read_model(outcome.model).is_gemini_3
    for position, piece in enumerate(pieces(candidate.text)):
        part: JsonObject = {"text": piece}
        if position == 0 and candidate.signature and not is_gemini_3:
            part["thoughtSignature"] = candidate.signature
        increments.append([part])
    if outcome.speaks:
        increments.append([{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": _SILENCE}}])
    increments.extend([_call_part(call)] for call in candidate.calls)
    tail: JsonObject = {"text": ""}
    if candidate.signature and is_gemini_3 and candidate.text:
        tail["thoughtSignature"] = candidate.signature
    return [*increments, [tail] if increments else []]


def _usage(outcome: Outcome, *, is_vertex: bool) -> JsonObject:
    counts = outcome.counts
    usage: JsonObject = {
        "promptTokenCount": counts.prompt,
        "promptTokensDetails": _details(counts.prompt, dict(counts.media)),
        "totalTokenCount": counts.prompt + counts.output + counts.thoughts,
    }
    if counts.output:
        usage["candidatesTokenCount"] = counts.output
        usage["candidatesTokensDetails"] = _details(counts.output, {"AUDIO": counts.speech} if counts.speech else {})
    if counts.thoughts:
        usage["thoughtsTokenCount"] = counts.thoughts
    if counts.cached:
        usage["cachedContentTokenCount"] = counts.cached
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": counts.cached}]
    return {**usage, **(_traffic() if is_vertex else {})}


def _blocked_usage(outcome: Outcome, *, is_vertex: bool) -> JsonObject:
    return (
        _traffic()
        if is_vertex
        else {"promptTokenCount": outcome.counts.prompt, "totalTokenCount": outcome.counts.prompt}
    )


def _details(total: int, others: dict[str, int]) -> list[JsonValue]:
    kinds = {"TEXT": total - sum(others.values()), **others}
    return [{"modality": kind, "tokenCount": count} for kind, count in kinds.items() if count]
