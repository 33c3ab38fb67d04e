"""Merges the caller's `extra_body` into the request body."""

from __future__ import annotations

from gemini_multi.types import JsonObject, JsonValue


def merge(body: dict[str, JsonValue], extra: JsonObject) -> None:
    """Merge `extra` into `body` in place. Objects are merged key by key; all other values are replaced."""
    for key, value in extra.items():
        present = body.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            present = dict(present)
            merge(present, value)
            body[key] = present
        else:
            body[key] = value
