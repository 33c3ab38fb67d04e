"""The content of a request, independent of its dialect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from gemini_multi.sandbox.json_value import JsonObject, JsonValue

Role = Literal["user", "model", "tool"]
Mode = Literal["auto", "any", "none"]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call."""

    name: str
    arguments: JsonObject
    id: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a tool."""

    name: str
    content: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation."""

    role: Role
    text: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()
    media: tuple[str, ...] = ()
    """The modality of each medium: `IMAGE`, `AUDIO`, `VIDEO` or `DOCUMENT`."""
    signatures: tuple[str, ...] = ()
    """The signatures on parts other than calls."""


def joined(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Move media that a tool returned into its results.

    If a tool's result can hold text only, its images follow in a user turn that names the tool. That turn requests no
    answer of its own.
    """
    found: list[Turn] = []
    for turn in turns:
        results = found[-1].results if found else ()
        if turn.role == "user" and turn.media and any(one.name and one.name in turn.text for one in results):
            found[-1] = replace(found[-1], text=turn.text, media=(*found[-1].media, *turn.media))
        else:
            found.append(turn)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Function:
    """A declared tool."""

    name: str
    schema: JsonObject = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A request in the sandbox's own form."""

    model: str
    turns: tuple[Turn, ...]
    system: str = ""
    tools: tuple[Function, ...] = ()
    mode: Mode = "auto"
    allowed: tuple[str, ...] = ()
    wants_json: bool = False
    output_schema: JsonObject | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    count: int = 1
    include_thoughts: bool = False
    effort: str | None = None
    """`none`, `minimal`, `low`, `medium`, `high`, or `None` for the model's default."""
    wants_audio: bool = False
    caches: bool = False
    """Whether the request marks a prefix to be cached."""
    cached_content: str = ""

    @property
    def last_user_text(self) -> str:
        """The text of the last user turn with text."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user" and turn.text), "")

    @property
    def current_turn(self) -> tuple[Turn, ...]:
        """All turns after the last user turn: the steps of the current tool loop."""
        position = max((index for index, turn in enumerate(self.turns) if turn.role == "user"), default=-1)
        return self.turns[position + 1 :]

    @property
    def callable_tools(self) -> tuple[Function, ...]:
        """The tools that may be called."""
        return tuple(tool for tool in self.tools if not self.allowed or tool.name in self.allowed)
