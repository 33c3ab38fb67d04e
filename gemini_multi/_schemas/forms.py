"""The schema forms that providers accept: Gemini's JSON Schema, Gemini's `Schema`, and the subset of chat providers."""

from __future__ import annotations

from typing import ClassVar, Final

from gemini_multi._schemas.alternatives import NULL, flat, grouped, with_description
from gemini_multi._schemas.keywords import CONSTRAINTS, Node, compact, describe, kinds, values_of
from gemini_multi._schemas.merge import merge
from gemini_multi._schemas.references import PointingTranslation
from gemini_multi._schemas.walk import Translation
from gemini_multi.types import JsonValue

_NUMBER_FORMATS: Final = frozenset({"int32", "int64", "float", "double"})
_SIZES: Final = frozenset({"minItems", "maxItems"})
_LARGEST_UNROLLED: Final = 500
_LARGEST_INLINED: Final = 2_000
_KIND_WORDS: Final = {"object": "A JSON object as text.", "array": "A JSON array as text."}


class JsonSchemaTranslation(PointingTranslation):
    """JSON Schema for `parametersJsonSchema` and `responseJsonSchema`, which ignore unknown keywords."""

    kept = _SIZES
    formats = frozenset({"date-time", "date", "time"}) | _NUMBER_FORMATS
    drops_empty = False

    def reference(self, pointer: str, target: Node, rest: Node) -> Node:
        """Refer to the definition; a reference must have no other keywords beside it."""
        if not CONSTRAINTS.isdisjoint(rest) and not self.active.get(pointer):
            return self.inlined(pointer, merge(rest, target))
        return self.pointed(pointer, rest)

    def several(self, schema: Node, found: tuple[str, ...]) -> Node:
        """Keep a list of one type and null."""
        others = [kind for kind in found if kind != "null"]
        if len(others) == 1:
            result = self.typed(schema, others[0])
            result["type"] = [others[0], "null"]
            return result
        return super().several(schema, found)

    def alternatives(self, nodes: list[Node], text: str, *, has_null: bool) -> Node:
        """Write `anyOf` and the description."""
        branches: list[JsonValue] = [*nodes, *([NULL.copy()] if has_null else [])]
        if len(nodes) == 1 and not has_null and "$ref" not in nodes[0]:
            return with_description(nodes[0], text)
        if branches == [NULL]:
            return {**NULL, **({"description": text} if text else {})}
        if len(branches) == 1 and not text:
            return nodes[0]
        return {"anyOf": branches, **({"description": text} if text else {})}

    def anything(self, schema: Node, notes: list[str]) -> Node:
        """Write no type."""
        return describe({}, schema, notes)

    def items(self, items: JsonValue) -> Node | None:
        """Translate the items' schema, if there is one."""
        return self.node(items) if isinstance(items, dict) and items else None

    def positions(self, result: Node, prefix: list[JsonValue], items: JsonValue) -> list[str]:
        """Keep `prefixItems`; a tuple without further items also gets its size."""
        result["prefixItems"] = [self.node(schema) for schema in prefix]
        if items is False:
            result.setdefault("maxItems", len(prefix))
        elif isinstance(items, dict) and items:
            result["items"] = self.node(items)
        return []


class _Subset(Translation):
    """The rules that Gemini's `Schema` and chat providers share.

    Each schema has a type, `anyOf` has no keywords beside it, arrays have items.
    """

    def anything(self, schema: Node, notes: list[str]) -> Node:
        """Allow the scalar types; objects and arrays arrive as text."""
        text = describe({"type": "string"}, schema, [*notes, "An object or array as JSON text."])
        return {"anyOf": [text, {"type": "number"}, {"type": "boolean"}]}

    def items(self, items: JsonValue) -> Node | None:
        """Translate the items' schema. Items of unknown type are strings."""
        return {"type": "string"} if items is None else self.node(items)

    def positions(self, result: Node, prefix: list[JsonValue], items: JsonValue) -> list[str]:
        """Allow each position's type for all items, fix the number of items and describe the order in words."""
        nodes = [self.node(schema) for schema in prefix]
        is_open = isinstance(items, dict) and bool(items)
        members: list[Node] = []
        for node in [*nodes, *([self.node(items)] if is_open else [])]:
            members += [branch for branch in flat(node) if branch not in members]
        result["items"] = members[0] if len(members) == 1 else {"anyOf": [*members]}
        if not is_open and ("minItems" not in result or items is False):
            result.setdefault("minItems", len(prefix))
            result.setdefault("maxItems", len(prefix))
        return [f"In this order: {', '.join(_in_words(node) for node in nodes)}."] if len(members) > 1 else []

    def as_text(self, schema: Node, target: Node, notes: list[str]) -> Node:
        """Request JSON text if the form cannot describe the value. `repair` parses the text."""
        words = _KIND_WORDS.get(next(iter(kinds(target)), ""), "A JSON value as text.")
        return describe({"type": "string"}, schema, [words, *notes])

    def object_as_text(self, schema: Node, notes: list[str]) -> Node:
        """Request an object without known keys as JSON text."""
        values = values_of(schema)
        likeness = [f"Each value follows {compact(self.node(values))}."] if values and isinstance(values, dict) else []
        return self.as_text(schema, {"type": "object"}, [*likeness, *notes])


class OpenApiTranslation(_Subset):
    """Gemini's own `Schema` message, for `parameters` and `responseSchema`, which refuse unknown keywords."""

    kept = _SIZES | {"minLength", "maxLength", "pattern", "minProperties", "maxProperties"}
    formats = frozenset({"date-time"}) | _NUMBER_FORMATS
    most_repeats: ClassVar[int] = 3

    def reference(self, pointer: str, target: Node, rest: Node) -> Node:
        """Write the definition in place. Recursion ends with JSON text after a few levels."""
        repeats = self.active.get(pointer, 0)
        if repeats >= (1 if self.size > _LARGEST_UNROLLED else self.most_repeats):
            return self.as_text(rest, target, [])
        return self.inlined(pointer, merge(rest, target))

    def alternatives(self, nodes: list[Node], text: str, *, has_null: bool) -> Node:
        """Write null as `nullable`. It and the description go into each branch: `anyOf` has no keywords beside it."""
        if not nodes:
            return {**NULL, **({"description": text} if text else {})}
        branches: list[JsonValue] = []
        for node in nodes:
            branch = with_description(node, text)
            branches.append({**branch, "nullable": True} if has_null else branch)
        if len(nodes) > 1:
            return {"anyOf": branches}
        if has_null and "anyOf" in nodes[0]:
            return self.alternatives(flat(nodes[0]), text, has_null=has_null)
        return {**with_description(nodes[0], text), **({"nullable": True} if has_null else {})}

    def constants(self, values: list[JsonValue], found: tuple[str, ...]) -> list[Node]:
        """Write numbers as texts, because an enum may hold texts only. `repair` converts the answer back."""
        texts, numbers, truths, others = grouped(values)
        if not numbers and not (texts and truths):
            return super().constants(values, found)
        members = [*(str(text) for text in texts), *(compact(value) for value in [*numbers, *truths])]
        node: Node = {"type": "string", "format": "enum", "enum": [*dict.fromkeys(members)]}
        return [node, *super().constants(others, found)]

    def free_object(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        """Request JSON text, because objects without properties are refused. The root stays an object."""
        if self.is_at_root:
            return describe({"type": "object", **stated}, schema, notes)
        return self.object_as_text(schema, notes)


class ChatTranslation(_Subset, PointingTranslation):
    """The subset that all chat completions providers of Gemini accept and translate correctly."""

    kept = _SIZES
    formats = frozenset({"date-time"})

    def entrance(self, schema: Node) -> Node:
        """Make an object of an empty root, and of alternatives that are all objects."""
        if CONSTRAINTS.isdisjoint(schema):
            return {**schema, "type": "object"}
        return self.flattened(schema)

    def finish(self, result: Node) -> Node:
        """Add `properties` to a root object, even when it has none."""
        if result.get("type") == "object":
            result.setdefault("properties", {})
        return super().finish(result)

    def reference(self, pointer: str, target: Node, rest: Node) -> Node:
        """Write the definition in place, unless it is recursive or the schema has grown large."""
        if not self.active.get(pointer) and self.size < _LARGEST_INLINED:
            return self.inlined(pointer, merge(rest, target))
        return self.pointed(pointer, rest)

    def alternatives(self, nodes: list[Node], text: str, *, has_null: bool) -> Node:
        """Write null as a branch. The others hold the description, because `anyOf` must have no keywords beside it."""
        if len(nodes) == 1 and not has_null:
            return with_description(nodes[0], text)
        branches: list[JsonValue] = [with_description(branch, text) for node in nodes for branch in flat(node)]
        if not branches:
            return {**NULL, **({"description": text} if text else {})}
        has_place = any("description" in branch for branch in branches if isinstance(branch, dict))
        beside: Node = {"description": text} if text and not has_place else {}
        return {"anyOf": [*branches, *([NULL.copy()] if has_null else [])], **beside}


class StrictTranslation(ChatTranslation):
    """OpenAI's strict form: every property is required, optional ones may be null, other keys are not allowed."""

    def object_node(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        """Require every property, and allow null for the optional ones. `repair` removes the nulls again."""
        result = super().object_node(schema, stated, notes)
        members, required = result.get("properties"), result.get("required", [])
        if isinstance(members, dict) and isinstance(required, list):
            for name, member in members.items():
                if name not in required and isinstance(member, dict):
                    members[name] = _nullable(member)
            result["required"] = list(members)
        return result

    def others(self, _schema: Node, /) -> Node:
        """Allow no other keys."""
        return {"additionalProperties": False}

    def free_object(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        """Request JSON text, because the strict form has no open objects. The root stays an object."""
        if not self.is_at_root:
            return self.object_as_text(schema, notes)
        return describe(
            {"type": "object", **stated, "properties": {}, "required": [], "additionalProperties": False}, schema, notes
        )

    def relax(self) -> None:
        """Leave recursive properties required, because the strict form requires every property."""


def _nullable(node: Node) -> Node:
    branches = flat(node)
    return node if NULL in branches else {"anyOf": [*branches, NULL.copy()]}


def _in_words(node: Node) -> str:
    names = " or ".join(str(branch.get("type", "any")) for branch in flat(node))
    text = node.get("description")
    return f"{names} ({text.rstrip('.')})" if isinstance(text, str) else names
