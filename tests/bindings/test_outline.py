"""Answers go back as they came; what was edited in the meantime loses its signature and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bindings.frameworks import Framework, Provider, native

SIGNED = {"text": "The answer is 41.", "thoughtSignature": "c2lnbmVk"}
CALL = {"functionCall": {"name": "add", "args": {"a": 1}, "id": "f1"}, "thoughtSignature": "Y2FsbA=="}
CODE = [
    {"executableCode": {"code": "print(1)", "language": "PYTHON"}, "thoughtSignature": "Y29kZQ=="},
    {"codeExecutionResult": {"output": "1", "outcome": "OUTCOME_OK"}},
]
IMAGE = {"mimeType": "image/png", "data": "iVBORw0KGgo="}
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "a signed text": [SIGNED],
    "a text between": [{"text": "So: "}, SIGNED, {"text": " Truly."}],
    "code": [*CODE, {"text": "It is 1."}],
    "an image": [{"text": "Here."}, {"inlineData": IMAGE, "thoughtSignature": "aW1hZ2U="}, {"text": "41."}],
}


def answered(framework: Framework, provider: Provider, parts: list[dict[str, Any]]) -> tuple[Any, Any]:
    provider.answer = native(*parts)
    model = framework.model(providers="cloudflare", http_client=provider.client)
    return model, framework.ask(model)


@pytest.mark.parametrize("parts", ANSWERS.values(), ids=ANSWERS)
def test_answer_goes_back_as_it_came(framework: Framework, provider: Provider, parts: list[dict[str, Any]]) -> None:
    """Every part, in its place and with its signature."""
    framework.go_on(*answered(framework, provider, parts))

    assert provider.body["contents"][1] == {"role": "model", "parts": parts}


@pytest.mark.parametrize("parts", ANSWERS.values(), ids=ANSWERS)
def test_edited_text_loses_its_signature(framework: Framework, provider: Provider, parts: list[dict[str, Any]]) -> None:
    """Also when it is as long as before; what else the answer holds is still there."""
    model, answer = answered(framework, provider, parts)
    framework.go_on(model, framework.edited(answer, lambda text: text.replace("41", "42").replace("is 1", "is 2")))

    sent = json.dumps(provider.body["contents"][1])
    assert "41" not in sent
    assert SIGNED["thoughtSignature"] not in sent
    assert [part for part in provider.body["contents"][1]["parts"] if "text" not in part] == [
        part for part in parts if "text" not in part
    ]


def test_signature_of_a_call_outlives_an_edited_text(framework: Framework, provider: Provider) -> None:
    """Each signature belongs to its own part."""
    model, answer = answered(framework, provider, [{"text": "I add."}, CALL])
    framework.go_on(model, framework.edited(answer, str.upper))

    parts = provider.body["contents"][1]["parts"]
    assert [part.get("text", part.get("thoughtSignature")) for part in parts] == ["I ADD.", CALL["thoughtSignature"]]
