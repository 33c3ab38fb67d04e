"""Decides which thought signatures are sent to a provider, and which are replaced by the documented dummy.

A signature is valid only at the upstream that issued it. Gemini 3 refuses a tool loop in which the first call of a step
has no signature. For histories from other providers, Google documents a dummy value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gemini_multi._history.turns import plain_text
from gemini_multi.types import Message, Part, Signature, Text, Thought, ToolCall, ToolResult

DUMMY: Final = "skip_thought_signature_validator"
"""A value that tells the provider not to require a signature: https://ai.google.dev/gemini-api/docs/thought-signatures."""


def sign(turns: Sequence[Message], *, issuer: str, required: bool, distrust: bool = False) -> tuple[Message, ...]:
    """Keep the signatures that are valid at `issuer`, remove the others, and add dummies where a signature is required.

    Args:
        turns: A history by the rules of `gemini_multi._history.turns`.
        issuer: The upstream that the history is sent to.
        required: Whether the first call of each step of the current turn must be signed.
        distrust: Treat all signatures as invalid, because the provider has refused one.
    """
    accepted = "" if distrust else issuer
    begin = _current_turn(turns) if required else len(turns)
    signed: list[Message] = []
    for position, message in enumerate(turns):
        must_sign = required and position > begin
        is_bare = message.role != "assistant" or plain_text(message) is not None
        if is_bare or not (must_sign or any(map(_is_signed, message.parts))):
            signed.append(message)
            continue
        parts = _once(_without_foreign(message.parts, accepted))
        if must_sign:
            parts = _with_dummy(parts, issuer)
        if parts:
            signed.append(message if parts == message.parts else replace(message, parts=parts))
    return tuple(signed)


def _is_signed(part: Part) -> bool:
    return not isinstance(part, ToolResult) and part.signature is not None


def _current_turn(turns: Sequence[Message]) -> int:
    """Find the user's last turn: only the turns after it are validated."""
    return max((position for position, turn in enumerate(turns) if turn.role == "user"), default=-1)


def _without_foreign(parts: tuple[Part, ...], accepted: str) -> tuple[Part, ...]:
    return tuple(kept for part in parts if (kept := _accepted_part(part, accepted)) is not None)


def _accepted_part(part: Part, accepted: str) -> Part | None:
    """Remove a signature of another issuer. Return `None` for a part that holds nothing else."""
    if isinstance(part, ToolResult) or part.signature is None:
        return part
    if accepted and part.signature.issuer == accepted:
        return part
    if isinstance(part, Thought) or (isinstance(part, Text) and not part.text):
        return None
    return replace(part, signature=None)


def _once(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Keep a signature that a provider sent at two positions only at the position where it is required.

    A signature that is sent twice is billed twice.
    """
    calls = {bare for part in parts if isinstance(part, ToolCall) and (bare := _bare(part)) is not None}
    seen = set[str]()
    kept: list[Part] = []
    for part in parts:
        bare = _bare(part)
        if bare is not None and (bare in seen or (bare in calls and not isinstance(part, ToolCall))):
            unsigned = _accepted_part(part, "")
            kept.extend([] if unsigned is None else [unsigned])
            continue
        if bare is not None:
            seen.add(bare)
        kept.append(part)
    return tuple(kept)


def _bare(part: Part) -> str | None:
    signature = None if isinstance(part, ToolResult) else part.signature
    return None if signature is None else signature.thought_signature()


def _with_dummy(parts: tuple[Part, ...], issuer: str) -> tuple[Part, ...]:
    """Add the dummy to the first call unless the step is signed already."""
    for position, part in enumerate(parts):
        if isinstance(part, ToolCall):
            if _bare(part) is not None or _has_reasoning_details(parts):
                return parts
            dummy = Signature(DUMMY, carrier="thoughtSignature", issuer=issuer)
            return (*parts[:position], replace(part, signature=dummy), *parts[position + 1 :])
    return parts


def _has_reasoning_details(parts: tuple[Part, ...]) -> bool:
    """Whether the signature belongs to the whole message and names its call itself."""
    return any(
        not isinstance(part, ToolResult)
        and part.signature is not None
        and part.signature.carrier == "reasoning_details"
        and part.signature.thought_signature() is not None
        for part in parts
    )
