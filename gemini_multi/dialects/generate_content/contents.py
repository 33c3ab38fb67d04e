"""Writes a repaired history as the `contents` of `generateContent`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic_core import to_json

from gemini_multi._history.turns import DUMMY, plain_text, signature_of
from gemini_multi._schemas.translate import function_name
from gemini_multi._types.parts import CodeResult, ExecutableCode, Media, Opaque
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.generate_content.dialect import GenerateTarget
from gemini_multi.dialects.generate_content.media import MediaWriter
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonValue, Message, Part, Text, Thought, ToolCall, ToolResult

_DEVELOPER_PARTS: Final = frozenset({"toolCall", "toolResponse"})
"""Kinds of parts that Vertex AI refuses with `Cannot find field`."""


class ContentsWriter:
    """Writes the turns of one request."""

    def __init__(self, target: GenerateTarget, names: Mapping[str, str], report: EncodingReport) -> None:
        self._target = target
        self._names = names
        self._report = report
        self._media = MediaWriter(target, report)
        self._sendable: frozenset[str] = frozenset()
        """The ids of the last step's calls that the provider knows."""

    def write(self, turns: Sequence[Message]) -> list[JsonValue]:
        """Write all turns, in order."""
        self._check_names(turns)
        contents: list[JsonValue] = []
        for message in turns:
            if message.role == "tool":
                contents.extend(self._results(message))
            elif text := plain_text(message):
                self._sendable = frozenset()
                contents.append({"role": "user" if message.role == "user" else "model", "parts": [{"text": text}]})
            else:
                self._note_ids(message)
                parts: list[JsonValue] = [
                    written for part in message.parts if (written := self._part(part, message)) is not None
                ]
                if parts and message.role == "assistant":
                    contents.append({"role": "model", "parts": parts})
                elif parts:
                    contents.append({"role": "user", "parts": [*parts, *self._missing_text(message)]})
        self._media.check_size()
        return contents

    def _check_names(self, turns: Sequence[Message]) -> None:
        """Note names that distinguish speakers of one role. A name that all messages share has no effect."""
        users = {turn.name for turn in turns if turn.role == "user"}
        agents = {turn.name for turn in turns if turn.role == "assistant" and turn.name}
        if len(users) > 1 or len(agents) > 1:
            self._report.setting("name", "`generateContent` has no field for it; say in the text who speaks")

    def _missing_text(self, message: Message) -> list[JsonValue]:
        """Return the shortest text for a turn of media only: Vertex AI may refuse it for lack of `a text parameter`."""
        is_wordless = all(isinstance(part, Media) for part in message.parts)
        return [{"text": " "}] if self._target.traits.needs_text and is_wordless else []

    def name(self, name: str) -> str:
        """Return the wire name of a tool. The tool need not be declared any more."""
        return self._names.get(name) or function_name(name)

    def _note_ids(self, message: Message) -> None:
        """Remember which ids may be sent. Vertex AI answers an id that it did not issue with a 400."""
        accepts_all = self._target.traits.accepts_synthetic_ids
        if not accepts_all and not any(map(self._is_native, message.parts)):
            self._sendable = frozenset()
            return
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        self._sendable = frozenset([call.id for call in calls if accepts_all or not call.synthetic_id])

    def _is_native(self, part: Part) -> bool:
        """Whether the part shows that its step came from this provider in this dialect."""
        signature = signature_of(part)
        if signature is None or signature.payload == DUMMY:
            return False
        return (signature.carrier, signature.issuer) == ("thoughtSignature", self._target.issuer)

    def _part(self, part: Part, message: Message) -> JsonValue:
        if isinstance(part, ToolResult):
            return None
        if isinstance(part, ToolCall) and message.role == "user":
            self._report.feature("a tool call in a message of the user")
            return None
        written = self._opaque(part, message) if isinstance(part, Opaque) else self._data(part)
        if written is not None and part.signature and (signature := part.signature.thought_signature()) is not None:
            written["thoughtSignature"] = signature
        return written

    def _data(
        self, part: Text | Thought | ToolCall | Media | ExecutableCode | CodeResult
    ) -> dict[str, JsonValue] | None:
        if isinstance(part, Text):
            return {"text": part.text}
        if isinstance(part, Thought):
            # A summary without text is refused, and its signature is not required.
            return {"text": part.text, "thought": True} if part.text else None
        if isinstance(part, ToolCall):
            return {"functionCall": {**self._id(part.id), "name": self.name(part.name), "args": dict(part.arguments)}}
        if isinstance(part, (ExecutableCode, CodeResult)):
            written: dict[str, JsonValue] = {} if part.id is None else {"id": part.id}
            if isinstance(part, ExecutableCode):
                return {"executableCode": {**written, "language": part.language, "code": part.code}}
            return {"codeExecutionResult": {**written, "outcome": part.outcome, "output": part.output}}
        return self._media.part(part)

    def _opaque(self, part: Opaque, message: Message) -> dict[str, JsonValue] | None:
        """Write a part that only its own provider understands, unless that part clearly came from another provider."""
        if part.data.get("type") == "refusal" and message.role == "assistant":
            return {"text": part.data.get("refusal")}
        if "type" in part.data:
            foreign = f"a content part of type {part.data['type']!r}"
            if message.role == "user":
                self._report.feature(foreign)
            else:
                self._report.setting(foreign, "`generateContent` has no such part")
            return None
        if not self._target.traits.developer_api and not _DEVELOPER_PARTS.isdisjoint(part.data):
            return None
        return dict(part.data)

    def _id(self, call_id: str) -> dict[str, JsonValue]:
        return {"id": call_id} if call_id in self._sendable else {}

    def _results(self, message: Message) -> list[JsonValue]:
        """Write one content with all results. Write a second one for media that results cannot hold."""
        rest: list[JsonValue] = []
        responses = [self._result(result, rest) for result in message.parts if isinstance(result, ToolResult)]
        contents: list[JsonValue] = [{"role": "user", "parts": responses}] if responses else []
        return [*contents, {"role": "user", "parts": rest}] if rest else contents

    def _result(self, result: ToolResult, rest: list[JsonValue]) -> JsonValue:
        name = self.name(result.name)
        response: dict[str, JsonValue] = {**self._id(result.call_id), "name": name, "response": _response(result)}
        media = [part for part in result.content if not isinstance(part, Text)]
        if inside := [part for part in media if self._media.fits_in_result(part)]:
            response["parts"] = [
                self._media.data(part, part.name or f"{name}_{position}") for position, part in enumerate(inside, 1)
            ]
        if outside := [part for part in media if not self._media.fits_in_result(part)]:
            rest.append({"text": f"Returned by the function `{name}`:"})
            rest.extend(self._media.part(part) for part in outside)
        return {"functionResponse": response}


def _response(result: ToolResult) -> dict[str, JsonValue]:
    """Write a result as the object that Gemini requires."""
    value = result.value
    if value is None:
        value = "\n".join(part.text for part in result.content if isinstance(part, Text))
    elif b'"$ref":' in (written := _json_text(value)):
        # Gemini reads `$ref` as a pointer to a part of the response.
        value = written.decode()
    if result.is_error:
        return {"error": value}
    return dict(value) if isinstance(value, dict) else {"output": value}


def _json_text(value: JsonValue) -> bytes:
    try:
        return to_json(value)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"A tool's result cannot be written as JSON: {error}. Pass a value made of JSON values, or text."
        ) from error
