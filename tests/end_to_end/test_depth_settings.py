"""Every other setting at every endpoint: sent in the right place, refused by name, or left out with one warning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gemini_multi import (
    AIMLAPI,
    ChatRequest,
    Cloudflare,
    ConfigurationError,
    Message,
    Oxen,
    SafetySetting,
    UnsupportedFeature,
)
from tests.end_to_end.endpoints import AIMLAPI_ENDPOINTS, CHAT, ENDPOINTS, NATIVE, PREVIEW, Ignored, Refused, Wire, sent

ALL = (*NATIVE, *CHAT)
HARM = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}
REFUSED_BY_MODEL = "(the model refuses it)"


def each(endpoints: Iterable[str], expected: Any) -> dict[str, Any]:
    return {endpoint: expected for endpoint in endpoints}  # noqa: C420  # the values are shared and never changed


def generation(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


@dataclass(frozen=True)
class Case:
    name: str
    settings: dict[str, Any]
    expected: dict[str, Any] = field(default_factory=dict)
    """By endpoint: the fields beside the messages, the refusal, or the setting with the reason."""


CASES = [
    Case(
        "cached content",
        {"cached_content": "cachedContents/1"},
        each(NATIVE, {"cachedContent": "cachedContents/1"}) | each(CHAT, Refused("`cached_content`")),
    ),
    Case(
        "safety settings",
        {"safety_settings": (SafetySetting(**HARM),)},
        each(NATIVE, {"safetySettings": [HARM]}) | each(CHAT, Refused("`safety_settings`")),
    ),
    Case(
        "a safety method is Vertex AI's",
        {"safety_settings": (SafetySetting(**HARM, method="SEVERITY"),)},
        {"run": {"safetySettings": [{**HARM, "method": "SEVERITY"}]}}
        | {"studio": Refused("the `method` of a safety setting")}
        | each(CHAT, Refused("`safety_settings`")),
    ),
    Case(
        "some harms are Vertex AI's",
        {"safety_settings": (SafetySetting("HARM_CATEGORY_JAILBREAK", "OFF"),)},
        {"run": {"safetySettings": [{"category": "HARM_CATEGORY_JAILBREAK", "threshold": "OFF"}]}}
        | {"studio": Refused("the safety category `HARM_CATEGORY_JAILBREAK`")}
        | each(CHAT, Refused("`safety_settings`")),
    ),
    Case("seed", {"seed": 7}, each(NATIVE, generation(seed=7)) | each(CHAT, {"seed": 7})),
    Case(
        "seed 0",
        {"seed": 0},
        each(NATIVE, generation(seed=0))
        | each(("chat", "oxen"), {"seed": 0})
        | each(AIMLAPI_ENDPOINTS, Ignored("`seed` (the provider takes 1 or more)")),
    ),
    Case(
        "n",
        {"n": 2},
        each(NATIVE, generation(candidateCount=2))
        | each(("A", "B", "C", "C with media"), {"n": 2})
        | each(("chat", "D", "oxen"), Refused("`n`")),
    ),
    Case("one answer is the default", {"n": 1}, each(ALL, {})),
    Case(
        "stop",
        {"stop": ("a", "b")},
        each(NATIVE, generation(stopSequences=["a", "b"])) | each(CHAT, {"stop": ["a", "b"]}),
    ),
    Case(
        "five stops",
        {"stop": tuple("abcde")},
        each(NATIVE, generation(stopSequences=list("abcde"))) | each(CHAT, Refused("5 stop sequences (at most 4)")),
    ),
    Case(
        "six stops",
        {"stop": tuple("abcdef")},
        each(NATIVE, Refused("6 stop sequences (at most 5)")) | each(CHAT, Refused("6 stop sequences (at most 4)")),
    ),
    Case("presence", {"presence_penalty": 0.5}, each(ALL, Ignored(f"`presence_penalty` {REFUSED_BY_MODEL}"))),
    Case("frequency", {"frequency_penalty": 0.5}, each(ALL, Ignored(f"`frequency_penalty` {REFUSED_BY_MODEL}"))),
    Case(
        "logprobs",
        {"logprobs": True, "top_logprobs": 3},
        each(NATIVE, generation(responseLogprobs=True, logprobs=3))
        | {"D": {"logprobs": True, "top_logprobs": 3}}
        | each((endpoint for endpoint in CHAT if endpoint != "D"), Refused("`logprobs`")),
    ),
    Case(
        "top_k",
        {"top_k": 5},
        each(NATIVE, generation(topK=5))
        | each(("C", "C with media"), Ignored(f"`top_k` {REFUSED_BY_MODEL}"))
        | {"D": {"top_k": 5}}
        | each(("chat", "A", "B", "oxen"), Refused("`top_k`")),
    ),
    Case(
        "top_p",
        {"top_p": 0.0},
        each(NATIVE, generation(topP=0.0))
        | each(("chat", "oxen"), {"top_p": 0.0})
        | each(("C", "C with media"), Ignored(f"`top_p` {REFUSED_BY_MODEL}"))
        | each(("A", "B", "D"), Ignored("`top_p` (the provider takes 0.01 or more)")),
    ),
    Case(
        "temperature",
        {"temperature": 0.2},
        each(NATIVE, generation(temperature=0.2))
        | each(("chat", "A", "B", "D", "oxen"), {"temperature": 0.2})
        | each(("C", "C with media"), Ignored(f"`temperature` {REFUSED_BY_MODEL}")),
    ),
    Case("max_tokens", {"max_tokens": 9}, each(NATIVE, generation(maxOutputTokens=9)) | each(CHAT, {"max_tokens": 9})),
    Case("labels", {"labels": {"a": "b"}}, each(NATIVE, {"labels": {"a": "b"}}) | each(CHAT, Refused("`labels`"))),
    Case(
        "user",
        {"user": "me"},
        each(NATIVE, Ignored("`user` (`generateContent` has no field for it; `labels` can tell users apart)"))
        | each(CHAT, Ignored("`user` (the provider has no field for it)")),
    ),
    Case("image output", {"modalities": ("text", "image")}, each(ALL, Refused("image output"))),
    Case("audio output", {"modalities": ("audio",)}, each(ALL, Refused("audio output"))),
    Case(
        "voice",
        {"voice": "Kore"},
        each(NATIVE, generation(speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}))
        | each(("chat", "B", "C with media"), {"audio": {"voice": "Kore", "format": "wav"}})
        | each(("A", "C", "D", "oxen"), Refused("`voice`")),
    ),
    Case(
        "media resolution without media",
        {"media_resolution": "high"},
        each(NATIVE, generation(mediaResolution="MEDIA_RESOLUTION_HIGH")) | each(CHAT, {}),
    ),
]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_endpoint_gets_a_setting_in_its_own_place(case: Case, name: str) -> None:
    """An endpoint is sent exactly this body, or it is said what becomes of the setting; nothing is dropped silently."""
    endpoint, expected = ENDPOINTS[name], case.expected[name]
    outcome = sent(endpoint, endpoint.request(**case.settings))

    if isinstance(expected, Ignored):
        body, warning = outcome
        assert warning.setting == f"Left out for {endpoint.model_id!r} at {endpoint.provider.name}: {expected.setting}."
        assert body == endpoint.body("Hello")
    else:
        assert outcome == (expected if isinstance(expected, Refused) else endpoint.body("Hello", **expected))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_extra_body_is_merged_into_the_body_object_by_object(name: str) -> None:
    """What has no name here goes along; what was set by name stays unless it is said anew."""
    endpoint = ENDPOINTS[name]
    group, own = ("generationConfig", {"maxOutputTokens": 9}) if endpoint.is_native else ("group", {"max_tokens": 9})
    extra = {group: {"a": {"b": 1}}, "list": [1]}
    expected = endpoint.body("Hello", **{**own, **extra}) if not endpoint.is_native else None
    if expected is None:
        expected = endpoint.body("Hello", generationConfig={**own, "a": {"b": 1}}, list=[1])

    assert sent(endpoint, endpoint.request(max_tokens=9, extra_body=extra)) == expected


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    ("settings", "said"), [({"n": 0}, "n=0"), ({"top_logprobs": 21}, "0 to 20"), ({"top_logprobs": -1}, "0 to 20")]
)
def test_what_gemini_takes_nowhere_is_refused(settings: dict[str, Any], said: str, name: str) -> None:
    """Nothing is sent when the number makes no sense at any endpoint."""
    wire, endpoint = Wire(), ENDPOINTS[name]
    with pytest.raises(ConfigurationError, match=said):
        wire.client(endpoint.provider).chat(endpoint.request(**settings))

    assert not wire.requests


def test_cached_content_excludes_what_the_cache_holds() -> None:
    """Gemini takes system messages and tools from the cache, and refuses them beside it."""
    request = ChatRequest(
        model=PREVIEW, messages=(Message.system("Be brief"), Message.user("Hi")), cached_content="cachedContents/1"
    )
    with pytest.raises(ConfigurationError, match="cannot be combined with system messages"):
        Wire().client(ENDPOINTS["run"].provider).chat(request)


@pytest.mark.parametrize(
    "settings",
    [{"safety_settings": (SafetySetting(**HARM),)}, {"n": 2}, {"stop": tuple("abcde")}, {"labels": {"a": "b"}}],
)
def test_a_stream_with_a_native_setting_is_answered_natively(settings: dict[str, Any]) -> None:
    """At Cloudflare the setting moves the stream to the native endpoint, where the answer is one piece."""
    wire = Wire()
    request = ChatRequest(model=PREVIEW, messages=(Message.user("Hi"),), **settings)
    wire.client(Cloudflare("account", "token")).stream(request).response()

    assert [request.url.path.rpartition("/")[2] for request in wire.requests] == ["run"]


def test_a_setting_moves_the_request_to_a_provider_that_has_it() -> None:
    """Oxen has no field for two answers, AIMLAPI has."""
    request = ChatRequest(model=PREVIEW, messages=(Message.user("Hi"),), n=2)

    assert Wire().client([Oxen("key"), AIMLAPI("key")]).chat(request).provider == "aimlapi"


PENALTIES = {
    "run": generation(presencePenalty=0.5),
    "chat": {"presence_penalty": 0.5},
    "A": {"presence_penalty": 0.5},
}


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_reach_older_models(name: str) -> None:
    """Gemini 2.5 takes them; only Oxen refuses them for every Gemini."""
    request = ChatRequest(model="gemini-2.5-flash", messages=(Message.user("Hi"),), presence_penalty=0.5)
    body = sent(ENDPOINTS[name], request)

    assert (body.get("input") or body).items() >= PENALTIES[name].items()


PROVIDERS_OWN = [
    (AIMLAPI("key", upstream="google"), {"provider": "google"}),
    (Oxen("key", target_namespace="team"), {"target_namespace": "team"}),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("provider", "fields"), PROVIDERS_OWN, ids=["upstream", "target_namespace"])
def test_a_providers_own_fields_are_in_the_body(provider: Any, fields: dict[str, Any], stream: bool) -> None:
    """They are options of the provider's configuration, and part of every body."""
    wire = Wire()
    client = wire.client(provider)
    request = ChatRequest(model="gemini-2.5-pro", messages=(Message.user("Hi"),))
    client.stream(request).response() if stream else client.chat(request)
    streaming = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    model = "google/gemini-2.5-pro" if isinstance(provider, AIMLAPI) else "gemini-2-5-pro"

    assert wire.body == {"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields, **streaming}


@pytest.mark.parametrize("model", ["gemini-2.5-flash-lite", "gemini-3.5-flash"])
def test_an_upstream_that_would_be_dropped_is_refused(model: str) -> None:
    """Where the provider's schema for a model lacks the field, it would answer as if nothing had been asked."""
    wire = Wire()

    with pytest.raises(UnsupportedFeature, match="`upstream`"):
        wire.client(AIMLAPI("key", upstream="google")).chat(ChatRequest(model=model, messages=(Message.user("Hi"),)))


GATEWAY = {
    "gateway_id": "team",
    "cache_ttl": 60,
    "skip_cache": True,
    "cache_key": "key",
    "metadata": {"user": "ü", "paid": True, "tier": 2},
    "collect_log": False,
    "collect_log_payload": False,
    "request_timeout": 1.5,
    "max_attempts": 3,
    "retry_delay": 0.25,
    "backoff": "linear",
    "event_id": "trace",
    "zero_data_retention": True,
    "no_wholesale": True,
}
GATEWAY_HEADERS = {
    "cf-aig-gateway-id": "team",
    "cf-aig-cache-ttl": "60",
    "cf-aig-skip-cache": "true",
    "cf-aig-cache-key": "key",
    "cf-aig-metadata": '{"user":"\\u00fc","paid":true,"tier":2}',
    "cf-aig-collect-log": "false",
    "cf-aig-collect-log-payload": "false",
    "cf-aig-request-timeout": "1500",
    "cf-aig-max-attempts": "3",
    "cf-aig-retry-delay": "250",
    "cf-aig-backoff": "linear",
    "cf-aig-event-id": "trace",
    "cf-aig-zdr": "true",
    "cf-aig-no-wholesale": "true",
}


@pytest.mark.parametrize("api", ["run", "chat_completions", "google_ai_studio"])
def test_gateway_options_are_headers(api: Any) -> None:
    """Each option has its header at every endpoint; the gateway's own address names the gateway in its path."""
    wire = Wire()
    provider = Cloudflare("account", "token", api=api, **GATEWAY)
    wire.client(provider).chat(ENDPOINTS["run"].request())
    expected = dict(GATEWAY_HEADERS)
    if api == "google_ai_studio":
        del expected["cf-aig-gateway-id"]
        assert "/account/team/google-ai-studio/" in wire.requests[0].url.path
    headers = wire.requests[0].headers

    assert {name: value for name, value in headers.items() if name in GATEWAY_HEADERS} == expected
