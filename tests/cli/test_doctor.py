"""`doctor` says what is set up, what works, and what to do about the rest."""

from __future__ import annotations

import json
import socket

import pytest

from gemini_multi.sandbox import Sandbox

PROVIDERS = ["cloudflare", "aimlapi", "oxen"]


def found(ended):
    return {finding["provider"]: finding for finding in json.loads(ended.out)}


def test_all_is_well(command, sandbox):
    """Keys and where they are from, addresses, TLS, and one call with its cost."""
    ended = command("doctor", "--json")
    findings = found(ended)

    assert ended.code == 0
    assert list(findings) == PROVIDERS
    assert all(finding["works"] and not finding["advice"] for finding in findings.values())
    assert findings["oxen"]["key"] == "OXEN_API_KEY = sand…, 29 characters"
    assert findings["oxen"]["name"] == "127.0.0.1"
    assert findings["oxen"]["tls"] == "no TLS"
    assert "USD" in findings["oxen"]["call"]


def test_keys_are_never_shown(command, sandbox, tmp_path):
    """Whole, in no form of the report."""
    keys = [value for name, value in sandbox.environment().items() if name.endswith(("KEY", "TOKEN"))]
    said = [command("doctor"), command("doctor", "--json"), command("doctor", "--record", str(tmp_path))]

    assert not [key for key in keys for ended in said if key in ended.out + ended.err]
    assert not [key for key in keys for path in tmp_path.rglob("*.json") if key in path.read_text()]


def test_nothing_is_set(command):
    """It fails, and says which variables to set, and what works without them."""
    ended = command("doctor")

    assert ended.code == 1
    assert "OXEN_API_KEY" in ended.err
    assert "gemini-multi sandbox" in ended.err


def test_one_of_several_is_enough(command, sandbox, monkeypatch):
    """Unless the others were named."""
    monkeypatch.delenv("OXEN_API_KEY")

    assert command("doctor").code == 0
    assert command("doctor", "-p", "aimlapi").code == 0
    assert command("doctor", "-p", "aimlapi", "-p", "oxen").code == 1


def test_a_key_that_is_refused(command, sandbox):
    """The class of the error, and its advice."""
    sandbox.fail("oxen", status=401)
    ended = command("doctor", "--provider", "oxen", "--json")

    assert ended.code == 1
    assert found(ended)["oxen"]["call"] == "AuthenticationFailed"
    assert "Check the key" in found(ended)["oxen"]["advice"]


def test_a_name_that_is_not_known(command, sandbox, monkeypatch):
    """DNS is blamed, not the key."""
    monkeypatch.setenv("OXEN_BASE_URL", "http://provider.invalid")
    finding = found(command("doctor", "--provider", "oxen", "--json"))["oxen"]

    assert (finding["name"], finding["call"]) == ("unknown", "-")
    assert "cannot be looked up" in finding["advice"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_that_does_not_answer(command, sandbox, monkeypatch, scheme):
    """Nobody listens there, or it is no TLS that is spoken."""
    port = sandbox.port
    if scheme == "http":
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
    monkeypatch.setenv("OXEN_BASE_URL", f"{scheme}://127.0.0.1:{port}")
    finding = found(command("doctor", "--provider", "oxen", "--json"))["oxen"]

    assert (finding["tls"], finding["call"]) == ("failed", "-")
    assert "No connection" in finding["advice"]


def test_a_proxy_is_named_without_its_password(command, sandbox, monkeypatch):
    """What lies behind it cannot be seen."""
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    finding = found(command("doctor", "--provider", "oxen", "--json"))["oxen"]

    assert finding["name"] == "through the proxy 127.0.0.1:9"


def recorded(tmp_path, provider, name):
    return json.loads(next((tmp_path / provider).glob(f"*-{name}.json")).read_text())


def report(tmp_path, provider):
    calls = json.loads((tmp_path / provider / "report.json").read_text())
    return {call: entry["differences"] for call, entry in calls.items() if entry["differences"]}


def test_a_recording_keeps_what_crossed_the_wire(command, sandbox, tmp_path):
    """Seven calls per provider, none of which differs on the sandbox itself."""
    ended = command("doctor", "--record", str(tmp_path))

    assert ended.code == 0
    assert [path.name for path in sorted((tmp_path / "oxen").iterdir())] == [
        "01-whole.json",
        "02-stream.json",
        "03-tool-call.json",
        "04-signature-sent-back.json",
        "05-image.json",
        "06-error.json",
        "07-models.json",
        "report.json",
    ]
    assert [report(tmp_path, provider) for provider in PROVIDERS] == [{}, {}, {}]
    assert recorded(tmp_path, "oxen", "stream")[0]["response"]["body"].rstrip().endswith("data: [DONE]")
    assert recorded(tmp_path, "oxen", "error")[0]["response"]["status"] == 404


def test_ids_and_accounts_are_masked_alike_everywhere(command, sandbox, tmp_path):
    """The call's id in the answer is that of the next request, under the same mask."""
    command("doctor", "--provider", "oxen", "--provider", "cloudflare", "--record", str(tmp_path))
    call = json.loads(recorded(tmp_path, "oxen", "tool-call")[0]["response"]["body"])["choices"][0]["message"]
    back = json.loads(recorded(tmp_path, "oxen", "signature-sent-back")[0]["request"]["body"])["messages"]

    assert call["tool_calls"][0]["id"] == back[-1]["tool_call_id"]
    assert call["tool_calls"][0]["id"].startswith("masked-id-")
    assert "masked-secret" in recorded(tmp_path, "cloudflare", "whole")[0]["request"]["url"]
    assert recorded(tmp_path, "cloudflare", "whole")[0]["request"]["headers"]["authorization"] == "masked"


def test_another_envelope_is_told(command, monkeypatch, tmp_path):
    """Whether answers are wrapped is what no document says for sure."""
    with Sandbox(wrapping="bare") as bare:
        for name, value in bare.environment().items():
            monkeypatch.setenv(name, value)
        ended = command("doctor", "--provider", "cloudflare", "--record", str(tmp_path))

    assert "cloudflare, whole: envelope: none; expected is result" in ended.err
    assert report(tmp_path, "cloudflare")["whole"] == ["envelope: none; expected is result"]


ODD = {
    "id": "chatcmpl-1234567",
    "choices": [
        {
            "message": {"role": "assistant", "content": "OK", "reasoning_details": [{"type": "x", "data": "y"}]},
            "finish_reason": "STOP",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "novelty": 3},
}


def test_other_habits_are_told(command, sandbox, tmp_path):
    """A carrier of signatures, a finish reason, and fields of usage; what is new is listed too."""
    headers = {"content-type": "application/json", "x-novel": "1"}
    body = json.dumps(ODD).encode()
    # The first answer is that to the check before the recording.
    for _ in range(2):
        sandbox.reply_raw("oxen", headers=headers, body=body)
    command("doctor", "--provider", "oxen", "--record", str(tmp_path))
    entry = json.loads((tmp_path / "oxen" / "report.json").read_text())["whole"]

    assert any("choices[].message.reasoning_details; expected is" in found for found in entry["differences"])
    assert "finish reason: STOP; expected is stop" in entry["differences"]
    assert any("usage.novelty" in addition for addition in entry["additions"])
    assert any("x-novel" in addition for addition in entry["additions"])


def test_an_error_where_none_is_expected_is_told(command, sandbox, tmp_path):
    """And the other calls are made all the same."""
    sandbox.reply_raw("oxen", headers={"content-type": "application/json"}, body=json.dumps(ODD).encode())
    sandbox.fail("oxen", status=403)
    command("doctor", "--provider", "oxen", "--record", str(tmp_path))

    assert list(report(tmp_path, "oxen")) == ["whole"]
    assert "PermissionDenied" in report(tmp_path, "oxen")["whole"][0]
