"""Alternatives: functions for `anyOf`, `enum` and lists of types, before and after translation."""

from __future__ import annotations

from typing import Final

from gemini_multi._schemas.check import kind_of
from gemini_multi._schemas.keywords import Node, compact, joined, kinds, noted
from gemini_multi.types import JsonValue

NULL: Final[Node] = {"type": "null"}
_CONSTANT: Final = frozenset({"type", "format", "enum", "description"})


def is_null(schema: Node) -> bool:
    """Whether a schema accepts null and nothing else."""
    return kinds(schema) == ("null",) or schema.get("enum") == [None] or ("const" in schema and schema["const"] is None)


def flat(node: Node) -> list[Node]:
    """Return the alternatives of a translated schema that has only `anyOf`; else the schema as the only alternative."""
    branches = node.get("anyOf")
    if len(node) > 1 or not isinstance(branches, list):
        return [node]
    return [branch for branch in branches if isinstance(branch, dict)]


def narrowed(shared: Node, branch: Node) -> Node:
    """Move the keywords beside `anyOf` into a branch."""
    if shared.keys() <= {"type", "nullable"} and ("type" in branch or "$ref" in branch):
        return branch
    return {"allOf": [shared, branch]}


def with_choices(base: Node, branches: list[Node], how_many: str) -> Node:
    """Describe in words which keys must be given together, if the alternatives differ in nothing else."""
    groups = [
        ", ".join(str(name) for name in names)
        for branch in branches
        if isinstance(names := branch.get("required"), list)
    ]
    return {**base, "description": noted(base, f"{how_many} one of these must be given: {'; or '.join(groups)}.")}


def with_description(node: Node, text: str) -> Node:
    """Put a description before a node's own description. A reference cannot hold a description, and null needs none."""
    if not text or "$ref" in node or node == NULL:
        return node
    own = node.get("description")
    return {**node, "description": joined(text, own if isinstance(own, str) else "")}


def folded(nodes: list[Node]) -> list[Node]:
    """Combine the alternatives that are constants of the same type into one enum."""
    result: list[Node] = []
    places: dict[tuple[str, str], int] = {}
    for node in nodes:
        if "enum" not in node or not node.keys() <= _CONSTANT:
            result.append(node)
            continue
        key = (str(node.get("type")), str(node.get("format")))
        if key in places:
            result[places[key]] = _pair(result[places[key]], node)
        else:
            places[key] = len(result)
            result.append(node)
    return [_explained(node) for node in result] if len(result) < len(nodes) else result


def _pair(first: Node, second: Node) -> Node:
    """Join two enums. `meanings` holds the description of each until `_explained` writes them."""
    ours, theirs = _members(first), _members(second)
    meanings: Node = dict(known) if isinstance(known := first.get("meanings"), dict) else _meanings(first)
    chained: list[JsonValue] = [*ours, *(value for value in theirs if value not in ours)]
    return {**first, "enum": chained, "meanings": {**meanings, **_meanings(second)}}


def _explained(node: Node) -> Node:
    meanings = node.get("meanings")
    if not isinstance(meanings, dict):
        return node
    result = {keyword: value for keyword, value in node.items() if keyword not in ("meanings", "description")}
    if meanings:
        result["description"] = " ".join(
            f"{values}: {meaning}".rstrip(".") + "." for values, meaning in meanings.items()
        )
    return result


def _members(node: Node) -> list[JsonValue]:
    values = node.get("enum")
    return values if isinstance(values, list) else []


def _meanings(node: Node) -> Node:
    text = node.get("description")
    return {", ".join(compact(value) for value in _members(node)): text} if text else {}


def grouped(values: list[JsonValue]) -> tuple[list[JsonValue], list[JsonValue], list[JsonValue], list[JsonValue]]:
    """Group the members of an enum: texts, numbers, booleans, and objects and arrays. Null is left out."""
    texts: list[JsonValue] = []
    numbers: list[JsonValue] = []
    truths: list[JsonValue] = []
    others: list[JsonValue] = []
    for value in values:
        match value:
            case bool():
                truths.append(value)
            case str():
                texts.append(value)
            case int() | float():
                numbers.append(value)
            case dict() | list():
                others.append(value)
            case _:
                continue
    return texts, numbers, truths, others


def in_words(schema: Node, found: tuple[str, ...], values: list[JsonValue]) -> Node:
    """Return a schema with the types of an enum's members, which lists the members in its description."""
    text = f"One of {', '.join(compact(value) for value in values)}."
    types: list[JsonValue] = [*(found or dict.fromkeys(map(kind_of, values)))]
    return {**schema, "type": types, "description": noted(schema, text)}


def numbers(values: list[JsonValue], found: tuple[str, ...]) -> Node:
    """Return the node of an enum of numbers."""
    is_whole = all(isinstance(value, int) for value in values) and "number" not in found
    return {"type": "integer" if is_whole else "number", "enum": values}
