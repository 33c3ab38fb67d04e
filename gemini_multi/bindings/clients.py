"""The clients of a model. The first use makes them; a changed setting makes new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

from pydantic import SecretStr

import gemini_multi

CLIENT_SETTINGS: Final = (
    "timeout",
    "deadline",
    "max_retries",
    "retry_policy",
    "strategy",
    "hedging",
    "max_cost_usd",
    "rate_limits",
    "storage",
    "failover_on",
    "tracing",
    "include_response_headers",
    "on_attempt",
    "transport",
    "max_connections",
    "http_client",
    "http_async_client",
)
"""The fields of a model that are also arguments of its client, with the same names."""

CALL_SETTINGS: Final = (
    "providers",
    "timeout",
    "deadline",
    "max_retries",
    "retry_policy",
    "failover_on",
    "tracing",
    "headers",
    "gateway_metadata",
    "gateway_event_id",
    "include_response_headers",
)
"""The arguments of a single call that do not belong to its request, with the client's names."""

_CONFIGURATION: Final = itemgetter("providers", "api_key", "base_url", *CLIENT_SETTINGS)


@dataclass(slots=True)
class Clients:
    """The clients of one model. They do not count when models are compared: models with equal fields are equal."""

    made: tuple[tuple[Any, ...], gemini_multi.Client, gemini_multi.AsyncClient] | None = field(
        default=None, compare=False
    )
    """The settings of the clients, and both clients. One assignment sets all of them: threads share a model."""

    def of(
        self, settings: Mapping[str, Any], make: Callable[[], gemini_multi.Client]
    ) -> tuple[gemini_multi.Client, gemini_multi.AsyncClient]:
        """Return the clients for a model's fields; if the fields have changed, `make` makes new clients."""
        made, wanted = self.made, _CONFIGURATION(settings)
        if made is None or made[0] != wanted:
            client = make()
            if made is not None:
                client.inherit(made[1])
            made = self.made = (wanted, client, client.for_async())
        return made[1], made[2]

    def __copy__(self) -> Clients:
        return Clients(self.made)

    def __deepcopy__(self, memo: dict[int, Any]) -> Clients:
        """Share the clients with the copy of the model while its fields stay equal: usage is counted together."""
        return Clients(self.made)


def new_client(settings: Mapping[str, Any]) -> gemini_multi.Client:
    """Make the client of a model from its fields.

    Raises:
        ConfigurationError: The settings do not fit together, or a key is missing.
    """
    from gemini_multi.bindings.requests import call_settings  # imported late: a model class does not need them
    from gemini_multi.providers import resolve

    key = settings["api_key"]
    providers = resolve(
        settings["providers"],
        api_key=key.get_secret_value() if isinstance(key, SecretStr) else key,
        base_url=settings["base_url"],
    )
    given = {name: settings[name] for name in CLIENT_SETTINGS if settings[name] is not None}
    checked = call_settings({name: value for name, value in given.items() if name in CALL_SETTINGS})
    return gemini_multi.Client(providers, **{**given, **checked.connection})
