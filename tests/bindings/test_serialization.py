"""A model that was written and read again asks as it did before, without a key in what was written."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from gemini_multi import (
    AIMLAPI,
    ChatTraits,
    Cloudflare,
    Hedging,
    OpenAICompatible,
    Oxen,
    RateLimit,
    RateLimits,
    RetryPolicy,
    Timeouts,
)
from gemini_multi import Provider as AnyProvider
from tests.bindings.frameworks import Framework, Provider

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

CONFIGURED: dict[str, Callable[[], AnyProvider]] = {
    "retention": lambda: Cloudflare(gateway_id="gate", zero_data_retention=True),
    "cache": lambda: Cloudflare(gateway_id="gate", cache_ttl=3600, metadata={"team": "a"}),
    "address": lambda: Cloudflare(api="chat_completions", base_url="https://proxy.example/client/v4"),
    "upstream": lambda: AIMLAPI(upstream="google"),
    "an endpoint of one's own": lambda: OpenAICompatible(
        name="own",
        base_url="https://own.example/v1",
        key_variable="OXEN_API_KEY",
        traits=ChatTraits(supports_seed=True, audio_types=frozenset({"audio/wav"}), reasoning_efforts=("low",)),
    ),
    "namespace": lambda: Oxen(target_namespace="org", base_url="https://proxy.example/ai"),
}


@pytest.mark.parametrize("configured", CONFIGURED.values(), ids=CONFIGURED)
def test_restored_model_asks_with_its_providers_options(
    framework: Framework, provider: Provider, configured: Callable[[], AnyProvider]
) -> None:
    """Address, headers and body are the same."""
    model = framework.model(model="gemini-2.5-flash", providers=[configured()], http_client=provider.client)
    framework.ask(model)
    restored = framework.restored(model)
    restored.http_client = provider.client
    framework.ask(restored)

    before, after = provider.requests
    assert (after.url, after.headers, after.content) == (before.url, before.headers, before.content)


def test_restored_model_has_its_policies(framework: Framework) -> None:
    """Values of our own classes come back as such."""
    settings = {
        "timeout": Timeouts(connect=1.5),
        "retry_policy": RetryPolicy(max_retries=4),
        "hedging": Hedging(after=0.5, share=0.1),
        "rate_limits": RateLimits({"oxen": RateLimit(requests_per_minute=9)}, when_full="wait"),
    }
    restored = framework.restored(framework.model(providers="oxen", **settings))

    assert {name: getattr(restored, name) for name in settings} == settings


def test_rates_are_limited(framework: Framework, provider: Provider) -> None:
    """By a field of the model, also of its copies, and after the model was written and read."""
    limits = {"oxen": RateLimit(requests_per_minute=1)}
    model = framework.model(providers="oxen", rate_limits=limits, deadline=5.0, http_client=provider.client)
    framework.ask(copy.copy(model))
    with pytest.raises(Exception, match="no room within the rate limits"):
        framework.ask(model)

    assert framework.restored(model).rate_limits == RateLimits(limits)


def test_the_storages_password_is_not_written(framework: Framework) -> None:
    """As a key it belongs to the machine, not to the model's configuration."""
    model = framework.model(providers="oxen", storage="redis://:secret@localhost/0", max_cost_usd=1.0)

    assert "secret" not in json.dumps(framework.written(model)) + repr(model)


def test_what_is_written_holds_no_key(framework: Framework) -> None:
    """Neither one that was passed nor one of the environment, nor a header, which may be one."""
    providers = [Cloudflare(google_api_key="secret-g"), AIMLAPI(api_key="secret-a"), Oxen(headers={"x": "secret-h"})]
    model = framework.model(providers=providers)

    assert "secret" not in json.dumps(framework.written(model)) + repr(model)


def test_pickle_shows_no_key_as_text(framework: Framework) -> None:
    """It holds one that was passed, encoded, and the name of the variable of one of the environment."""
    model = framework.model(providers=[AIMLAPI(api_key="secret-a"), Oxen()])
    pickled = pickle.dumps(model)

    assert b"secret" not in pickled
    assert pickle.loads(pickled).providers == model.providers


def test_unknown_provider_is_named(framework: Framework) -> None:
    """What was written by a version that knows more providers is refused by name."""
    with pytest.raises(ValueError, match="no provider 'other'"):
        framework.model(providers=[{"name": "other"}])
