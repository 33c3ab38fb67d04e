"""Opaque marks that a provider issues and expects back: thought signatures and tool-call ids.

A mark holds its own proof, made with a key per sandbox and upstream, so that the sandbox need not store marks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
import secrets
from typing import Final

from gemini_multi.sandbox.prompt import Prompt
from gemini_multi.sandbox.refusal import bad

_DUMMIES: Final = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
DUMMIES: Final = frozenset(_DUMMIES) | {base64.b64encode(dummy.encode()).decode() for dummy in _DUMMIES}


class Marks:
    """Issues and recognizes the marks of each upstream."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._numbers = itertools.count(1)

    def _proof(self, upstream: str, kind: str, number: int) -> bytes:
        return hmac.new(self._key, f"{upstream} {kind} {number}".encode(), hashlib.sha256).digest()

    def signature(self, upstream: str) -> str:
        """Issue a thought signature: standard base64, with `+`, `/` and padding, like real ones."""
        number = next(self._numbers)
        proof = self._proof(upstream, "signature", number)
        return base64.b64encode(b"\x0a\xfb\xef\xff" + number.to_bytes(8, "big") + proof).decode()

    def is_signature(self, upstream: str, signature: str) -> bool:
        """Whether this upstream issued exactly this signature."""
        try:
            data = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        number = int.from_bytes(data[4:12], "big")
        expected = b"\x0a\xfb\xef\xff" + number.to_bytes(8, "big") + self._proof(upstream, "signature", number)
        return data == expected and base64.b64encode(data).decode() == signature

    def call_id(self, upstream: str, prefix: str = "call_") -> str:
        """Issue a tool-call id."""
        number = next(self._numbers)
        return f"{prefix}{number}_{self._proof(upstream, 'call', number).hex()[:16]}"

    def is_call_id(self, upstream: str, call_id: str) -> bool:
        """Whether this upstream issued the id."""
        head, _, proof = call_id.rpartition("_")
        digits = head[len(head.rstrip("0123456789")) :]
        return bool(digits) and proof == self._proof(upstream, "call", int(digits)).hex()[:16]


def check_signatures(prompt: Prompt, marks: Marks, upstream: str, *, required: bool, known: frozenset[str]) -> None:
    """Refuse altered and foreign signatures and, if signatures are required, steps without one.

    Args:
        prompt: The request.
        marks: The marks that the sandbox has issued.
        upstream: The endpoint family of the request.
        required: Whether the first call of each step of the current turn must be signed.
        known: Signatures in recorded answers, which the sandbox did not issue.
    """
    for turn in prompt.turns:
        for signature in (*turn.signatures, *(call.signature for call in turn.calls)):
            if signature and not (
                signature in DUMMIES or signature in known or marks.is_signature(upstream, signature)
            ):
                raise bad("Corrupted thought signature.")
    if required:
        _check_steps(prompt)


def _check_steps(prompt: Prompt) -> None:
    start = len(prompt.turns) - len(prompt.current_turn)
    for position, turn in enumerate(prompt.current_turn, start=start + 1):
        if turn.calls and not turn.calls[0].signature:
            raise bad(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `default_api:{turn.calls[0].name}` , position {position}. Please refer to "
                "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
            )
