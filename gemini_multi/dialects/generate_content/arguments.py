"""Assembles arguments that arrive value by value (`partialArgs`), each value with its path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final, TypeAlias

from gemini_multi.errors import InvalidResponse
from gemini_multi.types import JsonObject, JsonValue

_STEP: Final = re.compile(r"\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\.?([^.\[\]]+)")
_KINDS: Final = ("stringValue", "numberValue", "boolValue")
_WIDEST_GAP: Final = 100
"""The largest number of items by which a list may grow at once, because a broken provider could send any index."""
_MOST_STEPS: Final = 100
"""The longest path of a value. A deeper value could not be read back as JSON."""

Container: TypeAlias = dict[str, JsonValue] | list[JsonValue]


@dataclass(slots=True)
class Gaps:
    """The number of list items that may still be created without a value: a few bytes can request hundreds of them."""

    left: int = 100_000


class StreamedArguments:
    """The arguments of one call that are still arriving."""

    def __init__(self, gaps: Gaps) -> None:
        self._arguments: dict[str, JsonValue] = {}
        self._gaps = gaps
        self._texts: dict[tuple[int, str | int], tuple[Container, list[str]]] = {}
        """The texts so far, by the id of their object or list and their place in it."""

    def place(self, entry: JsonObject) -> None:
        """Set one value at its path. Text is appended to existing text.

        Raises:
            InvalidResponse: The path is too deep.
        """
        path = entry.get("jsonPath")
        steps = list(islice(_steps(path), _MOST_STEPS + 1)) if isinstance(path, str) else []
        if not steps:
            return
        if len(steps) > _MOST_STEPS:
            raise InvalidResponse("The arguments of a call are nested too deeply.", raw=str(path))
        holder: Container = self._arguments
        for step, following in pairwise(steps):
            holder = self._inner(holder, step, following)
        values = (entry[kind] for kind in _KINDS if kind in entry)
        self._put(holder, steps[-1], next(values, None))

    def whole(self) -> dict[str, JsonValue]:
        """Return the arguments, with their texts joined."""
        for (_, step), (holder, pieces) in self._texts.items():
            _replace(holder, step, "".join(pieces))
        self._texts.clear()
        return self._arguments

    def _put(self, holder: Container, step: str | int, value: JsonValue) -> None:
        place = (id(holder), step if isinstance(holder, list) else str(step))
        _, pieces = self._texts.get(place, (holder, None))
        if pieces is not None and isinstance(value, str):
            pieces.append(value)
        elif self._set(holder, step, value):
            self._texts.pop(place, None)
            if isinstance(value, str):
                self._texts[place] = (holder, [value])

    def _inner(self, holder: Container, step: str | int, following: str | int) -> Container:
        """Return the object or list at a step. Make it at its first use, of the kind that the next step needs."""
        present = _get(holder, step)
        if isinstance(present, (dict, list)):
            return present
        made: Container = list[JsonValue]() if isinstance(following, int) else dict[str, JsonValue]()
        self._put(holder, step, made)
        return made

    def _set(self, holder: Container, step: str | int, value: JsonValue) -> bool:
        """Set the value at a step; `False` when the step cannot exist."""
        if isinstance(holder, list):
            if not isinstance(step, int) or step >= len(holder) + min(_WIDEST_GAP, self._gaps.left + 1):
                return False
            self._gaps.left -= max(0, step - len(holder))
            holder.extend([None] * (step + 1 - len(holder)))
        _replace(holder, step, value)
        return True


def _steps(path: str) -> Iterator[str | int]:
    for match in _STEP.finditer(path.removeprefix("$")):
        position, quoted, name = match.groups()
        if position is not None:
            yield int(position)
        else:
            yield name if quoted is None else quoted.replace("\\'", "'")


def _get(holder: Container, step: str | int) -> JsonValue:
    if isinstance(holder, dict):
        return holder.get(str(step))
    return holder[step] if isinstance(step, int) and step < len(holder) else None


def _replace(holder: Container, step: str | int, value: JsonValue) -> None:
    if isinstance(holder, dict):
        holder[str(step)] = value
    elif isinstance(step, int):
        holder[step] = value
