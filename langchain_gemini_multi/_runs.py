"""Reads a run of LangChain: whether a handler already makes its span, and the entries for a gateway's log."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManager, CallbackManagerForLLMRun
    from langchain_core.runnables import RunnableConfig

    from langchain_gemini_multi._model import GeminiModel

    LLMRun: TypeAlias = CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun
    Run: TypeAlias = LLMRun | CallbackManager
else:
    LLMRun = Run = Any


def identified(
    model: GeminiModel, arguments: Mapping[str, Any], config: RunnableConfig | None
) -> RunnableConfig | None:
    """Choose the id of a stream's run if the gateway's log needs it. LangChain does not pass the id to the stream."""
    if "run_id" not in (_names(model, arguments) or ()) or (config or {}).get("run_id"):
        return config
    from langchain_core.utils.uuid import uuid7

    return {**(config or {}), "run_id": uuid7()}


def _names(model: GeminiModel, arguments: Mapping[str, Any]) -> Sequence[str] | None:
    names: Sequence[str] | None = arguments.get("gateway_metadata_from")
    return model.gateway_metadata_from if names is None else names


def with_run(
    model: GeminiModel, arguments: Mapping[str, Any], run: Run | None, config: RunnableConfig | None = None
) -> Mapping[str, Any]:
    """Add `tracing` and `gateway_metadata` from the run to the arguments of a call, unless they are given.

    Args:
        model: The model. Its settings are used if the call does not have them.
        arguments: The arguments of the call. They are not changed.
        run: The run; `None` for a stream, because LangChain does not pass the run to it.
        config: The configuration of the stream's run. Default: the configuration of the chain around the call.
    """
    names = _names(model, arguments)
    is_open = "opentelemetry.trace" in sys.modules and model.tracing is None and arguments.get("tracing") is None
    if not names and not is_open and "gateway_metadata_from" not in arguments:
        return arguments
    given = {name: value for name, value in arguments.items() if name != "gateway_metadata_from"}
    run = _expected(model, config) if run is None else run
    if is_open and _makes_spans(run):
        given["tracing"] = False
    if names:
        given["gateway_metadata"] = {**_entries(run, names, config), **(given.get("gateway_metadata") or {})}
    return given


def _makes_spans(run: Run) -> bool:
    from gemini_multi.bindings.tracing import makes_spans  # not needed to import a model class

    return makes_spans(run.handlers)


def _expected(model: Any, config: RunnableConfig | None) -> CallbackManager:  # noqa: ANN401  # a model of LangChain
    """Make the same callback manager as LangChain makes for a call with this configuration."""
    from langchain_core.callbacks import CallbackManager
    from langchain_core.runnables.config import ensure_config

    known = ensure_config(config)
    return CallbackManager.configure(
        known.get("callbacks"),
        model.callbacks,
        inheritable_tags=known.get("tags"),
        local_tags=model.tags,
        inheritable_metadata=known.get("metadata"),
        local_metadata=model.metadata,
    )


def _entries(run: Run, names: Sequence[str], config: RunnableConfig | None) -> dict[str, str | int | float | bool]:
    """Collect the named entries of a run's metadata, its tags and its id."""
    run_id = getattr(run, "run_id", None) or (config or {}).get("run_id") or ""
    known = {**run.metadata, "tags": ", ".join(run.tags), "run_id": str(run_id)}
    return {name: _entry(known[name]) for name in names if known.get(name) not in (None, "")}


def _entry(value: object) -> str | int | float | bool:
    """Return a value that a gateway accepts. A gateway drops all entries if one is not text, a number or a boolean."""
    return value if isinstance(value, (str, int, float)) else json.dumps(value, default=str)
