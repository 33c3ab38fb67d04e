"""What an answer costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from gemini_multi._routing.pricing import cost_usd
from gemini_multi.catalog import find
from gemini_multi.types import Usage

TODAY = date(2026, 11, 20)
MILLION = 1_000_000


@dataclass(frozen=True)
class Case:
    rule: str
    model: str
    provider: str
    usage: Usage
    expected: float | None
    on: date = TODAY


CASES = [
    Case(
        "AIMLAPI's documented sample: reasoning is billed as output (its own bill, 47,223 credits, is $0.0236115)",
        "google/gemini-3-1-pro-preview",
        "aimlapi",
        Usage(input_tokens=9, output_tokens=566 + 946, total_tokens=1521, reasoning_tokens=946),
        9 * 2.6e-6 + 1512 * 15.6e-6,
    ),
    Case(
        "Google's price stands in where the provider states none",
        "gemini-2.5-flash-lite",
        "cloudflare",
        Usage(input_tokens=MILLION, output_tokens=MILLION),
        0.1 + 0.4,
    ),
    Case(
        "the provider's own price comes first",
        "gemini-2.5-flash-lite",
        "aimlapi",
        Usage(input_tokens=MILLION, output_tokens=MILLION),
        0.0975 + 0.39,
    ),
    Case(
        "a provider without the model still gets Google's price",
        "gemini-4-argon",
        "oxen",
        Usage(input_tokens=MILLION, output_tokens=MILLION),
        2 + 10,
    ),
    Case(
        "a prompt of exactly 200,000 tokens is in the lower tier",
        "gemini-2.5-pro",
        "oxen",
        Usage(input_tokens=200_000, output_tokens=1000),
        0.2 * 1.25 + 0.001 * 10,
    ),
    Case(
        "a longer prompt puts the whole request into the upper tier",
        "gemini-3.1-pro",
        "cloudflare",
        Usage(input_tokens=200_001, output_tokens=1000, cached_tokens=100_001),
        0.1 * 4 + 0.100001 * 0.4 + 0.001 * 18,
    ),
    Case(
        "what tools fed back is billed but does not lift the tier",
        "gemini-2.5-pro",
        "oxen",
        Usage(input_tokens=300_000, output_tokens=0, tool_use_tokens=150_000),
        0.3 * 1.25,
    ),
    Case(
        "the day before a price changes the old one holds",
        "gemini-4-argon",
        "cloudflare",
        Usage(input_tokens=MILLION, output_tokens=MILLION, cached_tokens=MILLION),
        0.1 + 10,
        date(2026, 11, 30),
    ),
    Case(
        "from the day on the new one holds",
        "gemini-4-argon",
        "cloudflare",
        Usage(input_tokens=MILLION, output_tokens=MILLION, cached_tokens=MILLION),
        0.2 + 20,
        date(2026, 12, 1),
    ),
    Case(
        "cached tokens are a part of the input",
        "gemini-2.5-flash",
        "aimlapi",
        Usage(input_tokens=1000, output_tokens=10, cached_tokens=400),
        600 * 0.3e-6 + 400 * 0.03e-6 + 10 * 2.5e-6,
    ),
    Case(
        "without a cached price they cost as much as any input",
        "gemini-3.8-flash",
        "oxen",
        Usage(input_tokens=1000, output_tokens=0, cached_tokens=400),
        1000 * 0.75e-6,
    ),
    Case(
        "audio has its own price",
        "gemini-2.5-flash",
        "aimlapi",
        Usage(input_tokens=1000, output_tokens=0, input_by_modality={"text": 100, "audio": 900}),
        100 * 0.3e-6 + 900 * 1e-6,
    ),
    Case(
        "cached tokens are taken from text first, then from audio",
        "gemini-2.5-flash",
        "aimlapi",
        Usage(input_tokens=1000, output_tokens=0, cached_tokens=300, input_by_modality={"audio": 900}),
        100 * 0.03e-6 + 700 * 1e-6 + 200 * 0.1e-6,
    ),
    Case(
        "audio without a price of its own costs what text costs",
        "gemini-3.5-flash-lite",
        "aimlapi",
        Usage(input_tokens=1000, output_tokens=0, input_by_modality={"audio": 900}),
        1000 * 0.3e-6,
    ),
    Case(
        "what is put into a cache has its own price where one is stated",
        "gemini-3.5-flash-lite",
        "cloudflare",
        Usage(input_tokens=1000, output_tokens=0, cache_creation_tokens=600),
        400 * 0.3e-6 + 600 * 0.03e-6,
    ),
    Case(
        "more cached than input tokens never give a negative price",
        "gemini-2.5-flash",
        "aimlapi",
        Usage(input_tokens=100, output_tokens=0, cached_tokens=500),
        100 * 0.03e-6,
    ),
    Case("no prompt tokens: unknown", "gemini-2.5-flash-lite", "aimlapi", Usage(output_tokens=9), None),
    Case("no price: unknown", "gemini-4-carbon", "cloudflare", Usage(input_tokens=9, output_tokens=9), None),
    Case("unknown model: unknown", "my-finetune", "oxen", Usage(input_tokens=9, output_tokens=9), None),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_cost_follows_the_rule(case: Case) -> None:
    """The price of an answer is what its rule says."""
    cost = cost_usd(case.usage, find(case.model), case.provider, case.on)

    assert cost == (case.expected if case.expected is None else pytest.approx(case.expected, rel=1e-12))


def test_cost_agrees_with_a_documented_bill() -> None:
    """AIMLAPI billed 47,223 credits of $0.0000005 for its sample; the estimate is less than two credits off."""
    usage = Usage(input_tokens=9, output_tokens=566 + 946)

    cost = cost_usd(usage, find("gemini-3.1-pro"), "aimlapi", TODAY)

    assert cost == pytest.approx(47_223 / 2_000_000, abs=1e-6)
