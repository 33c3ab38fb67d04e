"""The tool that replays recordings: it agrees with our own fixtures, and finds what is wrong."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOL = ROOT / "tools" / "replay.py"
Replay = Callable[..., tuple[int, str]]


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

    assert (code, said.splitlines()[0].split()) == (0, ["9", "decoded"])
    assert "9 bodies, 351 cuts" in said
    assert "8 with google-genai" in said
    assert "1 with openai" in said
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


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """Nothing replayed proves nothing."""
    code, said = as_a_user(tmp_path)

    assert (code, "there is no recording" in said) == (1, True)
