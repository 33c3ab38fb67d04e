"""Definitions: references that the translation keeps, and recursion in the form that Gemini supports."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gemini_multi._schemas.keywords import Node, describe, noted, values_of
from gemini_multi._schemas.walk import Translation
from gemini_multi.types import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class _Demand:
    """A required property whose schema holds references."""

    owner: str
    holder: Node
    name: str
    member: Node
    needs: list[str]


class PointingTranslation(Translation):
    """A translation into a form that has `$defs`.

    Gemini unrolls recursion a few levels and therefore allows it only in properties that are not required. A required
    property on a path of required properties that leads back to its own definition is taken out of `required`; its
    description says "Required." instead.
    """

    def __init__(self, root: JsonObject, *, enums_in_words: bool = False) -> None:
        super().__init__(root, enums_in_words=enums_in_words)
        self.active["#"] = 1
        self._names: dict[str, str] = {}
        self._owner = ""
        self._needed: list[str] = []
        self._needs: dict[str, list[str]] = {}
        self._demands: list[_Demand] = []

    def pointed(self, pointer: str, beside: Node) -> Node:
        """Return the reference, with the description of the keywords beside it. Its definition is translated later."""
        if pointer not in self._names:
            base = re.sub(r"[^A-Za-z0-9_.-]", "_", pointer.rpartition("/")[2].lstrip("#")) or "root"
            name, count = base, 2
            while name in self._names.values():
                name, count = f"{base}_{count}", count + 1
            self._names[pointer] = name
        self._needed.append(self._names[pointer])
        reference: Node = {"$ref": f"#/$defs/{self._names[pointer]}"}
        described = describe({}, beside, [])
        return {"anyOf": [reference], **described} if described else reference

    def free_object(self, schema: Node, stated: Node, notes: list[str]) -> Node:
        """Keep the schema of the values."""
        return describe({"type": "object", **stated, **self.others(schema)}, schema, notes)

    def others(self, schema: Node, /) -> Node:
        """Keep `additionalProperties`."""
        values = values_of(schema)
        if values is None:
            return {}
        return {
            "additionalProperties": self.node(values) if isinstance(values, dict) and values else values is not False
        }

    def member(self, name: str, child: JsonValue, holder: Node, /) -> Node:
        """Translate a property and note which definitions it requires."""
        mark = len(self._needed)
        member = self.node(child)
        if len(self._needed) > mark:
            required = holder.get("required")
            if isinstance(required, list) and name in required:
                self._demands.append(_Demand(self._owner, holder, name, member, self._needed[mark:]))
            else:
                del self._needed[mark:]
        return member

    def finish(self, result: Node) -> Node:
        """Add all definitions that the schema or another definition refers to."""
        definitions: Node = {}
        while missing := [pointer for pointer in self._names if self._names[pointer] not in definitions]:
            self._owner, self._needed, self.active = self._names[missing[0]], [], {missing[0]: 1}
            definitions[self._owner] = self.inner(self.definition(missing[0]) or {})
            self._needs[self._owner] = self._needed
        if definitions:
            self.relax()
            result["$defs"] = definitions
        return result

    def relax(self) -> None:
        """Remove properties that require themselves from `required`."""
        for demand in self._demands:
            required = demand.holder.get("required")
            if isinstance(required, list) and any(self._leads(need, demand.owner) for need in demand.needs):
                required.remove(demand.name)
                _note_required(demand.member)
                if not required:
                    del demand.holder["required"]

    def _leads(self, start: str, goal: str) -> bool:
        seen, waiting = {start}, [start]
        while waiting:
            name = waiting.pop()
            if name == goal:
                return True
            new = [need for need in self._needs.get(name, ()) if need not in seen]
            seen.update(new)
            waiting += new
        return False


def _note_required(member: Node) -> None:
    """Write "Required." into a description, in place: the parent already holds the node."""
    if "$ref" in member:
        reference = dict(member)
        member.clear()
        member["anyOf"] = [reference]
    member["description"] = noted(member, "Required.")
