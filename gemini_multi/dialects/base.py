"""The interface of a dialect, the target for which a dialect writes a request, and the dialect of lists of models."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from gemini_multi._encoding.json_values import objects
from gemini_multi.catalog import Modality, Model
from gemini_multi.errors import SettingIgnoredWarning, UnsupportedFeature
from gemini_multi.types import Candidate, ChatEvent, ChatRequest, ChatResponse, JsonObject, JsonValue, Text

Repair: TypeAlias = Literal[
    "dummy_signatures", "open_api_schemas", "enums_in_words", "drop_thinking", "drop_sampling", "drop_penalties"
]
"""A change to the body after a documented refusal. Each change is tried once."""

CHANGE_THE_PROMPT: Final = "Change the prompt, or relax the safety settings if they caused this."
"""The advice that ends the message about a prompt that a provider refused."""

TraitsT = TypeVar("TraitsT")
OtherT = TypeVar("OtherT")


@dataclass(frozen=True, slots=True)
class Target(Generic[TraitsT]):
    """The receiver of a request body: the provider, its model and the provider's deviations from the dialect."""

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

    @property
    def inputs(self) -> frozenset[Modality]:
        """The input modalities of the model at this provider."""
        hosted = self.model.providers.get(self.provider)
        return self.model.inputs if hosted is None or hosted.inputs is None else hosted.inputs

    def with_traits(self, traits: OtherT) -> Target[OtherT]:
        """Return the same target with the traits of another dialect."""
        return Target(self.provider, self.model, self.model_id, traits, issuer=self.issuer, repairs=self.repairs)


@dataclass(slots=True)
class EncodingReport:
    """Collects what a request body cannot express, so that one message names all of it."""

    features: list[str] = field(default_factory=list[str])
    settings: dict[str, str] = field(default_factory=dict[str, str])
    """The settings that the body omits, each with the reason."""

    def feature(self, feature: str) -> None:
        """Note a requested feature that the target does not support. The route cannot be used then."""
        if feature not in self.features:
            self.features.append(feature)

    def setting(self, setting: str, reason: str) -> None:
        """Note a tuning setting that the model is documented to refuse. The body omits it, and `settle` warns."""
        self.settings.setdefault(setting, reason)

    def settle(self, target: Target[TraitsT]) -> None:
        """Raise `UnsupportedFeature` for the noted features, and warn once about the noted settings."""
        if self.features:
            message = f"{target.provider} does not support {', '.join(self.features)} for {target.model_id!r}."
            raise UnsupportedFeature(message, features=self.features, providers=[target.provider])
        if self.settings:
            names = ", ".join(f"`{setting}` ({reason})" for setting, reason in self.settings.items())
            message = f"Left out for {target.model_id!r} at {target.provider}: {names}."
            warnings.warn(message, SettingIgnoredWarning, stacklevel=2)


class Decoder(Protocol):
    """Turns the JSON documents of one answer into events. A whole answer is a stream of one document."""

    def feed(self, document: JsonObject) -> list[ChatEvent]:
        """Read one document (a whole answer or one chunk). Its envelope is already removed."""
        ...

    def close(self) -> list[ChatEvent]:
        """Return the events that waited for the end: finish open tool calls and release text that was held back."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether a finish reason has arrived. A stream that ends without one was cut off."""
        ...

    def response(self) -> ChatResponse:
        """The answer so far: candidates, usage, model, ids and metadata; the call adds the rest."""
        ...


class DocumentDecoder:
    """Decodes an answer that is one document, such as a count or a list, with a function that makes the answer."""

    def __init__(self, read: Callable[[JsonObject], ChatResponse]) -> None:
        self._read = read
        self._response = ChatResponse()
        self.is_complete = False

    def feed(self, document: JsonObject) -> list[ChatEvent]:
        """Read the document."""
        self._response = self._read(document)
        self.is_complete = True
        return []

    def close(self) -> list[ChatEvent]:
        """Return nothing: no event waits."""
        return []

    def response(self) -> ChatResponse:
        """The answer; empty before the document has arrived."""
        return self._response


class Dialect(ABC, Generic[TraitsT]):
    """A wire format: how requests are written and how answers are read."""

    name: str
    refusals: Sequence[tuple[Repair, str]]
    """The documented texts of refusals, as regular expressions. The first match determines the repair."""

    @abstractmethod
    def encode(
        self, request: ChatRequest, target: Target[TraitsT], *, stream: bool, report: EncodingReport | None = None
    ) -> dict[str, JsonValue]:
        """Write the body, and note the settings that it omits in `report`, which must be empty.

        Raises:
            UnsupportedFeature: The target does not support a feature of the request.
        """

    @abstractmethod
    def decoder(self, request: ChatRequest, target: Target[TraitsT]) -> Decoder:
        """Make a decoder for one answer to the request."""

    def repair(self, error_text: str, applied: Iterable[Repair]) -> Repair | None:
        """Return the change to the body for this refusal, if a known change was not tried yet."""
        for repair, refusal in self.refusals:
            if re.search(refusal, error_text, re.IGNORECASE):
                return None if repair in applied else repair
        return None


def merge(body: dict[str, JsonValue], extra: JsonObject) -> None:
    """Merge the caller's `extra_body` into a request body in place: objects key by key; other values are replaced."""
    for key, value in extra.items():
        present = body.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            body[key] = present = dict(present)
            merge(present, value)
        else:
            body[key] = value


class Listing(Dialect[None]):
    """The dialect of OpenAI's and Google's models endpoints: the URL is the whole request.

    A call treats a list like any other answer: its text is the number of records.
    """

    name = "models"
    refusals = ()

    def encode(
        self, request: ChatRequest, target: Target[None], *, stream: bool, report: EncodingReport | None = None
    ) -> dict[str, JsonValue]:
        """Return no body."""
        return {}

    def decoder(self, request: ChatRequest, target: Target[None]) -> Decoder:
        """Make a decoder for a list in a field, one record in a field, or only a record."""
        return DocumentDecoder(_listed)


def _listed(document: JsonObject) -> ChatResponse:
    fields = (document.get("data"), document.get("models"), dict(document))
    found = next(field for field in fields if isinstance(field, (list, dict)))
    records: list[JsonValue] = [*objects(found if isinstance(found, list) else [found])]
    count = Candidate(parts=(Text(str(len(records))),), finish_reason="stop")
    return ChatResponse(candidates=(count,), provider_metadata={"models": records})


LISTING: Final = Listing()
