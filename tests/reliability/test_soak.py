"""A short soak; `make soak` runs a long one."""

from __future__ import annotations

from gemini_multi.sandbox import Sandbox

from .soak import Soak, check

CALLS = 384


def test_every_call_ends_in_its_own_answer_or_a_typed_error(sandbox: Sandbox) -> None:
    """Sixty-four at once, from threads and from tasks, while a fifth of the requests fail in all ways."""
    check(Soak(sandbox, seed=1, patience=0.7).run(CALLS), CALLS)
