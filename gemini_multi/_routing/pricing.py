"""The cost of an answer, from its usage and the catalog's prices: an estimate for providers that send no cost."""

from __future__ import annotations

from datetime import date
from typing import Final

from gemini_multi.catalog import Model, Price
from gemini_multi.tokens import estimate_messages, most_tokens
from gemini_multi.types import ChatRequest, Usage

_PER_TOKEN: Final = 1e-6
_USUAL_OUTPUT: Final = 1_000
"""Assumed tokens of an answer whose length is not limited."""


def cost_usd(usage: Usage, model: Model, provider: str, on: date) -> float | None:
    """Return the cost of one answer at list prices, or `None` if it is unknown: some providers report no prompt tokens.

    The provider's own prices are used if the catalog has them, otherwise Google's. If a prompt is above a price's
    threshold, the whole request has that price. Tokens that the provider's own tools returned to the model are billed
    as input, although Google does not bill those of its search: the estimate is never too low. Charges per search query
    are not included.
    """
    if usage.input_tokens <= 0:
        return None
    price = _price(model, provider, usage.input_tokens - usage.tool_use_tokens, on)
    if price is None:
        return None
    return _PER_TOKEN * (_input_cost(usage, price) + usage.output_tokens * price.output)


def expected_usd(request: ChatRequest, model: Model, provider: str, on: date) -> float | None:
    """Return a request's approximate cost at list prices, to compare providers, or `None` without a known price."""
    tokens = estimate_messages(request.messages)
    price = _price(model, provider, tokens, on)
    if price is None:
        return None
    output = _expected_output(request, model, provider)
    return _PER_TOKEN * (tokens * price.input + output * price.output)


def expected_tokens(request: ChatRequest, model: Model, provider: str) -> int:
    """Return the approximate number of tokens of a request, including its answer."""
    return estimate_messages(request.messages) + _expected_output(request, model, provider)


def worst_usd(request: ChatRequest, model: Model, provider: str, on: date) -> float:
    """Return the highest possible cost of a request at list prices, or 0 without a known price.

    Every byte of text counts as a token, and the answer is as long as `max_tokens`, or otherwise the model, allows.
    """
    tokens = min(most_tokens(request), model.context_window)
    price = _price(model, provider, tokens, on)
    if price is None:
        return 0.0
    output = (request.max_tokens or _longest_answer(model, provider)) * (request.n or 1)
    return _PER_TOKEN * (tokens * max(price.input, _or(price.audio_input, 0.0)) + output * price.output)


def _expected_output(request: ChatRequest, model: Model, provider: str) -> int:
    return min(request.max_tokens or _USUAL_OUTPUT, _longest_answer(model, provider)) * (request.n or 1)


def _longest_answer(model: Model, provider: str) -> int:
    hosted = model.providers.get(provider)
    return (hosted and hosted.max_output_tokens) or model.max_output_tokens


def _price(model: Model, provider: str, prompt_tokens: int, on: date) -> Price | None:
    hosted = model.providers.get(provider)
    prices = (hosted.prices if hosted else ()) or model.prices
    valid = [
        price
        for price in prices
        if (price.since or date.min) <= on and (price.above_tokens == 0 or prompt_tokens > price.above_tokens)
    ]
    # The newest price counts, and on one day the price for the largest prompts.
    return max(valid, key=lambda price: (price.since or date.min, price.above_tokens), default=None)


def _input_cost(usage: Usage, price: Price) -> float:
    """Compute the input cost in dollars per million: audio and text, fresh or cached, and tokens written to a cache.

    Providers do not state which modality was cached, so cached tokens are taken from text first, which saves least.
    """
    if not (usage.cached_tokens or usage.cache_creation_tokens or "audio" in usage.input_by_modality):
        return usage.input_tokens * price.input
    audio = min(usage.input_by_modality.get("audio", 0), usage.input_tokens)
    text = usage.input_tokens - audio
    cached = min(usage.cached_tokens, usage.input_tokens)
    cached_text = min(cached, text)
    cached_audio = cached - cached_text
    created = min(usage.cache_creation_tokens, text - cached_text)

    audio_price = _or(price.audio_input, price.input)
    cached_price = _or(price.cached, price.input)
    return (
        (text - cached_text - created) * price.input
        + created * _or(price.cache_creation, price.input)
        + cached_text * cached_price
        + (audio - cached_audio) * audio_price
        + cached_audio * _or(price.audio_cached, cached_price)
    )


def _or(stated: float | None, otherwise: float) -> float:
    return otherwise if stated is None else stated
