"""The outcome of a request: candidates and token counts, in no dialect yet."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypedDict

from gemini_multi.sandbox.answer import Answer
from gemini_multi.sandbox.json_value import JsonObject
from gemini_multi.sandbox.models import Model, read_model
from gemini_multi.sandbox.prompt import Call, Prompt
from gemini_multi.sandbox.state import State

_AUDIO_TOKENS: Final = 32
_VIDEO_TOKENS: Final = 263
_DOCUMENT_TOKENS: Final = 258
_CACHED_CONTENT_TOKENS: Final = 2048
_SPEECH_TOKENS: Final = 25
_numbers = itertools.count(1)


class Stamp(TypedDict):
    """The number and the time that distinguish answers."""

    number: int
    created: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate."""

    text: str = ""
    thoughts: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    """`stop`, `length`, or the reason from a script."""
    signature: str = ""
    """The signature on the text, if there is no tool call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Token counts."""

    prompt: int
    output: int
    thoughts: int = 0
    cached: int = 0
    cache_written: int = 0
    media: tuple[tuple[str, int], ...] = ()
    """The tokens per modality in `prompt`, without text."""
    speech: int = 0
    """The audio tokens in `output`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One whole answer."""

    model: str
    candidates: tuple[Candidate, ...]
    counts: Counts
    speaks: bool = False
    blocked: str | None = None
    document: JsonObject | None = None
    """The recorded answer in its own dialect. It is sent unchanged."""
    number: int = 0
    created: int = 0


def stamp() -> Stamp:
    """Return the number and the time of a new answer."""
    return {"number": next(_numbers), "created": int(time.time())}


def count_tokens(text: str) -> int:
    """Count the tokens of a text: four characters are one token."""
    return (len(text) + 3) // 4


def prompt_counts(prompt: Prompt) -> Counts:
    """Count a prompt's tokens. Only cached content that the prompt names counts as cached."""
    media = _media_counts(prompt, read_model(prompt.model))
    named = _CACHED_CONTENT_TOKENS if prompt.cached_content else 0
    spoken = max(count_tokens(_read_text(prompt)), 1)
    return Counts(prompt=spoken + sum(count for _, count in media) + named, output=0, cached=named, media=media)


def _read_text(prompt: Prompt) -> str:
    turns = (turn.text + "".join(result.content for result in turn.results) for turn in prompt.turns)
    return prompt.system + "".join(turns)


@dataclass(frozen=True, slots=True)
class OutcomeBuilder:
    """Builds the outcomes of answers for one family of endpoints."""

    state: State
    upstream: str
    gives_call_ids: bool
    caches_by_itself: bool = True

    def build(self, prompt: Prompt, answers: Sequence[Answer]) -> Outcome:
        """Apply limits and stop sequences, add signatures, and count tokens."""
        model = read_model(prompt.model)
        thought_tokens = model.thinking_tokens(prompt.effort)
        room = None if prompt.max_tokens is None else prompt.max_tokens - thought_tokens
        if room is not None and room <= 0:
            thought_tokens = prompt.max_tokens or 0
            candidates = tuple(Candidate(finish="length") for _ in answers)
        else:
            candidates = tuple(self._candidate(prompt, model, answer, room) for answer in answers)
        return Outcome(
            model=prompt.model,
            candidates=candidates,
            counts=self._counts(prompt, candidates, thought_tokens),
            speaks=prompt.wants_audio,
            blocked=answers[0].block_reason,
            **stamp(),
        )

    def _candidate(self, prompt: Prompt, model: Model, answer: Answer, room: int | None) -> Candidate:
        text, finish = _limited(answer.text, prompt.stop, room)
        signs = model.is_gemini_3 or (bool(prompt.tools) and model.thinking_tokens(prompt.effort) > 0)
        signature = self.state.marks.signature(self.upstream) if signs else ""
        calls = tuple(
            Call(name, dict(arguments), self._call_id(model), signature if index == 0 else "")
            for index, (name, arguments) in enumerate(answer.tool_calls)
        )
        return Candidate(text, answer.thoughts, calls, answer.finish_reason or finish, "" if calls else signature)

    def _call_id(self, model: Model) -> str:
        if not self.gives_call_ids and model.generation < (3, 6):
            return ""
        return self.state.marks.call_id(self.upstream)

    def _counts(self, prompt: Prompt, candidates: tuple[Candidate, ...], thoughts: int) -> Counts:
        seen, written = self.state.cached_tokens(f"{self.upstream} {prompt.model}", _read_text(prompt))
        tokens = sum(
            count_tokens(one.text) + sum(6 + count_tokens(str(call.arguments)) for call in one.calls)
            for one in candidates
        )
        speech = _SPEECH_TOKENS * len(candidates) if prompt.wants_audio else 0
        asked = prompt_counts(prompt)
        return replace(
            asked,
            output=tokens + speech,
            thoughts=thoughts,
            cached=asked.cached + seen,
            cache_written=written if prompt.caches else 0,
            speech=speech,
        )


def _limited(text: str, stop: tuple[str, ...], room: int | None) -> tuple[str, str]:
    ends = [place for word in stop if word and (place := text.find(word)) >= 0]
    text = text[: min(ends)] if ends else text
    if room is not None and count_tokens(text) > room:
        return text[: room * 4], "length"
    return text, "stop"


def _media_counts(prompt: Prompt, model: Model) -> tuple[tuple[str, int], ...]:
    sizes = {"IMAGE": model.image_tokens, "AUDIO": _AUDIO_TOKENS, "VIDEO": _VIDEO_TOKENS, "DOCUMENT": _DOCUMENT_TOKENS}
    kinds = [kind for turn in prompt.turns for kind in turn.media]
    return tuple((kind, size * kinds.count(kind)) for kind, size in sizes.items() if kind in kinds)


def pieces(text: str) -> list[str]:
    """Split a text into the pieces of a stream."""
    size = max(5, (len(text) + 9) // 10)
    return [text[start : start + size] for start in range(0, len(text), size)]
