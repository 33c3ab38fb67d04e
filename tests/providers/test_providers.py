"""The providers' configurations: keys, addresses, headers, endpoints, errors."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from gemini_multi import (
    AIMLAPI,
    AuthenticationFailed,
    BadRequest,
    ChatRequest,
    Client,
    Cloudflare,
    ConfigurationError,
    ContextOverflow,
    Message,
    ModelNotFound,
    Oxen,
    PermissionDenied,
    Provider,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    SafetySetting,
    ServerError,
    UnsupportedFeature,
)
from gemini_multi.providers import resolve
from tests.end_to_end.providers import REQUEST, FakeProviders, status

SECRET = "sk-very-secret-0123456789"
WITH_SECRET: list[Callable[[], Provider]] = [
    lambda: Cloudflare("account", SECRET, api="google_ai_studio", google_api_key=SECRET),
    lambda: AIMLAPI(SECRET),
    lambda: Oxen(SecretStr(SECRET)),
]
VARIABLES = {
    "CLOUDFLARE_ACCOUNT_ID": "account",
    "CLOUDFLARE_API_TOKEN": SECRET,
    "AIMLAPI_API_KEY": SECRET,
    "OXEN_API_KEY": SECRET,
}


@pytest.mark.parametrize("make", WITH_SECRET)
def test_a_key_never_shows(make: Callable[[], Provider]) -> None:
    """Neither texts nor pickles nor errors show it, and copies keep it."""
    provider = make()
    shown = [repr(provider), str(provider), repr(provider.__dict__ if hasattr(provider, "__dict__") else "")]
    pickled = pickle.dumps(provider)

    assert not any(SECRET in text for text in shown)
    assert SECRET.encode() not in pickled
    assert pickle.loads(pickled) == provider == copy.deepcopy(provider)


def test_a_key_from_the_environment_is_not_in_a_pickle_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read again where the pickle is loaded."""
    monkeypatch.setenv("OXEN_API_KEY", "first-key")
    pickled = pickle.dumps(Oxen())
    monkeypatch.setenv("OXEN_API_KEY", "second-key")

    assert pickle.loads(pickled) == Oxen("second-key")


@pytest.mark.parametrize("code", [400, 401, 403, 429, 500])
def test_a_key_is_in_no_error(code: int) -> None:
    """Even an error that echoes the whole answer does not hold the key that was sent."""
    transport = httpx.MockTransport(lambda request: httpx.Response(code, json={"message": "no"}))
    client = Client(Oxen(SECRET), max_retries=0, http_client=httpx.Client(transport=transport))

    with pytest.raises(ProviderError) as caught:
        client.chat(REQUEST)

    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.__dict__} {caught.value.__cause__!r}"
    assert SECRET.encode() not in pickle.dumps(caught.value)


NO_KEY: list[tuple[Callable[[], Provider], str]] = [
    (lambda: Cloudflare("account"), "CLOUDFLARE_API_TOKEN"),
    (lambda: Cloudflare(api_token="key"), "CLOUDFLARE_ACCOUNT_ID"),
    (AIMLAPI, "AIMLAPI_API_KEY"),
    (Oxen, "OXEN_API_KEY"),
    (lambda: Oxen(" \n"), "OXEN_API_KEY"),
    (lambda: Oxen("two words"), "white space"),
    (lambda: Oxen("ключ"), r"U\+043A"),
    (lambda: Oxen("key\0"), "control"),
    (lambda: Oxen("key", base_url="hub.oxen.ai"), "http or https"),
    (lambda: Oxen("key", headers={"x": "a\r\nb"}), "'x' cannot be sent"),
    (lambda: Oxen("key", headers={"a b": "c"}), "'a b' cannot be sent"),
    (lambda: Oxen("key", headers={"Content-Length": "5"}), "'Content-Length' cannot be set"),
    (lambda: Cloudflare("account", "key", api="rum"), "must be one of"),  # type: ignore[arg-type]
    (lambda: Cloudflare("account", "key", metadata={"a": None}), "text, a number or a boolean"),  # type: ignore[dict-item]
    (lambda: Cloudflare("account", "key", metadata=dict.fromkeys("abcdef", 1)), "at most 5"),
    (lambda: Cloudflare("account", "key", max_attempts=6), "1 to 5"),
    (lambda: Cloudflare("account", "key", retry_delay=6), "0 to 5"),
]


@pytest.mark.parametrize(("make", "message"), NO_KEY, ids=[message for _, message in NO_KEY])
def test_a_configuration_that_cannot_work_is_refused(make: Callable[[], Provider], message: str) -> None:
    """A missing or malformed key and senseless options are errors at construction that say what to do."""
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_a_key_may_end_with_a_line_end() -> None:
    """Keys read from files do."""
    assert Oxen("key\n") == Oxen("key")


@pytest.mark.parametrize("variable", ["AIMLAPI_API_KEY", "AIML_API_KEY", "AIMLAPI_KEY"])
def test_aimlapi_reads_all_names_of_its_key(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own documents use three."""
    monkeypatch.setenv(variable, "key")

    assert AIMLAPI() == AIMLAPI("key")


BASE_URLS = [
    ("CLOUDFLARE_BASE_URL", lambda: Cloudflare("a", "k")),
    ("AIMLAPI_BASE_URL", lambda: AIMLAPI("k")),
    ("AIMLAPI_API_BASE", lambda: AIMLAPI("k")),
    ("OXEN_BASE_URL", lambda: Oxen("k")),
]


@pytest.mark.parametrize(("variable", "make"), BASE_URLS)
def test_base_urls_come_from_the_environment(variable: str, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trailing slash does not matter."""
    monkeypatch.setenv(variable, "http://127.0.0.1:1/x/")

    assert make().base_url == "http://127.0.0.1:1/x"


def test_all_providers_with_a_key_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the documented order."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)

    assert [provider.name for provider in resolve(None)] == ["cloudflare", "aimlapi", "oxen"]


def test_the_environment_may_name_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """`GEMINI_MULTI_PROVIDERS` lists names."""
    for name, value in {**VARIABLES, "GEMINI_MULTI_PROVIDERS": "oxen, cloudflare"}.items():
        monkeypatch.setenv(name, value)

    assert [provider.name for provider in resolve(None)] == ["oxen", "cloudflare"]


def test_no_key_at_all_names_the_variables() -> None:
    """The error says what to set."""
    with pytest.raises(ConfigurationError, match="CLOUDFLARE_API_TOKEN, AIMLAPI_API_KEY, OXEN_API_KEY"):
        resolve(None)


@pytest.mark.parametrize("providers", ["google", ["oxen", "google"], [], [3]])
def test_unknown_providers_are_refused(providers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo is told with the known names; an empty list is no default."""
    monkeypatch.setenv("OXEN_API_KEY", "key")

    with pytest.raises(
        ConfigurationError,
        match=r"cloudflare, aimlapi, oxen|is empty",
    ):
        resolve(providers)


@pytest.mark.parametrize("name", ["cloudflare", "aimlapi", "oxen"])
def test_api_key_and_base_url_are_for_the_only_provider(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They need no environment, but for Cloudflare's account."""
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "account")
    (provider,) = resolve(name, api_key="key", base_url="http://127.0.0.1:1")
    direct = {"cloudflare": Cloudflare("account", "key"), "aimlapi": AIMLAPI("key"), "oxen": Oxen("key")}[name]

    assert provider == replace(direct, base_url="http://127.0.0.1:1")  # type: ignore[type-var]


@pytest.mark.parametrize("providers", [None, ["oxen", "aimlapi"]])
def test_api_key_for_several_providers_is_refused(providers: Any) -> None:
    """Nobody can tell whose it is."""
    with pytest.raises(ConfigurationError, match="are for one provider"):
        resolve(providers, api_key="key")


@dataclass(frozen=True)
class Sent:
    name: str
    provider: Provider
    stream: bool
    url: str
    headers: dict[str, str]


API = "https://api.cloudflare.com/client/v4/accounts/acc/ai"
GATEWAY = "https://gateway.ai.cloudflare.com/v1/acc"
STUDIO = Cloudflare("acc", "key", api="google_ai_studio", gateway_id="gate")
SENT = [
    Sent("run", Cloudflare("acc", "key"), False, f"{API}/run", {"authorization": "Bearer key"}),
    Sent("chat", Cloudflare("acc", "key"), True, f"{API}/v1/chat/completions", {"authorization": "Bearer key"}),
    Sent("forced chat", Cloudflare("acc", "key", api="chat_completions"), False, f"{API}/v1/chat/completions", {}),
    Sent("forced run", Cloudflare("acc", "key", api="run"), True, f"{API}/run", {}),
    Sent(
        "studio",
        STUDIO,
        False,
        f"{GATEWAY}/gate/google-ai-studio/v1beta/models/gemini-2.5-flash-lite:generateContent",
        {"cf-aig-authorization": "Bearer key"},
    ),
    Sent(
        "studio stream",
        replace(STUDIO, google_api_key="google", gateway_id=None),
        True,
        f"{GATEWAY}/default/google-ai-studio/v1beta/models/gemini-2.5-flash-lite:streamGenerateContent?alt=sse",
        {"x-goog-api-key": "google"},
    ),
    Sent(
        "aimlapi", AIMLAPI("key"), False, "https://api.aimlapi.com/v1/chat/completions", {"authorization": "Bearer key"}
    ),
    Sent(
        "oxen",
        Oxen("key", headers={"X-Mine": "1"}),
        True,
        "https://hub.oxen.ai/api/ai/chat/completions",
        {"x-mine": "1"},
    ),
    Sent(
        "gateway options",
        Cloudflare(
            "acc",
            "key",
            gateway_id="gate",
            cache_ttl=60,
            skip_cache=True,
            cache_key="k",
            metadata={"team": "a", "n": 1, "b": False},
            collect_log=False,
            collect_log_payload=False,
            request_timeout=1.5,
            max_attempts=2,
            retry_delay=0.5,
            backoff="linear",
            event_id="e",
            zero_data_retention=True,
            no_wholesale=True,
        ),
        False,
        f"{API}/run",
        {
            "cf-aig-gateway-id": "gate",
            "cf-aig-cache-ttl": "60",
            "cf-aig-skip-cache": "true",
            "cf-aig-cache-key": "k",
            "cf-aig-metadata": '{"team":"a","n":1,"b":false}',
            "cf-aig-collect-log": "false",
            "cf-aig-collect-log-payload": "false",
            "cf-aig-request-timeout": "1500",
            "cf-aig-max-attempts": "2",
            "cf-aig-retry-delay": "500",
            "cf-aig-backoff": "linear",
            "cf-aig-event-id": "e",
            "cf-aig-zdr": "true",
            "cf-aig-no-wholesale": "true",
        },
    ),
]


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_the_request_goes_to_the_documented_endpoint(sent: Sent) -> None:
    """URL and headers are those of the provider's documents."""
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(400, json={})

    client = Client(sent.provider, http_client=httpx.Client(transport=httpx.MockTransport(handler)))
    with pytest.raises(ProviderError):
        client.stream(REQUEST).response() if sent.stream else client.chat(REQUEST)

    headers = {name: value for name, value in requests[0].headers.items() if name in sent.headers}
    assert (str(requests[0].url), headers) == (sent.url, sent.headers)


def test_the_gateway_provider_gets_no_authorization_header() -> None:
    """There it would be taken for Google's."""
    endpoint = STUDIO.endpoints(REQUEST, __import__("gemini_multi.catalog").catalog.find(REQUEST.model), stream=False)[
        0
    ]

    assert "authorization" not in STUDIO.request_headers(endpoint)


SAFE = replace(REQUEST, safety_settings=(SafetySetting("HARM_CATEGORY_HARASSMENT", "OFF"),))


def test_a_stream_that_needs_the_native_endpoint_is_answered_in_one_piece() -> None:
    """Cloudflare's chat endpoint does not support safety settings; its native endpoint can, but does not stream."""
    native = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    fakes = FakeProviders({"cloudflare": [lambda: httpx.Response(200, json={"result": native, "success": True})]})
    response = fakes.client("cloudflare").stream(SAFE).response()

    assert (response.text, response.dialect) == ("Hi", "generate_content")
    assert fakes.requests[0][1].url.path.endswith("/ai/run")


def test_a_feature_moves_the_request_to_a_provider_that_can() -> None:
    """Nothing is sent to the provider that does not support it."""
    native = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    fakes = FakeProviders({"cloudflare": [lambda: httpx.Response(200, json=native)]})
    client = fakes.client()

    assert client.chat(SAFE, providers=["oxen", "cloudflare"]).provider == "cloudflare"
    assert fakes.asked == ["cloudflare"]


def test_a_feature_that_no_provider_has_is_refused() -> None:
    """The error names it and the providers, and nothing is sent."""
    fakes = FakeProviders()

    with pytest.raises(UnsupportedFeature, match="safety_settings") as caught:
        fakes.client("aimlapi", "oxen").chat(SAFE)

    assert (caught.value.providers, fakes.requests) == (("aimlapi", "oxen"), [])


ENVELOPES = [
    ("bare", lambda answer: answer),
    ("result", lambda answer: {"result": answer, "success": True, "errors": [], "messages": []}),
    ("state", lambda answer: {"result": {"state": "Completed", "result": answer}, "success": True}),
    ("list", lambda answer: [answer]),
]


@pytest.mark.parametrize(("name", "wrap"), ENVELOPES, ids=[name for name, _ in ENVELOPES])
def test_cloudflares_envelopes_come_off(name: str, wrap: Callable[[Any], Any]) -> None:
    """The run endpoint may wrap once, twice or not at all."""
    answer = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    fakes = FakeProviders({"cloudflare": [lambda: httpx.Response(200, json=wrap(answer))]})

    assert fakes.client("cloudflare").chat(REQUEST).text == "Hi"


CHAT = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
NATIVE = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("key", ["data", "response", "result", "output", "body"])
@pytest.mark.parametrize("answer", [CHAT, NATIVE], ids=["chat", "native"])
@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_an_answer_one_level_deeper_is_read(provider: str, answer: Any, key: str, stream: bool) -> None:
    """Gateways put it into an envelope of their own; what stands beside it is kept."""
    document = json.dumps({key: answer, "took": 3}).encode()
    content = b"data: " + document + b"\n\n" if stream else document
    fakes = FakeProviders({provider: [lambda: httpx.Response(200, content=content)]})
    client = fakes.client(provider, max_retries=0)
    response = client.stream(REQUEST).response() if stream else client.chat(REQUEST)

    assert (response.text, response.provider_metadata["took"]) == ("Hi", 3)


def test_an_error_one_level_deeper_is_an_error() -> None:
    """An envelope around a failure is no answer."""
    document = {"response": {"choices": [], "error": {"code": 429, "message": "Slow down."}}}
    fakes = FakeProviders({"oxen": [lambda: httpx.Response(200, json=document)]})

    with pytest.raises(RateLimited, match="Slow down"):
        fakes.client("oxen", max_retries=0).chat(REQUEST)


@dataclass(frozen=True)
class Refusal:
    provider: str
    status: int
    body: Any
    error: type[ProviderError]
    code: str | None = None
    retry_after: float | None = None


def v4(code: int, message: str) -> dict[str, Any]:
    return {"result": None, "success": False, "errors": [{"code": code, "message": message}], "messages": []}


def gateway(code: int, message: str, http: int = 400) -> dict[str, Any]:
    said = [{"code": code, "message": message}]
    return {
        "success": False,
        "result": [],
        "error": said,
        "name": "AiGatewayError",
        "httpCode": http,
        "internalCode": code,
    }


def google(code: int, message: str, status: str, *details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def oxen(kind: str, title: str) -> dict[str, Any]:
    return {"error": {"type": kind, "title": title}, "status": "error", "status_message": kind}


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "RequestsPerDayPerProject"}],
}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
UPSTREAM = "Model execution failed (User Input Error): Invalid value at messages"

REFUSALS = [
    Refusal("cloudflare", 401, v4(10000, "Authentication error"), AuthenticationFailed, "10000"),
    Refusal("cloudflare", 401, gateway(2009, "Unauthorized", 401), AuthenticationFailed, "2009"),
    Refusal("cloudflare", 400, gateway(7003, UPSTREAM), BadRequest, "7003"),
    Refusal("cloudflare", 404, gateway(7003, "Model not found: google/x", 404), ModelNotFound, "7003"),
    Refusal("cloudflare", 404, v4(7003, "Could not route to /client/v4/accounts/x"), AuthenticationFailed, "7003"),
    Refusal("cloudflare", 402, gateway(2021, "Insufficient balance; add money", 402), QuotaExhausted, "2021"),
    Refusal(
        "cloudflare", 402, gateway(2021, "Wholesale rate limit exceeded for this gateway.", 402), RateLimited, "2021"
    ),
    Refusal("cloudflare", 429, gateway(2003, "Rate limited", 429), RateLimited, "2003"),
    Refusal("cloudflare", 429, gateway(2045, "Spend limit reached", 429), QuotaExhausted, "2045"),
    Refusal("cloudflare", 400, gateway(2001, "Please configure AI Gateway"), BadRequest, "2001"),
    Refusal("cloudflare", 503, "upstream connect error", ServerError),
    Refusal("cloudflare", 429, google(429, "Quota", "RESOURCE_EXHAUSTED", RETRY_INFO), RateLimited, "429", 34.07),
    Refusal("cloudflare", 429, google(429, "Quota", "RESOURCE_EXHAUSTED", PER_DAY), QuotaExhausted, "429"),
    Refusal(
        "cloudflare", 400, [google(400, "API key not valid", "INVALID_ARGUMENT", BAD_KEY)], AuthenticationFailed, "400"
    ),
    Refusal(
        "cloudflare", 400, google(400, "User location is not supported", "FAILED_PRECONDITION"), PermissionDenied, "400"
    ),
    Refusal(
        "cloudflare",
        500,
        gateway(7003, "failed: " + json.dumps(google(400, "The input token count (9) exceeds the maximum", "X")), 500),
        ContextOverflow,
        "7003",
    ),
    Refusal("aimlapi", 401, {"message": "This request requires a valid API key."}, AuthenticationFailed),
    Refusal(
        "aimlapi",
        403,
        {"title": "Forbidden", "status": 403, "message": "You've run out of funds. Please top up"},
        QuotaExhausted,
    ),
    Refusal("aimlapi", 403, {"message": "Complete the verification"}, PermissionDenied),
    Refusal("aimlapi", 404, {"message": "No endpoints found"}, ModelNotFound),
    Refusal("aimlapi", 500, {"message": "400 Unable to access model gpt-4o-mini."}, ModelNotFound),
    Refusal("aimlapi", 429, {"message": "Too Many Requests", "statusCode": "429"}, RateLimited),
    Refusal("aimlapi", 429, {"message": "Free-tier limit: You've reached your free limit"}, QuotaExhausted),
    Refusal("aimlapi", 400, {"message": "Body validation error\nInvalid enum value."}, BadRequest),
    Refusal("oxen", 401, oxen("unauthenticated", "You must be authenticated"), AuthenticationFailed),
    Refusal("oxen", 402, oxen("insufficient_credits", "You have run out of credits."), QuotaExhausted),
    Refusal("oxen", 404, {"error": {"message": "Model not found: x"}}, ModelNotFound),
    Refusal("oxen", 400, oxen("invalid_params", "Invalid parameters supplied"), BadRequest),
    Refusal(
        "oxen",
        502,
        {"error": {"type": "upstream", "title": "The model provider returned an error."}, "status": 502},
        ServerError,
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal.provider}-{refusal.error.__name__}")
def test_a_providers_refusal_becomes_its_error(refusal: Refusal) -> None:
    """Class, code and wait are read from the provider's own body."""
    body = refusal.body if isinstance(refusal.body, str) else json.dumps(refusal.body)
    fakes = FakeProviders({refusal.provider: [lambda: httpx.Response(refusal.status, content=body)]})

    with pytest.raises(ProviderError) as caught:
        fakes.client(refusal.provider, max_retries=0).chat(REQUEST)

    error = caught.value
    assert (type(error), error.status, error.code) == (refusal.error, refusal.status, refusal.code)
    assert (error.retry_after, error.provider) == (refusal.retry_after, refusal.provider)


def test_a_withdrawn_model_is_told() -> None:
    """A 404 for a model whose end was announced says so."""
    fakes = FakeProviders({"oxen": [status(404, {"error": {"message": "Model not found: x"}})]})

    with pytest.raises(ModelNotFound, match="announced for 2026-07-01"):
        fakes.client("oxen").chat(REQUEST)


MODELS = [
    ("gemini-2.5-flash-lite", "google/gemini-2.5-flash-lite", "google/gemini-2.5-flash-lite-preview"),
    ("gemini-3-8-flash", "google/gemini-3.8-flash", "google/gemini-3-8-flash"),
    ("google/gemini-2.5-flash-lite", "google/gemini-2.5-flash-lite", "google/gemini-2.5-flash-lite"),
    ("gemini-9.5-flash", "google/gemini-9.5-flash", "google/gemini-9-5-flash"),
]


@pytest.mark.parametrize(("name", "cloudflare", "aimlapi"), MODELS, ids=[name for name, *_ in MODELS])
def test_each_provider_gets_its_own_id(name: str, cloudflare: str, aimlapi: str) -> None:
    """Catalog names, providers' own ids and unknown names become what the provider calls the model."""
    fakes = FakeProviders({"cloudflare": [status(400)], "aimlapi": [status(400)]})
    client = fakes.client("cloudflare", "aimlapi")
    for provider in ("cloudflare", "aimlapi"):
        with pytest.raises(BadRequest):
            client.chat(ChatRequest(model=name, messages=(Message.user("Hello"),)), providers=provider)

    assert [json.loads(request.content)["model"] for _, request in fakes.requests] == [cloudflare, aimlapi]


def test_a_provider_may_name_its_model() -> None:
    """`model=` on the provider wins over the catalog."""
    transport = httpx.MockTransport(lambda request: httpx.Response(400, content=request.content))
    client = Client(Oxen("key", model="mine"), http_client=httpx.Client(transport=transport))

    with pytest.raises(BadRequest) as caught:
        client.chat(REQUEST)

    assert caught.value.model == "mine"
