"""The base class of providers: a provider's endpoints, its deviations and its errors. Pure values."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

from gemini_multi._encoding.json_values import as_list, as_object, text_at
from gemini_multi._transport.steps import ResponseHead
from gemini_multi._types.version import __version__
from gemini_multi.catalog import Model
from gemini_multi.dialects.base import Dialect, EncodingReport, Target
from gemini_multi.errors import (
    KEPT_CHARACTERS,
    AuthenticationFailed,
    ConfigurationError,
    GeminiMultiError,
    ProviderError,
)
from gemini_multi.providers.errors import ErrorPayload, advice, classify, error_in, read_error
from gemini_multi.providers.keys import Key
from gemini_multi.retry import retry_in
from gemini_multi.types import ChatRequest, JsonObject, JsonValue, ListedModel

AnyDialect: TypeAlias = Dialect[Any]
"""A target whose traits fit the dialect of its endpoint."""
AnyTarget: TypeAlias = Target[Any]

_Value = TypeVar("_Value", str, int)
_ANSWERS: Final = frozenset({"choices", "candidates", "promptFeedback"})
"""The top-level fields of an answer or of a part of an answer."""
_ENVELOPE: Final = ("success", "state", "errors", "error")
"""The fields that only tell whether the `result` beside them is one."""
_LABEL: Final = re.compile(r'[^ \\"<>^`{|}%]{1,63}')
_USER_AGENT: Final = f"gemini-multi/{__version__}"
GatewayMetadata: TypeAlias = Mapping[str, str | int | float | bool]
"""Entries for the log of a provider's gateway."""
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OF_THE_LIBRARY: Final = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding")
"""Headers that frame a request. The HTTP library writes these headers."""


@dataclass(frozen=True, slots=True, repr=False)
class CallHeaders:
    """A call's own headers, and its settings for a provider's gateway. `repr` shows no value: values may be secret."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    gateway_metadata: GatewayMetadata = field(default_factory=dict[str, "str | int | float | bool"])
    gateway_event_id: str | None = None

    @classmethod
    def of(
        cls, headers: Mapping[str, str] | None, gateway_metadata: GatewayMetadata | None, gateway_event_id: str | None
    ) -> Self | None:
        """Collect the given settings, or return `None` if nothing is given."""
        if not headers and not gateway_metadata and gateway_event_id is None:
            return None
        return cls(checked_headers(headers or {}), gateway_metadata or {}, gateway_event_id)

    def __repr__(self) -> str:
        return f"CallHeaders({sorted(self.headers)})"


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

    id_headers: ClassVar[tuple[str, ...]] = ("x-request-id",)
    """Headers of an answer that may hold the provider's id of the call, in order."""
    metadata_headers: ClassVar[tuple[str, ...]] = ()
    """The beginnings of the names of the headers that belong to an answer's metadata."""

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
        """Read the record of a model in OpenAI's, AIMLAPI's or Google's form, or return `None` if it has no id."""
        named = text_at(record, "name") or ""
        model_id = text_at(record, "id") or named.removeprefix("models/")
        if not model_id:
            return None
        kinds = {**as_object(record.get("capabilities")), **as_object(record.get("modalities"))}
        found = {**record, **kinds, **as_object(record.get("info"))}
        return ListedModel(
            provider=self.name,
            id=model_id,
            name=_first(found, str, "display_name", "displayName", *(["name"] if "id" in record else [])),
            description=_first(found, str, "description"),
            aliases=_texts(found, "aliases"),
            context_window=_first(found, int, "context_length", "context_window", "contextLength", "inputTokenLimit"),
            max_output_tokens=_first(found, int, "max_output_tokens", "outputMax", "outputTokenLimit"),
            inputs=_texts(found, "input"),
            outputs=_texts(found, "output"),
            request_schema=record.get("json_request_schema") or record.get("request_schema"),
            record=record,
        )

    @abstractmethod
    def request_headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Return the request's headers, with the key."""

    def call_headers(self, call: CallHeaders) -> Mapping[str, str]:
        """Return the headers that a single call adds; only gateways use the settings for the gateway."""
        return call.headers

    def unwrap(self, document: JsonValue) -> JsonObject:
        """Return what the envelopes of one document hold, with the fields beside it, or raise the reported error."""
        if isinstance(document, list) and len(document) == 1:
            document = document[0]
        if not isinstance(document, dict):
            return {}
        if (found := error_in(document)) is not None:
            raise found
        if "choices" in document or "candidates" in document:
            return document
        for key, value in document.items():
            if isinstance(value, dict) and (key == "result" or not _ANSWERS.isdisjoint(value)):
                beside = {name: other for name, other in document.items() if other and name not in (key, *_ENVELOPE)}
                return {**self.unwrap(value), **beside}
        return document

    def kind_of(self, payload: ErrorPayload) -> type[ProviderError] | None:
        """Classify an error that has a special meaning at this provider. `None` selects the common table."""
        return None

    def response_metadata(self, headers: Mapping[str, str]) -> dict[str, JsonValue]:
        """Return the headers of the answer that belong to its metadata."""
        beginnings = self.metadata_headers
        return {name: value for name, value in headers.items() if name.startswith(beginnings)} if beginnings else {}

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """Return the provider's id of the call, for the provider's support."""
        for name in self.id_headers:
            if found := headers.get(name):
                return found
        return None

    def cost_usd(self, headers: Mapping[str, str]) -> float | None:
        """Read the charged amount from a header, if the provider sends one."""
        return None

    def error(self, payload: ErrorPayload, target: AnyTarget, headers: Mapping[str, str]) -> ProviderError:
        """Make the typed error for the error that the provider reported."""
        kind = self.kind_of(payload) or classify(payload)
        # The length is limited, like that of the body: patterns search the message, and errors are logged and copied.
        said = payload.message[:KEPT_CHARACTERS].strip() or "no message"
        code = f", code {payload.code}" if payload.code else ""
        status = f" ({payload.status}{code})" if payload.status or code else ""
        if advice := self.advice(kind, payload, target):
            said += f"{'' if said[-1] in '.!?' else '.'} {advice}"
        return kind(
            f"{self.name} refused {target.model_id!r}{status}: {said}",
            provider=self.name,
            model=target.model_id,
            status=payload.status,
            code=payload.code,
            request_id=self.request_id(headers),
            retry_after=retry_in(payload.message) if payload.retry_after is None else payload.retry_after,
            should_retry=payload.should_retry,
            body=payload.body,
        )

    def mask(self, error: GeminiMultiError) -> None:
        """Mask this provider's keys in an error: a provider may quote the request that it refuses."""
        own: Any = self  # all providers are dataclasses
        for key in (getattr(self, own_field.name) for own_field in fields(own)):
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


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by lower-case name, or raise a `ConfigurationError` if one of them cannot be sent unchanged."""
    for name, value in headers.items():
        if name.lower() in _OF_THE_LIBRARY:
            raise ConfigurationError(f"The header {name!r} cannot be set: it is written for each request.")
        if not _HEADER.fullmatch(name) or not (f"{value}".isascii() and f"{value}".isprintable()):
            raise ConfigurationError(
                f"The header {name!r} cannot be sent: names and values must be printable ASCII in one line."
            )
    return {name.lower(): value for name, value in headers.items()}


def checked_url(url: str, source: str) -> str:
    """Return the URL without a trailing slash, or raise a `ConfigurationError`."""
    if not url.startswith(("https://", "http://")):
        shown = re.sub("//[^/]*@", "//***@", url)
        raise ConfigurationError(f"{source} must be an http or https address, not {shown!r}.")
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
    labels = [name[:1]] if ":" in name else name.removesuffix(".").split(".")
    if not name.isprintable() or not all(map(_LABEL.fullmatch, labels)):
        return "a part of its host name is empty, longer than 63 characters, or has characters that no name has"
    return ""


def _first(record: JsonObject, kind: type[_Value], *names: str) -> _Value | None:
    values = map(record.get, names)
    return next((value for value in values if isinstance(value, kind) and value and value is not True), None)


def _texts(record: JsonObject, name: str) -> tuple[str, ...]:
    return tuple(item for item in as_list(record.get(name)) if isinstance(item, str))
