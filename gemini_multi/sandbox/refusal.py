"""How a request is refused: one exception that every endpoint turns into its provider's own error body."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A request that the real provider would refuse, with the status and the words that it would use."""

    status: int
    message: str
    code: str | int | None = None
    """The provider's machine-readable code, where it differs from the usual one for the status."""

    def __str__(self) -> str:
        """Show status and message."""
        return f"{self.status}: {self.message}"


def bad(message: str, code: str | int | None = None) -> Refused:
    """Refuse with status 400."""
    return Refused(400, message, code)
