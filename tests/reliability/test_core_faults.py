"""Every fault on every host through the core: the outcome, the requests that the hosts saw, and nothing left behind."""

from __future__ import annotations

import pytest

from gemini_multi.sandbox import Sandbox

from .doors import Call, calls
from .faults import FAULTS, Fault
from .matrix import CHECKS, HOSTS, check_lasting

each_call = pytest.mark.parametrize("call", calls("core"), ids=str)
each_host = pytest.mark.parametrize("host", HOSTS)
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


@each_call
@each_host
@each_fault
def test_a_lasting_fault_ends_in_its_typed_error(sandbox: Sandbox, fault: Fault, host: str, call: Call) -> None:
    """After `max_retries` more requests where it may pass, after one where not."""
    check_lasting(sandbox, fault, host, call)


@each_call
@each_host
@each_fault
@pytest.mark.parametrize("check", CHECKS)
def test_a_fault_is_overcome(sandbox: Sandbox, fault: Fault, host: str, call: Call, check: str) -> None:
    """By a retry if it passes, by the next host if not; and when nobody answers, the error tells of all."""
    CHECKS[check](sandbox, fault, host, call)
