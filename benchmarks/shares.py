"""Where the CPU time of a call goes: a look at the running function every few milliseconds, for some seconds.

Nothing is instrumented, so that nothing is slowed down but for the looks. What libraries below do for one of the parts
(pydantic, json, the system) counts as the part's.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from types import FrameType
from typing import Final

from .prepared import MICROSECONDS, Figures, Prepared

_EVERY: Final = 0.001
_CHAT: Final = ("calls", "candidate", "decoder", "reasoning", "usage")
_GENERATE: Final = ("calls", "grounding", "response")
_CORE: Final = {
    "http": ("_transport",),
    "answer": (
        *(f"dialects.chat_completions.{name}" for name in _CHAT),
        *(f"dialects.generate_content.{name}" for name in _GENERATE),
        *(f"dialects.{name}" for name in ("detection", "finish", "response_builder")),
        *("_encoding.call_arguments", "_encoding.sse", "_encoding.surrogates", "_types.response"),
    ),
    "request": ("dialects", "providers", "_routing.routes", "_catalog", "catalog", "_history", "_schemas", "_types"),
    "binding": ("bindings",),
    "call": ("",),
}
PARTS: Final = (
    *((f"gemini_multi.{name}", part) for part, names in _CORE.items() for name in names),
    ("langchain_gemini_multi.", "binding"),
    ("llama_index_gemini_multi.", "binding"),
    ("langchain_core.", "framework"),
    ("llama_index", "framework"),
)
"""Which part a module belongs to; the first that fits counts."""


def shares(prepared: Prepared) -> Figures:
    """Tell how much of the CPU time of a call, or of each of its chunks, each part takes."""
    seen: Counter[str] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        seen[part_of(frame)] += 1

    before = signal.signal(signal.SIGPROF, look)
    cpu = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    try:
        prepared.repeat(prepared.count)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        cpu = time.process_time() - cpu
        signal.signal(signal.SIGPROF, before)
    whole = cpu * MICROSECONDS / prepared.count / prepared.case.each
    looks = max(1, seen.total())
    return {"cpu": whole, **{part: whole * seen[part] / looks for part in (*_CORE, "framework")}}


def part_of(frame: FrameType | None) -> str:
    """Name the part that the innermost known module belongs to."""
    return next((part for name in _modules(frame) for known, part in PARTS if name.startswith(known)), "framework")


def _modules(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield str(frame.f_globals.get("__name__"))
        frame = frame.f_back
