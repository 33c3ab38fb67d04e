"""The clients of a model. Clients are made at their first use, and again after a setting has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gemini_multi


@dataclass(slots=True)
class Clients:
    """The clients of one model. They are ignored when models are compared: models with equal fields are equal."""

    made: tuple[tuple[Any, ...], gemini_multi.Client, gemini_multi.AsyncClient] | None = field(
        default=None, compare=False
    )
    """The settings of the clients, and both clients. One assignment sets all of them, because threads share a model."""

    def of(
        self, settings: tuple[Any, ...], make: Callable[[], gemini_multi.Client]
    ) -> tuple[gemini_multi.Client, gemini_multi.AsyncClient]:
        """Return the clients for a model's settings. If the settings have changed, `make` makes new clients."""
        made = self.made
        if made is None or made[0] != settings:
            client = make()
            if made is not None:
                client.inherit(made[1])
            made = self.made = (settings, client, client.for_async())
        return made[1], made[2]

    def __copy__(self) -> Clients:
        return Clients(self.made)

    def __deepcopy__(self, memo: dict[int, Any]) -> Clients:
        """Share the clients with the copy as long as its fields stay equal, so that usage is counted together."""
        return Clients(self.made)
