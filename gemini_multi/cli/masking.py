"""Removes keys, ids and accounts from recordings, so that other people may see them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from gemini_multi._transport.recording import Exchange
from gemini_multi.providers import Provider
from gemini_multi.types import JsonValue

_SECRET_FIELDS: Final = re.compile(r"key|token|account|namespace|gateway_id|event_id")
_SHOWN_HEADERS: Final = re.compile(r"accept.*|content-.*|user-agent|host|connection")
"""Headers of a request that are shown. Other headers may be the user's own."""
_HIDDEN_HEADERS: Final = re.compile(r"auth|key|token|cookie|account|org|user|trace|ray|nel|report|(?:^|-)id(?:-|$)")
"""Headers of a response that are hidden."""
_ID_FIELDS: Final = re.compile(r"(?:.*[_a-z])?(?:id|Id|ID)|user|email|organization|system_fingerprint")
_SHORTEST: Final = 6
"""The shortest value that is masked. Shorter values may be words of the conversation."""


class Mask:
    """Replaces every secret with a placeholder. The same secret always gets the same placeholder."""

    def __init__(self, provider: Provider) -> None:
        """Make a mask for the secrets of the provider's configuration."""
        self._known: dict[str, str] = {}
        self._add("secret", _secrets(provider))

    def exchange(self, exchange: Exchange) -> dict[str, JsonValue]:
        """Write an exchange without secrets. The body stays text, because its exact form is important."""
        request = exchange.request_body.decode("utf-8", "replace")
        for text in (request, *_documents(exchange.body)):
            self._add("id", _ids(text))
        return {
            "request": {
                "method": exchange.method,
                "url": self._text(exchange.url),
                "headers": self._headers(exchange.request_headers, _SHOWN_HEADERS.fullmatch),
                "body": self._text(request),
            },
            "response": {
                "status": exchange.status,
                "headers": self._headers(exchange.headers, lambda name: not _HIDDEN_HEADERS.search(name)),
                "body": self._text(exchange.body),
            },
        }

    def _add(self, kind: str, values: Iterable[str]) -> None:
        for value in values:
            if len(value) >= _SHORTEST and value not in self._known:
                self._known[value] = f"masked-{kind}-{len(self._known) + 1}"

    def _text(self, text: str) -> str:
        # The longest value comes first, because another value may be a part of it.
        for value in sorted(self._known, key=len, reverse=True):
            text = text.replace(value, self._known[value])
        return text

    def _headers(self, headers: Mapping[str, str], is_shown: Callable[[str], object]) -> dict[str, JsonValue]:
        return {name: self._text(value) if is_shown(name.lower()) else "masked" for name, value in headers.items()}


def _secrets(provider: Provider) -> Iterator[str]:
    for field in dataclasses.fields(cast("Any", provider)):
        value = getattr(provider, field.name)
        if value is not None and _SECRET_FIELDS.search(field.name):
            yield value.reveal() if hasattr(value, "reveal") else str(value)


def _documents(body: str) -> list[str]:
    """Return the JSON documents of a body: the whole body, or one for each event."""
    events = [line[5:].strip() for line in body.splitlines() if line.startswith("data:")]
    return events or [body]


def documents(body: str) -> list[JsonValue]:
    """Read the JSON documents of a body. Text that is not JSON is left out."""
    found: list[JsonValue] = []
    for text in _documents(body):
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def fields(value: JsonValue, path: str = "") -> Iterator[tuple[str, str, JsonValue]]:
    """Yield every field of a document: its path, its name and its value."""
    if isinstance(value, dict):
        for name, item in value.items():
            way = f"{path}.{name}".lstrip(".")
            yield way, name, item
            yield from fields(item, way)
    elif isinstance(value, list):
        for item in value:
            yield from fields(item, f"{path}[]")


def _ids(text: str) -> Iterator[str]:
    for document in documents(text):
        for _, name, value in fields(document):
            if isinstance(value, str) and _ID_FIELDS.fullmatch(name) and not name.startswith("model"):
                yield value
