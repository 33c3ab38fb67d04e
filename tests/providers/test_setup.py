"""What a newcomer reads when a key, an account or a name is wrong: what it is, and what to do."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping

import pytest

from gemini_multi import (
    AllRoutesFailed,
    AuthenticationFailed,
    ChatRequest,
    Client,
    ConfigurationError,
    ConfigurationWarning,
    GeminiMultiError,
    Message,
    ModelNotFound,
    Oxen,
    QuotaExhausted,
)
from gemini_multi.providers import resolve
from gemini_multi.sandbox import Sandbox

DASHED = "abcdefgh\u2013ijklmnop"
NEEDS_ACCOUNT = "Set the `CLOUDFLARE_ACCOUNT_ID` environment variable or pass it as `Cloudflare(account_id=...)`."


def set_all(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {},
            (
                "No provider has a key. Set one of CLOUDFLARE_API_TOKEN, AIMLAPI_API_KEY, OXEN_API_KEY (Cloudflare "
                "also needs CLOUDFLARE_ACCOUNT_ID), or pass configured providers, as in `providers=Oxen(api_key=...)`."
            ),
        ),
        (
            {"GOOGLE_API_KEY": "key"},
            (
                "No provider has a key. `GOOGLE_API_KEY` is a key of Google's own API, which no provider takes. Set "
                "one of CLOUDFLARE_API_TOKEN, AIMLAPI_API_KEY, OXEN_API_KEY (Cloudflare also needs "
                "CLOUDFLARE_ACCOUNT_ID), or pass configured providers, as in `providers=Oxen(api_key=...)`."
            ),
        ),
        ({"CLOUDFLARE_API_TOKEN": "token"}, f"Cloudflare cannot be used: {NEEDS_ACCOUNT}"),
        (
            {"AIMLAPI_API_KEY": DASHED},
            (
                "AIMLAPI cannot be used: The key in the environment variable `AIMLAPI_API_KEY` (abc…, 17 characters) "
                "contains the character U+2013 (EN DASH), which no HTTP header can carry: a key is printable ASCII "
                "without white space. Copy it again."
            ),
        ),
        (
            {"OXEN_API_KEY": "a b"},
            (
                "Oxen cannot be used: The key in the environment variable `OXEN_API_KEY` (…, 3 characters) contains "
                "white space (' '), which no HTTP header can carry: a key is printable ASCII without white space. "
                "Copy it again."
            ),
        ),
        (
            {"GEMINI_MULTI_PROVIDERS": "oxen aimlapi", "OXEN_API_KEY": "key"},
            (
                "Set the `AIMLAPI_API_KEY` environment variable or pass it as `AIMLAPI(api_key=...)`. Or leave "
                "'aimlapi' out of `GEMINI_MULTI_PROVIDERS`."
            ),
        ),
    ],
    ids=["nothing", "Google's key", "no account", "a dash", "white space", "a list"],
)
def test_environment_without_a_usable_key(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    """The variable is named, the key is not shown."""
    set_all(monkeypatch, variables)
    with pytest.raises(ConfigurationError) as caught:
        resolve(None)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"CLOUDFLARE_API_TOKEN": "token"}, f"Cloudflare cannot be used: {NEEDS_ACCOUNT}"),
        ({"AIMLAPI_API_KEY": DASHED}, "AIMLAPI cannot be used: The key in the environment variable `AIMLAPI_API_KEY`"),
    ],
    ids=["no account", "a dash"],
)
def test_half_configured_provider_is_left_out_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    """The user believes to have it."""
    set_all(monkeypatch, {"OXEN_API_KEY": "key", **variables})
    with pytest.warns(ConfigurationWarning, match=re.escape(message)):
        found = resolve(None)

    assert found == (Oxen("key"),)


def test_providers_that_are_not_set_up_are_left_out_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most users have one key; an account's id alone is set for other tools of Cloudflare too."""
    set_all(monkeypatch, {"OXEN_API_KEY": "key", "CLOUDFLARE_ACCOUNT_ID": "account"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve(None) == (Oxen("key"),)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"providers": ["oxen", "aimlapi"]},
            (
                "Set the `AIMLAPI_API_KEY` environment variable or pass it as `AIMLAPI(api_key=...)`. Or leave "
                "'aimlapi' out of `providers`."
            ),
        ),
        (
            {"providers": "aimlapi"},
            "Set the `AIMLAPI_API_KEY` environment variable or pass it as `AIMLAPI(api_key=...)`.",
        ),
        (
            {"providers": "oxn"},
            "There is no provider 'oxn'; the known ones are cloudflare, aimlapi, oxen. Did you mean 'oxen'?",
        ),
        ({"providers": "vertex"}, "There is no provider 'vertex'; the known ones are cloudflare, aimlapi, oxen."),
        (
            {"providers": [3]},
            "A provider is a name (cloudflare, aimlapi, oxen) or a configuration such as `Oxen(api_key=...)`, not 3.",
        ),
        ({"providers": []}, "`providers` is empty: name at least one, or leave it out to use all with a key."),
        (
            {"providers": None, "api_key": "key"},
            (
                "`api_key` and `base_url` are for one provider: name it, as in `providers='oxen'`, or pass configured "
                "ones, as in `providers=[Oxen(api_key=...), AIMLAPI(api_key=...)]`."
            ),
        ),
        (
            {"providers": "oxen", "api_key": "abc\n"},
            None,
        ),
        (
            {"providers": "oxen", "api_key": "ab\tc"},
            (
                "The key in `Oxen(api_key=...)` (…, 4 characters) contains white space ('\\t'), which no HTTP header "
                "can carry: a key is printable ASCII without white space. Copy it again."
            ),
        ),
    ],
    ids=repr,
)
def test_providers_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, object], message: str | None
) -> None:
    """The error names what is wrong and what to do; white space around a key is no mistake."""
    monkeypatch.setenv("OXEN_API_KEY", "key")
    if message is None:
        assert resolve(**arguments) == (Oxen("abc"),)  # type: ignore[arg-type]
        return
    with pytest.raises(ConfigurationError) as caught:
        resolve(**arguments)  # type: ignore[arg-type]

    assert str(caught.value) == message


def error_of(providers: str | list[str], model: str = "gemini-2.5-flash") -> GeminiMultiError:
    with pytest.raises(GeminiMultiError) as caught:
        Client(providers, max_retries=0).chat(ChatRequest(model=model, messages=(Message.user("hi"),)))
    return caught.value


@pytest.mark.parametrize(
    ("provider", "variable", "advice"),
    [
        ("oxen", "OXEN_API_KEY", "Check the key in the environment variable `OXEN_API_KEY` and its permissions."),
        ("aimlapi", "AIMLAPI_API_KEY", "Check the key in the environment variable `AIMLAPI_API_KEY`"),
        (
            "cloudflare",
            "CLOUDFLARE_API_TOKEN",
            (
                "Authentication error. Check the token in the environment variable `CLOUDFLARE_API_TOKEN`: it needs "
                "the permission Workers AI Read for the account in `CLOUDFLARE_ACCOUNT_ID` or "
                "`Cloudflare(account_id=...)`."
            ),
        ),
        (
            "cloudflare",
            "CLOUDFLARE_ACCOUNT_ID",
            "Check the account id in `CLOUDFLARE_ACCOUNT_ID` or `Cloudflare(account_id=...)`.",
        ),
    ],
)
def test_wrong_key_or_account_is_named(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, provider: str, variable: str, advice: str
) -> None:
    """The variable that holds it is what the user has to change; no other model would help."""
    monkeypatch.setenv(variable, "wrong")
    error = error_of(provider)

    assert isinstance(error, AuthenticationFailed)
    assert advice in error.message
    assert "model" not in error.message.partition(")")[2].lower()


def test_wrong_key_that_was_passed_is_named(sandbox: Sandbox) -> None:
    """By the argument."""
    with pytest.raises(AuthenticationFailed, match=r"Check the key in `Oxen\(api_key=\.\.\.\)` and its permissions"):
        Client(Oxen("wrong"), max_retries=0).chat(ChatRequest(model="m", messages=(Message.user("hi"),)))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("gemini-2.5-flahs", "Did you mean 'gemini-2.5-flash' or"),
        ("google/gemini-2.5-flash-lit", "Did you mean 'gemini-2.5-flash-lite' or"),
        ("gemini-3.8-flsh", "Did you mean 'gemini-3.8-flash' or"),
        ("gemni-3.1-pro-preview", "Did you mean 'gemini-3.1-pro-preview' or"),
        ("gemini-1.5-pro", "Google has retired 'gemini-1.5-pro'. Use 'gemini-flash-latest' or another model"),
        ("something-else", "Check the model's id at this provider, or pass that id as `model=` to the provider."),
    ],
)
def test_missing_model_is_answered_with_near_names(sandbox: Sandbox, name: str, advice: str) -> None:
    """A typo, a name of the past, a name that nobody knows."""
    error = error_of("oxen", name)

    assert isinstance(error, ModelNotFound)
    assert advice in error.message


def test_refusals_of_several_providers_are_told_once_each(sandbox: Sandbox) -> None:
    """Each provider with its own words; attempts are listed only where one was asked more than once."""
    error = error_of(["cloudflare", "aimlapi", "oxen"], "gemini-2.5-flahs")

    assert isinstance(error, AllRoutesFailed)
    lines = error.message.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["-", "cloudflare", "refused"],
        ["-", "aimlapi", "refused"],
        ["-", "oxen", "refused"],
    ]


def test_used_up_budget_of_a_key_is_told(sandbox: Sandbox) -> None:
    """Of the key or of the account: the provider does not say which."""
    sandbox.fail("oxen", status=402)
    error = error_of("oxen")

    assert isinstance(error, QuotaExhausted)
    assert error.message.endswith(
        "Top up the account or raise the limit of the key or the account, or add another provider to `providers`."
    )


def test_failover_warning_says_why(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """And who is asked next."""
    sandbox.fail("cloudflare", status=402)
    Client(["cloudflare", "oxen"]).chat(ChatRequest(model="gemini-2.5-flash", messages=(Message.user("hi"),)))

    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "cloudflare failed (QuotaExhausted, status 402, code 2021): sending to oxen next"
    ]
