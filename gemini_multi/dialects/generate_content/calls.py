"""Reads function calls, whole or streamed argument by argument.

Calls are held back until the provider says why it stopped: with some reasons the call is one that the model made up and
must not be run.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from pydantic_core import from_json, to_json

from gemini_multi._encoding.surrogates import mended
from gemini_multi._schemas.repair import repair, strip_prefix
from gemini_multi.dialects.generate_content.arguments import Gaps, StreamedArguments
from gemini_multi.dialects.generate_content.request import tool_names
from gemini_multi.dialects.response_builder import ResponseBuilder
from gemini_multi.types import ChatEvent, ChatRequest, JsonObject, JsonValue, Signature, Tool, ToolCall


class Declared:
    """The tools that the request declared, and the ids given so far."""

    def __init__(self, request: ChatRequest) -> None:
        """Read the tools of a request."""
        self._originals = {wire: name for name, wire in tool_names(request).items()}
        self._schemas = {tool.name: tool.parameters for tool in request.tools if isinstance(tool, Tool)}
        self._ids: set[str] = set()
        self._base = ""
        self.gaps = Gaps()
        """How much of streamed lists may be empty, in the whole answer."""
        self.single = request.parallel_tool_calls is False
        """Whether only the first call is wanted: the dialect has no word for it."""

    def call(self, given: JsonObject, signature: Signature | None, response_id: JsonValue) -> ToolCall:
        """Read a whole `functionCall`."""
        name = given.get("name")
        name = self._original(name if isinstance(name, str) else "")
        call_id, is_ours = self._id(given.get("id"), response_id)
        arguments, invalid = self._arguments(given.get("args"), name)
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
        read = _parsed(given) if isinstance(given, str) else given
        if not isinstance(read, dict):
            return {}, given if isinstance(given, str) else to_json(given).decode()
        schema = self._schemas.get(name)
        fitted = repair(read, schema) if schema else read
        return (fitted if isinstance(fitted, dict) else read), None


def _parsed(text: str) -> JsonValue:
    try:
        return from_json(mended(text))  # type: ignore[no-any-return]  # it returns Any
    except ValueError:
        return None


@dataclass(slots=True)
class _Open:
    """A call whose arguments are arriving."""

    position: int
    head: JsonObject
    signature: Signature | None
    arguments: StreamedArguments


class CallReader:
    """The calls of one candidate."""

    __slots__ = ("_declared", "_held", "_index", "_open", "_transcript", "dropped", "given")

    def __init__(self, transcript: ResponseBuilder, index: int, declared: Declared) -> None:
        """Read into the draft of the candidate `index`."""
        self._transcript = transcript
        self._index = index
        self._declared = declared
        self._held: list[tuple[int, ToolCall]] = []
        self._open: _Open | None = None
        self.given = 0
        """How many calls were released."""
        self.dropped: list[ToolCall] = []
        """Calls that arrived and are not to be run."""

    @property
    def is_waiting(self) -> bool:
        """Whether calls are held back or still arriving."""
        return bool(self._held) or self._open is not None

    def feed(self, call: JsonObject, signature: Signature | None, response_id: JsonValue) -> None:
        """Read one `functionCall`: a whole one, the begin of one, more arguments, or the end."""
        if call.get("name"):
            self._end(response_id)
            self._open = _Open(
                self._transcript.open_call(self._index), call, signature, StreamedArguments(self._declared.gaps)
            )
        elif self._open is None:
            return
        elif signature is not None and self._open.signature is None:
            self._open.signature = signature
        partial = call.get("partialArgs")
        for entry in partial if isinstance(partial, list) else ():
            if isinstance(entry, dict):
                self._open.arguments.place(entry)
        if not call.get("willContinue"):
            self._end(response_id)

    def _end(self, response_id: JsonValue) -> None:
        """Make the open call whole."""
        if (call := self._open) is None:
            return
        self._open = None
        given = call.head
        if streamed := call.arguments.whole():
            present = given.get("args")
            given = {**given, "args": {**(present if isinstance(present, dict) else {}), **streamed}}
        self._held.append((call.position, self._declared.call(given, call.signature, response_id)))

    def release(self, events: list[ChatEvent], response_id: JsonValue, *, is_unwanted: bool) -> None:
        """Give the calls, now that it is known whether they are wanted."""
        self._end(response_id)
        for position, call in self._held:
            if is_unwanted or (self._declared.single and self.given):
                self.dropped.append(call)
            else:
                self.given += 1
                events.append(self._transcript.call(call, self._index, position))
        self._held.clear()
