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
    accepted = None if distrust else issuer
    begin = len(turns)
    if required:  # only in the turns after the user's last turn
        begin = max((position for position, turn in enumerate(turns) if turn.role == "user"), default=-1)
    signed: list[Message] = []
    for position, message in enumerate(turns):
        must_sign = position > begin
        is_bare = message.role != "assistant" or plain_text(message) is not None
        if is_bare or not (must_sign or any(map(signature_of, message.parts))):
            signed.append(message)
            continue
        parts = _once([kept for part in message.parts if (kept := _accepted(part, accepted)) is not None])
        if must_sign:
            parts = _with_dummy(parts, issuer)
        if parts:
            signed.append(message if parts == message.parts else replace(message, parts=parts))
    return tuple(signed)


def signature_of(part: Part) -> Signature | None:
    """Return the signature of a part. Results of functions have none."""
    return None if isinstance(part, ToolResult) else part.signature


def bare_signature(part: Part) -> str | None:
    """Return the text of a part's thought signature."""
    signature = signature_of(part)
    return None if signature is None else signature.thought_signature()


def _accepted(part: Part, issuer: str | None) -> Part | None:
    """Remove a signature of another issuer. Return `None` for a part that holds nothing else."""
    if isinstance(part, ToolResult) or part.signature is None or part.signature.issuer == issuer:
        return part
    if isinstance(part, Thought) or (isinstance(part, Text) and not part.text):
        return None
    return replace(part, signature=None)


def _once(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Keep a signature that a provider sent at two positions only at the position where it is required.

    A signature that is sent twice is billed twice.
    """
    calls = {bare_signature(part) for part in parts if isinstance(part, ToolCall)}
    seen = set[str]()
    kept: list[Part] = []
    for part in parts:
        bare = bare_signature(part)
        is_again = bare is not None and (bare in seen or (bare in calls and not isinstance(part, ToolCall)))
        if (once := _accepted(part, None) if is_again else part) is not None:
            kept.append(once)
        if bare is not None and not is_again:
            seen.add(bare)
    return tuple(kept)


def _with_dummy(parts: tuple[Part, ...], issuer: str) -> tuple[Part, ...]:
    """Add the dummy to the first call unless the step is signed already."""
    for position, part in enumerate(parts):
        if isinstance(part, ToolCall):
            if bare_signature(part) is not None or any(map(_signs_message, parts)):
                return parts
            dummy = Signature(DUMMY, carrier="thoughtSignature", issuer=issuer)
            return (*parts[:position], replace(part, signature=dummy), *parts[position + 1 :])
    return parts


def _signs_message(part: Part) -> bool:
    """Whether the part's signature belongs to the whole message and names its call itself."""
    signature = signature_of(part)
    return signature is not None and signature.carrier == "reasoning_details" and bare_signature(part) is not None
