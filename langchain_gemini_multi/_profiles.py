"""Makes the profile of a model (`model.profile`) from the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from gemini_multi.catalog import Model, find

if TYPE_CHECKING:
    from langchain_core.language_models.model_profile import ModelProfile


@lru_cache(maxsize=256)
def _cached(name: str, providers: tuple[str, ...]) -> ModelProfile:
    model = find(name)
    return _made(model, _inputs(model, providers))


def profile_of(name: str, providers: Sequence[str]) -> ModelProfile:
    """Return the profile of a model with these providers. The model is found by any of its names."""
    return _cached(name, tuple(providers)).copy()


def _inputs(model: Model, providers: Sequence[str]) -> frozenset[str]:
    """Collect the kinds of input that at least one of the providers accepts."""
    taken: set[str] = set()
    for provider in providers:
        hosted = model.providers.get(provider)
        taken |= model.inputs if hosted is None or hosted.inputs is None else hosted.inputs
    return frozenset(taken)


def _made(model: Model, inputs: frozenset[str]) -> ModelProfile:
    profile: ModelProfile = {
        "name": model.name,
        "open_weights": False,
        "max_input_tokens": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "text_inputs": "text" in inputs,
        "image_inputs": "image" in inputs,
        "image_url_inputs": "image" in inputs,
        "pdf_inputs": "document" in inputs,
        "audio_inputs": "audio" in inputs,
        "video_inputs": "video" in inputs,
        "image_tool_message": model.media_in_tool_results,
        "pdf_tool_message": model.media_in_tool_results,
        "text_outputs": "text" in model.outputs,
        "image_outputs": "image" in model.outputs,
        "audio_outputs": "audio" in model.outputs,
        "video_outputs": "video" in model.outputs,
        "reasoning_output": model.thinking.control != "none",
        "tool_calling": True,
        "tool_choice": True,
        "tool_call_streaming": True,
        "structured_output": True,
        "attachment": bool(inputs - {"text"}),
        "temperature": "temperature" not in model.refuses,
    }
    if model.thinking.levels:
        profile["reasoning_effort_levels"] = list(model.thinking.levels)
        if model.thinking.default in model.thinking.levels:
            profile["reasoning_effort_default"] = model.thinking.default
    return profile
