"""What LangChain wants to know of a model (`model.profile`), from the catalog."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gemini_multi.catalog import Model, find

if TYPE_CHECKING:
    from langchain_core.language_models.model_profile import ModelProfile


@lru_cache(maxsize=256)
def _cached(name: str) -> ModelProfile:
    return _made(find(name))


def profile_of(name: str) -> ModelProfile:
    """Return the profile of a model by any of its names."""
    return _cached(name).copy()


def _made(model: Model) -> ModelProfile:
    profile: ModelProfile = {
        "name": model.name,
        "open_weights": False,
        "max_input_tokens": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "text_inputs": "text" in model.inputs,
        "image_inputs": "image" in model.inputs,
        "image_url_inputs": "image" in model.inputs,
        "pdf_inputs": "document" in model.inputs,
        "audio_inputs": "audio" in model.inputs,
        "video_inputs": "video" in model.inputs,
        "image_tool_message": model.media_in_tool_results,
        "pdf_tool_message": model.media_in_tool_results,
        "text_outputs": "text" in model.outputs,
        "image_outputs": "image" in model.outputs,
        "audio_outputs": "audio" in model.outputs,
        "video_outputs": "video" in model.outputs,
        "reasoning_output": model.thinking.control != "none",
        "tool_calling": True,
        "tool_choice": True,
        "structured_output": True,
        "attachment": bool(model.inputs - {"text"}),
        "temperature": "temperature" not in model.refuses,
    }
    if model.thinking.levels:
        profile["reasoning_effort_levels"] = list(model.thinking.levels)
    return profile
