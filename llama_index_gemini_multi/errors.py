"""The errors that only this binding raises. `gemini_multi` raises all others."""

from __future__ import annotations

from gemini_multi.errors import InvalidResponse


class InvalidStructuredOutput(InvalidResponse, ValueError):
    """The answer does not fit the requested class. Its text is in `raw`."""


class InvalidToolCall(InvalidResponse, ValueError):
    """The arguments of a tool call cannot be read, so the tool is not run. Their text is in `raw`."""
