"""Reads function calls, whole or streamed argument by argument.

Calls are held back until the finish reason arrives: some reasons mean that the model invented the call, so that it
must not be executed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic_core import to_json

from gemini_multi._encoding.call_arguments import is_finite, parsed, separated
from gemini_multi._schemas.repair import repair, strip_prefix
from gemini_multi.dialects.generate_content.arguments import Gaps, StreamedArguments
from gemini_multi.dialects.generate_content.request import tool_names
from gemini_multi.dialects.response_builder import CandidateBuilder
from gemini_multi.types import ChatEvent, ChatRequest, JsonObject, JsonValue, Signature, Tool, ToolCall


class Declared:
    """The tools that the request declared, and the ids that were used so far."""

    def __init__(self, request: ChatRequest) -> None:
        self._originals = {wire: name for name, wire in tool_names(request).items()}
        self._schemas = {tool.name: tool.parameters for tool in request.tools if isinstance(tool, Tool)}
        self._ids: set[str] = set()
        self._base = ""
        self.gaps = Gaps()
        """The number of list items in streamed arguments that may be empty in the whole answer."""
        self.single = request.parallel_tool_calls is False
        """Whether only the first call is wanted. The dialect has no field for this."""

    def calls(self, given: JsonObject, signature: Signature | None, response_id: JsonValue) -> Iterator[ToolCall]:
        """Read a complete `functionCall`. Some gateways join the arguments of several calls into one text."""
        name = given.get("name")
        name = self._original(name if isinstance(name, str) else "")
        arguments = given.get("args", given.get("arguments"))  # `arguments` is OpenAI's name
        first, *others = separated(arguments) if isinstance(arguments, str) else [arguments]
        yield self._call(given.get("id"), name, first, signature, response_id)
        for further in others:
            yield self._call(None, name, further, None, response_id)

    def _call(
        self, given_id: JsonValue, name: str, given: JsonValue, signature: Signature | None, response_id: JsonValue
    ) -> ToolCall:
        # A function's name cannot be used as an id: the next call of the function would have the same id.
        call_id, is_ours = self._id(None if given_id == name else given_id, response_id)
        arguments, invalid = self._arguments(given, name)
        return ToolCall(call_id, name, arguments, signature=signature, invalid_arguments=invalid, synthetic_id=is_ours)

    def _original(self, name: str) -> str:
        wire = strip_prefix(name, self._originals)
        return self._originals.get(wire) or strip_prefix(name, self._schemas)

    def _id(self, given: JsonValue, response_id: JsonValue) -> tuple[str, bool]:
        if isinstance(given, str) and given and given not in self._ids:
            self._ids.add(given)
            return given, False
        if not self._base:
            self._base = response_id[-24:] if isinstance(response_id, str) and response_id else uuid.uuid4().hex
        ours = f"call_{self._base}_{len(self._ids)}"
        self._ids.add(ours)
        return ours, True

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
class _Open:
    """A call whose arguments are still arriving."""

    position: int
    head: JsonObject
    signature: Signature | None
    arguments: StreamedArguments
    more: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The arguments of the parts that continue the call."""


class CallReader:
    """Reads the calls of one candidate."""

    def __init__(self, builder: CandidateBuilder, declared: Declared) -> None:
        """Make a reader that fills the builder of a candidate."""
        self._builder = builder
        self._declared = declared
        self._held: list[tuple[int, ToolCall]] = []
        self._open: _Open | None = None
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

    def feed(self, call: JsonObject, signature: Signature | None, response_id: JsonValue) -> None:
        """Read one `functionCall`: a complete call, the beginning of a call, more arguments, or the end of a call."""
        opened = self._opened(call, signature, response_id)
        if opened is None:
            return
        partial = call.get("partialArgs")
        for entry in partial if isinstance(partial, list) else ():
            if isinstance(entry, dict):
                opened.arguments.place(entry)
        if not call.get("willContinue"):
            self._end(response_id)

    def _opened(self, call: JsonObject, signature: Signature | None, response_id: JsonValue) -> _Open | None:
        """Find the call that a part begins or continues; `None` if the part has nothing new."""
        if call.get("name"):
            self._end(response_id)
            return None if self._is_repeated(call) else self._begin(call, signature)
        if self._open is not None:
            return self._continue(self._open, call, signature)
        return self._begin({**call, "name": self._name}, signature) if call.get("args") else None

    def _is_repeated(self, call: JsonObject) -> bool:
        """Whether the same complete call arrived before, under the same id."""
        call_id = call.get("id")
        if not isinstance(call_id, str) or not call_id or call_id == call.get("name") or call.get("willContinue"):
            return False
        return self._known_calls.setdefault(call_id, call) is not call and self._known_calls[call_id] == call

    def _begin(self, call: JsonObject, signature: Signature | None) -> _Open:
        self._name = call.get("name")
        position = self._builder.open_call()
        self._open = _Open(position, call, signature, StreamedArguments(self._declared.gaps))
        return self._open

    @staticmethod
    def _continue(opened: _Open, call: JsonObject, signature: Signature | None) -> _Open:
        """Add a part without a name to the previous call."""
        if signature is not None and opened.signature is None:
            opened.signature = signature
        if isinstance(more := call.get("args"), dict):
            opened.more.update(more)
        return opened

    def _end(self, response_id: JsonValue) -> None:
        if (call := self._open) is None:
            return
        self._open = None
        given = call.head
        if more := {**call.more, **call.arguments.whole()}:
            present = given.get("args")
            given = {**given, "args": {**(present if isinstance(present, dict) else {}), **more}}
        position = call.position
        for read in self._declared.calls(given, call.signature, response_id):
            self._held.append((position, read))
            position = -1

    def release(self, events: list[ChatEvent], response_id: JsonValue, *, is_unwanted: bool) -> None:
        """Add the events of the calls that were held back. The finish reason is known now."""
        self._end(response_id)
        for position, call in self._held:
            if is_unwanted or not call.name or (self._declared.single and self.given):
                self.dropped.append(call)
            else:
                self.given += 1
                events.append(self._builder.call(call, None if position < 0 else position))
        self._held.clear()
