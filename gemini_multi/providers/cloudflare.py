"""Cloudflare AI: the run endpoint with native generateContent, chat completions, and the gateway's AI Studio endpoint.

Sources: https://developers.cloudflare.com/ai/models/ (the model pages and their schemas),
https://developers.cloudflare.com/ai-gateway/usage/rest-api/ and …/usage/providers/google-ai-studio/. Only the chat
completions endpoint and the AI Studio endpoint are documented to stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Final, Literal, get_args
from urllib.parse import quote

from gemini_multi.catalog import Model
from gemini_multi.dialects.base import LISTING, Target
from gemini_multi.dialects.chat_completions.dialect import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.dialects.generate_content.dialect import COUNT_TOKENS, GENERATE_CONTENT, GenerateContentTraits
from gemini_multi.errors import (
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    ModelNotFound,
    PermissionDenied,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServerError,
)
from gemini_multi.providers import environment
from gemini_multi.providers.base import (
    AnyDialect,
    AnyTarget,
    CallHeaders,
    Endpoint,
    GatewayMetadata,
    Provider,
    checked_headers,
    checked_url,
)
from gemini_multi.providers.errors import ErrorPayload
from gemini_multi.providers.keys import Key, KeyArgument
from gemini_multi.types import ChatRequest, ToolResult

CloudflareApi = Literal["auto", "run", "chat_completions", "google_ai_studio"]

_BASE_URL: Final = "https://api.cloudflare.com/client/v4"
_GATEWAY_BASE_URL: Final = "https://gateway.ai.cloudflare.com/v1"
_METADATA_ENTRIES: Final = 5
_GOOGLE_ARGUMENT: Final = "Cloudflare(google_api_key=...)"
_STUDIO: Final = "`Cloudflare(api='google_ai_studio')`"
_STUDIO_ISSUER: Final = "cloudflare/google_ai_studio"


@dataclass(frozen=True, slots=True)
class Cloudflare(Provider):
    """Cloudflare AI.

    Args:
        account_id: From `CLOUDFLARE_ACCOUNT_ID` when not given.
        api_token: A token with the permission Workers AI Read; from `CLOUDFLARE_API_TOKEN` when not given.
        api: The endpoint: `run` (native, whole answers only), `chat_completions` (streams), `google_ai_studio` (native,
            streams); `auto` uses `run` for whole answers and `chat_completions` for streams.
        gateway_id: The AI gateway to use; the account's `default` when not given.
        google_api_key: Your own Google key, for `google_ai_studio`.
        cache_ttl: Seconds for which the gateway may answer from its cache (60 to a month).
        skip_cache: Bypass the gateway's cache.
        cache_key: The key under which the gateway caches these requests.
        metadata: Up to 5 entries of text, number or boolean for the gateway's log.
        collect_log: Whether the gateway logs the call.
        collect_log_payload: Whether the log keeps the bodies.
        request_timeout: Seconds that the gateway waits for the first byte.
        max_attempts: How often the gateway itself tries a request, 1 to 5.
        retry_delay: Seconds between the gateway's own attempts, at most 5.
        backoff: How the delays between the gateway's own attempts grow.
        event_id: Your own id of the trace.
        zero_data_retention: Request zero data retention if Cloudflare offers it.
        no_wholesale: Never fall back to Cloudflare's own credentials.
        model: Cloudflare's own model id, instead of the catalog's for the requested model.
        headers: Further headers for every request.
        base_url: From `CLOUDFLARE_BASE_URL`, else `https://api.cloudflare.com/client/v4`.
        gateway_base_url: From `CLOUDFLARE_GATEWAY_BASE_URL`, else `https://gateway.ai.cloudflare.com/v1`.

    Raises:
        ConfigurationError: The account or the token is missing, or a value cannot be used.
    """

    name: ClassVar[str] = "cloudflare"
    key_field: ClassVar[str] = "api_token"
    key_variables: ClassVar[tuple[str, ...]] = ("CLOUDFLARE_API_TOKEN",)
    id_headers: ClassVar[tuple[str, ...]] = ("cf-aig-log-id", "cf-aig-request-id", "cf-ray")
    metadata_headers: ClassVar[tuple[str, ...]] = ("cf-aig-", "cf-ray")
    counting_advice: ClassVar[str] = f" through this endpoint: use an estimate, or {_STUDIO}, which does."
    listing_advice: ClassVar[str] = f" through this endpoint: see `gemini_multi.catalog`, or use {_STUDIO}, which does."

    account_id: str | None = None
    api_token: KeyArgument = field(default=None, repr=False)
    _: KW_ONLY
    api: CloudflareApi = "auto"
    gateway_id: str | None = None
    google_api_key: KeyArgument = field(default=None, repr=False)
    cache_ttl: int | None = None
    skip_cache: bool | None = None
    cache_key: str | None = None
    metadata: Mapping[str, str | int | float | bool] = field(
        default_factory=dict[str, "str | int | float | bool"], hash=False
    )
    collect_log: bool | None = None
    collect_log_payload: bool | None = None
    request_timeout: float | None = None
    max_attempts: int | None = None
    retry_delay: float | None = None
    backoff: Literal["constant", "linear", "exponential"] | None = None
    event_id: str | None = None
    zero_data_retention: bool | None = None
    no_wholesale: bool | None = None
    model: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, hash=False)
    base_url: str = ""
    gateway_base_url: str = ""

    def __post_init__(self) -> None:
        account = (self.account_id or "").strip() or environment.read("CLOUDFLARE_ACCOUNT_ID")
        token = Key.of(self.api_token, variables=self.key_variables, argument="Cloudflare(api_token=...)")
        if account is None:
            raise ConfigurationError(
                "Set the `CLOUDFLARE_ACCOUNT_ID` environment variable or pass it as `Cloudflare(account_id=...)`."
            )
        base_url = self.base_url or environment.read("CLOUDFLARE_BASE_URL") or _BASE_URL
        gateway = self.gateway_base_url or environment.read("CLOUDFLARE_GATEWAY_BASE_URL") or _GATEWAY_BASE_URL
        google = self.google_api_key
        self._set(
            account_id=account,
            api_token=token,
            google_api_key=None if google is None else Key.of(google, variables=(), argument=_GOOGLE_ARGUMENT),
            base_url=checked_url(base_url, "Cloudflare's `base_url`"),
            gateway_base_url=checked_url(gateway, "Cloudflare's `gateway_base_url`"),
            headers=checked_headers(self.headers),
        )
        self._check()

    def _check(self) -> None:
        if self.api not in get_args(CloudflareApi):
            raise ConfigurationError(
                f"Cloudflare's `api` must be one of {', '.join(get_args(CloudflareApi))}, not {self.api!r}."
            )
        _check_metadata(self.metadata)
        if self.max_attempts is not None and not 1 <= self.max_attempts <= 5:
            raise ConfigurationError(f"Cloudflare's `max_attempts` must be 1 to 5, not {self.max_attempts!r}.")
        if self.retry_delay is not None and not 0 <= self.retry_delay <= 5:
            raise ConfigurationError(f"Cloudflare's `retry_delay` must be 0 to 5 seconds, not {self.retry_delay!r}.")
        checked_headers(self._gateway_headers())

    def endpoints(self, request: ChatRequest, model: Model, *, stream: bool) -> Sequence[Endpoint]:
        """Return the endpoints, best first."""
        if self.api == "google_ai_studio":
            method = "streamGenerateContent?alt=sse" if stream else "generateContent"
            return (self._studio_endpoint(GENERATE_CONTENT, request, model, method),)
        model_id = self.hosted_id(request, model)
        if model_id is None:
            return ()
        url = f"{self.base_url}/accounts/{quote(self.account_id or '', safe='')}/ai"
        native = Target(self.name, model, model_id, _RUN_TRAITS, issuer=self.name)
        run = Endpoint(f"{url}/run", GENERATE_CONTENT, native, streams=False, body_key="input")
        target = Target(self.name, model, model_id, _CHAT_TRAITS, issuer=self.name)
        chat = Endpoint(f"{url}/v1/chat/completions", CHAT_COMPLETIONS, target)
        if self.api != "auto":
            return (run if self.api == "run" else chat,)
        return (chat, run) if stream or _loop_began_in_chat(request) else (run, chat)

    def counting_endpoints(self, request: ChatRequest, model: Model) -> Sequence[Endpoint]:
        """Return the AI Studio endpoint's `countTokens`: the gateway forwards every method of Google's API."""
        if self.api != "google_ai_studio":
            return ()
        return (self._studio_endpoint(COUNT_TOKENS, request, model, "countTokens"),)

    def listing_endpoints(self, model: Model, model_id: str | None) -> tuple[Endpoint, ...]:
        """Return the AI Studio endpoint's models; Cloudflare itself has no endpoint that lists Google's models."""
        if self.api != "google_ai_studio":
            return ()
        query = "?pageSize=1000" if model_id is None else f"/{quote(model_id, safe='.-_')}"
        target = Target(self.name, model, model_id or "models", None, issuer=_STUDIO_ISSUER)
        return (Endpoint(f"{self._studio_models}{query}", LISTING, target, streams=False, method="GET"),)

    def listed_id(self, name: str, model: Model) -> str:
        """Return Google's own id."""
        return model.name if model.is_known else name.removeprefix("models/").removeprefix("google/")

    def _studio_endpoint(self, dialect: AnyDialect, request: ChatRequest, model: Model, method: str) -> Endpoint:
        """Use Google's own id of the model, whether or not Cloudflare's catalog has the model."""
        google_id = (self.model or (model.name if model.is_known else request.model)).removeprefix("google/")
        target = Target(self.name, model, google_id, _AI_STUDIO_TRAITS, issuer=_STUDIO_ISSUER)
        return Endpoint(f"{self._studio_models}/{quote(google_id, safe='.-_')}:{method}", dialect, target)

    @property
    def _studio_models(self) -> str:
        account, gateway = quote(self.account_id or "", safe=""), quote(self.gateway_id or "default", safe="")
        return f"{self.gateway_base_url}/{account}/{gateway}/google-ai-studio/v1beta/models"

    def request_headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Return the request's headers. The gateway has its own header names for the keys."""
        assert isinstance(self.api_token, Key)
        headers = {**self.common_headers(self.api_token), **self._gateway_headers()}
        if endpoint.target.issuer != self.name:
            headers["cf-aig-authorization"] = headers.pop("authorization")
            headers.pop("cf-aig-gateway-id", None)
            if isinstance(self.google_api_key, Key):
                headers["x-goog-api-key"] = self.google_api_key.reveal()
        return {**headers, **self.headers}

    def call_headers(self, call: CallHeaders) -> Mapping[str, str]:
        """Return the headers that a single call adds. Its metadata extend and override the configured metadata."""
        metadata = {**self.metadata, **call.gateway_metadata}
        _check_metadata(metadata)
        given = {
            "cf-aig-metadata": metadata if call.gateway_metadata else None,
            "cf-aig-event-id": call.gateway_event_id,
        }
        return {**checked_headers(_headers(given)), **call.headers}

    def _gateway_headers(self) -> dict[str, str]:
        return _headers(
            {
                "cf-aig-gateway-id": self.gateway_id,
                "cf-aig-cache-ttl": self.cache_ttl,
                "cf-aig-skip-cache": self.skip_cache,
                "cf-aig-cache-key": self.cache_key,
                "cf-aig-metadata": self.metadata or None,
                "cf-aig-collect-log": self.collect_log,
                "cf-aig-collect-log-payload": self.collect_log_payload,
                "cf-aig-request-timeout": _milliseconds(self.request_timeout),
                "cf-aig-max-attempts": self.max_attempts,
                "cf-aig-retry-delay": _milliseconds(self.retry_delay),
                "cf-aig-backoff": self.backoff,
                "cf-aig-event-id": self.event_id,
                "cf-aig-zdr": self.zero_data_retention,
                "cf-aig-no-wholesale": self.no_wholesale,
            }
        )

    def kind_of(self, payload: ErrorPayload) -> type[ProviderError] | None:
        """Classify by the gateway's internal codes; Cloudflare's error documentation lists their meanings."""
        if payload.code == "2021" or payload.status == 402:
            # The same code and status mean "no credit" and "the shared pool is busy"; only the text distinguishes them.
            return RateLimited if "rate limit" in payload.message.lower() else QuotaExhausted
        if payload.code == "7003":
            if _WRONG_ACCOUNT.search(payload.message):
                return AuthenticationFailed
            is_missing = payload.status == 404 or "not found" in payload.message.lower()
            return ModelNotFound if is_missing else None
        return next((kind for kind, codes in _CODES.items() if payload.code in codes), None)

    def advice(self, kind: type[ProviderError], payload: ErrorPayload, target: AnyTarget) -> str:
        """Name a wrong account id, and the permission that a token needs."""
        if kind is not AuthenticationFailed:
            return Provider.advice(self, kind, payload, target)
        if payload.code == "7003":
            return "Check the account id in `CLOUDFLARE_ACCOUNT_ID` or `Cloudflare(account_id=...)`."
        if "API_KEY_INVALID" in payload.reasons and self.google_api_key is not None:
            return f"Check the key in `{_GOOGLE_ARGUMENT}`."
        assert isinstance(self.api_token, Key)
        return (
            f"Check the token in {self.api_token.source}: it needs the permission Workers AI Read for the account in "
            "`CLOUDFLARE_ACCOUNT_ID` or `Cloudflare(account_id=...)`."
        )

    def guessed_id(self, name: str) -> str:
        """Return an id in the form of Cloudflare's catalog: `google/gemini-3.8-flash`."""
        return name if "/" in name else f"google/{name}"


_WRONG_ACCOUNT: Final = re.compile("could not route to .{0,40}/accounts/|object identifier is invalid", re.IGNORECASE)
"""https://github.com/anomalyco/opencode/issues/23773: the same status and code as a missing model's."""
_CODES: Final[Mapping[type[ProviderError], tuple[str, ...]]] = {
    AuthenticationFailed: ("10000", "2009", "2047"),
    BadRequest: ("2001",),
    ModelNotFound: ("2008", "5007"),
    PermissionDenied: ("5018",),
    QuotaExhausted: ("2045", "3036"),
    RateLimited: ("2003", "3040"),
    ServerError: ("7013",),
}

# The schema of this endpoint has penalties, modalities and reasoning_effort; Google's own OpenAI endpoint has stop and
# seed. Requests with other settings (n, logprobs, top_k, safety, cached content, remote media, thought summaries) go
# through the native endpoint.
_CHAT_TRAITS: Final = ChatTraits(
    supports_penalties=True,
    supports_seed=True,
    reasoning_efforts=("none", "minimal", "low", "medium", "high"),
    tool_content="string",
    call_extra_content=True,
    message_extra_content=True,
    call_signature_on_message=True,
    reasoning_details=True,
    image_url_remote=False,
    maximum_total_bytes=20 * 1024 * 1024,
    modalities=True,
)
_RUN_TRAITS: Final = GenerateContentTraits()
_AI_STUDIO_TRAITS: Final = GenerateContentTraits(
    accepts_synthetic_ids=True,
    typed_response_format=True,
    server_side_tool_flag=True,
    developer_api=True,
    needs_text=False,
)


def _loop_began_in_chat(request: ChatRequest) -> bool:
    """Whether the tool loop began in chat completions. It must stay in the dialect that issued its signatures."""
    for message in reversed(request.messages):
        if message.role == "assistant":
            signatures = [part.signature for part in message.parts if not isinstance(part, ToolResult)]
            return any(signature.carrier != "thoughtSignature" for signature in signatures if signature is not None)
        if message.role == "user":
            return False
    return False


def _check_metadata(metadata: Mapping[str, object]) -> None:
    if len(metadata) > _METADATA_ENTRIES:
        raise ConfigurationError(f"Cloudflare's `metadata` takes at most {_METADATA_ENTRIES} entries.")
    for name, value in metadata.items():
        if not isinstance(value, (str, int, float)):
            raise ConfigurationError(
                f"Cloudflare's `metadata[{name!r}]` must be text, a number or a boolean: anything else makes the "
                "gateway lose all entries."
            )


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _headers(values: Mapping[str, str | float | GatewayMetadata | None]) -> dict[str, str]:
    """Write the values that are given: truth values and mappings as JSON in ASCII, because a header must be ASCII."""
    return {
        name: json.dumps(value, separators=(",", ":")) if isinstance(value, (bool, Mapping)) else str(value)
        for name, value in values.items()
        if value is not None
    }
