"""Settings that have several forms are read alike in both bindings, from the model and from the call."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types as google

from gemini_multi import ConfigurationError, SafetySetting
from tests.bindings.frameworks import Framework, Provider

BLOCK = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
SETTINGS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"stop": "x"}, {"stopSequences": ["x"]}),
    ({"stop": ["x", "y"]}, {"stopSequences": ["x", "y"]}),
    ({"modalities": ["TEXT"]}, {"responseModalities": ["TEXT"]}),
    ({"modalities": google.Modality.TEXT}, {"responseModalities": ["TEXT"]}),
    ({"reasoning_effort": "HIGH"}, {"thinkingConfig": {"thinkingLevel": "HIGH"}}),
]
SAFETY: list[Any] = [
    {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
    {google.HarmCategory.HARM_CATEGORY_HARASSMENT: google.HarmBlockThreshold.BLOCK_NONE},
    BLOCK,
    [BLOCK],
    [SafetySetting("HARM_CATEGORY_HARASSMENT", "BLOCK_NONE")],
]
UNREADABLE: list[dict[str, Any]] = [
    {"stop": 5},
    {"stop": [5]},
    {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT"}]},
    {"safety_settings": 5},
]
each_place = pytest.mark.parametrize("in_call", [False, True], ids=["model", "call"])


def asked(framework: Framework, provider: Provider, settings: dict[str, Any], *, in_call: bool) -> dict[str, Any]:
    own, call = ({}, settings) if in_call else (settings, {})
    framework.ask(framework.model(providers="cloudflare", http_client=provider.client, **own), **call)
    return provider.body


@each_place
@pytest.mark.parametrize(("settings", "sent"), SETTINGS)
def test_setting_is_sent(
    framework: Framework, provider: Provider, settings: dict[str, Any], sent: dict[str, Any], in_call: bool
) -> None:
    """Whatever form it has."""
    config = asked(framework, provider, settings, in_call=in_call)["generationConfig"]

    assert {name: config[name] for name in sent} == sent


@each_place
@pytest.mark.parametrize("form", SAFETY)
def test_safety_settings_are_sent(framework: Framework, provider: Provider, form: Any, in_call: bool) -> None:
    """As mappings, lists, enums and values of ours."""
    assert asked(framework, provider, {"safety_settings": form}, in_call=in_call)["safetySettings"] == [BLOCK]


@each_place
@pytest.mark.parametrize("settings", UNREADABLE)
def test_unreadable_setting_is_refused(
    framework: Framework, provider: Provider, settings: dict[str, Any], in_call: bool
) -> None:
    """By name, before anything is sent."""
    (name,) = settings
    with pytest.raises(ConfigurationError, match=name if name == "stop" else "safety"):
        asked(framework, provider, settings, in_call=in_call)
    assert provider.requests == []
