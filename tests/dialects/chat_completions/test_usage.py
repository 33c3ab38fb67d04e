"""How the chat completions dialect reads token counts and costs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Target
from gemini_multi.dialects.chat_completions.dialect import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.types import ChatRequest, JsonValue, Message, Usage


def usage(documents: Sequence[JsonValue], credits_per_usd: float | None = None) -> Usage:
    request = ChatRequest(model="gemini-2.5-flash", messages=(Message.user("Hi"),))
    traits = ChatTraits(credits_per_usd=credits_per_usd)
    target = Target("aimlapi", find("gemini-2.5-flash"), "asked", traits, issuer="here")
    reader = CHAT_COMPLETIONS.decoder(request, target)
    for document in documents:
        reader.feed(document)
    return reader.response().usage


def counts(prompt: JsonValue, completion: JsonValue, total: JsonValue, reasoning: JsonValue = None) -> JsonValue:
    details = None if reasoning is None else {"reasoning_tokens": reasoning}
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "completion_tokens_details": details,
    }


def test_counts_in_a_choice_are_read() -> None:
    """Where one gateway has them; those of the document take precedence."""
    choice = {"index": 0, "delta": {"content": "a"}, "usage": counts(3, 4, 7)}
    assert usage([{"choices": [choice]}]).total_tokens == 7
    assert usage([{"choices": [choice], "usage": counts(3, 5, 8)}]).total_tokens == 8


BALANCES = (
    # Google leaves thoughts out and gives no details; the total tells.
    (counts(9, 16, 627), (9, 618, 627, 602)),
    (counts(35, 12, 109), (35, 74, 109, 62)),
    # Vertex through AIMLAPI gives details, outside of the completion.
    (counts(9, 572, 1532, 951), (9, 1523, 1532, 951)),
    (counts(6, 3, 66, 57), (6, 60, 66, 57)),
    # Gateways count them in.
    (counts(6, 3360, 3366, 1399), (6, 3360, 3366, 1399)),
    # Details that cannot be inside, although the total says so.
    (counts(28, 9, 37, 69), (28, 78, 106, 69)),
    # A prompt of no tokens is a missing count.
    (counts(0, 9, 9), (0, 9, 9, 0)),
    (counts(0, 9, 20), (11, 9, 20, 0)),
    (counts(None, 572, 1532, 951), (9, 1523, 1532, 951)),
    # Everything went into thoughts.
    (counts(15, 0, 17), (15, 2, 17, 2)),
    (counts(15, None, 17), (15, 2, 17, 2)),
    # No total, or one that cannot be.
    (counts(3, 4, None), (3, 4, 7, 0)),
    (counts(3, 4, 2), (3, 4, 7, 0)),
    # Other types than numbers.
    (counts("3", 4.0, "7"), (3, 4, 7, 0)),
    (counts([], {}, True), (0, 0, 0, 0)),
    (counts("x", -4, float("inf")), (0, 0, 0, 0)),
    # Other names.
    ({"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 1}}, (3, 4, 7, 1)),
)


@pytest.mark.parametrize(("said", "expected"), BALANCES)
def test_input_and_output_make_the_total(said: JsonValue, expected: tuple[int, int, int, int]) -> None:
    """Whether thoughts are counted in is decided by the sum; output always has them."""
    found = usage([{"usage": said}])
    assert (found.input_tokens, found.output_tokens, found.total_tokens, found.reasoning_tokens) == expected


DETAILS = (
    ({"prompt_tokens_details": {"cached_tokens": 7}}, {"cached_tokens": 7}),
    ({"cache_read_input_tokens": 7}, {"cached_tokens": 7}),
    ({"prompt_tokens_details": {"cache_write_tokens": 7}}, {"cache_creation_tokens": 7}),
    ({"cache_creation_input_tokens": 7}, {"cache_creation_tokens": 7}),
    (
        {"prompt_tokens_details": {"audio_tokens": 2, "video_tokens": 0, "image_tokens": 3, "text_tokens": 4}},
        {"input_by_modality": {"audio": 2, "image": 3, "text": 4}},
    ),
    ({"completion_tokens_details": {"image_tokens": 5}}, {"output_by_modality": {"image": 5}}),
    ({"prompt_tokens_details": None, "completion_tokens_details": []}, {}),
)


@pytest.mark.parametrize(("said", "expected"), DETAILS)
def test_details_are_read_under_all_their_names(said: JsonValue, expected: dict[str, object]) -> None:
    """Cached tokens, cache creation and modalities."""
    found = usage([{"usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20, **said}}])
    assert found == Usage(input_tokens=10, output_tokens=10, total_tokens=20, **expected)


COSTS = (
    ([{"usage": {"cost": 0.5}}], 0.5),
    ([{"usage": {"cost": "0.5"}}], 0.5),
    ([{"usage": {"cost": 0.5}, "meta": {"usage": {"usd_spent": 0.6, "credits_used": 1}}}], 0.6),
    ([{"usage": {"cost": 0.5}, "meta": {"usage": {"credits_used": 2_000_000}}}], 1.0),
    ([{"usage": {"cost": 0.5}, "meta": {"usage": None}}], 0.5),
    ([{"usage": {"cost": 0}}], 0.0),
    ([{"usage": {"prompt_tokens": 1}}], None),
    ([{"usage": {"cost": 0.5}}, {"choices": [], "meta": {"usage": {"usd_spent": 0.7}}}], 0.7),
)


@pytest.mark.parametrize(("documents", "cost"), COSTS)
def test_the_providers_own_bill_is_the_cost(documents: list[JsonValue], cost: float | None) -> None:
    """What the provider billed wins over what its upstream cost; credits are turned into dollars."""
    found = usage(documents, credits_per_usd=2_000_000)
    assert (found.cost_usd, found.cost_source) == (cost, None if cost is None else "host")


def test_credits_without_a_rate_are_no_cost() -> None:
    """Only a provider that says what a credit is worth is believed."""
    assert usage([{"meta": {"usage": {"credits_used": 5}}}]).cost_usd is None


def test_repeated_counts_are_not_added_up() -> None:
    """Streams repeat growing counts, or leave some out: the last word on each counts."""
    documents = [
        {"usage": counts(10, 1, 11)},
        {"usage": {**counts(10, 5, 15), "prompt_tokens_details": {"cached_tokens": 4}}},
        {"usage": {**counts(None, 9, 19), "prompt_tokens_details": {"cached_tokens": None}}},
        {"usage": None},
    ]
    assert usage(documents) == Usage(input_tokens=10, output_tokens=9, total_tokens=19, cached_tokens=4)
