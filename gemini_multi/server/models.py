"""`/v1/models`: the models in the catalog that the server's providers serve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gemini_multi import catalog
from gemini_multi.server.failures import Refused
from gemini_multi.types import JsonValue


def listed(providers: Iterable[str]) -> list[dict[str, JsonValue]]:
    """List the models by their catalog names, then with the name of each provider as a prefix."""
    served = tuple(providers)
    return [*_plain(served), *(entry for provider in served for entry in _at(provider))]


def one(model_id: str, providers: Iterable[str]) -> dict[str, JsonValue]:
    """Describe one model.

    Raises:
        Refused: The model is not in the list.
    """
    found = next((entry for entry in listed(providers) if entry["id"] == model_id), None)
    if found is None:
        message = f"The model {model_id!r} does not exist here. GET /v1/models lists the models."
        raise Refused(404, message, code="model_not_found", param="model")
    return found


def _plain(providers: tuple[str, ...]) -> Iterator[dict[str, JsonValue]]:
    for model in catalog.models():
        serving = [provider for provider in providers if provider in model.providers]
        if serving:
            yield _entry(model.name, "google", serving, model)


def _at(provider: str) -> Iterator[dict[str, JsonValue]]:
    for model in catalog.models():
        if provider in model.providers:
            yield _entry(f"{provider}/{model.name}", provider, [provider], model)


def _entry(name: str, owner: str, serving: list[str], model: catalog.Model) -> dict[str, JsonValue]:
    """Write one entry. OpenAI's clients require `created`, but no provider states it."""
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": owner,
        "providers": list(serving),
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
    }
