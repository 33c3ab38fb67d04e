"""Measures what each of 45 faults comes to, and writes the table of `docs/reliability.md`.

python -m tests.reliability.table --write docs/reliability.md
python -m tests.reliability.table --check docs/reliability.md
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Final

from gemini_multi import ChatEvent, Client, Finished, GeminiMultiError, RetryPolicy, StreamInterrupted
from gemini_multi.sandbox import Sandbox

from .doors import REQUEST
from .faults import FAULTS, Fault

RIVALS: Final = ("openai 2.54", "openai 3.52", "google-genai 3.4", "litellm 1.106", "ChatOpenAI 1.7", "ChatGoogle 4.4")
"""Each with two retries where it has any, 2.5 s of patience, on the loopback interface; measured in November 2026."""

ROWS: Final[list[tuple[str, str, str, str]]] = [
    # Kind, what happens, our fault, what the others make of it.
    (
        "unary",
        "400",
        "400",
        "1× BadRequestError | 1× BadRequestError | 1× ClientError | 1× BadRequestError | 1× OpenAIInvalidRequestError | 1× GoogleInvalidRequestError",
    ),
    (
        "unary",
        "401",
        "401",
        "1× AuthenticationError | 1× AuthenticationError | 1× ClientError | 1× AuthenticationError | 1× OpenAIAuthenticationError | 1× GoogleAuthenticationError",
    ),
    (
        "unary",
        "402",
        "402",
        "1× APIStatusError | 1× APIStatusError | 1× ClientError | 1× APIError | 1× APIStatusError | 1× ChatGoogleGenerativeAIError",
    ),
    (
        "unary",
        "413",
        "413",
        "1× APIStatusError | 1× APIStatusError | 1× ClientError | 1× APIError | 1× APIStatusError | 1× ChatGoogleGenerativeAIError",
    ),
    (
        "unary",
        "499",
        "499",
        "1× APIStatusError | 1× APIStatusError | 1× ClientError | 1× APIError | 1× APIStatusError | 1× ChatGoogleGenerativeAIError",
    ),
    (
        "unary",
        "403",
        "403",
        "1× PermissionDeniedError | 1× PermissionDeniedError | 1× ClientError | 1× APIError | 1× OpenAIPermissionDeniedError | 1× GooglePermissionDeniedError",
    ),
    (
        "unary",
        "404",
        "404",
        "1× NotFoundError | 1× NotFoundError | 1× ClientError | 1× NotFoundError | 1× OpenAIModelNotFoundError | 1× GoogleModelNotFoundError",
    ),
    (
        "unary",
        "408",
        "408",
        "3× APIStatusError | 3× APIStatusError | 1× ClientError | 3× Timeout | 3× APIStatusError | 2× ChatGoogleGenerativeAIError",
    ),
    (
        "unary",
        "409",
        "409",
        "3× ConflictError | 3× ConflictError | 1× ClientError | 3× APIError | 3× ConflictError | 1× ChatGoogleGenerativeAIError",
    ),
    (
        "unary",
        "422",
        "422",
        "1× UnprocessableEntityError | 1× UnprocessableEntityError | 1× ClientError | 1× BadRequestError | 1× UnprocessableEntityError | 1× ChatGoogleGenerativeAIError",
    ),
    (
        "unary",
        "429",
        "429",
        "3× RateLimitError | 3× RateLimitError | 1× ClientError | 3× RateLimitError | 3× OpenAIRateLimitError | 2× GoogleRateLimitError",
    ),
    (
        "unary",
        "429 with `retry-after`",
        "429 with Retry-After",
        "3× RateLimitError | 3× RateLimitError | 1× ClientError | 3× RateLimitError | 3× OpenAIRateLimitError | 2× GoogleRateLimitError",
    ),
    (
        "unary",
        "429 with Google's `RetryInfo`",
        "429 with RetryInfo",
        "3× RateLimitError | 3× RateLimitError | 1× ClientError | 3× RateLimitError | 3× OpenAIRateLimitError | 2× GoogleRateLimitError",
    ),
    (
        "unary",
        "500",
        "500",
        "3× InternalServerError | 3× InternalServerError | 1× ServerError | 3× InternalServerError | 3× OpenAIAPIError | 2× GoogleAPIError",
    ),
    (
        "unary",
        "501",
        "501",
        "3× InternalServerError | 3× InternalServerError | 1× ServerError | 3× APIError | 3× OpenAIAPIError | 1× GoogleAPIError",
    ),
    (
        "unary",
        "520",
        "520",
        "3× InternalServerError | 3× InternalServerError | 1× ServerError | 3× APIError | 3× OpenAIAPIError | 1× GoogleAPIError",
    ),
    (
        "unary",
        "529",
        "529",
        "3× InternalServerError | 3× InternalServerError | 1× ServerError | 3× APIError | 3× OpenAIAPIError | 1× GoogleAPIError",
    ),
    (
        "unary",
        "502",
        "502",
        "3× InternalServerError | 3× InternalServerError | 1× ServerError | 3× BadGatewayError | 3× OpenAIAPIError | 2× GoogleAPIError",
    ),
    (
        "unary",
        "503",
        "503",
        "3× InternalServerError | 3× InternalServerError | 1× ServerError | 3× ServiceUnavailableError | 3× OpenAIAPIError | 2× GoogleAPIError",
    ),
    (
        "unary",
        "504",
        "504",
        "3× InternalServerError | 3× InternalServerError | 1× ServerError | 3× Timeout | 3× OpenAIAPIError | 2× GoogleAPIError",
    ),
    ("unary", "503, once", "503", "2× ok | 2× ok | 1× ServerError | 2× ok | 2× ok | 2× ok"),
    (
        "unary",
        "200 with an error in the body",
        "error_in_200",
        "1× TypeError | 1× TypeError | 1× returned None | 1× RateLimitError | 1× ValueError | 1× returned ''",
    ),
    (
        "unary",
        "200 with nothing",
        "empty",
        "1× JSONDecodeError | 1× JSONDecodeError | 1× returned None | 1× InternalServerError | 1× JSONDecodeError | 1× returned ''",
    ),
    (
        "unary",
        "200 with an HTML page",
        "html",
        "1× AttributeError | 1× AttributeError | 1× JSONDecodeError | 1× InternalServerError | 1× ValueError | 1× JSONDecodeError",
    ),
    (
        "unary",
        "body cut short",
        "truncated_body",
        "3× APIConnectionError | 3× APIConnectionError | 1× RemoteProtocolError | 3× InternalServerError | 3× OpenAIConnectionError | 1× RemoteProtocolError",
    ),
    (
        "unary",
        "closed before any answer",
        "close",
        "3× APIConnectionError | 3× APIConnectionError | 1× RemoteProtocolError | 3× InternalServerError | 3× OpenAIConnectionError | 1× RemoteProtocolError",
    ),
    (
        "unary",
        "reset before any answer",
        "reset",
        "3× APIConnectionError | 3× APIConnectionError | 1× ReadError | 3× InternalServerError | 3× OpenAIConnectionError | 1× ReadError",
    ),
    (
        "unary",
        "silence",
        "stall",
        "3× APITimeoutError | 3× APITimeoutError | 1× ReadTimeout | 3× Timeout | 3× OpenAITimeoutError | 2× ReadTimeout",
    ),
    ("stream", "503, once", "503", "2× ok @10 | 2× ok @10 | 1× ServerError @0 | 2× ok @10 | 2× ok @10 | 2× ok @10"),
    (
        "stream",
        "reset after the headers",
        "reset_after_headers",
        "1× ReadError @0 | 1× APIConnectionError @0 | 1× ReadError @0 | 1× MidStreamFallbackError @0 | 1× ReadError @0 | 1× ReadError @0",
    ),
    (
        "stream",
        "closed after the headers",
        "cut before content",
        "1× RemoteProtocolError @0 | 1× APIConnectionError @0 | 1× RemoteProtocolError @0 | 1× MidStreamFallbackError @0 | 1× RemoteProtocolError @0 | 1× RemoteProtocolError @0",
    ),
    (
        "stream",
        "error as the first event",
        "error_in_stream before content",
        "1× APIError @0 | 1× APIError @0 | 1× ServerError @0 | 1× MidStreamFallbackError @0 | 1× APIError @0 | 1× GoogleAPIError @0",
    ),
    (
        "stream",
        "reset after 4 events",
        "reset_in_stream",
        "1× ReadError @4 | 1× APIConnectionError @4 | 1× ReadError @4 | 1× MidStreamFallbackError @4 | 1× ReadError @4 | 1× ReadError @4",
    ),
    (
        "stream",
        "closed after 4 events",
        "cut",
        "1× RemoteProtocolError @4 | 1× APIConnectionError @4 | 1× RemoteProtocolError @4 | 1× MidStreamFallbackError @4 | 1× RemoteProtocolError @4 | 1× RemoteProtocolError @4",
    ),
    (
        "stream",
        "clean end without finish reason",
        "clean_end",
        "1× ok @4 | 1× ok @4 | 1× ok @4 | 1× ok @4 | 1× ok @4 | 1× ok @4",
    ),
    (
        "stream",
        "error after 4 events",
        "error_in_stream",
        "1× APIError @4 | 1× APIError @4 | 1× ServerError @4 | 1× MidStreamFallbackError @4 | 1× APIError @4 | 1× GoogleAPIError @4",
    ),
    (
        "stream",
        "error with a finish reason",
        "error with finish reason",
        "1× APIError @4 | 1× APIError @4 | 1× ServerError @4 | 1× MidStreamFallbackError @4 | 1× APIError @4 | 1× GoogleAPIError @4",
    ),
    (
        "stream",
        "broken JSON",
        "not_json",
        "1× JSONDecodeError @4 | 1× JSONDecodeError @4 | 1× UnknownApiResponseError @4 | 1× MidStreamFallbackError @4 | 1× JSONDecodeError @4 | 1× UnknownApiResponseError @4",
    ),
    (
        "stream",
        "event without data",
        "event without data",
        "1× JSONDecodeError @4 | 1× JSONDecodeError @4 | 1× UnknownApiResponseError @4 | 1× MidStreamFallbackError @4 | 1× JSONDecodeError @4 | 1× UnknownApiResponseError @4",
    ),
    (
        "stream",
        "`data: null`",
        "data: null",
        "1× AttributeError @4 | 1× AttributeError @4 | 1× ok @10 | 1× ok @10 | 1× AttributeError @4 | 1× ok @10",
    ),
    (
        "stream",
        "comment",
        "comment",
        "1× ok @10 | 1× ok @10 | 1× UnknownApiResponseError @4 | 1× ok @10 | 1× ok @10 | 1× UnknownApiResponseError @4",
    ),
    (
        "stream",
        "`data:` without a space",
        "no space",
        "1× ok @10 | 1× ok @10 | 1× UnknownApiResponseError @4 | 1× ok @10 | 1× ok @10 | 1× UnknownApiResponseError @4",
    ),
    (
        "stream",
        "no `[DONE]`",
        "[DONE] missing",
        "1× ok @10 | 1× ok @10 | 1× ok @10 | 1× ok @10 | 1× ok @10 | 1× ok @10",
    ),
    (
        "stream",
        "U+2028 in the text",
        "U+2028",
        "1× ok @11 | 1× ok @11 | 1× UnknownApiResponseError @4 | 1× ok @11 | 1× ok @11 | 1× UnknownApiResponseError @4",
    ),
    (
        "stream",
        "silence after 4 events",
        "stall",
        "1× ReadTimeout @4 | 1× APITimeoutError @4 | 1× ReadTimeout @4 | 1× MidStreamFallbackError @4 | 1× ReadTimeout @4 | 1× ReadTimeout @4",
    ),
]


def plan(sandbox: Sandbox, name: str, host: str, times: int) -> None:
    """Make a host fail."""
    known: dict[str, Fault] = {fault.name: fault for fault in FAULTS}
    if name == "429 with RetryInfo":
        body = '{"error": {"code": 429, "message": "slow down", "details": [{"retryDelay": "0.01s"}]}}'
        sandbox.fail(host, status=429, body=body, times=times)
    else:
        known[name].commit(sandbox, host, times)


def measured(sandbox: Sandbox, kind: str, name: str, hosts: list[str], times: int) -> str:
    """Ask once and tell how many requests were sent and what came of it."""
    sandbox.clear()
    plan(sandbox, name, hosts[0], times)
    client = Client(hosts, retry_policy=RetryPolicy(initial_wait=0.0), timeout=0.3 if name == "stall" else 20.0)
    seen: list[ChatEvent] = []
    try:
        if kind == "unary":
            client.chat(REQUEST)
        else:
            seen.extend(event for event in client.stream(REQUEST) if not isinstance(event, Finished))
        outcome = "ok"
    except StreamInterrupted:
        outcome = f"StreamInterrupted, {len(seen)} pieces kept"
    except GeminiMultiError as error:
        outcome = type(error).__name__
    return f"{len(sandbox.requests)}× {outcome}"


def table(sandbox: Sandbox) -> str:
    head = ["Fault", "gemini-multi, one host", "gemini-multi, two hosts", *RIVALS]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for kind, says, name, others in ROWS:
        times = 1 if says == "503, once" else 9
        ours = [measured(sandbox, kind, name, hosts, times) for hosts in (["oxen"], ["oxen", "aimlapi"])]
        lines.append(f"| {'whole' if kind == 'unary' else 'stream'}: {says} | {' | '.join(ours)} | {others} |")
    return "\n".join(lines)


BEGIN: Final = "<!-- faults:begin -->"
END: Final = "<!-- faults:end -->"


def written(document: str, text: str) -> str:
    """Put the table between the markers of a document."""
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", type=Path)
    group.add_argument("--check", type=Path)
    given = parser.parse_args()
    path: Path = given.write or given.check
    logging.disable()
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        text = written(path.read_text(), table(sandbox))
    if given.write:
        path.write_text(text)
    return 0 if path.read_text() == text else 1


if __name__ == "__main__":
    sys.exit(main())
