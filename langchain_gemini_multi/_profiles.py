"""Makes the profile of a model (`model.profile`) from the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gemini_multi.catalog import find

if TYPE_CHECKING:
    from langchain_core.language_models.model_profile import ModelProfile


def profile_of(name: str, providers: Sequence[str]) -> ModelProfile:
    """Return the profile of a model, found by any of its names. One of the providers accepts each kind of input."""
    model = find(name)
    hosted = [model.providers.get(provider) for provider in providers]
    accepted = [model.inputs if one is None or one.inputs is None else one.inputs for one in hosted]
    inputs = frozenset[str]().union(*accepted)
    levels, default = model.thinking.levels, model.thinking.default
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
    if levels:
        profile["reasoning_effort_levels"] = list(levels)
    if default in levels:
        profile["reasoning_effort_default"] = default
    return profile
