"""Which hosts to try for a request, in which order, and through which of their doors. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from gemini_multi import catalog
from gemini_multi.catalog import Model
from gemini_multi.errors import ConfigurationError, UnsupportedFeature
from gemini_multi.providers import Endpoint, Provider
from gemini_multi.types import ChatRequest, JsonObject

__all__ = ["STRATEGIES", "Hedging", "Passage", "Route", "Strategy", "arranged", "check", "routes"]

Strategy: TypeAlias = Literal["ordered", "round_robin", "cheapest", "fastest"]
"""In which order healthy hosts are asked:

- `ordered`: as named.
- `round_robin`: in turns, each call beginning with the next host.
- `cheapest`: by what the request is expected to cost at list prices; hosts without a known price last.
- `fastest`: by the mean time to the first content of the last ten answers; hosts not measured lately first.
"""
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """When a second host is asked because the first has not begun to answer. Whoever begins first gives the answer.

    The loser's request is cancelled; what it used is counted, estimated where the host did not come to say it.
    """

    after: float | None = None
    """Seconds; `None` takes the time within which 95 % of the first host's latest answers began, once there were 20."""
    share: float = 0.05
    """Of the calls at most so many are hedged."""

    def __post_init__(self) -> None:
        if self.after is not None and not self.after >= 0:
            raise ConfigurationError(f"`Hedging(after=...)` must be a number of seconds, not {self.after!r}.")
        if not 0 < self.share <= 1:
            raise ConfigurationError(f"`Hedging(share=...)` must be above 0 and at most 1, not {self.share!r}.")

    @classmethod
    def of(cls, given: Hedging | float | bool | None) -> Hedging | None:  # noqa: FBT001  # as users write it
        """Take a whole policy, seconds, `True` for the defaults, or `False` and `None` for none."""
        if given is None or given is False:
            return None
        if given is True:
            return cls()
        return given if isinstance(given, Hedging) else cls(after=given)


@dataclass(frozen=True, slots=True)
class Passage:
    """A door together with the body to send through it."""

    endpoint: Endpoint
    body: JsonObject


@dataclass(frozen=True, slots=True)
class Route:
    """One host for one request."""

    provider: Provider
    model: Model
    endpoints: tuple[Endpoint, ...]

    @property
    def key(self) -> object:
        """What tells it from other routes: the provider with its key and address, and the model."""
        return self.provider, self.model.name

    @property
    def answering(self) -> Model:
        """The model that the host will ask: its own `model` comes before the request's."""
        return self.model if self.provider.model is None else catalog.find(self.provider.model)

    @property
    def context_window(self) -> int:
        """The most tokens that the host takes."""
        hosted = self.model.hosts.get(self.provider.name) if self.provider.model is None else None
        return (hosted and hosted.context_window) or self.answering.context_window

    def passage(self, request: ChatRequest, *, stream: bool) -> Passage:
        """Take the first door that can express the request.

        Raises:
            UnsupportedFeature: None of the host's doors can.
        """
        if not self.endpoints:
            raise UnsupportedFeature(
                f"{self.provider.name} does not serve {request.model!r}; if it does by now, pass its id as `model=` "
                "to the provider.",
                features=[f"the model {request.model!r}"],
                providers=[self.provider.name],
            )
        refusals: list[UnsupportedFeature] = []
        for endpoint in self.endpoints:
            try:
                return Passage(endpoint, endpoint.body(request, stream=stream))
            except UnsupportedFeature as refusal:
                refusals.append(refusal)
        raise min(refusals, key=lambda refusal: len(refusal.features))


def check(request: ChatRequest) -> None:
    """Refuse what no host could do anything with.

    Raises:
        ConfigurationError: The request names no model or says nothing.
    """
    if not request.model.strip():
        raise ConfigurationError("Name a model, such as `gemini-2.5-flash-lite`.")
    if not request.messages:
        raise ConfigurationError("There is nothing to answer: pass at least one message.")


def routes(request: ChatRequest, providers: Sequence[Provider], *, stream: bool) -> tuple[Route, ...]:
    """List the hosts to try, in the caller's order.

    Raises:
        ConfigurationError: The request cannot be sent anywhere.
    """
    check(request)
    model = catalog.find(request.model)
    return tuple(
        Route(provider, model, tuple(provider.endpoints(request, model, stream=stream))) for provider in providers
    )


def arranged(
    found: tuple[Route, ...],
    strategy: Strategy,
    *,
    turn: int,
    cost: Callable[[Route], float | None],
    speed: Callable[[Route], float | None],
) -> tuple[Route, ...]:
    """Put routes into the order of a strategy; where it says nothing, the caller's order holds.

    Args:
        found: The routes in the caller's order.
        strategy: What counts.
        turn: How many calls came before.
        cost: Gives a route's expected cost, or `None`.
        speed: Gives a route's seconds to the first content, or `None`.
    """
    if len(found) < 2 or strategy == "ordered":
        return found
    if strategy == "round_robin":
        begin = turn % len(found)
        return (*found[begin:], *found[:begin])
    if strategy == "cheapest":
        return tuple(sorted(found, key=lambda route: _or(cost(route), float("inf"))))
    return tuple(sorted(found, key=lambda route: _or(speed(route), 0.0)))


def _or(known: float | None, otherwise: float) -> float:
    return otherwise if known is None else known
