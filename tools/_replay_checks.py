"""What `replay.py` checks of an answer: that nothing of the body is lost, and that the vendors' clients read the same.

The bodies are read here once more, by other code than the client's.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from gemini_multi import ChatResponse, ProviderError
from gemini_multi.types import JsonValue

Document: TypeAlias = dict[str, JsonValue]
Reading: TypeAlias = dict[str, object]
"""What one client reads: `text`, `calls`, `finish`, `input`, `total`."""

_STRUCTURE = frozenset({"role", "index", "object", "type", "arguments", "jsonPath", "willContinue"})
"""Keys whose values are the wire's own words, or are compared as calls."""


def documents(body: bytes, *, is_stream: bool) -> Iterator[Document]:
    """Read the JSON documents of a body."""
    text = body.decode("utf-8-sig", "replace")
    if not is_stream or text.lstrip()[:1] in ("{", "["):
        found = json.loads(text)
        yield from (item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict))
        return
    loose = text.replace("\r\n", "\n").rpartition("\n\n")[2]
    with contextlib.suppress(ValueError):  # an error that ends the stream, and is no event
        found = json.loads(loose)
        yield from (item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict))
    for event in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line.removeprefix("data:") for line in event.split("\n") if line.startswith("data:")]
        data = "\n".join(lines).strip()
        if data and data != "[DONE]":
            found = json.loads(data)
            yield from (item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict))


def shape(found: Sequence[Document]) -> str:
    """Tell the kind of body where no manifest does."""
    keys = {key for document in found for key in document}
    if "choices" in keys:
        return "openai"
    if keys & {"candidates", "promptFeedback", "usageMetadata"}:
        return "native"
    return "error" if "error" in keys else "other"


def status(found: Sequence[Document]) -> int:
    """Tell the HTTP status where no manifest does."""
    error = found[0].get("error") if len(found) == 1 else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 200


# --- losses ---


def losses(found: Sequence[Document], answer: ChatResponse, kept: JsonValue, *, native: bool) -> list[str]:
    """Name all of the body that is nowhere in the answer."""
    keys, values, haystack = set[str](), set[float](), list[str]()
    _collect(kept, keys, values, haystack)
    everything = "\x00".join(haystack)
    said = list(_leaves(found))
    lost = [
        f"{path}={value!r:.80}"
        for number, path, value in said
        if not _is_kept(path, value, keys, values, everything) and not _is_said_later(said, number, path)
    ]
    ours, theirs = reading_of(answer), (_native(found) if native else _chat(found))
    lost += [
        f"{name}: {theirs[name]!r:.200} became {ours[name]!r:.200}" for name in theirs if theirs[name] != ours[name]
    ]
    return lost + list(_usage_losses(found, answer, "usageMetadata" if native else "usage"))


def error_losses(found: Sequence[Document], error: ProviderError) -> list[str]:
    """Name the messages of an error's body that the error does not tell."""
    message = next(
        (inner.get("message") for document in found if isinstance(inner := document.get("error"), dict)), None
    )
    return [f"error message {message!r}"] if isinstance(message, str) and message not in error.message else []


def _collect(value: JsonValue, keys: set[str], numbers: set[float], texts: list[str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            keys.add(key)
            _collect(inner, keys, numbers, texts)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, keys, numbers, texts)
    elif isinstance(value, str):
        texts.append(value)
    elif isinstance(value, int | float):
        numbers.add(float(value))


def _leaves(found: Sequence[Document]) -> Iterator[tuple[int, str, JsonValue]]:
    for number, document in enumerate(found):
        for path, value in _leaves_of(document, ""):
            yield number, path, value


def _leaves_of(value: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _STRUCTURE:
                yield from _leaves_of(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _leaves_of(inner, f"{path}[{position}]")
    elif value is not None and value != "":
        yield path, value


def _is_kept(path: str, value: JsonValue, keys: set[str], numbers: set[float], everything: str) -> bool:
    if isinstance(value, bool):
        # `thought: true` is told by the kind of part.
        return path.endswith(".thought") or not value or path.rpartition(".")[2].partition("[")[0] in keys
    if isinstance(value, str):
        return value in everything
    return isinstance(value, int | float) and float(value) in numbers


def _is_said_later(said: Sequence[tuple[int, str, JsonValue]], number: int, path: str) -> bool:
    """Whether a later document says the same anew: in streams the last word counts. Content is never said anew."""
    if ".parts[" in path or ".delta." in path:
        return False
    # A list of ratings is said anew as a whole.
    head, found, _ = path.partition(".safetyRatings[")
    return any(
        later > number and (other.startswith(head + found) if found else other == path) for later, other, _ in said
    )


def _usage_losses(found: Sequence[Document], answer: ChatResponse, key: str) -> Iterator[str]:
    last: Document = {}
    for document in found:
        given = document.get(key)
        if isinstance(given, dict):
            last |= {name: value for name, value in given.items() if value is not None}
    kept = answer.provider_metadata.get(key)
    for name, value in last.items():
        present = kept.get(name) if isinstance(kept, dict) else None
        if present != value and not isinstance(value, dict):
            yield f"{key}.{name}={value!r} became {present!r}"


# --- what each reads ---


def reading_of(answer: ChatResponse) -> Reading:
    """Give what we read of the first candidate."""
    native = answer.candidate.metadata.get("finish_reason")
    return {
        "text": answer.text,
        "thoughts": answer.thoughts,
        "calls": [(call.name, dict(call.arguments)) for call in answer.tool_calls],
        "finish": native if isinstance(native, str) else answer.candidate.raw_finish_reason,
        "input": answer.usage.input_tokens,
        "total": answer.usage.total_tokens,
    }


def _native(found: Sequence[Document]) -> Reading:
    text, thoughts, finish = "", "", None
    calls: list[tuple[object, object]] = []
    is_partial = False
    for candidate in _firsts(found, "candidates"):
        finish = candidate.get("finishReason") or finish
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if not isinstance(part, dict):
                continue
            said, call = part.get("text"), part.get("functionCall")
            if isinstance(said, str) and part.get("thought"):
                thoughts += said
            elif isinstance(said, str):
                text += said
            if isinstance(call, dict):
                is_partial = is_partial or bool(call.keys() & {"partialArgs", "willContinue"})
                calls.append((call.get("name"), call.get("args") or {}))
    read: Reading = {"text": text, "thoughts": thoughts, "finish": finish}
    return read if is_partial or finish in ("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS") else {**read, "calls": calls}


def _chat(found: Sequence[Document]) -> Reading:
    text, finish = "", None
    calls: list[tuple[str, list[str]]] = []
    for choice in _firsts(found, "choices"):
        finish = choice.get("finish_reason") or finish
        message = choice.get("delta") or choice.get("message")
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        text += content if isinstance(content, str) else ""
        given = message.get("tool_calls")
        for call in given if isinstance(given, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                if function.get("name"):
                    calls.append((str(function["name"]), []))
                calls[-1][1].append(str(function.get("arguments") or ""))
    arguments = [(name, json.loads("".join(pieces) or "{}")) for name, pieces in calls]
    return {"text": text, "finish": finish, "calls": arguments}


def _firsts(found: Sequence[Document], key: str) -> Iterator[dict[str, JsonValue]]:
    """Give each document's share of the first candidate."""
    for document in found:
        items = document.get(key)
        first = items[0] if isinstance(items, list) and items else None
        if isinstance(first, dict):
            yield first


# --- the providers' own clients ---


def disagreements(found: Sequence[Document], answer: ChatResponse, *, native: bool) -> tuple[str, list[str]]:
    """Compare with google-genai's or openai's own types; the name is empty when they cannot read it or are missing."""
    name, read = ("google-genai", _google) if native else ("openai", _openai)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = read(found)
    except (ImportError, ValueError, TypeError, AttributeError, KeyError):
        return "", []
    ours = reading_of(answer)
    if ours["input"] != theirs.get("input") and not theirs.get("input"):
        theirs.pop("input", None)  # a provider that counts no prompt: ours is what the total leaves
    found_apart = [
        f"{name} reads {key} {theirs[key]!r:.200}, we {ours[key]!r:.200}" for key in theirs if theirs[key] != ours[key]
    ]
    return name, found_apart


def _google(found: Sequence[Document]) -> Reading:
    from google.genai import types

    make: Callable[..., Any] = types.GenerateContentResponse._from_response
    text, finish = "", None
    calls: list[tuple[object, object]] = []
    counts: dict[str, int] = {}
    is_partial = False
    for document in found:
        answer = make(response=json.loads(json.dumps(document)), kwargs={})
        usage = answer.usage_metadata
        for name in ("prompt_token_count", "tool_use_prompt_token_count", "total_token_count"):
            if usage is not None and getattr(usage, name) is not None:
                counts[name] = getattr(usage, name)
        if not answer.candidates:
            continue
        candidate = answer.candidates[0]
        finish = candidate.finish_reason or finish
        for part in (candidate.content and candidate.content.parts) or ():
            text += part.text if part.text and not part.thought else ""
            if part.function_call:
                is_partial = is_partial or bool(part.function_call.partial_args or part.function_call.will_continue)
                calls.append((part.function_call.name, part.function_call.args or {}))
    read: Reading = {"text": text, "finish": None if finish is None else str(getattr(finish, "value", finish))}
    if counts.get("total_token_count"):
        read["input"] = counts.get("prompt_token_count", 0) + counts.get("tool_use_prompt_token_count", 0)
        read["total"] = counts["total_token_count"]
    return read if is_partial or finish == "UNEXPECTED_TOOL_CALL" else {**read, "calls": calls}


def _openai(found: Sequence[Document]) -> Reading:
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    make: Callable[..., Any] = (ChatCompletionChunk if len(found) > 1 else ChatCompletion).construct
    text, finish, usage = "", None, None
    calls: dict[int, list[str]] = {}
    for document in found:
        answer = make(**document)
        usage = answer.usage or usage
        for choice in (answer.choices or ())[:1]:
            message = choice.delta if len(found) > 1 else choice.message
            finish = choice.finish_reason or finish
            text += message.content or ""
            for position, call in enumerate(message.tool_calls or ()):
                slot = calls.setdefault(call.index if len(found) > 1 else position, ["", ""])
                slot[0] += call.function.name or ""
                slot[1] += call.function.arguments or ""
    read: Reading = {
        "text": text,
        "finish": finish,
        "calls": [(name, json.loads(arguments or "{}")) for name, arguments in calls.values()],
    }
    if usage is None:
        return read
    details = usage.completion_tokens_details
    thoughts = (details and details.reasoning_tokens) or 0
    # Thoughts that are more than the completion cannot be a part of it, so such a total leaves them out.
    is_short = (
        thoughts > usage.completion_tokens and usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    )
    total = usage.total_tokens + (thoughts if is_short else 0)
    return {**read, "input": usage.prompt_tokens, "total": total}
