"""Preferences among providers: their order, hedged calls, and answers that lead to the next provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatResponse

__all__ = ["STRATEGIES", "Condition", "FailoverArgument", "FailoverOn", "Hedging", "HedgingArgument", "Strategy"]

Strategy: TypeAlias = Literal["ordered", "round_robin", "cheapest", "fastest"]
"""The order in which healthy providers are used:

- `ordered`: the given order.
- `round_robin`: in rotation; each call starts with the next provider.
- `cheapest`: by the expected cost of the request at list prices; providers without a known price are last.
- `fastest`: by the mean time to the first content of the last ten answers; providers without recent answers are first.
"""
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """The rule for a second request to another provider when the first answer has not begun. The first content wins.

    The other request is cancelled. Its usage is counted, estimated if the provider did not send it.
    """

    after: float | None = None
    """Seconds; `None` selects the time in which 95 % of the first provider's latest answers began, if there are 20."""
    share: float = 0.05
    """The maximum share of the calls that are hedged."""

    def __post_init__(self) -> None:
        if self.after is not None and not self.after >= 0:
            raise ConfigurationError(f"`Hedging(after=...)` must be a number of seconds, not {self.after!r}.")
        if not 0 < self.share <= 1:
            raise ConfigurationError(f"`Hedging(share=...)` must be above 0 and at most 1, not {self.share!r}.")

    @classmethod
    def of(cls, given: HedgingArgument) -> Hedging | None:
        """Convert a policy or its fields, seconds, `True` for the defaults, or `False` and `None` for no hedging."""
        if given is None or given is False:
            return None
        if given is True:
            return cls()
        if isinstance(given, Mapping):
            return cls(**given)
        return given if isinstance(given, Hedging) else cls(after=given)


HedgingArgument: TypeAlias = Hedging | Mapping[str, float] | float | bool | None
"""A policy or its fields, seconds, or whether to hedge."""

NamedCondition: TypeAlias = Literal["refusal", "content_filter", "length", "invalid_output"]
Condition: TypeAlias = NamedCondition | Callable[[ChatResponse], object]
"""A condition under which an answer is not accepted:

- `refusal`: the model refused in its own words, or the provider stopped the answer for its content or blocked the
  prompt.
- `content_filter`: the provider stopped the answer for its content or blocked the prompt.
- `length`: the answer reached its token limit.
- `invalid_output`: the answer does not hold the requested JSON, or does not fit the schema of its `response_format`; or
  a required tool call does not fit the schema of its tool.
- a function of the answer: its result is true.
"""
NAMED_CONDITIONS: Final[tuple[NamedCondition, ...]] = get_args(NamedCondition)


@dataclass(frozen=True, slots=True, init=False)
class FailoverOn:
    """The answers after which the next provider is tried, as after a failure.

    The last provider's answer is returned unchanged. All answers are paid for: they count in the client's `totals`, and
    `attempts` shows them. A stream is judged until anything but thoughts was delivered: by its end if it has no text,
    and as a whole with `buffer`. Calls with such conditions are not hedged.
    """

    conditions: tuple[Condition, ...]
    buffer: bool
    """Whether a stream is delayed until it is complete and accepted. It is then delivered in one piece."""

    def __init__(self, *conditions: Condition, buffer: bool = False) -> None:
        """Store the conditions. One condition that holds is enough.

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
        """Convert conditions of any form, or return `None` if there are none."""
        if isinstance(given, FailoverOn):
            found = given
        elif isinstance(given, Mapping):
            fields = cast("Any", given)
            found = cls(*fields.get("conditions", ()), buffer=bool(fields.get("buffer")))
        else:
            is_one = isinstance(given, str) or callable(given)
            found = cls(*cast("Sequence[Condition]", (given,) if is_one else given or ()))
        return found if found.conditions else None


FailoverArgument: TypeAlias = FailoverOn | Condition | Sequence[Condition] | Mapping[str, Any] | None
"""One or several conditions, or conditions together with `buffer`."""
