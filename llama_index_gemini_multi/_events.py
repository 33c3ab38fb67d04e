"""The event that LlamaIndex's instrumentation gets in addition to its own events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent

if TYPE_CHECKING:
    from gemini_multi import Attempt

_DISPATCHER: Final = get_dispatcher(__name__)


class AttemptFailedEvent(BaseEvent):
    """A request of a call that got no answer; the call continues, or ends with an error that lists all attempts."""

    provider: str
    model: str
    """The provider's own model id."""
    outcome: str
    """`failed`, or `cancelled` when another provider was faster."""
    error: str
    """The class of the failure, such as `RateLimited`; empty when it was cancelled."""
    status: int | None
    code: str | None
    wait: float
    """Seconds waited before it."""
    duration: float

    @classmethod
    def class_name(cls) -> str:
        """Name the event in traces."""
        return "GeminiMultiAttemptFailedEvent"


def tell(attempt: Attempt) -> None:
    """Dispatch the event, below the span of the call."""
    _DISPATCHER.event(
        AttemptFailedEvent(
            provider=attempt.provider,
            model=attempt.model,
            outcome=attempt.outcome,
            error=attempt.error,
            status=attempt.status,
            code=attempt.code,
            wait=attempt.wait,
            duration=attempt.duration,
        )
    )
