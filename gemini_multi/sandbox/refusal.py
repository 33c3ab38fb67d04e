"""The exception that refuses a request. Every endpoint turns it into its provider's error body."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A request that the real provider would refuse, with the provider's status and message."""

    status: int
    message: str
    code: str | int | None = None
    """The provider's machine-readable code, if it differs from the usual code of the status."""

    def __str__(self) -> str:
        return f"{self.status}: {self.message}"


def bad(message: str, code: str | int | None = None) -> Refused:
    """Make a refusal with status 400."""
    return Refused(400, message, code)
