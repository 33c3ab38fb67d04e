"""The recorded answers to the prompts in the providers' documentation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from gemini_multi.sandbox import chat_reading, native
from gemini_multi.sandbox.json_value import JsonObject, JsonValue, a_text, a_whole_number, an_object, objects
from gemini_multi.sandbox.outcome import Candidate, Counts, Outcome, stamp
from gemini_multi.sandbox.prompt import Prompt

_FOLDER: Final = Path(__file__).parent / "recordings"
_FINISHES: Final = {"MAX_TOKENS": "length", "STOP": "stop"}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded answer and its prompt."""

    provider: str
    prompt: Prompt
    answer: JsonObject

    @property
    def is_native(self) -> bool:
        """Whether the answer was recorded in the native dialect."""
        return "candidates" in self.answer

    def fits(self, prompt: Prompt) -> bool:
        """Whether the answer fits a prompt: the same text and model, and no request for anything else."""
        mine = self.prompt
        asks_more = (
            prompt.tools
            or prompt.wants_json
            or prompt.stop
            or prompt.count > 1
            or prompt.include_thoughts
            or prompt.wants_audio
        )
        if asks_more or prompt.effort or prompt.cached_content or (prompt.max_tokens or 2048) < 1500:
            return False
        return (prompt.model, prompt.system, _words(prompt)) == (mine.model, mine.system, _words(mine))

    def outcome(self, *, is_native: bool) -> Outcome:
        """Return the outcome: unchanged in its own dialect, with the same text and counts in the other one."""
        candidate, counts = _native(self.answer) if self.is_native else _chat(self.answer)
        return Outcome(
            model=self.prompt.model,
            candidates=(candidate,),
            counts=counts,
            document=self.answer if is_native == self.is_native else None,
            **stamp(),
        )


def _words(prompt: Prompt) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple((turn.role, turn.text, turn.media) for turn in prompt.turns)


def _native(answer: JsonObject) -> tuple[Candidate, Counts]:
    candidate = objects(answer["candidates"])[0]
    part = objects(an_object(candidate["content"])["parts"])[0]
    usage = an_object(answer["usageMetadata"])
    counts = Counts(
        prompt=_count(usage, "promptTokenCount"),
        output=_count(usage, "candidatesTokenCount"),
        thoughts=_count(usage, "thoughtsTokenCount"),
    )
    finish = _FINISHES[a_text(candidate["finishReason"])]
    return Candidate(a_text(part["text"]), finish=finish, signature=a_text(part.get("thoughtSignature"))), counts


def _chat(answer: JsonObject) -> tuple[Candidate, Counts]:
    choice, usage = objects(answer["choices"])[0], an_object(answer["usage"])
    counts = Counts(prompt=_count(usage, "prompt_tokens"), output=_count(usage, "completion_tokens"))
    return Candidate(a_text(an_object(choice["message"])["content"]), finish=a_text(choice["finish_reason"])), counts


def _count(usage: JsonObject, name: str) -> int:
    return a_whole_number(usage.get(name)) or 0


@cache
def recordings() -> tuple[Recording, ...]:
    """Load the recordings once."""
    return tuple(_load(path) for path in sorted(_FOLDER.glob("*.request.json")))


def _load(path: Path) -> Recording:
    request: JsonValue = json.loads(path.read_text("utf-8"))
    answer: JsonValue = json.loads(path.with_name(path.name.replace(".request.", ".answer.")).read_text("utf-8"))
    body = an_object(request)
    model = a_text(body["model"])
    prompt = native.read(an_object(body["input"]), model) if "input" in body else chat_reading.read(body, model)
    return Recording(path.name.partition("_")[0], prompt, an_object(answer))


def recorded(provider: str, prompt: Prompt) -> Recording | None:
    """Find the recorded answer to a prompt."""
    return next((one for one in recordings() if one.provider == provider and one.fits(prompt)), None)


@cache
def recorded_signatures() -> frozenset[str]:
    """Return the signatures in the recorded answers. They are valid although the sandbox did not issue them."""
    signatures = [one.outcome(is_native=True).candidates[0].signature for one in recordings()]
    return frozenset(signature for signature in signatures if signature)
