"""Every fault on every provider through the core.

The outcome, the requests that the providers saw, and nothing left behind.
"""

from __future__ import annotations

import pytest

from gemini_multi.sandbox import Sandbox

from .endpoints import Call
from .faults import Fault
from .matrix import cells, check_lasting, check_overcome

each_cell = pytest.mark.parametrize(("fault", "provider", "call"), cells("core"))


@each_cell
def test_a_lasting_fault_ends_in_its_typed_error(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> None:
    """After `max_retries` more requests where it may pass, after one where not."""
    check_lasting(sandbox, fault, provider, call)


@each_cell
def test_a_fault_is_overcome(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> None:
    """By a retry if it passes, by the next provider if not; and when nobody answers, the error tells of all."""
    check_overcome(sandbox, fault, provider, call)
