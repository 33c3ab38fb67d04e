"""What holds for every fault, on every provider, through every endpoint."""

from __future__ import annotations

from typing import Any, Final

import pytest

from gemini_multi import AllRoutesFailed, GeminiMultiError, StreamInterrupted
from gemini_multi.sandbox import Sandbox

from .endpoints import ODD_TEXT, TEXT, Answer, Call, calls
from .faults import ALIKE, FAULTS, Fault, Outcome

PROVIDERS: Final = ["cloudflare", "aimlapi", "oxen"]
NEXT: Final = {"cloudflare": "aimlapi", "aimlapi": "oxen", "oxen": "cloudflare"}
STALL: Final = 0.6
"""Seconds of silence that are too many, where a provider falls silent. A busy machine answers sooner."""


def asked(sandbox: Sandbox) -> list[str]:
    return [request.provider for request in sandbox.requests]


def text_of(fault: Fault) -> str:
    return (ODD_TEXT if "U+2028" not in fault.name else "Hello from \u2028the sandbox") if fault.raw else TEXT


def settings(fault: Fault, retries: int) -> dict[str, Any]:
    return {"max_retries": retries, "timeout": STALL if fault.is_slow else 20.0}


def check_lasting(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> GeminiMultiError | None:
    """A provider that keeps failing is asked as often as it is worth; then the typed error says what happened."""
    expected, retries = fault.outcome(provider, stream=call.stream), 0 if fault.is_slow else 2
    fault.commit(sandbox, provider, retries + 2)
    if expected.error is None:
        assert call.ask([provider], **settings(fault, retries)) == Answer(text_of(fault), provider, ("answered",))
        assert asked(sandbox) == [provider]
        return None
    with pytest.raises(GeminiMultiError) as caught:
        call.ask([provider], **settings(fault, retries))

    requests = 1 + retries if expected.retried else 1
    assert (asked(sandbox), len(caught.value.attempts)) == ([provider] * requests, requests)
    check_error(caught.value, expected)
    return caught.value


def check_error(error: GeminiMultiError, expected: Outcome) -> None:
    assert expected.error is not None
    if not expected.interrupted:
        assert isinstance(error, expected.error)
        return
    assert isinstance(error, StreamInterrupted)
    assert error.partial.text
    cause = error.__cause__
    if isinstance(cause, StreamInterrupted):  # a framework's twin of the core's error
        cause = cause.__cause__
    assert isinstance(cause, expected.error)


def check_passing(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> None:
    """A fault that passes is not seen: one retry on the same provider, and the answer tells of both attempts."""
    if not fault.outcome(provider, stream=call.stream).retried:
        return
    fault.commit(sandbox, provider, 1)

    assert call.ask([provider], **settings(fault, 1)) == Answer(TEXT, provider, ("failed", "answered"))
    assert asked(sandbox) == [provider, provider]


def check_next(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> None:
    """The next provider answers at once, unless the request itself is bad or content was delivered already."""
    expected = fault.outcome(provider, stream=call.stream)
    if not expected.moves_on:
        return
    retries = 0 if fault.is_slow else 1
    fault.commit(sandbox, provider, retries + 2)
    answer = call.ask([provider, NEXT[provider]], **settings(fault, retries))

    assert answer == Answer(TEXT, NEXT[provider], ("failed", "answered"))
    assert asked(sandbox) == [provider, NEXT[provider]]


def check_nobody(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> None:
    """When every provider fails, the error holds the last failure of each, and all attempts."""
    if fault.is_slow or not fault.outcome(provider, stream=call.stream).moves_on:
        return
    pair = [provider, NEXT[provider]]
    for one in pair:
        fault.commit(sandbox, one, 1)
    with pytest.raises(AllRoutesFailed) as caught:
        call.ask(pair, **settings(fault, 0))

    assert asked(sandbox) == [attempt.provider for attempt in caught.value.attempts] == pair
    for one, error in zip(pair, caught.value.exceptions, strict=True):
        kind = fault.outcome(one, stream=call.stream).error
        assert kind is not None
        assert isinstance(error, kind)


def check_overcome(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> None:
    """By a retry if it passes, by the next provider if not; and when nobody answers, the error tells of all."""
    for check in (check_passing, check_next, check_nobody):
        sandbox.clear()
        check(sandbox, fault, provider, call)


def cells(endpoint: str) -> list[Any]:
    """Every fault on every provider by every way to ask, once where the way makes no difference.

    How many events come first matters to streams only, and only the core knows one status from another.
    """
    return [
        pytest.param(fault, provider, call, id=f"{fault.name}-{provider}-{call}")
        for fault in FAULTS
        for provider in PROVIDERS
        for call in calls(endpoint)
        if (call.stream or fault.plan.get("after") != 0) and (endpoint == "core" or fault.name not in ALIKE)
    ]
