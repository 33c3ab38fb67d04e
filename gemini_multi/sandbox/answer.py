"""`Answer`: what the sandbox is to say, as a script or a rule gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gemini_multi.sandbox.json_value import JsonValue


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted answer; it is told in whatever dialect the request is in."""

    text: str = ""
    tool_calls: Sequence[tuple[str, Mapping[str, JsonValue]]] = ()
    thoughts: str = ""
    finish_reason: str | None = None
    """Sent as it is, in place of the reason that follows from the answer."""
    block_reason: str | None = None
    """Natively: the prompt is blocked for this reason and there is no candidate."""
