"""Which provider callers prefer when several are healthy, and when a second one is asked beside the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from gemini_multi.errors import ConfigurationError

__all__ = ["STRATEGIES", "Hedging", "HedgingArgument", "Strategy"]

Strategy: TypeAlias = Literal["ordered", "round_robin", "cheapest", "fastest"]
"""In which order healthy providers are asked:

- `ordered`: as named.
- `round_robin`: in turns, each call beginning with the next provider.
- `cheapest`: by what the request is expected to cost at list prices; providers without a known price last.
- `fastest`: by the mean time to the first content of the last ten answers; providers not measured lately first.
"""
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """When a second provider is asked because the first has not begun to answer. Whoever begins first gives the answer.

    The loser's request is cancelled; what it used is counted, estimated where the provider did not come to say it.
    """

    after: float | None = None
    """Seconds; `None` takes the time within which 95 % of the first provider's latest answers began.

    Once there were 20.
    """
    share: float = 0.05
    """Of the calls at most so many are hedged."""

    def __post_init__(self) -> None:
        if self.after is not None and not self.after >= 0:
            raise ConfigurationError(f"`Hedging(after=...)` must be a number of seconds, not {self.after!r}.")
        if not 0 < self.share <= 1:
            raise ConfigurationError(f"`Hedging(share=...)` must be above 0 and at most 1, not {self.share!r}.")

    @classmethod
    def of(cls, given: HedgingArgument) -> Hedging | None:
        """Take a whole policy or its fields, seconds, `True` for the defaults, or `False` and `None` for none."""
        if given is None or given is False:
            return None
        if given is True:
            return cls()
        if isinstance(given, Mapping):
            return cls(**given)
        return given if isinstance(given, Hedging) else cls(after=given)


HedgingArgument: TypeAlias = Hedging | Mapping[str, float] | float | bool | None
"""A policy or its fields, seconds, or whether to hedge at all."""
