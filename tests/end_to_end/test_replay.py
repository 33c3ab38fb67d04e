"""The tool that replays recordings: it agrees with our own fixtures, and finds what is wrong."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gemini_multi import ChatResponse, RateLimited, ServerError

ROOT = Path(__file__).parent.parent.parent
TOOL = ROOT / "tools" / "replay.py"
Replay = Callable[..., tuple[int, str]]
Falsify = Callable[[Any], Any]


@pytest.fixture
def replay(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Run the tool's command line in this process: another one would import the vendors' libraries each time."""
    monkeypatch.syspath_prepend(TOOL.parent)
    main = runpy.run_path(str(TOOL))["main"]

    def run(folder: Path, *options: str) -> tuple[int, str]:
        code = main([str(folder), *options])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def as_a_user(folder: Path, *options: str) -> tuple[int, str]:
    """Run the tool in a process of its own."""
    command = [sys.executable, str(TOOL), str(folder), *options]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout + done.stderr


def native(*parts: Any, **extra: Any) -> dict[str, Any]:
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3-flash-preview", **extra}


def test_our_own_recordings_agree() -> None:
    """Nothing is lost, no cut matters, and both vendors' types read the same."""
    code, said = as_a_user(ROOT / "tests" / "fixtures", "--cuts", "20")

    assert (code, said.splitlines()[0].split()) == (0, ["10", "decoded"])
    assert "11 bodies, 429 cuts" in said
    assert "8 with google-genai" in said
    assert "2 with openai" in said
    assert "0 findings" in said


def test_all_kinds_of_bodies_are_played(tmp_path: Path, replay: Replay) -> None:
    """Documents, event streams and lines; answers, blocks and errors, each ending in its type, at every byte."""
    error = {"error": {"code": 404, "message": "models/x is not found", "status": "NOT_FOUND"}}
    (tmp_path / "error.json").write_text(json.dumps(error))
    (tmp_path / "blocked.json").write_text(json.dumps({"promptFeedback": {"blockReason": "SAFETY"}}))
    (tmp_path / "stream.sse").write_text(f"data: {json.dumps(native({'text': 'Hi'}))}\r\n\r\n")
    call = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "YQ=="}
    (tmp_path / "lines.chunks.txt").write_text(f"{json.dumps(native(call))}\n")
    code, said = replay(tmp_path)

    assert code == 0, said
    assert {tuple(line.split()) for line in said.splitlines()[:-1]} == {
        ("2", "decoded"),
        ("1", "ModelNotFound"),
        ("1", "PromptBlocked"),
    }


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "an answer where the manifest promises none": (native({"text": "Hi"}), {"shape": "other"}, "wrong outcome"),
    "something else than an answer": ({"totalTokens": 3, "candidates": []}, {"shape": "native"}, "wrong outcome"),
    "counts that contradict themselves": (
        {
            "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 3},
        },
        {},
        "read otherwise",
    ),
    "a text that is dropped for being in no known place": (
        native({"text": "Hi"}, candidates=[{"content": "Hello there", "index": "x"}, "lost words"]),
        {},
        "lost",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_tool_can_fail(name: str, tmp_path: Path, replay: Replay) -> None:
    """What is wrong is named with its file, and the exit code says so."""
    document, told, finding = WRONG[name]
    (tmp_path / "a.json").write_text(json.dumps(document))
    (tmp_path / "manifest.jsonl").write_text(json.dumps({"file": "a.json", **told}))
    code, said = replay(tmp_path, "--cuts", "2")

    assert code == 1
    assert f"a.json: {finding}: " in said


SIGNED = native(
    {"text": "Hm.", "thought": True},
    {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2lnbmVk"},
    {"functionCall": {"name": "g", "args": {}}},
    usageMetadata={
        "promptTokenCount": 3,
        "candidatesTokenCount": 4,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 12,
    },
)
BILLED = {
    "id": "1",
    "model": "gemini-3-flash-preview",
    "choices": [
        {
            "index": 0,
            "message": {
                "content": "Hi",
                "extra_content": {"google": {"thought_signature": "c2lnbmVk"}},
                "reasoning_details": [{"type": "reasoning.encrypted", "data": "c2VjcmV0"}],
            },
            "finish_reason": "length",
        }
    ],
    "usage": {
        "prompt_tokens": 3,
        "completion_tokens": 9,
        "total_tokens": 12,
        "completion_tokens_details": {"reasoning_tokens": 5},
        "cost": 0.25,
    },
}
LIMIT = {
    "error": {
        "code": 429,
        "message": "Slow down.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}],
    }
}


def usage(**facts: Any) -> Falsify:
    return lambda answer: replace(answer, usage=replace(answer.usage, **facts))


def candidate(**facts: Any) -> Falsify:
    return lambda answer: replace(answer, candidates=(replace(answer.candidate, **facts),))


def moved(answer: Any) -> Any:
    """Give the first call's signature to the second."""
    thought, first, second = answer.parts
    return candidate(parts=(thought, replace(first, signature=None), replace(second, signature=first.signature)))(
        answer
    )


def unsigned(answer: Any) -> Any:
    """Lose all signatures."""
    return candidate(parts=tuple(replace(part, signature=None) for part in answer.parts))(answer)


def kind(error: Any) -> Any:
    """Take a rate limit for a failure of the provider."""
    return ServerError(error.message, provider=error.provider, status=error.status, retry_after=error.retry_after)


def wait(error: Any) -> Any:
    """Forget how long the provider asks to wait."""
    error.retry_after = None
    return error


FALSIFIED: dict[str, tuple[dict[str, Any], Falsify, str]] = {
    "output tokens": (SIGNED, usage(output_tokens=4), "facts read otherwise: output tokens: 9 became 4"),
    "reasoning tokens": (SIGNED, usage(reasoning_tokens=0), "facts read otherwise: reasoning tokens: 5 became 0"),
    "output tokens of chat": (BILLED, usage(output_tokens=14), "facts read otherwise: output tokens: 9 became 14"),
    "reasoning tokens of chat": (BILLED, usage(reasoning_tokens=9), "facts read otherwise: reasoning tokens: 5"),
    "a cost by the catalog": (SIGNED, usage(cost_usd=1.0), "facts read otherwise: cost: "),
    "a cost that nobody billed": (SIGNED, usage(cost_source="host"), "facts read otherwise: cost: nothing was billed"),
    "a billed cost": (BILLED, usage(cost_usd=0.5), "facts read otherwise: cost: 0.25 became 0.5"),
    "who billed": (BILLED, usage(cost_source="catalog"), "facts read otherwise: cost: 0.25 became 0.25 (catalog)"),
    "a finish reason": (SIGNED, candidate(finish_reason="stop"), "facts read otherwise: finish reason: 'tool_calls'"),
    "a finish reason of chat": (
        BILLED,
        candidate(finish_reason="stop"),
        "facts read otherwise: finish reason: 'length'",
    ),
    "a moved signature": (SIGNED, moved, "facts read otherwise: signatures: "),
    "a lost signature": (SIGNED, unsigned, "facts read otherwise: signatures: "),
    "a lost signature of chat": (BILLED, unsigned, "facts read otherwise: signatures: "),
    "the class of an error": (LIMIT, kind, "wrong error: RateLimited became ServerError"),
    "the wait of an error": (LIMIT, wait, "wrong error: a wait of 7.0 s became None"),
}


@pytest.mark.parametrize("name", FALSIFIED)
def test_the_tool_notices_whatever_is_falsified(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the client reads is right until it is changed behind the tool's back."""
    document, falsify, finding = FALSIFIED[name]
    (tmp_path / "a.json").write_text(json.dumps(document))
    monkeypatch.syspath_prepend(TOOL.parent)
    tool = runpy.run_path(str(TOOL))
    assert tool["main"]([str(tmp_path), "--cuts", "2"]) == 0, capsys.readouterr().out

    honest, falsifiable = tool["Player"].play, (RateLimited if document is LIMIT else ChatResponse)

    def play(*arguments: Any) -> Any:
        outcome = honest(*arguments)
        return falsify(outcome) if isinstance(outcome, falsifiable) else outcome

    monkeypatch.setattr(tool["Player"], "play", play)
    code = tool["main"]([str(tmp_path), "--cuts", "2"])

    assert (code, f"a.json: {finding}" in capsys.readouterr().out) == (1, True)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """Nothing replayed proves nothing."""
    code, said = as_a_user(tmp_path)

    assert (code, "there is no recording" in said) == (1, True)
