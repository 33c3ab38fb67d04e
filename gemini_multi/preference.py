"""Preferences among providers: their order, hedged calls, and answers that lead to the next provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatResponse

__all__ = ["STRATEGIES", "Condition", "FailoverArgument", "FailoverOn", "Hedging", "HedgingArgument", "Strategy"]

Strategy: TypeAlias = Literal["ordered", "round_robin", "cheapest", "fastest"]
"""In which order healthy providers are used:

- `ordered`: as named.
- `round_robin`: in turns, each call beginning with the next provider.
- `cheapest`: by what the request is expected to cost at list prices; providers without a known price last.
- `fastest`: by the mean time to the first content of the last ten answers; providers not measured lately first.
"""
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """When a second provider gets the request because the first has not begun to answer. The first content wins.

    The other request is cancelled; what it used is counted, estimated where the provider did not send it.
    """

    after: float | None = None
    """Seconds; `None` takes the time in which 95 % of the first provider's latest answers began, once there are 20."""
    share: float = 0.05
    """The largest share of the calls that is hedged."""

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

NamedCondition: TypeAlias = Literal["refusal", "content_filter", "length", "invalid_output"]
Condition: TypeAlias = NamedCondition | Callable[[ChatResponse], object]
"""When an answer is not wanted:

- `refusal`: the model refused in its own words, or the provider stopped the answer for its content or blocked the
  prompt.
- `content_filter`: the latter only.
- `length`: it came to its limit of tokens.
- `invalid_output`: it does not hold the requested JSON, or breaks the schema of its `response_format`; or a
  call that had to be made breaks the schema of its tool.
- a function: it is given the answer and says so by a true value.
"""
NAMED_CONDITIONS: Final[tuple[NamedCondition, ...]] = get_args(NamedCondition)


@dataclass(frozen=True, slots=True, init=False)
class FailoverOn:
    """The answers after which the next provider is tried, as if the first had failed.

    The answer of the last one is returned as it is. All of them are paid for: they count in the client's `totals`, and
    `attempts` shows them. A stream is judged as long as nothing of it was delivered but thoughts: by what it ends with
    when it has no words, and as a whole with `buffer`. Calls with such conditions are not hedged.
    """

    conditions: tuple[Condition, ...]
    buffer: bool
    """Whether a stream is held back until it is whole and wanted: it is then delivered all at once."""

    def __init__(self, *conditions: Condition, buffer: bool = False) -> None:
        """Take the conditions; one that holds is enough.

        Raises:
            ConfigurationError: A condition is neither known nor a function.
        """
        for condition in conditions:
            if condition not in NAMED_CONDITIONS and not callable(condition):
                names = ", ".join(NAMED_CONDITIONS)
                raise ConfigurationError(f"`failover_on` takes {names} and functions of an answer, not {condition!r}.")
        object.__setattr__(self, "conditions", conditions)
        object.__setattr__(self, "buffer", buffer)

    @classmethod
    def of(cls, given: FailoverArgument) -> FailoverOn | None:
        """Take conditions in any form; `None` when there are none."""
        found = given if isinstance(given, FailoverOn) else cls._read(given)
        return found if found.conditions else None

    @classmethod
    def _read(cls, given: Any) -> FailoverOn:  # noqa: ANN401  # the forms of `FailoverArgument`
        if isinstance(given, Mapping):
            written = cast("Mapping[str, Any]", given)
            return cls(*written.get("conditions", ()), buffer=bool(written.get("buffer")))
        is_one = isinstance(given, str) or callable(given)
        conditions: Any = (given,) if is_one else given or ()
        return cls(*conditions)


FailoverArgument: TypeAlias = FailoverOn | Condition | Sequence[Condition] | Mapping[str, Any] | None
"""Conditions, one or several, or with how streams are treated."""
