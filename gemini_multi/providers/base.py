"""What a provider is: where a provider's endpoints are, what it deviates in, and how its errors read. Pure values."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, TypeAlias
from urllib.parse import urlsplit

from gemini_multi._transport.steps import ResponseHead
from gemini_multi._types.version import __version__
from gemini_multi.catalog import Model
from gemini_multi.dialects.base import Dialect, Target
from gemini_multi.errors import AuthenticationFailed, ConfigurationError, GeminiMultiError, ProviderError
from gemini_multi.providers.advice import advice
from gemini_multi.providers.call_headers import CallHeaders
from gemini_multi.providers.classification import classify
from gemini_multi.providers.errors import ErrorPayload, error_in, read_error
from gemini_multi.providers.keys import Key
from gemini_multi.providers.records import listed_model
from gemini_multi.types import ChatRequest, JsonObject, JsonValue, ListedModel

AnyDialect: TypeAlias = Dialect[Any]
"""A dialect and its target agree on the traits; an endpoint pairs them."""
AnyTarget: TypeAlias = Target[Any]

_ANSWERS: Final = frozenset({"choices", "candidates", "promptFeedback"})
"""What an answer, or a part of one, has at its top."""
_NOT_IN_NAMES: Final = ' \\"<>^`{|}%'
_USER_AGENT: Final = f"gemini-multi/{__version__}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a provider for one model: a dialect spoken at a URL."""

    url: str
    dialect: AnyDialect
    target: AnyTarget
    streams: bool = True
    """Whether it can answer in a stream. If not, a stream is answered in one piece."""
    body_key: str | None = None
    """Where the dialect's body goes inside the provider's envelope; the model's id is then beside it."""
    method: str = "POST"

    def body(self, request: ChatRequest, *, stream: bool) -> JsonObject:
        """Write the body for this endpoint, envelope included.

        Raises:
            UnsupportedFeature: This endpoint does not support something that the request asks for.
        """
        body = self.dialect.encode(request, self.target, stream=stream and self.streams)
        if self.body_key is None:
            return body
        return {"model": self.target.model_id, self.body_key: body}


class Provider(ABC):
    """A provider. Subclasses are small immutable configurations."""

    name: ClassVar[str]
    key_field: ClassVar[str] = "api_key"
    """The constructor's argument that takes the key."""
    key_variables: ClassVar[tuple[str, ...]]
    """Environment variables that may hold the key, in order."""

    counting_advice: ClassVar[str] = ": use an estimate, or another provider."
    """What to do instead of asking this provider for a count; ends the sentence that it has no endpoint for it."""

    listing_advice: ClassVar[str] = ": see its documentation, or `gemini_multi.catalog`."
    """What to do instead of asking this provider for its models; ends the sentence that it has no endpoint for it."""

    model: str | None
    """This provider's own id of the model to ask, whatever the request names."""

    @abstractmethod
    def endpoints(self, request: ChatRequest, model: Model, *, stream: bool) -> Sequence[Endpoint]:
        """Name the endpoints to try for this request, best first; the first that can express it is used."""

    def counting_endpoints(self, request: ChatRequest, model: Model) -> Sequence[Endpoint]:
        """Name the endpoints that count a request's tokens without answering it; most providers have none."""
        del request, model
        return ()

    def listing_endpoints(self, model: Model, model_id: str | None) -> tuple[Endpoint, ...]:
        """Name the endpoint that lists the provider's models, or tells of the one with an id."""
        del model, model_id
        return ()

    def listed_id(self, name: str, model: Model) -> str:
        """Return the id under which the provider lists a model."""
        hosted = model.providers.get(self.name)
        return name if hosted is None or name in hosted.aliases else hosted.id

    def listed_model(self, record: JsonObject) -> ListedModel | None:
        """Read the record of a model; `None` when it has no id."""
        return listed_model(self.name, record)

    @abstractmethod
    def request_headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Give the request's headers, with the key."""

    def call_headers(self, call: CallHeaders) -> Mapping[str, str]:
        """Give the headers that a single call adds; what it tells a gateway is for providers that have one.

        Raises:
            ConfigurationError: The provider's gateway cannot take what it is told.
        """
        return call.headers

    def unwrap(self, document: JsonValue) -> JsonObject:
        """Take the provider's envelope off one document.

        Raises:
            ErrorPayload: The document reports an error instead.
        """
        if isinstance(document, list) and len(document) == 1:
            document = document[0]
        if not isinstance(document, dict):
            return {}
        if (found := error_in(document)) is not None:
            raise found
        return document if "choices" in document or "candidates" in document else self._inner(document)

    def _inner(self, document: dict[str, JsonValue]) -> JsonObject:
        """Return the answer that a gateway put one level deeper, with what stands beside it."""
        for key, value in document.items():
            if isinstance(value, dict) and not _ANSWERS.isdisjoint(value):
                return {**self.unwrap(value), **{name: beside for name, beside in document.items() if name != key}}
        return document

    def kind_of(self, payload: ErrorPayload) -> type[ProviderError] | None:
        """Classify an error that means something else here than elsewhere; `None` leaves it to the common table."""
        del payload
        return None

    def response_metadata(self, headers: Mapping[str, str]) -> dict[str, JsonValue]:
        """Pick what the answer's headers say of the call."""
        del headers
        return {}

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """Name the provider's id of the call, for its support."""
        return headers.get("x-request-id")

    def cost_usd(self, headers: Mapping[str, str]) -> float | None:
        """Read what the provider charged, where a header says so."""
        del headers
        return None

    def error(self, payload: ErrorPayload, target: AnyTarget, headers: Mapping[str, str]) -> ProviderError:
        """Make the typed error for what the provider reported."""
        kind = self.kind_of(payload) or classify(payload)
        return payload.error(kind, self.name, target, self.request_id(headers), self.advice(kind, payload, target))

    def mask(self, error: GeminiMultiError) -> None:
        """Take this provider's keys out of an error: a provider may quote the request that it refuses."""
        own: Any = self  # all are dataclasses
        for key in (getattr(self, field.name) for field in fields(own)):
            if isinstance(key, Key):
                error.args = key.masked(error.args)
                error.__dict__.update(key.masked(error.__dict__))

    def advice(self, kind: type[ProviderError], payload: ErrorPayload, target: AnyTarget) -> str:
        """Say what the user can do about an error, in one sentence."""
        del payload
        key = getattr(self, self.key_field)
        if kind is AuthenticationFailed and isinstance(key, Key):
            return f"Check the key in {key.source} and its permissions."
        return advice(kind, self.name, target)

    def error_of(self, head: ResponseHead, body: bytes, target: AnyTarget) -> ProviderError:
        """Make the typed error for an answer that is not a success."""
        return self.error(read_error(head.status, head.headers, body), target, head.headers)

    @property
    def account(self) -> str:
        """Tell the key that is asked with from others, for what is counted per key. It does not give the key away."""
        key = getattr(self, self.key_field)
        return key.fingerprint if isinstance(key, Key) else ""

    @classmethod
    def connected(cls, api_key: str | None, base_url: str | None) -> Provider:
        """Make a configuration with a key and an address; `None` leaves them to the environment."""
        return cls(**cls._connection(api_key, base_url))

    def with_connection(self, api_key: str | None, base_url: str | None) -> Provider:
        """Return this configuration with another key or address."""
        return replace(self, **self._connection(api_key, base_url))  # type: ignore[type-var]  # all are dataclasses

    @classmethod
    def _connection(cls, api_key: str | None, base_url: str | None) -> dict[str, Any]:
        given = {cls.key_field: api_key, "base_url": base_url}
        return {name: value for name, value in given.items() if value is not None}

    def hosted_id(self, request: ChatRequest, model: Model) -> str | None:
        """Find this provider's id for the requested model; `None` when it does not serve it."""
        if self.model is not None:
            return self.model
        hosted = model.providers.get(self.name)
        if hosted is not None:
            return request.model if request.model in hosted.aliases else hosted.id
        return None if model.providers else self.guessed_id(request.model)

    @abstractmethod
    def guessed_id(self, name: str) -> str:
        """Spell the name of a model that the catalog does not know as this provider spells names."""

    def common_headers(self, key: Key) -> dict[str, str]:
        """Give the headers that every provider wants."""
        return {
            "authorization": f"Bearer {key.reveal()}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "user-agent": _USER_AGENT,
        }


def checked_url(url: str, source: str) -> str:
    """Return the address without a trailing slash.

    Raises:
        ConfigurationError: It is no http address.
    """
    if not url.startswith(("https://", "http://")):
        raise ConfigurationError(f"{source} must be an http or https address, not {_without_password(url)!r}.")
    if problem := _problem_of(url):
        raise ConfigurationError(f"{source} cannot be used: {problem}.")
    return url.rstrip("/")


def _problem_of(url: str) -> str:
    """Say what is wrong with an address, without showing it: there may be a password in it."""
    try:
        parts = urlsplit(url)
        name, _ = parts.hostname or "", parts.port
    except ValueError as error:
        return str(error) if "@" not in url else "it is no address"
    if "@" in parts.netloc:
        return "it holds a user name or a password, which are not sent; give a key, or `headers`"
    if not name:
        return "it names no host"
    if any(character in name for character in _NOT_IN_NAMES) or not name.isprintable():
        return "its host name has characters that no name has"
    labels = name.removesuffix(".").split(".")
    if not name.startswith("[") and ":" not in name and not all(0 < len(label) <= 63 for label in labels):
        return "a part of its host name is empty or longer than 63 characters"
    return ""


def _without_password(url: str) -> str:
    return re.sub("//[^/]*@", "//***@", url)
