"""The clients of a model. The first use makes them; a changed setting makes new ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gemini_multi


@dataclass(slots=True)
class Clients:
    """The clients of one model. They do not count when models are compared: models with equal fields are equal."""

    made: tuple[tuple[Any, ...], gemini_multi.Client, gemini_multi.AsyncClient] | None = field(
        default=None, compare=False
    )
    """The settings of the clients, and both clients. One assignment sets all of them: threads share a model."""

    def of(
        self, settings: tuple[Any, ...], make: Callable[[], gemini_multi.Client]
    ) -> tuple[gemini_multi.Client, gemini_multi.AsyncClient]:
        """Return the clients for a model's settings; if the settings have changed, `make` makes new clients."""
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
        """Share the clients with the copy of the model while its fields stay equal: usage is counted together."""
        return Clients(self.made)
