"""The answers that Cloudflare's own documents show, decoded and compared with Google's own reading of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.genai import types as google

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Target
from gemini_multi.dialects.generate_content.dialect import GENERATE_CONTENT, GenerateContentTraits
from gemini_multi.types import ChatRequest, ChatResponse, Message, Signature, Text, TextDelta

RECORDINGS = sorted((Path(__file__).parents[2] / "fixtures" / "cloudflare_native").glob("*.json"))


def decoded(document: dict[str, object]) -> tuple[ChatResponse, list[object]]:
    model = find("gemini-3-flash-preview")
    target = Target("cloudflare", model, "google/gemini-3-flash", GenerateContentTraits(), issuer="cloudflare")
    request = ChatRequest(model=model.name, messages=(Message.user("Hello"),))
    decoder = GENERATE_CONTENT.decoder(request, target)
    events = [*decoder.feed(document), *decoder.close()]
    assert decoder.is_complete
    return decoder.response(), events


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.stem)
def document(request: pytest.FixtureRequest) -> dict[str, object]:
    return json.loads(request.param.read_bytes())


def test_all_recordings_are_here() -> None:
    """Each of the two documents shows four answers."""
    assert len(RECORDINGS) == 8


def test_recordings_agree_with_google_s_own_types(document: dict[str, object]) -> None:
    """Text, finish reason and token counts are what Google's SDK reads."""
    known = {key: value for key, value in document.items() if key != "gatewayMetadata"}
    witness = google.GenerateContentResponse.model_validate(known)
    usage = witness.usage_metadata
    response, _ = decoded(document)
    assert response.text == witness.text
    assert response.candidate.raw_finish_reason == witness.candidates[0].finish_reason.value
    assert response.usage.input_tokens == usage.prompt_token_count
    assert response.usage.output_tokens == usage.candidates_token_count + (usage.thoughts_token_count or 0)
    assert response.usage.total_tokens == usage.total_token_count


def test_recordings_lose_nothing(document: dict[str, object]) -> None:
    """What the provider said can be written again from the response."""
    response, _ = decoded(document)
    candidate = response.candidate
    parts = [
        {"text": part.text, **({"thoughtSignature": part.signature.payload} if part.signature else {})}
        for part in response.parts
    ]
    assert document == {
        "candidates": [
            {
                **candidate.metadata,
                "content": {"parts": parts, "role": "model"},
                "finishReason": candidate.raw_finish_reason,
            }
        ],
        **response.provider_metadata,
        "modelVersion": response.model,
        "responseId": response.response_id,
    }


def test_recordings_give_their_text_as_one_event(document: dict[str, object]) -> None:
    """An answer in one piece is a stream of one document."""
    response, events = decoded(document)
    part = response.parts[0]
    assert isinstance(part, Text)
    assert events == [TextDelta(response.text, part.signature)]


def test_a_recorded_signature_is_kept_with_its_issuer() -> None:
    """The signature of a Gemini 3 answer is kept byte for byte, and with it who issued it."""
    recorded = next(path for path in RECORDINGS if path.stem == "gemini-3-flash-4")
    document = json.loads(recorded.read_bytes())
    response, _ = decoded(document)
    given = document["candidates"][0]["content"]["parts"][0]["thoughtSignature"]
    assert response.parts[0].signature == Signature(given, carrier="thoughtSignature", issuer="cloudflare")
    assert response.finish_reason == "length"
    assert response.provider_metadata["gatewayMetadata"] == {"keySource": "Unified"}


def test_recordings_go_back_as_they_came(document: dict[str, object]) -> None:
    """In the next request's history the answer is the content that the provider sent, signature included."""
    response, _ = decoded(document)
    model = find("gemini-3-flash-preview")
    target = Target("cloudflare", model, "google/gemini-3-flash", GenerateContentTraits(), issuer="cloudflare")
    messages = (Message.user("Hello"), response.message, Message.user("And then?"))
    body = GENERATE_CONTENT.encode(ChatRequest(model=model.name, messages=messages), target, stream=False)
    assert body["contents"][1] == document["candidates"][0]["content"]
