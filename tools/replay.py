"""Run every recorded answer of a folder through the whole client, and count what is lost, changed or read otherwise.

    python tools/replay.py tests/fixtures              # whole, and cut at every byte
    python tools/replay.py FOLDER --cuts 50            # cut at 50 places of each body

A recording is a response's body: `*.json`, `*.sse`, or `*.chunks.txt` with one JSON document per line. A
`manifest.jsonl` beside them may say for each `file` its `framing` (json, sse), `shape` (native, openai, error, other)
and HTTP `status`. Native bodies go through Cloudflare's Google AI Studio endpoint, OpenAI-shaped ones through
Oxen.ai's. Each body is read whole, in two pieces at each cut, byte by byte, and ended at each cut. google-genai and
openai must read the same where they are installed; tokens, cost, reasons to stop, the places of signatures, and the
classes and waits of errors must be those of the body. The exit code is 1 when something is lost, differs or ends in the
wrong error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path

import _replay_checks as checks  # beside this script
import _replay_facts as facts
import httpx

from gemini_multi import (
    ChatRequest,
    ChatResponse,
    Client,
    Cloudflare,
    GeminiMultiError,
    InvalidResponse,
    Message,
    Oxen,
    PromptBlocked,
    ProviderError,
    RetryPolicy,
    StreamInterrupted,
)
from gemini_multi.types import JsonValue

REQUEST = ChatRequest(model="gemini-3-flash-preview", messages=(Message.user("Hello"),))
SUFFIXES = (".json", ".sse", ".chunks.txt")


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded body."""

    name: str
    body: bytes = field(repr=False)
    documents: tuple[checks.Document, ...] = field(repr=False)
    """The JSON documents of the body, in order, read independently of the client."""
    is_stream: bool
    shape: str
    status: int

    @property
    def is_native(self) -> bool:
        """Whether Google's own dialect is spoken; errors may be of either."""
        return self.shape != "openai"


class ChunkedBody(httpx.SyncByteStream):
    """A body that arrives in pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


class Player:
    """Serves a body to the client and returns what the client makes of it."""

    def __init__(self) -> None:
        self._reply = httpx.Response(500)
        self._client = Client(
            (Cloudflare("account", "token", api="google_ai_studio"), Oxen("key")),
            http_client=httpx.Client(transport=httpx.MockTransport(lambda _: self._reply)),
            retry_policy=RetryPolicy(max_retries=0),
        )
        self._native, self._chat = ([provider] for provider in self._client.providers)

    def play(self, recording: Recording, pieces: Sequence[bytes]) -> ChatResponse | GeminiMultiError:
        """Ask once; the answer is the recording in these pieces."""
        kind = "text/event-stream" if recording.is_stream else "application/json"
        self._reply = httpx.Response(recording.status, stream=ChunkedBody(pieces), headers={"content-type": kind})
        providers = self._native if recording.is_native else self._chat
        try:
            if recording.is_stream:
                return self._client.stream(REQUEST, providers=providers).response()
            return self._client.chat(REQUEST, providers=providers)
        except GeminiMultiError as error:
            return error


@dataclass(slots=True)
class Report:
    """What was counted."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    cuts: int = 0
    compared: Counter[str] = field(default_factory=Counter[str])
    findings: list[str] = field(default_factory=list[str])

    def note(self, recording: Recording, kind: str, found: Sequence[str]) -> None:
        """Keep what was found wrong with a recording."""
        self.findings.extend(f"{recording.name}: {kind}: {finding}" for finding in found)

    def print(self) -> None:
        """Say all of it."""
        for finding in self.findings:
            print(finding)
        for outcome, count in sorted(self.outcomes.items(), key=lambda item: -item[1]):
            print(f"{count:6,} {outcome}")
        witnesses = ", ".join(f"{count} with {name}" for name, count in self.compared.items()) or "none"
        print(
            f"{self.outcomes.total()} bodies, {self.cuts:,} cuts, compared: {witnesses}; {len(self.findings)} findings"
        )


def recordings(folder: Path) -> Iterator[Recording]:
    """Read all recordings below a folder."""
    told: dict[Path, dict[str, JsonValue]] = {}
    for manifest in folder.rglob("manifest.jsonl"):
        for line in manifest.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            told[manifest.parent / entry["file"]] = entry
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.endswith(SUFFIXES):
            yield _recording(path, path.relative_to(folder), told.get(path, {}))


def _recording(path: Path, name: Path, told: dict[str, JsonValue]) -> Recording:
    body = path.read_bytes()
    is_stream = not path.name.endswith(".json") or told.get("framing") == "sse"
    if path.name.endswith(".chunks.txt"):
        body = b"".join(b"data: " + line + b"\r\n\r\n" for line in body.splitlines() if line.strip())
    documents = tuple(checks.documents(body, is_stream=is_stream))
    status = told.get("status")
    shape = told.get("shape")
    return Recording(
        str(name),
        body,
        documents,
        is_stream,
        shape if isinstance(shape, str) else checks.shape(documents),
        status if isinstance(status, int) else checks.status(documents),
    )


def replay(recording: Recording, player: Player, report: Report, cuts: int | None) -> None:
    """Play one recording in every way and report."""
    outcome = player.play(recording, [recording.body])
    report.outcomes["decoded" if isinstance(outcome, ChatResponse) else type(outcome).__name__] += 1
    report.note(recording, "wrong outcome", list(_misjudged(recording, outcome)))
    answer = _answer(outcome)
    if answer is not None:
        said = _content(outcome)
        report.note(recording, "lost", checks.losses(recording.documents, answer, said, native=recording.is_native))
        witness, disagreements = checks.disagreements(recording.documents, answer, native=recording.is_native)
        if witness:
            report.compared[witness] += 1
        report.note(recording, "read otherwise", disagreements)
        apart = facts.disagreements(recording.documents, answer, native=recording.is_native)
        report.note(recording, "facts read otherwise", apart)
    elif isinstance(outcome, ProviderError):
        report.note(recording, "lost", checks.error_losses(recording.documents, outcome))
    if isinstance(outcome, ProviderError | StreamInterrupted):
        apart = facts.error_disagreements(recording.documents, recording.status, outcome)
        report.note(recording, "wrong error", apart)
    _replay_cut(recording, outcome, player, report, cuts)


def _misjudged(recording: Recording, outcome: ChatResponse | GeminiMultiError) -> Iterator[str]:
    """Say when a body ended in something else than its shape demands."""
    failed = recording.status >= 400 or any("error" in document for document in recording.documents)
    expected: tuple[type[object], ...] = (ChatResponse, PromptBlocked)
    if failed:
        expected = (ProviderError, StreamInterrupted)
    elif recording.shape == "other":
        expected = (InvalidResponse,)
    if not isinstance(outcome, expected):
        names = " or ".join(kind.__name__ for kind in expected)
        yield f"{type(outcome).__name__} instead of {names}: {outcome}"


def _answer(outcome: ChatResponse | GeminiMultiError) -> ChatResponse | None:
    if isinstance(outcome, ChatResponse):
        return outcome
    if isinstance(outcome, StreamInterrupted):
        return outcome.partial
    return outcome.response if isinstance(outcome, PromptBlocked) else None


def _content(outcome: ChatResponse | GeminiMultiError) -> JsonValue:
    """Give all that an outcome says as plain JSON."""
    answer = _answer(outcome)
    said: list[JsonValue] = [plain(answer)]
    error = outcome if isinstance(outcome, GeminiMultiError) else None
    while isinstance(error, GeminiMultiError):
        said.append(error.message)
        said.append(plain(getattr(error, "body", None)))
        said.append(plain(getattr(error, "safety_ratings", None)))
        error = error.__cause__ if isinstance(error.__cause__, GeminiMultiError) else None
    return said


def plain(value: object) -> JsonValue:
    """Turn our values into JSON values."""
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) else None


def _replay_cut(
    recording: Recording, whole: ChatResponse | GeminiMultiError, player: Player, report: Report, cuts: int | None
) -> None:
    body, size = recording.body, len(recording.body)
    expected = _comparable(whole)
    count = size if cuts is None else min(cuts, size)
    positions = sorted({size * number // count for number in range(1, count)}) if count else []
    found: list[str] = []
    for position in positions:
        if _comparable(player.play(recording, [body[:position], body[position:]])) != expected:
            found.append(f"another answer when cut at byte {position}")
        found.extend(_ended(player.play(recording, [body[:position]]), whole, position))
    if _comparable(player.play(recording, [body[place : place + 1] for place in range(size)])) != expected:
        found.append("another answer byte by byte")
    report.cuts += 2 * len(positions) + 1
    report.note(recording, "cut", found[:3])


def _ended(ended: ChatResponse | GeminiMultiError, whole: ChatResponse | GeminiMultiError, position: int) -> list[str]:
    """Judge a body that ends early: an error, or an answer that had said why it stops."""
    if isinstance(ended, GeminiMultiError):
        return []
    answer = _answer(whole)
    if answer is not None and ended.finish_reason is not None and answer.text.startswith(ended.text):
        return []
    return [f"taken for an answer when ended at byte {position}"]


def _comparable(outcome: ChatResponse | GeminiMultiError) -> JsonValue:
    """Give what must not depend on cuts: all but times and the ids that we make."""
    answer = _answer(outcome)
    if answer is None:
        return [type(outcome).__name__, outcome.message if isinstance(outcome, ProviderError) else ""]
    told = plain(replace(answer, attempts=()))
    for call, candidate in _calls(told):
        if call.get("synthetic_id"):
            call["id"] = str(candidate)
    return [type(outcome).__name__, told]


def _calls(told: JsonValue) -> Iterator[tuple[dict[str, JsonValue], int]]:
    candidates = told.get("candidates") if isinstance(told, dict) else None
    for number, candidate in enumerate(candidates if isinstance(candidates, list) else ()):
        parts = candidate.get("parts") if isinstance(candidate, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                yield part, number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Replay recorded answers through the whole client.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cuts", type=int, help="how many places of each body to cut at, instead of every byte")
    options = parser.parse_args(arguments)
    player, report = Player(), Report()
    for recording in recordings(options.folder):
        replay(recording, player, report, options.cuts)
    report.print()
    if not report.outcomes:
        print(f"{options.folder}: there is no recording", file=sys.stderr)
    return 1 if report.findings or not report.outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
