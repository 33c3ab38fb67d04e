"""`ChatGeminiMulti`: Gemini as a LangChain chat model, over several providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.utils.utils import LC_ID_PREFIX
from pydantic import BaseModel, ConfigDict

from gemini_multi.bindings.arguments import ANY_PROVIDER, prefixes
from gemini_multi.bindings.values import is_mapping, with_known_signature
from gemini_multi.types import ToolChoice
from langchain_gemini_multi._model import AsyncRun, BlockingRun, GeminiModel, Stop, ToolArgument, profile_of
from langchain_gemini_multi._results import combined, to_result
from langchain_gemini_multi._streams import ChunkBuilder, Event, EventBuilder
from langchain_gemini_multi.errors import langchain_errors

if TYPE_CHECKING:
    from langchain_core.language_models.model_profile import ModelProfile

ToolChoiceArgument: TypeAlias = str | bool | Sequence[str] | Mapping[str, object] | ToolChoice | None
Method: TypeAlias = Literal["json_schema", "function_calling", "json_mode"]


class ChatGeminiMulti(GeminiModel, BaseChatModel):
    """Gemini models over Cloudflare AI, AIMLAPI and Oxen.ai, with failover from one provider to the next.

    Setup:
        Install the package and set the key of at least one provider::

            pip install "gemini-multi[langchain]"
            export OXEN_API_KEY="..."
            # or AIMLAPI_API_KEY, or CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN

        Only what is set is sent. Without `providers`, every provider with a key is used::

            from langchain_gemini_multi import ChatGeminiMulti

            model = ChatGeminiMulti(model="gemini-2.5-flash-lite", providers=["cloudflare", "oxen"], temperature=0)

    Invoke:
        Each setting can also be given to one call, and so can `providers`, `timeout`, `deadline`, `max_retries` and
        `retry_policy`::

            answer = model.invoke("What are the three laws of thermodynamics?", max_tokens=500)

    Stream::

            for chunk in model.stream("Tell me a story."):
                print(chunk.text, end="")

    Async::

            answer = await model.ainvoke("Hello")

    Tools:
        Functions become tools. `langchain.agents.create_agent(model, [get_weather])` makes an agent, whose loop keeps
        thought signatures::

            def get_weather(city: str) -> str:
                \"\"\"Say what the weather is like in a city.\"\"\"
                return f"It is sunny in {city}."

            answer = model.bind_tools([get_weather]).invoke("What is the weather in Paris?")
            print(answer.tool_calls)

    Structured output::

            class City(BaseModel):
                name: str
                country: str

            city = model.with_structured_output(City).invoke("Describe the city of Lisbon.")

    Images:
        Content may have LangChain's, OpenAI's, Anthropic's or Google's form: base64, a `data:` URL or another URL::

            image = {"type": "image", "base64": "...", "mime_type": "image/png"}
            model.invoke([HumanMessage([{"type": "text", "text": "What is this?"}, image])])

    Usage and provider::

            answer.usage_metadata  # {'input_tokens': 8, 'output_tokens': 42, ...}; `None` when it is unknown
            answer.response_metadata["provider"]  # who answered; also `model_name`, `cost_usd`, `attempts`
            model.totals  # what this model used and spent so far

    Errors:
        Every error of a call is a `gemini_multi.GeminiMultiError` and also one of LangChain's errors, so that retries,
        fallbacks and middleware handle it. The classes are in `langchain_gemini_multi.errors`. An invalid argument
        raises `gemini_multi.ConfigurationError` when the model is made::

            try:
                model.invoke("Hello")
            except gemini_multi.RateLimited as error:
                print(error.provider, error.retry_after)
            except gemini_multi.AllRoutesFailed as error:
                print(error)  # the error of each provider
    """

    model_config = ConfigDict(defer_build=False)

    streaming: bool | None = None
    """If true, `invoke` streams too. If false, `stream` does not stream either."""
    stream_usage: bool = True
    """Whether the last chunk of a stream has the tokens used."""

    @property
    def _llm_type(self) -> str:
        return "gemini-multi-chat"

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        # This is the result of LangChain's own method, which also calls methods with deprecated names.
        return {**self._identifying_params, "_type": self._llm_type, "stop": stop, **kwargs}

    def _resolve_model_profile(self) -> ModelProfile:
        return profile_of(self.model, self.provider_names)

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        return combined(llm_outputs)

    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, *, stop: Stop = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """Answer in pieces."""
        config, arguments = self._for_stream(config, kwargs)
        return super().stream(input, config, stop=stop, **arguments)

    def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, *, stop: Stop = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """Answer in pieces."""
        config, arguments = self._for_stream(config, kwargs)
        return super().astream(input, config, stop=stop, **arguments)

    def _for_stream(
        self, config: RunnableConfig | None, arguments: Mapping[str, Any]
    ) -> tuple[RunnableConfig | None, Mapping[str, Any]]:
        """Add the data of the run, which LangChain does not pass to `_stream`, and its id if they include it."""
        if "run_id" in self._run_names(arguments) and not (config or {}).get("run_id"):
            from langchain_core.utils.uuid import uuid7

            config = {**(config or {}), "run_id": uuid7()}
        return config, self._with_run(arguments, None, config)

    @with_known_signature
    def _generate(
        self, messages: list[BaseMessage], stop: Stop = None, run_manager: BlockingRun = None, **kwargs: Any
    ) -> ChatResult:
        with langchain_errors():
            request, conditions = self._asked(messages, kwargs, stop, run_manager)
            response = self.client.chat(request, **conditions)
        return to_result(response, blocks=self.output_version == "v1")

    @with_known_signature
    async def _agenerate(
        self, messages: list[BaseMessage], stop: Stop = None, run_manager: AsyncRun = None, **kwargs: Any
    ) -> ChatResult:
        with langchain_errors():
            request, conditions = self._asked(messages, kwargs, stop, run_manager)
            response = await self.async_client.chat(request, **conditions)
        return to_result(response, blocks=self.output_version == "v1")

    def _stream(
        self, messages: list[BaseMessage], stop: Stop = None, run_manager: BlockingRun = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        # LangChain itself reports the tokens to callbacks.
        builder = ChunkBuilder(blocks=self.output_version == "v1", usage=self._wants_usage(kwargs))
        with langchain_errors():
            request, conditions = self._asked(messages, kwargs, stop, run_manager)
            with self.client.stream(request, **conditions) as events:
                yield from filter(None, map(builder.feed, events))

    async def _astream(
        self, messages: list[BaseMessage], stop: Stop = None, run_manager: AsyncRun = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        builder = ChunkBuilder(blocks=self.output_version == "v1", usage=self._wants_usage(kwargs))
        with langchain_errors():
            request, conditions = self._asked(messages, kwargs, stop, run_manager)
            async with self.async_client.stream(request, **conditions) as events:
                async for event in events:
                    if (chunk := builder.feed(event)) is not None:
                        yield chunk

    def _stream_chat_model_events(
        self, messages: list[BaseMessage], stop: Stop = None, run_manager: BlockingRun = None, **kwargs: Any
    ) -> Iterator[Event]:
        """Stream LangChain's typed events. LangChain finds this method by its name."""
        builder = self._event_builder(run_manager, kwargs)
        with langchain_errors():
            request, conditions = self._asked(messages, kwargs, stop, run_manager)
            with self.client.stream(request, **conditions) as events:
                yield from chain.from_iterable(map(builder.feed, events))
        # LangChain stops reading at the last event, so the stream is closed before that event.
        yield from builder.end()

    async def _astream_chat_model_events(
        self, messages: list[BaseMessage], stop: Stop = None, run_manager: AsyncRun = None, **kwargs: Any
    ) -> AsyncIterator[Event]:
        builder = self._event_builder(run_manager, kwargs)
        with langchain_errors():
            request, conditions = self._asked(messages, kwargs, stop, run_manager)
            async with self.async_client.stream(request, **conditions) as events:
                async for event in events:
                    for typed in builder.feed(event):
                        yield typed
        for typed in builder.end():
            yield typed

    def _event_builder(self, run: BlockingRun | AsyncRun, arguments: Mapping[str, Any]) -> EventBuilder:
        message_id = "" if run is None else f"{LC_ID_PREFIX}-{run.run_id}"
        return EventBuilder(message_id, usage=self._wants_usage(arguments))

    def _wants_usage(self, arguments: Mapping[str, Any]) -> bool:
        usage = arguments.get("stream_usage")
        return self.stream_usage if usage is None else bool(usage)

    def bind_tools(
        self,
        tools: Sequence[ToolArgument],
        *,
        tool_choice: ToolChoiceArgument = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools that the model may call.

        Args:
            tools: LangChain tools, functions, pydantic classes, TypedDicts, schemas, or tools in OpenAI's, Anthropic's
                or Google's form; built-in tools such as `{"google_search": {}}` or `{"type": "google_search"}`.
            tool_choice: `auto`, `any`, `required`, `none`, `True`, a tool's name or several, or an object in OpenAI's,
                Anthropic's or Google's form.
            strict: Whether arguments must match the schemas exactly.
            parallel_tool_calls: Whether the model may make several tool calls at once.
            **kwargs: Further arguments of the call, such as `response_format`.

        Raises:
            ConfigurationError: A value is not a tool, or `tool_choice` names none of the tools.
        """
        from gemini_multi.bindings.tools import choice_json, read_choice, tool_json
        from langchain_gemini_multi._tools import to_tools

        if found := to_tools(tools, strict=strict):
            kwargs["tools"] = [tool_json(tool, strict=strict) for tool in found]
            if tool_choice not in (None, False):
                kwargs["tool_choice"] = choice_json(read_choice(tool_choice, found))
        if parallel_tool_calls is not None:
            kwargs["parallel_tool_calls"] = parallel_tool_calls
        elif is_mapping(tool_choice) and tool_choice.get("disable_parallel_tool_use") is True:  # Anthropic's form
            kwargs["parallel_tool_calls"] = False
        return super().bind(**kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[ToolArgument] = (),
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Make a runnable that answers with an object.

        Args:
            schema: A pydantic class (2 or 1), dataclass, TypedDict, JSON Schema, or a function or response format in
                OpenAI's form. Also enumerations and types such as `list[City]` and `Literal["yes", "no"]`, except with
                `function_calling`.
            method: `json_schema` lets the provider enforce the schema (the default, as in ChatOpenAI and
                ChatGoogleGenerativeAI); `function_calling` forces a tool call; `json_mode` requests JSON: of any shape
                if no schema is given, else of the schema's, as in ChatGoogleGenerativeAI.
            include_raw: Return `{"raw", "parsed", "parsing_error"}` instead of raising an error.
            strict: Whether the answer must match the schema exactly.
            tools: Tools that the model may call instead of answering; not with `function_calling`.
            **kwargs: Further arguments of the call.

        Raises:
            ConfigurationError: The form of the schema or the method is unknown, or they cannot be combined.
        """
        from langchain_gemini_multi._structured_output import structured

        return structured(
            self, schema, method=method, include_raw=include_raw, strict=strict, tools=tools, options=kwargs
        )

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[ToolArgument] | None = None
    ) -> int:
        """Estimate the tokens of a conversation and of its tools, without a request."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages)
        from gemini_multi.tokens import estimate_messages
        from langchain_gemini_multi._messages import to_core
        from langchain_gemini_multi._tools import bound

        return estimate_messages(to_core(messages), bound(tools or ()))


def init_chat_model(model: str, *, model_provider: str | None = None, **arguments: Any) -> ChatGeminiMulti:
    """Make a chat model from text, such as `oxen:gemini-2.5-flash-lite`.

    Args:
        model: A model's name. A provider's name and a colon may precede it.
        model_provider: A provider's name, or `hosted_gemini` for all providers with a key.
        **arguments: Arguments of `ChatGeminiMulti`.

    Raises:
        ConfigurationError: The provider is unknown, or two different providers are named.
    """
    given: dict[str, Any] = {} if model_provider in (None, *ANY_PROVIDER) else {"provider": model_provider}
    return ChatGeminiMulti(model=model, **given, **arguments)


def register_with_langchain() -> None:
    """Let `langchain_core.load` and `langchain`'s `init_chat_model` make this package's models, in this process.

    For security, `load` makes only the classes on a list; this function adds this package's two models to the list. If
    `langchain` is installed, its `init_chat_model` and everything that accepts a model as text (`create_agent`,
    middlewares, deepagents) also accept `oxen:…`, `aimlapi:…` and `cloudflare:…`. `hosted_gemini:…` and
    `gemini_multi:…` stand for all providers with a key.
    """
    # `langchain_core.load.load` as an attribute is a function, so the module is imported by its path.
    load = import_module("langchain_core.load.load")
    for names in (("chat_models", "ChatGeminiMulti"), ("llms", "GeminiMultiLLM")):
        path = ("langchain_gemini_multi", *names)
        load.ALL_SERIALIZABLE_MAPPINGS.setdefault(path, path)
    # `load` caches the list. The name of the cache is private, so another version may not have it.
    getattr(load, "_default_class_paths_cache", {}).clear()
    with suppress(ImportError):
        providers: dict[str, object] = getattr(import_module("langchain.chat_models.base"), "_BUILTIN_PROVIDERS", {})
        for name in prefixes():
            providers.setdefault(name, ("langchain_gemini_multi", "ChatGeminiMulti", partial(_created, prefix=name)))


def _created(cls: type[ChatGeminiMulti], *, model: str, prefix: str, **arguments: Any) -> ChatGeminiMulti:
    # `langchain` passes the class as `cls`.
    return cls(model=f"{prefix}:{model}", **arguments)
