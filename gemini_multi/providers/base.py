"""The base class of providers: a provider's endpoints, its deviations and its errors. Pure values."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, TypeAlias
from urllib.parse import urlsplit

from gemini_multi._transport.steps import ResponseHead
from gemini_multi._types.version import __version__
from gemini_multi.catalog import Model
from gemini_multi.dialects.base import Dialect, EncodingReport, Target
from gemini_multi.errors import AuthenticationFailed, ConfigurationError, GeminiMultiError, ProviderError
from gemini_multi.providers.call_headers import CallHeaders
from gemini_multi.providers.classification import advice, classify
from gemini_multi.providers.errors import ErrorPayload, error_in, read_error
from gemini_multi.providers.keys import Key
from gemini_multi.types import ChatRequest, JsonObject, JsonValue, ListedModel

AnyDialect: TypeAlias = Dialect[Any]
"""A target whose traits fit the dialect of its endpoint."""
AnyTarget: TypeAlias = Target[Any]

_ANSWERS: Final = frozenset({"choices", "candidates", "promptFeedback"})
"""The top-level fields of an answer or of a part of an answer."""
_NOT_IN_NAMES: Final = ' \\"<>^`{|}%'
_USER_AGENT: Final = f"gemini-multi/{__version__}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a provider for one model: a URL and its dialect."""

    url: str
    dialect: AnyDialect
    target: AnyTarget
    streams: bool = True
    """Whether the endpoint can stream. If not, a stream gets the whole answer at once."""
    body_key: str | None = None
    """The field of the provider's envelope that holds the dialect's body; the model's id is then beside that field."""
    method: str = "POST"

    def body(self, request: ChatRequest, *, stream: bool, report: EncodingReport | None = None) -> JsonObject:
        """Write the body for this endpoint, including the envelope. `report` then holds the omitted settings.

        Raises:
            UnsupportedFeature: This endpoint does not support a feature of the request.
        """
        body = self.dialect.encode(request, self.target, stream=stream and self.streams, report=report)
        if self.body_key is None:
            return body
        return {"model": self.target.model_id, self.body_key: body}


class Provider(ABC):
    """A provider. Subclasses are small immutable configurations."""

    name: ClassVar[str]
    key_field: ClassVar[str] = "api_key"
    """The constructor's argument for the key."""
    key_variables: ClassVar[tuple[str, ...]]
    """Environment variables that may hold the key, in order."""

    counting_advice: ClassVar[str] = ": use an estimate, or another provider."
    """The alternative to counting tokens at this provider. It ends the sentence about the missing endpoint."""

    listing_advice: ClassVar[str] = ": see its documentation, or `gemini_multi.catalog`."
    """The alternative to listing this provider's models. It ends the sentence about the missing endpoint."""

    model: str | None
    """This provider's own id of the model to use, instead of the request's model."""

    @abstractmethod
    def endpoints(self, request: ChatRequest, model: Model, *, stream: bool) -> Sequence[Endpoint]:
        """Return the endpoints for this request, best first; the first one that supports the request is used."""

    def counting_endpoints(self, request: ChatRequest, model: Model) -> Sequence[Endpoint]:
        """Return the endpoints that count a request's tokens without an answer; most providers have none."""
        return ()

    def listing_endpoints(self, model: Model, model_id: str | None) -> tuple[Endpoint, ...]:
        """Return the endpoint that lists the provider's models, or the endpoint that describes the model with an id."""
        return ()

    def listed_id(self, name: str, model: Model) -> str:
        """Return the id under which the provider lists a model."""
        hosted = model.providers.get(self.name)
        return name if hosted is None or name in hosted.aliases else hosted.id

    def listed_model(self, record: JsonObject) -> ListedModel | None:
        """Read the record of a model, or return `None` if it has no id."""
        return listed_model(self.name, record)

    @abstractmethod
    def request_headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Return the request's headers, with the key."""

    def call_headers(self, call: CallHeaders) -> Mapping[str, str]:
        """Return the headers that a single call adds; only providers with a gateway use the settings for the gateway.

        Raises:
            ConfigurationError: The provider's gateway does not accept a value.
        """
        return call.headers

    def unwrap(self, document: JsonValue) -> JsonObject:
        """Return the content of the provider's envelope in one document, or raise the error that it reports."""
        if isinstance(document, list) and len(document) == 1:
            document = document[0]
        if not isinstance(document, dict):
            return {}
        if (found := error_in(document)) is not None:
            raise found
        return document if "choices" in document or "candidates" in document else self._inner(document)

    def _inner(self, document: dict[str, JsonValue]) -> JsonObject:
        """Return the answer that a gateway nested one level deeper, with the fields beside it."""
        for key, value in document.items():
            if isinstance(value, dict) and not _ANSWERS.isdisjoint(value):
                return {**self.unwrap(value), **{name: beside for name, beside in document.items() if name != key}}
        return document

    def kind_of(self, payload: ErrorPayload) -> type[ProviderError] | None:
        """Classify an error that has a special meaning at this provider. `None` selects the common table."""
        return None

    def response_metadata(self, headers: Mapping[str, str]) -> dict[str, JsonValue]:
        """Return the headers of the answer that belong to its metadata."""
        return {}

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """Return the provider's id of the call, for the provider's support."""
        return headers.get("x-request-id")

    def cost_usd(self, headers: Mapping[str, str]) -> float | None:
        """Read the charged amount from a header, if the provider sends one."""
        return None

    def error(self, payload: ErrorPayload, target: AnyTarget, headers: Mapping[str, str]) -> ProviderError:
        """Make the typed error for the error that the provider reported."""
        kind = self.kind_of(payload) or classify(payload)
        return payload.error(kind, self.name, target, self.request_id(headers), self.advice(kind, payload, target))

    def mask(self, error: GeminiMultiError) -> None:
        """Mask this provider's keys in an error: a provider may quote the request that it refuses."""
        own: Any = self  # all providers are dataclasses
        for key in (getattr(self, field.name) for field in fields(own)):
            if isinstance(key, Key):
                error.args = key.masked(error.args)
                error.__dict__.update(key.masked(error.__dict__))

    def advice(self, kind: type[ProviderError], payload: ErrorPayload, target: AnyTarget) -> str:
        """Return one sentence about what the user can do about an error."""
        key = getattr(self, self.key_field)
        if kind is AuthenticationFailed and isinstance(key, Key):
            return f"Check the key in {key.source} and its permissions."
        return advice(kind, self.name, target)

    def error_of(self, head: ResponseHead, body: bytes, target: AnyTarget) -> ProviderError:
        """Make the typed error for a response without success."""
        return self.error(read_error(head.status, head.headers, body), target, head.headers)

    @property
    def account(self) -> str:
        """A name for the key, for counts per key. It does not reveal the key."""
        key = getattr(self, self.key_field)
        return key.fingerprint if isinstance(key, Key) else ""

    def hosted_id(self, request: ChatRequest, model: Model) -> str | None:
        """Find this provider's id of the requested model, or return `None` if the provider does not serve it."""
        if self.model is not None:
            return self.model
        hosted = model.providers.get(self.name)
        if hosted is not None:
            return request.model if request.model in hosted.aliases else hosted.id
        return None if model.providers else self.guessed_id(request.model)

    @abstractmethod
    def guessed_id(self, name: str) -> str:
        """Return the probable id of a model that the catalog does not know, by this provider's usual form."""

    def _set(self, **values: object) -> None:
        """Set fields of this frozen configuration, while it is made."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def common_headers(self, key: Key) -> dict[str, str]:
        """Return the headers that every provider needs."""
        return {
            "authorization": f"Bearer {key.reveal()}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "user-agent": _USER_AGENT,
        }


def checked_url(url: str, source: str) -> str:
    """Return the URL without a trailing slash, or raise a `ConfigurationError`."""
    if not url.startswith(("https://", "http://")):
        raise ConfigurationError(f"{source} must be an http or https address, not {_without_password(url)!r}.")
    if problem := _problem_of(url):
        raise ConfigurationError(f"{source} cannot be used: {problem}.")
    return url.rstrip("/")


def _problem_of(url: str) -> str:
    """Describe the error in a URL without the URL itself, which may contain a password."""
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


def listed_model(provider: str, record: JsonObject) -> ListedModel | None:
    """Read a record, with the fields that gateways add to OpenAI's form."""
    model_id = text_of(record, "id")
    if model_id is None:
        return None
    capabilities, schema = record.get("capabilities"), record.get("json_request_schema")
    kinds = capabilities if isinstance(capabilities, Mapping) else {}
    return ListedModel(
        provider=provider,
        id=model_id,
        name=text_of(record, "display_name") or text_of(record, "name"),
        description=text_of(record, "description"),
        aliases=texts_of(record, "aliases"),
        context_window=whole_of(record, "context_length") or whole_of(record, "context_window"),
        max_output_tokens=whole_of(record, "max_output_tokens"),
        inputs=texts_of(kinds, "input"),
        outputs=texts_of(kinds, "output"),
        request_schema=record.get("request_schema") if schema is None else schema,
        record=record,
    )


def text_of(record: JsonObject, key: str) -> str | None:
    """Return a text that is not empty."""
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def texts_of(record: JsonObject, key: str) -> tuple[str, ...]:
    """Return the texts of a list."""
    value = record.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def whole_of(record: JsonObject, key: str) -> int | None:
    """Return a whole number."""
    value: JsonValue = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
