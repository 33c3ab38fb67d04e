"""The event that this package sends to LlamaIndex's instrumentation besides LlamaIndex's own events."""

from __future__ import annotations

from llama_index_instrumentation.base import BaseEvent


class AttemptFailedEvent(BaseEvent):
    """An attempt without an answer. The call continues, or ends with an error that lists all attempts."""

    provider: str
    model: str
    """The provider's own model id."""
    outcome: str
    """`failed`, or `cancelled` when another provider was faster."""
    error: str
    """The class of the error, such as `RateLimited`; empty for a cancelled attempt."""
    status: int | None
    code: str | None
    wait: float
    """The seconds of the wait before the attempt."""
    duration: float

    @classmethod
    def class_name(cls) -> str:
        """Return the name of the event in traces."""
        return "GeminiMultiAttemptFailedEvent"
