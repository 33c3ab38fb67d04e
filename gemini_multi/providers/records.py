"""Reads records of models in OpenAI's form, and the fields of other forms."""

from __future__ import annotations

from collections.abc import Mapping

from gemini_multi.types import JsonObject, JsonValue, ListedModel


def listed_model(provider: str, record: JsonObject) -> ListedModel | None:
    """Read a record, with the fields that gateways add to OpenAI's form."""
    model_id = text_of(record, "id")
    if model_id is None:
        return None
    capabilities, schema = record.get("capabilities"), record.get("json_request_schema")
    kinds = capabilities if isinstance(capabilities, Mapping) else {}
    return ListedModel(
        provider=provider,
        id=model_id,
        name=text_of(record, "display_name") or text_of(record, "name"),
        description=text_of(record, "description"),
        aliases=texts_of(record, "aliases"),
        context_window=whole_of(record, "context_length") or whole_of(record, "context_window"),
        max_output_tokens=whole_of(record, "max_output_tokens"),
        inputs=texts_of(kinds, "input"),
        outputs=texts_of(kinds, "output"),
        request_schema=record.get("request_schema") if schema is None else schema,
        record=record,
    )


def text_of(record: JsonObject, key: str) -> str | None:
    """Return a text that is not empty."""
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def texts_of(record: JsonObject, key: str) -> tuple[str, ...]:
    """Return the texts of a list."""
    value = record.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def whole_of(record: JsonObject, key: str) -> int | None:
    """Return a whole number."""
    value: JsonValue = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
