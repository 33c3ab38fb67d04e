"""What is asked, in no client's form."""

from __future__ import annotations

import base64
from functools import cache
from typing import Final, Literal

Role = Literal["user", "assistant"]

HELLO: Final = "What is the weather in Paris?"
TOOL_DESCRIPTION: Final = "Tell the weather of a city."
TOOL_PARAMETERS: Final = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The city's name."},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city"],
}
REPORT_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "temperature": {"type": "number"},
        "conditions": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["city", "temperature", "conditions"],
}
_TURNS: Final = 200
_HISTORY_BYTES: Final = 2**20
IMAGE_BYTES: Final = 8 * 2**20


def turns(question: str) -> list[tuple[Role, str]]:
    """Give the conversation of a question: one turn, or a history of 1 MB in 200 turns."""
    if question != "history":
        return [("user", HELLO)]
    line = "The quick brown fox jumps over the lazy dog, and then some. "
    text = (line * (_HISTORY_BYTES // _TURNS // len(line) + 1))[: _HISTORY_BYTES // _TURNS]
    history: list[tuple[Role, str]] = [("user" if turn % 2 == 0 else "assistant", text) for turn in range(_TURNS)]
    return [*history, ("user", HELLO)]


@cache
def image() -> str:
    """Give an image of 8 MB in base64. Only its first bytes are read."""
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * (IMAGE_BYTES // 256 - 1)).decode()


def size(question: str) -> int:
    """Tell how many bytes of text a question holds."""
    return len(image()) if question == "image" else sum(len(text) for _, text in turns(question))
