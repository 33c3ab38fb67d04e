"""The counts: every detail that a provider documents can be had."""

from __future__ import annotations

import pytest

AUDIO = {"type": "input_audio", "input_audio": {"data": "eA==", "format": "wav"}}
OXEN_AUDIO = {"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,eA=="}}
B, C = "google/gemini-3-5-flash", "google/gemini-3-5-flash-lite"
LONG = "All work and no play makes Jack a dull boy. " * 200


def asked(*parts: object) -> list[dict[str, object]]:
    """A conversation of one message."""
    return [{"role": "user", "content": [{"type": "text", "text": "Listen."}, *parts]}]


def native(**settings: object) -> dict[str, object]:
    """A native body."""
    return {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}], **settings}


@pytest.mark.parametrize(
    ("provider", "model", "part"), [("cloudflare", None, AUDIO), ("aimlapi", B, AUDIO), ("oxen", None, OXEN_AUDIO)]
)
def test_audio_input_is_counted(asking, provider, model, part):
    """Audio tokens are part of the prompt's."""
    body = {"messages": asked(part), **({"model": model} if model else {})}
    usage = asking.chat(provider, body).json()["usage"]
    assert usage["prompt_tokens_details"]["audio_tokens"] == 32
    assert usage["prompt_tokens"] == 34


@pytest.mark.parametrize(
    ("provider", "model"), [("cloudflare", "google/gemini-2.5-flash"), ("aimlapi", B), ("oxen", "gemini-2-5-flash")]
)
def test_audio_output_is_counted(asking, provider, model):
    """Spoken answers have a sound, a transcript and audio tokens."""
    told = asking.chat(provider, {"model": model, "modalities": ["text", "audio"]}).json()
    assert told["usage"]["completion_tokens_details"]["audio_tokens"] == 25
    assert told["choices"][0]["message"]["audio"]["transcript"].startswith("Hello from")


def test_cloudflare_counts_thoughts_in_the_total_only(asking):
    """As Google's own endpoint: output is total less prompt."""
    usage = asking.chat("cloudflare", {"model": "google/gemini-3-flash"}).json()["usage"]
    assert usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"] == 48
    assert "completion_tokens_details" not in usage


def test_aimlapi_counts_thoughts_inside_or_outside(asking):
    """It depends on who stands behind it; the sum tells which."""
    outside = asking.chat("aimlapi", {"model": B}).json()["usage"]
    inside = asking.chat("aimlapi", {"model": "google/gemini-3-flash-preview"}).json()["usage"]
    assert outside["completion_tokens_details"] == {"reasoning_tokens": 24}
    assert outside["prompt_tokens"] + outside["completion_tokens"] + 24 == outside["total_tokens"]
    assert inside["prompt_tokens"] + inside["completion_tokens"] == inside["total_tokens"]


def test_a_long_prefix_is_cached(asking):
    """What was seen before is told as cached, and is part of the prompt's tokens."""
    body = {"messages": [{"role": "system", "content": LONG}, {"role": "user", "content": "Hello"}]}
    first, second = (asking.chat("oxen", body).json()["usage"] for _ in range(2))
    assert "prompt_tokens_details" not in first
    assert second["prompt_tokens_details"]["cached_tokens"] == 2048 <= second["prompt_tokens"]


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [("aimlapi", C, "cache_write_tokens"), ("oxen", "gemini-2-5-flash", "cache_creation_tokens")],
)
def test_a_marked_prefix_is_written_to_the_cache(asking, provider, model, name):
    """`cache_control` asks for it; the second time it is read."""
    marked = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
    body = {"model": model, "messages": [{"role": "user", "content": [marked]}]}
    first, second = (asking.chat(provider, body).json()["usage"]["prompt_tokens_details"] for _ in range(2))
    assert (first[name], first["cached_tokens"]) == (2048, 0)
    assert (second[name], second["cached_tokens"]) == (0, 2048)


def test_native_counts_add_up(asking):
    """Total is prompt, candidates and thoughts; media have their own lines."""
    image = {"inlineData": {"mimeType": "image/png", "data": "eA=="}}
    given = {"contents": [{"role": "user", "parts": [{"text": "Hello"}, image]}]}
    usage = asking.run(given).json()["result"]["usageMetadata"]
    assert usage["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 2},
        {"modality": "IMAGE", "tokenCount": 258},
    ]
    assert (
        usage["totalTokenCount"]
        == usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
    )
    assert usage["trafficType"] == "ON_DEMAND"


def test_native_audio_and_cached_content(asking):
    """A spoken answer is an audio part; cached content is part of the prompt."""
    given = native(cachedContent="cachedContents/1", generationConfig={"responseModalities": ["AUDIO"]})
    told = asking.run(given).json()["result"]
    parts, usage = told["candidates"][0]["content"]["parts"], told["usageMetadata"]
    assert parts[-1]["inlineData"]["mimeType"].startswith("audio/")
    assert {"modality": "AUDIO", "tokenCount": 25} in usage["candidatesTokensDetails"]
    assert usage["cachedContentTokenCount"] == 2048 < usage["promptTokenCount"]


def test_flash_lite_does_not_think_unasked(asking):
    """The smallest 2.5 model thinks only when told to."""
    model = "google/gemini-2.5-flash-lite"
    quiet = asking.run(native(), model).json()["result"]["usageMetadata"]
    told = asking.run(native(generationConfig={"thinkingConfig": {"thinkingBudget": -1}}), model).json()["result"][
        "usageMetadata"
    ]
    assert "thoughtsTokenCount" not in quiet
    assert told["thoughtsTokenCount"] == 24
