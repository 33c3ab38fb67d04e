"""What the commands print, and how they end."""

from __future__ import annotations

import base64
import io
import json
import signal
import subprocess
import sys

import httpx
import pytest

import gemini_multi
from gemini_multi import cli

PROVIDERS = ["cloudflare", "aimlapi", "oxen"]
PNG = base64.b64decode("iVBORw0KGgo=")


def test_models_are_a_table(command):
    """With each provider's id; as wide as it needs when it is piped."""
    ended = command("models")
    line = next(line for line in ended.out.splitlines() if line.startswith("gemini-2.5-flash-lite "))

    assert line.split()[:4] == ["gemini-2.5-flash-lite", "1,048,576", "65,536", "0.1"]
    assert "google/gemini-2.5-flash-lite-preview" in line
    assert ended.code == 0


def test_models_are_a_list_in_json(command):
    """With all that the catalog knows."""
    listed = {model["name"]: model for model in json.loads(command("models", "--json").out)}

    assert listed["gemini-2.5-flash-lite"]["thinking"]["control"] == "budget"
    assert listed["gemini-2.5-flash-lite"]["providers"]["oxen"]["id"].startswith("gemini-2-5-flash-lite")


def test_models_of_one_provider(command):
    """Only what it serves."""
    listed = json.loads(command("models", "--json", "--provider", "oxen").out)

    assert listed
    assert all("oxen" in model["providers"] for model in listed)


@pytest.mark.parametrize("name", ["models", "doctor", "chat"])
def test_an_unknown_provider_is_a_wrong_argument(command, sandbox, name):
    """Exit code 2, and the known names."""
    ended = command(name, "--provider", "acme")

    assert ended.code == 2
    assert "There is no provider 'acme'; the known ones are cloudflare, aimlapi, oxen." in ended.err
    assert ended.out == ""


def test_an_answer_is_streamed_to_standard_output(command, sandbox):
    """Alone; who answered and for how much goes to standard error."""
    ended = command("chat", "Good morning", "--provider", "oxen", "--system", "Be brief.", "--max-tokens", "100")

    assert ended.code == 0
    assert ended.out == "Hello from the Gemini sandbox — you said “Good morning”.\n"
    assert ended.err.startswith("oxen, gemini-2-5-flash-lite")
    assert "USD" in ended.err
    assert sandbox.requests[-1].body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert sandbox.requests[-1].body["max_tokens"] == 100


def test_thoughts_are_shown_when_asked_for(command, sandbox):
    """On standard error."""
    ended = command("chat", "Good morning", "--provider", "cloudflare", "--thoughts")

    assert "Sandbox thoughts" in ended.err
    assert "Sandbox thoughts" not in ended.out


def test_images_are_shown_to_the_model(command, sandbox, tmp_path):
    """From a file and by address."""
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    command("chat", "What?", "--provider", "oxen", "--image", str(path), "--image", "https://example.com/b.png")
    content = sandbox.requests[-1].body["messages"][0]["content"]

    assert [part.get("image_url", {}).get("url") for part in content] == [
        "data:image/png;base64,iVBORw0KGgo=",
        "https://example.com/b.png",
        None,
    ]


@pytest.mark.parametrize(("image", "said"), [("none.png", "cannot be read"), ("what.xyz1", "is unknown")])
def test_an_image_that_cannot_be_used_is_a_wrong_argument(command, sandbox, image, said):
    """Exit code 2, and nobody is asked."""
    ended = command("chat", "What?", "--image", image)

    assert (ended.code, sandbox.requests) == (2, [])
    assert said in ended.err


@pytest.mark.parametrize("arguments", [["chat"], ["chat", "-"]])
def test_a_prompt_may_come_from_standard_input(command, sandbox, monkeypatch, arguments):
    """Piped, or asked for."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("Good morning"))

    assert "“Good morning”" in command(*arguments).out


class Terminal(io.StringIO):
    """Standard input at which somebody types."""

    def isatty(self):
        return True


def test_a_conversation_remembers(command, sandbox, monkeypatch):
    """An error does not end it, and is not remembered."""
    monkeypatch.setattr(sys, "stdin", Terminal("One\n\nTwo\nThree\n"))
    sandbox.fail("oxen", status=400)
    ended = command("chat", "--provider", "oxen")
    said = [message["content"] for message in sandbox.requests[-1].body["messages"]]

    assert ended.code == 0
    assert "refused" in ended.err
    assert said == ["Two", "Hello from the Gemini sandbox — you said “Two”.", "Three"]


def test_a_failure_of_the_provider_has_its_exit_code(command, sandbox):
    """1, and the message of the error."""
    sandbox.fail("oxen", status=401)
    ended = command("chat", "Hello", "--provider", "oxen")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Error: oxen refused")


def test_without_a_key_it_says_what_to_set(command):
    """Exit code 2."""
    ended = command("chat", "Hello")

    assert ended.code == 2
    assert "CLOUDFLARE_API_TOKEN" in ended.err


def test_the_version_is_told(command):
    """And nothing else."""
    assert command("--version").out.strip() == gemini_multi.__version__


def test_a_missing_extra_is_named(monkeypatch, capsys):
    """Instead of a traceback."""
    monkeypatch.setitem(sys.modules, "typer", None)
    for name in [name for name in sys.modules if name.startswith("gemini_multi.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit) as ended:
        cli.main(["models"])

    assert ended.value.code == 2
    assert 'pip install "gemini-multi[cli]"' in capsys.readouterr().err


@pytest.mark.parametrize("key", ["", "my-own-key, my-second-key"])
def test_the_endpoint_is_served_until_interrupted(sandbox, monkeypatch, key):
    """With a key of the environment, or one that is made and printed."""
    monkeypatch.setenv("GEMINI_MULTI_SERVER_KEY", key)
    command = [sys.executable, "-m", "gemini_multi.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = [process.stderr.readline().strip().partition(": ")[2] for _ in range(3)]
        used = key.rpartition(", ")[2] or said[2]
        answer = httpx.get(f"{said[0]}/models", headers={"authorization": f"Bearer {used}"}, verify=False)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert said[1] == "cloudflare, aimlapi, oxen"
    assert answer.status_code == 200
    assert process.returncode in (0, -signal.SIGINT, 130)
    assert "WARNING" not in rest
    assert used in said[2] or key


def test_a_port_that_is_taken_is_a_wrong_argument(command, sandbox):
    """And says what to do."""
    ended = command("serve", "--port", str(sandbox.port))

    assert ended.code == 2
    assert "Try another --port" in ended.err


@pytest.mark.parametrize(
    "arguments", [["--strategy", "best"], ["--failover-on", "rain"], ["--deadline", "0"], ["--max-requests", "0"]]
)
def test_an_option_that_cannot_be_used_ends_it(command, sandbox, arguments):
    """Before anything is served."""
    ended = command("serve", "--port", "0", *arguments)

    assert ended.code == 2
    assert "Error: " in ended.err


def test_options_reach_the_client(command, sandbox, monkeypatch):
    """Those that say how providers are asked."""
    served = []

    def serve(client, listening, settings, grace):
        listening.close()
        served.append((client, settings, grace))

    monkeypatch.setattr("gemini_multi.server.serve", serve)
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    command("serve", "--port", "0", "-p", "oxen", "-p", "aimlapi", "--max-requests", "3", "--grace", "5")
    client, settings, grace = served[0]

    assert [provider.name for provider in client.providers] == ["oxen", "aimlapi"]
    assert (settings.max_requests, len(settings.keys), grace) == (3, 1, 5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--host", "0.0.0.0"], "can be reached from other machines"), (["--no-key"], "no key is asked for")],
)
def test_what_is_dangerous_is_said(command, sandbox, monkeypatch, arguments, said):
    """Other machines, and no key."""
    monkeypatch.setattr("gemini_multi.server.serve", lambda client, listening, settings, grace: listening.close())
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)

    assert said in command("serve", "--port", "0", *arguments).err
