"""Builds the smallest instance of a JSON schema, with numbers, quotes and places taken from the prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from gemini_multi.sandbox.json_value import JsonObject, JsonValue, a_list, a_number, a_text, an_object, objects, texts

_DEPTH: Final = 12
_KNOWN: Final = {
    "setup": "Why did the cat sit on the computer?",
    "punchline": "To keep an eye on the mouse!",
}
_QUOTED: Final = re.compile("'([^']+)'|\"([^\"]+)\"|“([^”]+)”|`([^`]+)`")
_PLACE: Final = re.compile(r"\bin ([A-Z][\w .,'-]*?)[?!.]?$", re.MULTILINE)
_PROPER: Final = re.compile(r"(?<=[a-z,] )([A-Z][a-z]+)")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_FORMATS: Final = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "email": "cat@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


@dataclass(slots=True)
class Instances:
    """Builds instances for one prompt. Each number and quote of the prompt is used once, in order."""

    prompt: str
    root: JsonObject
    _numbers: list[float] = field(init=False)
    _words: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Collect the numbers, quotes and places of the prompt."""
        self._numbers = [float(number) for number in _NUMBER.findall(self.prompt)]
        quoted = ["".join(groups) for groups in _QUOTED.findall(self.prompt)]
        proper: list[str] = _PROPER.findall(self.prompt)
        self._words = [*quoted, *_PLACE.findall(self.prompt), *proper]

    def build(self, schema: JsonValue, name: str = "", depth: int = 0) -> JsonValue:
        """Build the smallest instance of a schema."""
        shape = self._resolve(an_object(schema))
        if "const" in shape:
            return shape["const"]
        if a_list(shape.get("enum")):
            return self._choice(a_list(shape["enum"]))
        for word in ("anyOf", "oneOf"):
            branches = objects(shape.get(word))
            if branches:
                return self.build(self._plainest(branches), name, depth + 1)
        return self._of_type(shape, name, depth)

    def _of_type(self, shape: JsonObject, name: str, depth: int) -> JsonValue:
        kind = _kind(shape)
        if kind == "object":
            return self._object(shape, depth)
        if kind == "array":
            return self._array(shape, name, depth)
        if kind in {"integer", "number"}:
            return self._number(shape, whole=kind == "integer")
        if kind == "boolean":
            return True
        return None if kind == "null" else self._text(shape, name)

    def _resolve(self, shape: JsonObject) -> JsonObject:
        for _ in range(_DEPTH):
            reference = a_text(shape.get("$ref"))
            if not reference:
                break
            shape = an_object(_follow(self.root, reference))
        for part in objects(shape.get("allOf")):
            merged = self._resolve(part)
            properties = {**an_object(shape.get("properties")), **an_object(merged.get("properties"))}
            required: list[JsonValue] = [*a_list(shape.get("required")), *a_list(merged.get("required"))]
            shape = {**merged, **shape, "properties": properties, "required": required}
        return shape

    def _plainest(self, branches: list[JsonObject]) -> JsonObject:
        """Return the first branch that is not null."""
        return next((one for one in branches if _kind(self._resolve(one)) != "null"), branches[0])

    def _choice(self, choices: list[JsonValue]) -> JsonValue:
        lowered = self.prompt.lower()
        return next((one for one in choices if isinstance(one, str) and one.lower() in lowered and one), choices[0])

    def _object(self, shape: JsonObject, depth: int) -> JsonObject:
        properties, required = an_object(shape.get("properties")), texts(shape.get("required"))
        chosen = [name for name in properties if name in required or (depth == 0 and self._asks_for(name))]
        return {name: self.build(properties[name], name, depth + 1) for name in chosen if depth < _DEPTH}

    def _asks_for(self, name: str) -> bool:
        lowered = self.prompt.lower()
        return bool(re.search(rf"\b{re.escape(name.lower())}\b", lowered)) and f"no {name.lower()}" not in lowered

    def _array(self, shape: JsonObject, name: str, depth: int) -> list[JsonValue]:
        fixed = a_list(shape.get("prefixItems"))
        if fixed:
            return [self.build(item, name, depth + 1) for item in fixed]
        size = int(a_number(shape.get("minItems")) or 1)
        items = shape.get("items", {"type": "string"})
        return [self.build(items, name, depth + 1) for _ in range(size)] if depth < _DEPTH else []

    def _number(self, shape: JsonObject, *, whole: bool) -> int | float:
        number = self._numbers.pop(0) if self._numbers else 1.0
        least, most = a_number(shape.get("minimum")), a_number(shape.get("maximum"))
        above, below = a_number(shape.get("exclusiveMinimum")), a_number(shape.get("exclusiveMaximum"))
        if least is not None or above is not None:
            number = max(number, least if least is not None else (above or 0) + 1)
        if most is not None or below is not None:
            number = min(number, most if most is not None else (below or 0) - 1)
        return int(number) if whole or number == int(number) else number

    def _text(self, shape: JsonObject, name: str) -> str:
        if name in _KNOWN:
            return _KNOWN[name]
        if a_text(shape.get("format")) in _FORMATS:
            return _FORMATS[a_text(shape["format"])]
        text = self._words.pop(0) if self._words else (self.prompt.strip()[:60] or "sandbox")
        least, most = a_number(shape.get("minLength")), a_number(shape.get("maxLength"))
        return text.ljust(int(least or 0), "-")[: int(most) if most is not None else None]


def _kind(shape: JsonObject) -> str:
    kinds = [kind.lower() for kind in texts(shape.get("type"))]
    if not kinds:
        return "object" if "properties" in shape else "string"
    return next((kind for kind in kinds if kind != "null"), "null")


def _follow(root: JsonObject, reference: str) -> JsonValue:
    found: JsonValue = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            found = an_object(found).get(step.replace("~1", "/").replace("~0", "~"))
    return found


def smallest(schema: JsonObject, prompt: str) -> JsonValue:
    """Build the smallest instance of a schema for a prompt."""
    return Instances(prompt, schema).build(schema)
