"""Reads function calls, whole or streamed argument by argument.

Calls are held back until the finish reason arrives: some reasons mean that the model invented the call, so that it
must not be executed.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.call_arguments import is_finite, parsed, separated
from gemini_multi._encoding.json_values import as_object, objects, text_at
from gemini_multi._schemas.repair import repair, strip_prefix
from gemini_multi.dialects.generate_content.request import tool_names
from gemini_multi.dialects.response_builder import CandidateBuilder
from gemini_multi.types import ChatEvent, ChatRequest, JsonObject, JsonValue, Signature, Tool, ToolCall

_STEP: Final = re.compile(r"\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\.?([^.\[\]]+)")
_KINDS: Final = ("stringValue", "numberValue", "boolValue")
_MOST_STEPS: Final = 100
"""The longest path of a value. A deeper value could not be read back as JSON."""


class Declared:
    """The tools that the request declared, and the ids that were used so far."""

    def __init__(self, request: ChatRequest, answer: Mapping[str, JsonValue]) -> None:
        """Make the record for one answer. `answer` holds the fields that arrive outside the candidates."""
        self._originals = {wire: name for name, wire in tool_names(request).items()}
        self._schemas = {tool.name: tool.parameters for tool in request.tools if isinstance(tool, Tool)}
        self._answer = answer
        self._ids: set[str] = set()
        self._base = ""
        self.single = request.parallel_tool_calls is False
        """Whether only the first call is wanted. The dialect has no field for this."""

    def calls(self, given: JsonObject, signature: Signature | None) -> Iterator[ToolCall]:
        """Read a complete `functionCall`. Some gateways join the arguments of several calls into one text."""
        wire = text_at(given, "name") or ""
        name = self._originals.get(strip_prefix(wire, self._originals)) or strip_prefix(wire, self._schemas)
        arguments = given.get("args", given.get("arguments"))  # `arguments` is OpenAI's name
        first, *others = separated(arguments) if isinstance(arguments, str) else [arguments]
        yield self._call(given.get("id"), name, first, signature)
        for further in others:
            yield self._call(None, name, further, None)

    def _call(self, given_id: JsonValue, name: str, given: JsonValue, signature: Signature | None) -> ToolCall:
        # A function's name cannot be used as an id: the next call of the function would have the same id.
        is_ours = not isinstance(given_id, str) or given_id in ("", name) or given_id in self._ids
        if is_ours:
            self._base = self._base or (text_at(self._answer, "responseId") or "")[-24:] or uuid.uuid4().hex
        call_id = f"call_{self._base}_{len(self._ids)}" if is_ours else str(given_id)
        self._ids.add(call_id)
        arguments, invalid = self._arguments(given, name)
        return ToolCall(call_id, name, arguments, signature=signature, invalid_arguments=invalid, synthetic_id=is_ours)

    def _arguments(self, given: JsonValue, name: str) -> tuple[JsonObject, str | None]:
        if given is None:
            return {}, None
        read = parsed(given) if isinstance(given, str) else given
        if not isinstance(read, dict) or not is_finite(read):
            return {}, given if isinstance(given, str) else to_json(given).decode()
        schema = self._schemas.get(name)
        fitted = repair(read, schema) if schema else read
        return (fitted if isinstance(fitted, dict) else read), None


@dataclass(slots=True)
class _OpenCall:
    """A call whose arguments are still arriving."""

    position: int
    head: JsonObject
    signature: Signature | None
    more: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The arguments of the parts that continue the call."""
    pieces: dict[str, list[JsonValue]] = field(default_factory=dict[str, list[JsonValue]])
    """The pieces of each streamed value, by its path."""

    def add(self, entry: JsonObject) -> None:
        """Note one streamed value. Text is appended to the text at the same path."""
        if (path := text_at(entry, "jsonPath")) is None:
            return
        value = next((entry[kind] for kind in _KINDS if kind in entry), None)
        pieces = self.pieces.setdefault(path, [])
        if not (isinstance(value, str) and pieces and isinstance(pieces[0], str)):
            pieces.clear()
        pieces.append(value)

    def whole(self) -> JsonObject:
        """Return the `functionCall`. Streamed values whose paths do not fit together become unreadable arguments."""
        if not (self.more or self.pieces):
            return self.head
        values = {path: "".join(map(str, found)) if len(found) > 1 else found[0] for path, found in self.pieces.items()}
        streamed: dict[str, JsonValue] = {}
        try:
            for path, value in values.items():
                _place(streamed, [*islice(_steps(path), _MOST_STEPS + 1)], value)
        except LookupError:
            return {**self.head, "args": [[path, value] for path, value in values.items()]}
        return {**self.head, "args": {**as_object(self.head.get("args")), **self.more, **streamed}}


def _steps(path: str) -> Iterator[str | int]:
    for match in _STEP.finditer(path.removeprefix("$")):
        position, quoted, name = match.groups()
        yield int(position) if position else name or quoted.replace("\\'", "'")


def _place(arguments: dict[str, JsonValue], steps: Sequence[str | int], value: JsonValue) -> None:
    """Set a value at its path, and make the objects and lists on the path."""
    if not 0 < len(steps) <= _MOST_STEPS:
        raise LookupError
    holder: JsonValue = arguments
    for step, following in pairwise(steps):
        inner = _at(holder, step)
        if not isinstance(inner, (dict, list)):
            inner = list[JsonValue]() if isinstance(following, int) else dict[str, JsonValue]()
            _set(holder, step, inner)
        holder = inner
    _set(holder, steps[-1], value)


def _at(holder: JsonValue, step: str | int) -> JsonValue:
    if isinstance(holder, list):
        return holder[step] if isinstance(step, int) and step < len(holder) else None
    return as_object(holder).get(str(step))


def _set(holder: JsonValue, step: str | int, value: JsonValue) -> None:
    if isinstance(holder, dict):
        holder[str(step)] = value
    elif isinstance(holder, list) and isinstance(step, int) and step <= len(holder):
        holder[step : step + 1] = [value]
    else:
        raise LookupError  # a list has no names, and a list without a gap has no such position


class CallReader:
    """Reads the calls of one candidate."""

    def __init__(self, builder: CandidateBuilder, declared: Declared) -> None:
        self._builder = builder
        self._declared = declared
        self._held: list[tuple[int | None, ToolCall]] = []
        self._open: _OpenCall | None = None
        self._name: JsonValue = None
        """The name of the previous call."""
        self._known_calls: dict[str, JsonObject] = {}
        """The complete calls so far, by the provider's ids."""
        self.given = 0
        """The number of calls that were released."""
        self.dropped: list[ToolCall] = []
        """Calls that arrived and must not be executed."""

    @property
    def is_waiting(self) -> bool:
        """Whether calls are held back or still arriving."""
        return bool(self._held) or self._open is not None

    def feed(self, call: JsonObject, signature: Signature | None) -> None:
        """Read one `functionCall`: a complete call, the beginning of a call, more arguments, or the end of a call."""
        opened = self._opened(call, signature)
        if opened is None:
            return
        for entry in objects(call.get("partialArgs")):
            opened.add(entry)
        if not call.get("willContinue"):
            self._end()

    def _opened(self, call: JsonObject, signature: Signature | None) -> _OpenCall | None:
        """Find the call that a part begins or continues; `None` if the part has nothing new."""
        if call.get("name"):
            self._end()
            return None if self._is_repeated(call) else self._begin(call, signature)
        if self._open is None:
            return self._begin({**call, "name": self._name}, signature) if call.get("args") else None
        self._open.signature = self._open.signature or signature
        self._open.more.update(as_object(call.get("args")))
        return self._open

    def _is_repeated(self, call: JsonObject) -> bool:
        """Whether the same complete call arrived before, under the same id."""
        call_id = call.get("id")
        if not isinstance(call_id, str) or not call_id or call_id == call.get("name") or call.get("willContinue"):
            return False
        return self._known_calls.setdefault(call_id, call) is not call and self._known_calls[call_id] == call

    def _begin(self, call: JsonObject, signature: Signature | None) -> _OpenCall:
        self._name = call.get("name")
        self._open = _OpenCall(self._builder.open_call(), call, signature)
        return self._open

    def _end(self) -> None:
        if (call := self._open) is None:
            return
        self._open = None
        first, *others = self._declared.calls(call.whole(), call.signature)
        self._held += [(call.position, first), *((None, further) for further in others)]

    def release(self, events: list[ChatEvent], *, is_unwanted: bool) -> None:
        """Add the events of the calls that were held back. The finish reason is known now."""
        self._end()
        for position, call in self._held:
            if is_unwanted or not call.name or (self._declared.single and self.given):
                self.dropped.append(call)
            else:
                self.given += 1
                events.append(self._builder.call(call, position))
        self._held.clear()
