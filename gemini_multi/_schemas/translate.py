"""Translates JSON Schema to the forms that providers accept, and tool names to names that all providers accept.

This module is pure: the input is not changed.

| function | for | references | null | open objects |
|---|---|---|---|---|
| `json_schema` | `parametersJsonSchema`, `responseJsonSchema` | kept | as written | kept |
| `open_api_schema` | `parameters`, `responseSchema` | in place, recursion ends in JSON text | `nullable` | JSON text |
| `chat_schema` | chat completions | in place, recursive ones kept | `anyOf` with null | kept |
| `strict_schema` | chat completions, `strict` | as `chat_schema` | optional properties, too | JSON text |

If a form requests JSON text, or numbers as text, `gemini_multi._schemas.repair.repair` with the original schema
converts the answer back.
"""

from __future__ import annotations

import marshal
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import ClassVar, Final

from pydantic_core import to_jsonable_python

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi._schemas.check import kind_of
from gemini_multi._schemas.keywords import (
    CONSTRAINTS,
    FACETS,
    NULL,
    Node,
    compact,
    describe,
    flat,
    members_of,
    merge,
    unique,
    values_of,
    with_description,
)
from gemini_multi._schemas.walk import Translation
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonObject, JsonValue

_NUMBER_FORMATS: Final = frozenset({"int32", "int64", "float", "double"})
_SIZES: Final = frozenset({"minItems", "maxItems"})
_LARGEST_UNROLLED: Final = 500
_LARGEST_INLINED: Final = 2_000
_LONGEST_NAME: Final = 64
_WITHOUT_KEYS: Final = {"type", "description", "additionalProperties"}
_LONGEST_KEPT: Final = 64 * 1024
"""The largest schema, in bytes, whose translation is cached."""
_WITHOUT_REFERENCES: Final = 2
"""The version of the marshal format in which equal values give equal bytes."""


class PointingTranslation(Translation):
    """A translation into a form that has `$defs`.

    Gemini unrolls recursion a few levels and therefore allows it only in properties that are not required. A required
    property on a path of required properties that leads back to its own definition is taken out of `required`.
    """

    def __init__(self, root: JsonObject, *, enums_in_words: bool = False) -> None:
        super().__init__(root, enums_in_words=enums_in_words)
        self.active["#"] = 1
        self._names: dict[str, str] = {}

    def pointed(self, pointer: str, beside: Node) -> Node:
        """Return the reference, with the description of the keywords beside it. Its definition is translated later."""
        if pointer not in self._names:
            base = re.sub(r"[^A-Za-z0-9_.-]", "_", pointer.rpartition("/")[2].lstrip("#")) or "root"
            self._names[pointer] = unique(base, self._names.values(), _LONGEST_NAME)
        reference: Node = {"$ref": f"#/$defs/{self._names[pointer]}"}
        described = describe({}, beside)
        return {"anyOf": [reference], **described} if described else reference

    def free_object(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        return describe({"type": "object", **stated, **self.others(schema)}, schema, notes)

    def others(self, schema: Node, /) -> Node:
        values = values_of(schema)
        if isinstance(values, dict) and values:
            return {"additionalProperties": self.node(values)}
        return {"additionalProperties": values is not False} if isinstance(values, (bool, dict)) else {}

    def alternatives(self, nodes: list[Node], description: Node, *, has_null: bool) -> Node:
        """Write null as a branch. The others hold the description, because `anyOf` must have no keywords beside it."""
        if len(nodes) == 1 and not has_null and ("$ref" not in nodes[0] or not description):
            return with_description(nodes[0], description)
        branches = [with_description(branch, description) for node in nodes for branch in flat(node)]
        if not branches:
            return {**NULL, **description}
        has_place = any("description" in branch for branch in branches)
        null = [NULL.copy()] if has_null else []
        return {"anyOf": [*branches, *null], **({} if has_place else description)}

    def finish(self, result: Node) -> Node:
        """Add all definitions that the schema or another definition refers to."""
        definitions: dict[str, Node] = {}
        while missing := [pointer for pointer, name in self._names.items() if name not in definitions]:
            self.active, self.depth = Counter(missing[:1]), 1
            definitions[self._names[missing[0]]] = self.node(self.definition(missing[0]))
        if definitions:
            self.relax(definitions)
            result["$defs"] = {**definitions}
        return result

    def relax(self, definitions: Mapping[str, Node]) -> None:
        """Remove properties that require their own definition from `required`."""
        needs = {owner: _needed(definition) for owner, definition in definitions.items()}
        for owner, definition in definitions.items():
            for node in _inner(definition):
                members, required = as_object(node.get("properties")), as_list(node.pop("required", None))
                if kept := [one for one in required if owner not in _reached(_needed(members[str(one)]), needs)]:
                    node["required"] = kept


class JsonSchemaTranslation(PointingTranslation):
    """JSON Schema for `parametersJsonSchema` and `responseJsonSchema`, which ignore unknown keywords."""

    kept = _SIZES
    formats = frozenset({"date-time", "date", "time"}) | _NUMBER_FORMATS
    drops_empty = False

    def reference(self, pointer: str, target: Node, rest: Node) -> Node:
        """Refer to the definition; a reference must have no other keywords beside it."""
        if not CONSTRAINTS.isdisjoint(rest) and not self.active[pointer]:
            return self.inlined(merge(rest, target), pointer)
        return self.pointed(pointer, rest)

    def anything(self, schema: Node, notes: list[str]) -> Node:
        return describe({}, schema, notes)

    def items(self, items: JsonValue) -> Node | None:
        return self.node(items) if isinstance(items, dict) and items else None

    def positions(self, result: Node, prefix: list[JsonValue], items: JsonValue) -> list[str]:
        """Keep `prefixItems`; a tuple without further items also gets its size."""
        result["prefixItems"] = [self.node(schema) for schema in prefix]
        if items is False:
            result.setdefault("maxItems", len(prefix))
        elif isinstance(items, dict) and items:
            result["items"] = self.node(items)
        return []


class OpenApiTranslation(Translation):
    """Gemini's own `Schema` message, for `parameters` and `responseSchema`, which refuse unknown keywords."""

    kept = _SIZES | {"minLength", "maxLength", "pattern", "minProperties", "maxProperties"}
    formats = frozenset({"date-time"}) | _NUMBER_FORMATS
    most_repeats: ClassVar[int] = 3

    def reference(self, pointer: str, target: Node, rest: Node) -> Node:
        """Write the definition in place. Recursion ends with JSON text after a few levels."""
        if self.active[pointer] >= (1 if self.size > _LARGEST_UNROLLED else self.most_repeats):
            return self.as_text(rest, target, [])
        return self.inlined(merge(rest, target), pointer)

    def alternatives(self, nodes: list[Node], description: Node, *, has_null: bool) -> Node:
        """Write null as `nullable`. It and the description go into each branch: `anyOf` has no keywords beside it."""
        if not nodes:
            return {**NULL, **description}
        null: Node = {"nullable": True} if has_null else {}
        branches = flat(nodes[0]) if has_null and len(nodes) == 1 else nodes
        written: list[JsonValue] = [{**with_description(branch, description), **null} for branch in branches]
        return {"anyOf": written} if len(written) > 1 else {**with_description(branches[0], description), **null}

    def constants(self, values: list[JsonValue], found: tuple[str, ...]) -> list[Node]:
        """Write numbers as texts, because an enum may hold texts only. `repair` converts the answer back."""
        scalars = members_of(values, "string", "integer", "number", "boolean")
        if {*map(kind_of, scalars)} in ({"string"}, {"boolean"}, set()):
            return super().constants(values, found)
        members = dict.fromkeys(value if isinstance(value, str) else compact(value) for value in scalars)
        node: Node = {"type": "string", "format": "enum", "enum": [*members]}
        return [node, *super().constants(members_of(values, "object", "array"), found)]


class ChatTranslation(PointingTranslation):
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
        if not self.active[pointer] and self.size < _LARGEST_INLINED:
            return self.inlined(merge(rest, target), pointer)
        return self.pointed(pointer, rest)


class StrictTranslation(ChatTranslation):
    """OpenAI's strict form: every property is required, optional ones may be null, other keys are not allowed."""

    def object_node(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        """Require every property, and allow null for the optional ones. `repair` removes the nulls again."""
        result = super().object_node(schema, stated, notes)
        if members := as_object(result.get("properties")):
            for name, member in members.items():
                branches = flat(as_object(member))
                if name not in as_list(result.get("required")) and NULL not in branches:
                    members[name] = {"anyOf": [*branches, NULL.copy()]}
            result["required"] = list(members)
        return result

    def others(self, _schema: Node, /) -> Node:
        return {"additionalProperties": False}

    def free_object(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        """Request JSON text, because the strict form has no open objects. The root stays an object."""
        closed: Node = {**stated, "properties": {}, "required": [], "additionalProperties": False}
        return Translation.free_object(self, schema, closed, notes)

    def relax(self, definitions: Mapping[str, Node]) -> None:
        """Leave recursive properties required, because the strict form requires every property."""


def _inner(node: Node, *, only_needed: bool = False) -> Iterator[Node]:
    """Yield a translated node and the nodes in it, or only those for which each value must have a value."""
    yield node
    members = as_object(node.get("properties"))
    names = map(str, as_list(node.get("required")) if only_needed else members)
    parts = [members[name] for name in names]
    parts += [*as_list(node.get("anyOf")), *as_list(node.get("prefixItems"))]
    for part in objects([*parts, node.get("items"), node.get("additionalProperties")]):
        yield from _inner(part, only_needed=only_needed)


def _needed(node: JsonValue) -> list[str]:
    nodes = _inner(as_object(node), only_needed=True)
    return [reference.removeprefix("#/$defs/") for inner in nodes if (reference := text_at(inner, "$ref")) is not None]


def _reached(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    seen, waiting = set[str](), [*names]
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            waiting += needs[name]
    return seen


@lru_cache(maxsize=512)
def _marshalled(form: type[Translation], written: bytes, *, enums_in_words: bool) -> bytes:
    return marshal.dumps(form(marshal.loads(written), enums_in_words=enums_in_words).whole())  # noqa: S302  # written below


def _translated(
    form: type[Translation], schema: Mapping[str, JsonValue], *, enums_in_words: bool = False
) -> dict[str, JsonValue]:
    """Translate a schema; all calls with the same tools share the result, unless the schema is large."""
    try:
        try:
            written = marshal.dumps(dict(schema), _WITHOUT_REFERENCES)
        except ValueError:  # it holds a value that is no plain JSON
            written = marshal.dumps(to_jsonable_python(dict(schema), fallback=str), _WITHOUT_REFERENCES)
        translate = _marshalled if len(written) <= _LONGEST_KEPT else _marshalled.__wrapped__
        translated: dict[str, JsonValue] = marshal.loads(translate(form, written, enums_in_words=enums_in_words))  # noqa: S302  # written above
    except ConfigurationError:
        raise
    except (RecursionError, ValueError):
        raise ConfigurationError("the JSON Schema nests too deep: Gemini refuses such schemas; flatten it") from None
    return translated


json_schema: Final = partial(_translated, JsonSchemaTranslation)
"""Return a schema for Gemini's JSON Schema fields; descriptions hold the limits that these fields ignore."""

open_api_schema: Final = partial(_translated, OpenApiTranslation)
"""Return a schema as Gemini's `Schema` message, which refuses unknown keywords."""

chat_schema: Final = partial(_translated, ChatTranslation)
"""Return a schema with only the keywords that every chat completions provider of Gemini accepts."""

strict_schema: Final = partial(_translated, StrictTranslation)
"""Return a schema in OpenAI's strict form."""


def is_empty_object(schema: Mapping[str, JsonValue]) -> bool:
    """Whether a tool with this schema takes no arguments, so that `parameters` must be left out."""
    if any(map(schema.get, ("properties", *FACETS["object"]))):
        return False
    translated = json_schema(schema)
    is_closed = translated.get("additionalProperties") in (None, False)
    return is_closed and translated.get("type", "object") == "object" and translated.keys() <= _WITHOUT_KEYS


def function_name(name: str) -> str:
    """Return a function name that every provider accepts.

    It begins with a letter or `_`, holds letters, digits, `_` and `-`, and has at most 64 characters.
    """
    clean = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if not clean or not (clean[0].isalpha() or clean[0] == "_"):
        clean = f"_{clean}"
    return clean[:_LONGEST_NAME]


def wire_names(names: Iterable[str]) -> dict[str, str]:
    """Return a different wire name for each name. Valid names stay the same; a number makes the others unique."""
    originals = list(dict.fromkeys(names))
    taken = {name for name in originals if function_name(name) == name}
    result = dict.fromkeys(originals, "")
    for name in originals:
        result[name] = name if name in taken else unique(function_name(name), taken, _LONGEST_NAME)
        taken.add(result[name])
    return result
