"""The base of the chat model and the text model: LangChain's fields, traces, serialization and profiles."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, ForwardRef, Self, TypeAlias, cast

import langchain_core.tools
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManager, CallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams, LanguageModelInput
from langchain_core.load.serializable import Serializable, SerializedConstructor, SerializedNotImplemented

import gemini_multi
from gemini_multi.bindings.arguments import ALIASES
from gemini_multi.bindings.fields import MODEL_CONFIG, ModelFields
from gemini_multi.bindings.values import is_object
from gemini_multi.errors import ConfigurationError
from langchain_gemini_multi.errors import langchain_errors

if TYPE_CHECKING:
    from langchain_core.language_models.model_profile import ModelProfile
    from langchain_core.messages import BaseMessage
    from langchain_core.prompt_values import PromptValue
    from langchain_core.runnables import RunnableConfig

    from gemini_multi import ChatRequest

    ToolArgument: TypeAlias = dict[str, Any] | type | Callable[..., Any] | langchain_core.tools.BaseTool
else:
    # `langchain_core.tools` is not needed to import a model class. `get_type_hints` reads the name in this module.
    _TOOL = "dict[str, Any] | type | Callable[..., Any] | langchain_core.tools.BaseTool"
    ToolArgument = ForwardRef(_TOOL, module=__name__)

Stop: TypeAlias = list[str] | None
BlockingRun: TypeAlias = CallbackManagerForLLMRun | None
AsyncRun: TypeAlias = AsyncCallbackManagerForLLMRun | None
Run: TypeAlias = CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | CallbackManager

_OF_LANGCHAIN: Final = frozenset({"stream", "stream_usage", "ls_structured_output_format", "structured_output_format"})
"""Arguments of a call that only LangChain itself uses."""


class GeminiModel(ModelFields, Serializable):
    """The arguments of all models of this package, and the client that they configure.

    No connection is opened before the first call. `None` means that a setting is not set and is not sent.
    """

    model_config = MODEL_CONFIG

    _not_shown: ClassVar[tuple[str, ...]] = ("metadata", "profile")

    if TYPE_CHECKING:

        def _convert_input(self, model_input: LanguageModelInput) -> PromptValue: ...  # overrides LangChain's method

    gateway_metadata_from: list[str] | None = None
    """The data of a run for the log of Cloudflare's gateway: names of entries of its metadata, `tags`, `run_id`."""

    if not TYPE_CHECKING:  # type checkers know the arguments from the fields

        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            # This is outside of validation, so that a missing key raises its own error. It opens no connection.
            self._connect()
            self._asked((), {})

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401  # pydantic's own signature
        """Store the versions for traces: LangChain's method of this name stores its own version, this one adds ours."""
        super().model_post_init(context)
        if (add_version := getattr(self, "_add_version", None)) is not None:
            add_version("gemini-multi", gemini_multi.__version__)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401  # any field
        super().__setattr__(name, value)
        # LangChain computes the value once, and uses it as a key of its caches.
        vars(self).pop("_serialized", None)

    @property
    def client(self) -> gemini_multi.Client:
        """The client of this model. After a change of a field that configures it, this is a new client."""
        return self._connect()

    @property
    def async_client(self) -> gemini_multi.AsyncClient:
        """The client of this model for use with `await`."""
        return self._connect_async()

    if not TYPE_CHECKING:  # for type checkers this is an argument

        @property
        def model_name(self) -> str:
            """The model's name, under the name that LangChain reads."""
            return self.model

    @property
    def provider_names(self) -> list[str]:
        """The providers, in order of preference."""
        return [provider.name for provider in self.client.providers]

    def _asked(
        self,
        messages: Sequence[BaseMessage] | str,
        arguments: Mapping[str, Any],
        stop: Stop = None,
        run: Run | None = None,
    ) -> tuple[ChatRequest, dict[str, Any]]:
        """Make the request of a call, and the other arguments of the client."""
        from gemini_multi.bindings.requests import call_settings, to_request
        from langchain_gemini_multi._messages import to_core
        from langchain_gemini_multi._tools import json_schema_of, to_tools

        given = {name: value for name, value in arguments.items() if value is not None and name not in _OF_LANGCHAIN}
        if stop is not None:
            given["stop"] = stop
        call = call_settings(self._with_run(given, run))
        return to_request(to_core(messages), vars(self), call, to_tools, json_schema_of), call.connection

    def _with_run(
        self, arguments: Mapping[str, Any], run: Run | None, config: RunnableConfig | None = None
    ) -> Mapping[str, Any]:
        """Add `tracing` and `gateway_metadata` from the run, or from the configuration that a stream has instead."""
        names = self._run_names(arguments)
        is_open = "opentelemetry.trace" in sys.modules and self.tracing is None and arguments.get("tracing") is None
        if not names and not is_open and "gateway_metadata_from" not in arguments:
            return arguments
        given = {name: value for name, value in arguments.items() if name != "gateway_metadata_from"}
        run = _expected(self, config) if run is None else run
        if is_open:
            from gemini_multi.bindings.requests import makes_spans  # not needed to import a model class

            given |= {"tracing": False} if makes_spans(run.handlers) else {}
        if names:
            given["gateway_metadata"] = {**_entries(run, names, config), **(given.get("gateway_metadata") or {})}
        return given

    def _run_names(self, arguments: Mapping[str, Any]) -> Sequence[str]:
        names: Sequence[str] | None = arguments.get("gateway_metadata_from")
        return (self.gateway_metadata_from if names is None else names) or ()

    def close(self) -> None:
        """Release the shared connections. A later call opens new ones."""
        self.client.close()

    async def aclose(self) -> None:
        """Release the connections of the running event loop."""
        await self.async_client.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether `langchain_core.load.dumpd` can write the model. It can; keys are left out."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The source of the `api_key` of a serialized model."""
        from gemini_multi.providers import PROVIDERS

        names = self.provider_names if self.api_key is not None else []
        return {"api_key": PROVIDERS[names[0]].key_variables[0]} if names else {}

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """Write the model. Configured values become plain JSON, without keys and headers."""
        from gemini_multi.bindings.serialization import CONFIGURED

        written = super().to_json()
        if is_object(arguments := written.get("kwargs")):
            configured = arguments.keys() & {"providers", "failover_on", *CONFIGURED}
            arguments.update(self.model_dump(include=configured))
        return written

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        """Collect the settings that determine the answers of this model, without keys and connections."""
        from gemini_multi.bindings.requests import set_fields

        return {"model": self.model, **set_fields(vars(self)), "providers": self.provider_names}

    def _get_ls_params(self, stop: Stop = None, **kwargs: Any) -> LangSmithParams:
        """Return the settings of a call for traces. The call's arguments override the model's fields."""
        asked = {ALIASES.get(name, name): value for name, value in kwargs.items() if value is not None}
        own = asked.pop("stop", self.stop)
        texts = own if stop is None else stop
        if texts is not None:
            from gemini_multi.bindings.requests import stops

            texts = list(stops(texts))
        framework: Any = super()
        found: LangSmithParams = framework._get_ls_params(texts, **asked)
        found["ls_provider"] = "gemini_multi"
        return found

    def count_tokens(self, messages: LanguageModelInput, *, tools: Sequence[ToolArgument] = (), **kwargs: Any) -> int:
        """Let a provider count the tokens of a conversation, without answering it.

        Unlike `get_num_tokens_from_messages`, which estimates locally, this method sends a request. Of the providers
        only Cloudflare counts, through `Cloudflare(api="google_ai_studio")`. It serves as `token_counter` of
        `trim_messages` and of LangChain's middlewares.

        Args:
            messages: A text, a prompt, or messages in any form that `invoke` accepts.
            tools: Tools in any form that `bind_tools` accepts. Tools count as tokens too.
            **kwargs: Further arguments of the call, such as `providers` or `response_format`.

        Raises:
            UnsupportedFeature: None of the providers counts tokens.
        """
        with langchain_errors():
            request, conditions = self._to_count(messages, tools, kwargs)
            return self.client.count_tokens(request, **conditions).total_tokens

    async def acount_tokens(
        self, messages: LanguageModelInput, *, tools: Sequence[ToolArgument] = (), **kwargs: Any
    ) -> int:
        """Do the same as `count_tokens`, with `await`."""
        with langchain_errors():
            request, conditions = self._to_count(messages, tools, kwargs)
            return (await self.async_client.count_tokens(request, **conditions)).total_tokens

    def _to_count(
        self, messages: LanguageModelInput, tools: Sequence[ToolArgument], arguments: dict[str, Any]
    ) -> tuple[ChatRequest, dict[str, Any]]:
        return self._asked(self._convert_input(messages).to_messages(), {"tools": tools or None, **arguments})

    def get_token_ids(self, text: str) -> list[int]:
        """Split a text into token ids by `custom_get_token_ids`.

        Raises:
            ConfigurationError: It is not set. Gemini's own tokenizer is not public; `get_num_tokens` estimates.
        """
        custom = getattr(self, "custom_get_token_ids", None)
        if custom is None:
            raise ConfigurationError(
                "Gemini's tokenizer is not public, so there are no token ids. Use `get_num_tokens` for an estimate, or "
                "set `custom_get_token_ids`."
            )
        return list(custom(text))

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text, without a request. The number is exact if `custom_get_token_ids` is."""
        if getattr(self, "custom_get_token_ids", None) is not None:
            return len(self.get_token_ids(text))
        from gemini_multi.tokens import estimate

        return estimate(text)


def _expected(model: Any, config: RunnableConfig | None) -> CallbackManager:  # noqa: ANN401  # a model of LangChain
    """Make the same callback manager as LangChain makes for a call with this configuration."""
    from langchain_core.runnables.config import ensure_config

    given = ensure_config(config)
    callbacks, tags, metadata = given.get("callbacks"), given.get("tags"), given.get("metadata")
    return CallbackManager.configure(
        callbacks, model.callbacks, model.verbose, tags, model.tags, metadata, model.metadata
    )


def _entries(run: Run, names: Sequence[str], config: RunnableConfig | None) -> dict[str, str | int | float | bool]:
    """Collect the named entries of a run's metadata, its tags and its id."""
    run_id = getattr(run, "run_id", None) or (config or {}).get("run_id") or ""
    known = {**run.metadata, "tags": ", ".join(run.tags), "run_id": str(run_id)}
    return {
        # A gateway drops all entries if one is not text, a number or a boolean.
        name: value if isinstance(value, (str, int, float)) else json.dumps(value, default=str)
        for name in names
        if (value := known.get(name)) not in (None, "")
    }


def profile_of(name: str, providers: Sequence[str]) -> ModelProfile:
    """Return the profile of a model, found by any of its names. One of the providers accepts each kind of input."""
    from gemini_multi.catalog import find  # the import of a model class does not need it

    model = find(name)
    hosted = [model.providers.get(provider) for provider in providers]
    accepted = [model.inputs if one is None or one.inputs is None else one.inputs for one in hosted]
    inputs = frozenset[str]().union(*accepted)
    profile: dict[str, Any] = {
        "name": model.name,
        "open_weights": False,
        "max_input_tokens": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        **{f"{kind}_inputs": kind in inputs for kind in ("text", "image", "audio", "video")},
        "image_url_inputs": "image" in inputs,
        "pdf_inputs": "document" in inputs,
        **{f"{kind}_tool_message": model.media_in_tool_results for kind in ("image", "pdf")},
        **{f"{kind}_outputs": kind in model.outputs for kind in ("text", "image", "audio", "video")},
        "reasoning_output": model.thinking.control != "none",
        **dict.fromkeys(("tool_calling", "tool_choice", "tool_call_streaming", "structured_output"), True),
        "attachment": bool(inputs - {"text"}),
        "temperature": "temperature" not in model.refuses,
    }
    if levels := model.thinking.levels:
        profile["reasoning_effort_levels"] = list(levels)
    if model.thinking.default in levels:
        profile["reasoning_effort_default"] = model.thinking.default
    return cast("ModelProfile", profile)
