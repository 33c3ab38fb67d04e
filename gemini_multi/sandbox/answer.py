"""`Answer`: an answer of the sandbox, from a script or a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gemini_multi.sandbox.json_value import JsonValue


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted answer. The sandbox writes it in the dialect of the request."""

    text: str = ""
    tool_calls: Sequence[tuple[str, Mapping[str, JsonValue]]] = ()
    thoughts: str = ""
    finish_reason: str | None = None
    """The finish reason to send, instead of the one that follows from the answer."""
    block_reason: str | None = None
    """The reason for which the prompt is blocked. The answer then has no candidate. For the native dialect."""
