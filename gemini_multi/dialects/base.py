"""What a dialect is to the rest of the package, and what it is told about the place where it is spoken."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from gemini_multi.catalog import Model
from gemini_multi.errors import SettingIgnoredWarning, UnsupportedFeature
from gemini_multi.types import ChatEvent, ChatRequest, ChatResponse, JsonObject, JsonValue

Repair: TypeAlias = Literal[
    "dummy_signatures", "open_api_schemas", "enums_in_words", "drop_thinking", "drop_sampling", "drop_penalties"
]
"""A change to the body that answers a documented refusal; each is tried once."""

CHANGE_THE_PROMPT: Final = "Change the prompt, or the safety settings where the reason is one that they govern."
"""What to do about a prompt that a provider refused."""

TraitsT = TypeVar("TraitsT")
OtherT = TypeVar("OtherT")


@dataclass(frozen=True, slots=True)
class Target(Generic[TraitsT]):
    """Where a body goes: the provider, its model and the provider's deviations from the dialect."""

    provider: str
    """The provider's name, for messages and metadata."""
    model: Model
    model_id: str
    """The model's id at this provider."""
    traits: TraitsT
    _: KW_ONLY
    issuer: str
    """The upstream whose signatures are valid here."""
    repairs: frozenset[Repair] = frozenset()

    def with_traits(self, traits: OtherT) -> Target[OtherT]:
        """Return the same place, spoken in another dialect."""
        return Target(self.provider, self.model, self.model_id, traits, issuer=self.issuer, repairs=self.repairs)


@dataclass(slots=True)
class EncodingReport:
    """Collects what a body cannot say, so that all of it is named at once."""

    features: list[str] = field(default_factory=list[str])
    settings: list[str] = field(default_factory=list[str])

    def feature(self, feature: str) -> None:
        """Note something that was asked for and cannot be expressed: the route is unusable."""
        if feature not in self.features:
            self.features.append(feature)

    def setting(self, setting: str, reason: str) -> None:
        """Note a tuning setting that the model is documented to refuse: it is left out with a warning."""
        self.settings.append(f"`{setting}` ({reason})")

    def settle(self, target: Target[TraitsT]) -> None:
        """Raise `UnsupportedFeature` for features, warn once for settings."""
        if self.features:
            names = ", ".join(self.features)
            raise UnsupportedFeature(
                f"{target.provider} does not support {names} for {target.model_id!r}.",
                features=self.features,
                providers=[target.provider],
            )
        if self.settings:
            names = ", ".join(self.settings)
            warnings.warn(
                f"Left out for {target.model_id!r} at {target.provider}: {names}.", SettingIgnoredWarning, stacklevel=2
            )


class Decoder(Protocol):
    """Turns the JSON documents of one answer into events. A whole answer is a stream of one document."""

    def feed(self, document: JsonObject) -> list[ChatEvent]:
        """Read one document (a whole answer or one chunk), envelope already removed."""
        ...

    def close(self) -> list[ChatEvent]:
        """Give the events that waited for the end: open tool calls become whole, held-back text is released."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the provider said why it stopped. A stream that ends before is cut."""
        ...

    @property
    def has_content(self) -> bool:
        """Whether anything of the answer itself has arrived: text, thought, call, signature, part."""
        ...

    def response(self) -> ChatResponse:
        """The answer so far: candidates, usage, model, ids and metadata; the exchange adds the rest."""
        ...


class Dialect(ABC, Generic[TraitsT]):
    """One way to write requests and to read answers."""

    name: str
    refusals: Sequence[tuple[Repair, str]]
    """Documented wordings of refusals, as regular expressions, with their repair; the first that matches decides."""

    @abstractmethod
    def encode(self, request: ChatRequest, target: Target[TraitsT], *, stream: bool) -> dict[str, JsonValue]:
        """Write the body.

        Raises:
            UnsupportedFeature: The target does not support something that the request asks for.
        """

    @abstractmethod
    def decoder(self, request: ChatRequest, target: Target[TraitsT]) -> Decoder:
        """Make a decoder for one answer to the request."""

    def repair(self, error_text: str, applied: Iterable[Repair]) -> Repair | None:
        """Name the change to the body that answers a refusal, if one is known that was not tried yet."""
        for repair, refusal in self.refusals:
            if re.search(refusal, error_text, re.IGNORECASE):
                return None if repair in applied else repair
        return None
