"""The walk through a JSON Schema, and the rules that most forms share. `translate` holds the differences.

A node is first converted to one of a few shapes: `allOf` is merged, `oneOf` is read as `anyOf`, keywords beside `anyOf`
move into its branches, a list of types becomes alternatives, `const` becomes `enum`. Then a form writes the shape with
its own keywords. The description holds the limits for which the form has no keyword. Keywords are read only at the
position of a schema, so a property may have any name.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from typing import ClassVar, Final

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi._schemas.check import kind_of, resolve, split_items
from gemini_multi._schemas.keywords import (
    CONSTRAINTS,
    NULL,
    Node,
    compact,
    describe,
    facets,
    flat,
    is_null,
    kinds,
    members_of,
    merge,
    noted,
    one_object,
    values_of,
    without,
)
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonObject, JsonValue

_DEEPEST: Final = 64
_LARGEST: Final = 50_000
_KIND_WORDS: Final = {"object": "A JSON object as text.", "array": "A JSON array as text."}


class Translation(ABC):
    """The translation of one schema into one form.

    In most forms each schema has a type, `anyOf` has no keywords beside it, and arrays have items.
    """

    kept: ClassVar[frozenset[str]]
    """The keywords for limits that the form supports."""
    formats: ClassVar[frozenset[str]]
    """Values of `format` that the form supports."""
    drops_empty: ClassVar[bool] = True
    """Whether an enum must not have an empty member."""
    most_repeats: ClassVar[int] = 1
    """The number of times that a definition may be nested in itself when it is written in place."""

    def __init__(self, root: JsonObject, *, enums_in_words: bool = False) -> None:
        """Store a schema, which is not changed. `enums_in_words` lists enums in descriptions instead."""
        self.root = root
        self._enums_in_words = enums_in_words
        self.active = Counter[str]()
        self.size = 0
        self.depth = 0
        """The number of schemas that hold the current one, and this one: 1 at the root."""

    def whole(self) -> Node:
        opened: list[str] = []
        schema = self._merged(self._looked_up(dict(self.root), opened), opened)
        self.active.update(opened)
        return self.finish(self.node(self.entrance(schema)))

    def entrance(self, schema: Node) -> Node:
        """Make one object of a root with properties and alternatives, because function parameters must be an object."""
        return self.flattened(schema) if kinds(without(schema, "anyOf", "oneOf")) == ("object",) else schema

    def flattened(self, schema: Node) -> Node:
        """Put the properties of all alternatives into one object, if all are objects."""
        branches = [self._looked_up(branch, []) for branch in objects(schema.get("anyOf") or schema.get("oneOf"))]
        return one_object(without(schema, "anyOf", "oneOf"), branches) or schema

    def finish(self, result: Node) -> Node:
        return result

    def node(self, schema: JsonValue) -> Node:
        if not isinstance(schema, dict):
            return self.anything({}, [])
        self.size += 1
        self.depth += 1
        if self.depth > _DEEPEST or self.size > _LARGEST:
            raise ConfigurationError(
                f"the JSON Schema nests deeper than {_DEEPEST} levels or unfolds to more than {_LARGEST} nodes:"
                " Gemini refuses such schemas; flatten or split it"
            )
        result = self._shaped(schema)
        self.depth -= 1
        return result

    def _shaped(self, schema: Node) -> Node:
        if "$ref" in schema:
            return self._referred(schema)
        if "allOf" in schema:
            return self._conjunction(schema)
        if "anyOf" in schema or "oneOf" in schema:
            return self._union(schema)
        found = kinds(schema)
        if "enum" in schema or "const" in schema:
            return self._enumeration(schema, found)
        if len(found) == 1:
            return self.typed(schema, found[0])
        if found:
            body = without(schema, "type", "nullable", "description", "default")
            return self._joined_alternatives([{**body, "type": kind} for kind in found], schema)
        return self.anything(schema, facets(schema, "", self.kept, self.formats)[1])

    def _referred(self, schema: Node) -> Node:
        pointer, rest = text_at(schema, "$ref"), without(schema, "$ref")
        target = None if pointer is None else self.definition(pointer)
        if pointer is not None and target is not None:
            return self.reference(pointer, target, rest)
        if not CONSTRAINTS.isdisjoint(rest):
            return self.node(rest)
        return self.anything(rest, [f"See {compact(schema['$ref'])}."])

    def inlined(self, schema: JsonObject, *pointers: str) -> Node:
        self.active.update(pointers)
        result = self._shaped(dict(schema))
        self.active.subtract(pointers)
        return result

    def _conjunction(self, schema: Node) -> Node:
        members, rest = schema["allOf"], without(schema, "allOf")
        if isinstance(members, list) and len(members) == 1 and CONSTRAINTS.isdisjoint(rest):
            return self._shaped(merge(rest, as_object(members[0])))  # pydantic 1 describes a reference in this form
        opened: list[str] = []
        return self.inlined(self._merged(schema, opened), *opened)

    def _merged(self, schema: Node, opened: list[str]) -> Node:
        """Merge `allOf`. A definition is merged once, unless it is already open; its reference is added to `opened`."""
        while isinstance(members := schema.get("allOf"), list):
            schema = without(schema, "allOf")
            for member in objects(members):
                schema = merge(schema, self._looked_up(member, opened))
        return without(schema, "allOf")

    def _looked_up(self, schema: Node, opened: list[str]) -> Node:
        while isinstance(pointer := schema.get("$ref"), str):
            schema = without(schema, "$ref")
            if pointer not in opened and self.active[pointer] < self.most_repeats:
                opened.append(pointer)
                schema = merge(schema, self.definition(pointer) or {})
        return schema

    def definition(self, pointer: str) -> Node | None:
        """Return the definition of a reference, which the schema must hold; `None` if it is in another schema."""
        found = resolve(pointer, self.root)
        if found is None and pointer.startswith("#"):
            raise ConfigurationError(
                f"the JSON Schema refers to {pointer!r}, which is not in it: define it there, as under `$defs`,"
                " or take the reference out"
            )
        return found

    def _union(self, schema: Node) -> Node:
        if "anyOf" in schema and "oneOf" in schema:
            schema = merge(without(schema, "oneOf"), {"anyOf": schema["oneOf"]})
        branches, base = objects(schema.get("anyOf", schema.get("oneOf"))), without(schema, "anyOf", "oneOf")
        if not branches:
            return self._shaped(base)
        shared = {keyword: value for keyword, value in base.items() if keyword in CONSTRAINTS}
        return self._joined_alternatives([_narrowed(shared, branch) for branch in branches], base)

    def _joined_alternatives(self, branches: list[Node], base: Node) -> Node:
        nodes: dict[str, Node] = {}
        has_null = base.get("nullable") is True
        for branch in branches:
            for node in [NULL] if is_null(branch) else flat(self.node(branch)):
                has_null = has_null or node == NULL
                if node != NULL:
                    nodes.setdefault(json.dumps(node, sort_keys=True), node)
        return self.alternatives(list(nodes.values()), describe({}, base), has_null=has_null)

    def _enumeration(self, schema: Node, found: tuple[str, ...]) -> Node:
        given, rest = schema["enum"] if "enum" in schema else [schema["const"]], without(schema, "enum", "const")
        if self._enums_in_words and isinstance(given, list):
            types: list[JsonValue] = [*(found or dict.fromkeys(map(kind_of, given)))]
            note = f"One of {', '.join(map(compact, given))}."
            return self._shaped({**rest, "type": types, "description": noted(rest, note)})
        values = [value for value in as_list(given) if value != "" or not self.drops_empty]
        nodes = self.constants(values, found)
        if nodes or None in values:
            has_null = None in values or schema.get("nullable") is True
            return self.alternatives(nodes, describe({}, schema), has_null=has_null)
        return self._shaped(rest)

    def constants(self, values: list[JsonValue], found: tuple[str, ...]) -> list[Node]:
        """Translate the members of an enum, apart from null, into one node for each type."""
        nodes: list[Node] = [{"type": "string", "enum": texts}] if (texts := members_of(values, "string")) else []
        if figures := members_of(values, "integer", "number"):
            is_whole = all(isinstance(value, int) for value in figures) and "number" not in found
            nodes.append({"type": "integer" if is_whole else "number", "enum": figures})
        if truths := members_of(values, "boolean"):
            note = {"description": f"Always {compact(truths[0])}."} if truths.count(truths[0]) == len(truths) else {}
            nodes.append({"type": "boolean", **note})
        if others := members_of(values, "object", "array"):
            nodes += flat(self.anything({}, [f"One of {compact(others)}."]))
        return nodes

    def typed(self, schema: Node, kind: str) -> Node:
        stated, notes = facets(schema, kind, self.kept, self.formats)
        if kind == "object":
            return self.object_node(schema, stated, notes)
        if kind == "array":
            return self.array_node(schema, stated, notes)
        return describe({"type": kind, **stated}, schema, notes)

    def object_node(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        properties = {name: child for name, child in as_object(schema.get("properties")).items() if child is not False}
        if not properties:
            return self.free_object(schema, stated, notes)
        result: Node = {"type": "object", **stated}
        result["properties"] = {name: self.node(child) for name, child in properties.items()}
        names = (name for name in as_list(schema.get("required")) if isinstance(name, str))
        if required := [name for name in dict.fromkeys(names) if name in properties]:
            result["required"] = [*required]
        return describe({**result, **self.others(schema)}, schema, notes)

    def others(self, _schema: Node, /) -> Node:
        """Describe the other keys that the object may have, if the form supports this."""
        return {}

    def array_node(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        prefix, items = split_items(schema)
        result: Node = {"type": "array", **stated}
        if prefix:
            return describe(result, schema, [*notes, *self.positions(result, prefix, items)])
        if (members := self.items(None if items is False else items)) is not None:
            result["items"] = members
        return describe({**result, "maxItems": 0} if items is False else result, schema, notes)

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
        return [f"In this order: {', '.join(map(compact, nodes))}."] if len(members) > 1 else []

    def as_text(self, schema: Node, target: Node, notes: list[str]) -> Node:
        """Request JSON text if the form cannot describe the value. `repair` parses the text."""
        words = _KIND_WORDS.get(next(iter(kinds(target)), ""), "A JSON value as text.")
        return describe({"type": "string"}, schema, [words, *notes])

    def free_object(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        """Request an object without named properties as JSON text. The root stays an object."""
        if self.depth == 1:
            return describe({"type": "object", **stated}, schema, notes)
        values = values_of(schema)
        likeness = [f"Each value follows {compact(self.node(values))}."] if values and isinstance(values, dict) else []
        return self.as_text(schema, {"type": "object"}, [*likeness, *notes])

    @abstractmethod
    def reference(self, pointer: str, target: Node, rest: Node) -> Node:
        """Translate a reference to `target`; `rest` holds the keywords beside it."""

    @abstractmethod
    def alternatives(self, nodes: list[Node], description: Node, *, has_null: bool) -> Node:
        """Combine translated alternatives. `description` holds that keyword, or nothing."""


def _narrowed(shared: Node, branch: Node) -> Node:
    """Move the keywords beside `anyOf` into a branch."""
    if not shared or (shared.keys() <= {"type", "nullable"} and ("type" in branch or "$ref" in branch)):
        return branch
    return {"allOf": [shared, branch]}
