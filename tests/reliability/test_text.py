"""Text that is broken in itself: characters cut in two, bytes that are no UTF-8, separators inside strings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_multi import Finished, InvalidResponse, StreamInterrupted

from .crowds import STOP, candidate, delta
from .drive import Ending, receive

HIGH, LOW = "\\ud83d", "\\ude00"
WHOLE = "\N{GRINNING FACE}"
LOST = "\N{REPLACEMENT CHARACTER}"
DONE = b"data: [DONE]\n\n"


def text(escaped: str) -> bytes:
    """An event with this text, its escapes as they are."""
    return b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % escaped.encode()


def native(escaped: str) -> bytes:
    return b'data: {"candidates": [{"content": {"parts": [{"text": "%s"}]}}]}\n\n' % escaped.encode()


def event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def said(ending: Ending) -> str:
    last = ending.events[-1]
    assert isinstance(last, Finished)
    deltas = "".join(getattr(one, "text", "") for one in ending.events)
    assert deltas == last.response.text
    return deltas


CUT = {
    "joined": ([f"a{HIGH}", f"{LOW}b"], f"a{WHOLE}b"),
    "joined twice": ([f"a{HIGH}", f"{LOW}{HIGH}", f"{LOW}b"], f"a{WHOLE}{WHOLE}b"),
    "alone in their events": ([HIGH, LOW], WHOLE),
    "in capitals": ([HIGH.upper().replace("U", "u"), LOW.upper().replace("U", "u")], WHOLE),
    "the second is missing": ([f"a{HIGH}", "b"], f"a{LOST}b"),
    "the second never comes": ([f"a{HIGH}"], f"a{LOST}"),
    "the first is missing": (["a", f"{LOW}b"], f"a{LOST}b"),
    "in the middle": ([f"a{HIGH}b", f"c{LOW}d"], f"a{LOST}bc{LOST}d"),
    "in the wrong order": ([f"a{LOW}", f"{HIGH}b"], f"a{LOST}{LOST}b"),
    "no escape at all": (["a\\\\ud83d", "\\\\ude00"], "a\\ud83d\\ude00"),
    "after an escaped quote": ([f'a\\"{HIGH}', f'\\"{LOW}b'], f'a"{LOST}"{LOST}b'),
    "whole": ([f"{HIGH}{LOW}"], WHOLE),
}


@pytest.mark.parametrize("make", [text, native])
@pytest.mark.parametrize("case", CUT)
def test_a_character_cut_in_two_is_joined_or_replaced(case: str, make: Any) -> None:
    """An answer does not fail for it."""
    pieces, expected = CUT[case]
    stop = event(STOP) if make is text else event(candidate(""))

    assert said(receive("oxen", [*map(make, pieces), stop], stream=True)) == expected


@pytest.mark.parametrize("end", [DONE, b""])
def test_the_last_event_may_end_in_half_a_character(end: bytes) -> None:
    """Its reason to stop is not lost with it."""
    last = b'data: {"choices": [{"index": 0, "delta": {"content": "a\\ud83d"}, "finish_reason": "length"}]}\n\n'
    ending = receive("oxen", [last + end], stream=True)

    assert said(ending) == f"a{LOST}"
    assert ending.events[-1].response.finish_reason == "length"  # type: ignore[union-attr]


def test_half_a_character_in_a_whole_answer_is_replaced() -> None:
    """There is nothing that could bring the other half."""
    body = b'{"choices": [{"message": {"content": "a\\ud83d"}, "finish_reason": "stop"}]}'

    assert said_whole(receive("oxen", [body], stream=False)) == f"a{LOST}"


def said_whole(ending: Ending) -> str:
    assert isinstance(ending.events[-1], Finished)
    return ending.events[-1].response.text


def test_several_choices_may_be_cut_at_once() -> None:
    """Each goes on with its own half."""
    choices = '{"index": %d, "delta": {"content": "%s"}}'
    first = ", ".join(choices % (index, f"{index}{HIGH}") for index in range(2))
    second = ", ".join(choices % (index, half) for index, half in enumerate([LOW, "\\ude01"]))
    stops = {"choices": [{"index": index, "delta": {}, "finish_reason": "stop"} for index in range(2)]}
    events = [f'data: {{"choices": [{each}]}}\n\n'.encode() for each in (first, second)]
    last = receive("oxen", [*events, event(stops)], stream=True).events[-1]

    assert isinstance(last, Finished)
    assert [one.text for one in last.response.candidates] == [f"0{WHOLE}", "1\N{GRINNING FACE WITH SMILING EYES}"]


@pytest.mark.parametrize(
    ("arguments", "value"),
    [('{"a": "x\\ud83d"}', f"x{LOST}"), ('{"a": "\\ud83d\\ude00"}', WHOLE), ('{"a": "\u2028"}', "\u2028")],
)
def test_half_a_character_in_arguments_is_replaced(arguments: str, value: str) -> None:
    """The call can be run all the same."""
    call = {"index": 0, "id": "c", "function": {"name": "get weather", "arguments": arguments}}
    last = receive("oxen", [event(delta(tool_calls=[call])), event(STOP)], stream=True).events[-1]

    assert isinstance(last, Finished)
    assert last.response.tool_calls[0].arguments == {"a": value}


ODD = {
    "a line separator": ("\u2028".encode(), "\u2028"),
    "another": ("\u0085".encode(), "\u0085"),
    "bytes that are no UTF-8": (b"\xff\xfe", LOST * 2),
    "a surrogate in UTF-8": (b"\xed\xa0\xbd", LOST * 3),
    "an escaped NUL": (b"\\u0000", "\0"),
    "digits": (b"9" * 100_000, "9" * 100_000),
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("size", [1, 3, 65_536])
def test_odd_text_is_read(case: str, size: int) -> None:
    """Wherever the bytes are cut."""
    written, expected = ODD[case]
    content = b'data: {"choices": [{"delta": {"content": "a%s"}, "finish_reason": "stop"}]}\n\n' % written
    pieces = [content[start : start + size] for start in range(0, len(content), size)]

    assert said(receive("oxen", pieces, stream=True)) == f"a{expected}"


NO_JSON = {
    "a NUL outside strings": b'{"choices": \0 [{"delta": {"content": "x"}}]}',
    "five thousand digits": b'{"choices": [], "n": ' + b"9" * 5_000 + b"}",
    "nesting": b'{"choices": ' + b"[" * 100_000,
    "nesting with half a character": b'{"choices": "\\ud83dx", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("case", NO_JSON)
def test_what_is_no_json_is_a_typed_error(case: str) -> None:
    """Before the first content, and after it."""
    broken = b"data: " + NO_JSON[case] + b"\n\n"
    begun = receive("oxen", [text("a"), broken], stream=True)

    assert isinstance(receive("oxen", [broken, DONE], stream=True).error, InvalidResponse)
    assert isinstance(begun.error, StreamInterrupted)
    assert begun.error.partial.text == "a"


NUMBERS = ["1e999", "-1e999", "NaN", "Infinity", "9" * 4_000, "1e-999", "-0", "1" + "0" * 400 + ".5"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("provider", ["cloudflare", "oxen"])
def test_absurd_numbers_anywhere_spoil_no_answer(provider: str, number: str) -> None:
    """Positions, confidences, probabilities, ids and times are read, or taken for missing."""
    chat = (
        '{"id": N, "created": N, "model": N, "choices": [{"index": 0, "message": {"content": "hello", "annotations": '
        '[{"type": "url_citation", "url": "u", "start_index": N, "end_index": N}]}, "logprobs": {"content": [{"token": '
        '"h", "logprob": N}]}, "finish_reason": "stop"}], "usage": {"prompt_tokens": N, "cost": N}}'
    )
    native_answer = (
        '{"candidates": [{"content": {"parts": [{"text": "hello"}]}, "avgLogprobs": N, "finishReason": "STOP", '
        '"citationMetadata": {"citations": [{"startIndex": N, "endIndex": N, "uri": "u"}]}, "groundingMetadata": '
        '{"groundingChunks": [{"web": {"uri": "u"}}], "groundingSupports": [{"segment": {"startIndex": N, '
        '"endIndex": N, "partIndex": N}, "groundingChunkIndices": [0, N], "confidenceScores": [N]}]}, '
        '"logprobsResult": {"chosenCandidates": [{"token": "h", "logProbability": N}]}}], '
        '"usageMetadata": {"promptTokenCount": N}}'
    )
    for document in (chat, native_answer):
        body = document.replace("N,", f"{number},").replace("N}", f"{number}}}").replace("N]", f"{number}]")

        assert said_whole(receive(provider, [body.encode()], stream=False)) == "hello"


def test_the_last_of_duplicate_keys_counts() -> None:
    """As JavaScript has it."""
    body = b'{"choices": [], "choices": [{"message": {"content": "a", "content": "b"}, "finish_reason": "stop"}]}'

    assert said_whole(receive("oxen", [body], stream=False)) == "b"
