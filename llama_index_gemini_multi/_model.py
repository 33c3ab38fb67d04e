"""The base of `GeminiMulti`: LlamaIndex's fields, the request of a call, and answers with an instance of a class."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from pydantic import Field, RootModel, SecretStr

from gemini_multi.bindings.fields import MODEL_CONFIG, Body, ModelFields
from llama_index_gemini_multi._typed import AttemptFailedEvent, dispatcher, span_handlers

Settings: TypeAlias = dict[str, Any] | None

if TYPE_CHECKING:
    from llama_index.core.program.utils import FlexibleModel

    from gemini_multi import Attempt
    from gemini_multi.types import ChatRequest
    from llama_index_gemini_multi._results import Snapshots
    from llama_index_gemini_multi._structured import RetryLimit, StructuredRequest


class BaseGeminiMulti(ModelFields, FunctionCallingLLM):
    """A model with providers. Fields can be set at any time and take effect at the next call."""

    model_config = MODEL_CONFIG

    _not_shown: ClassVar[tuple[str, ...]] = (
        "callback_manager",
        "messages_to_prompt",
        "completion_to_prompt",
        "pydantic_program_mode",
    )

    api_key: SecretStr | str | None = Field(default=None, exclude=True, repr=False)
    """The key of the provider, if exactly one is named. The key is moved into `providers`."""
    base_url: str | None = Field(default=None, exclude=True, repr=False)
    """The URL of the provider, if exactly one is named. The URL is moved into `providers`."""
    additional_kwargs: Body | None = None
    """The same as `extra_body`, under LlamaIndex's usual name. `extra_body` takes precedence."""
    context_window: int | None = Field(default=None, gt=0)
    """The context window to report instead of the one in the catalog."""

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401  # pydantic's own signature
        """Find the providers and their keys, so that a missing key raises an error here and not in the first call."""
        super().model_post_init(context)
        self.providers = self._resolved()
        self.api_key = self.base_url = None
        self._connect()

    @property
    def provider_names(self) -> tuple[str, ...]:
        """The providers, in order of preference."""
        return tuple([provider.name for provider in self._connect().providers])

    @property
    def _watcher(self) -> Callable[[Attempt], object]:
        return partial(_report, self.on_attempt)

    def _question(
        self, messages: Sequence[ChatMessage], given: Mapping[str, object]
    ) -> tuple[ChatRequest, dict[str, Any], Snapshots]:
        """Make the request of a call, the other arguments of the client, and the translator of the answer."""
        from gemini_multi.bindings.requests import call_settings, makes_spans, to_request
        from llama_index_gemini_multi._messages import to_core
        from llama_index_gemini_multi._results import Snapshots
        from llama_index_gemini_multi._tools import class_schema, to_tools

        fields, call = vars(self), call_settings(_own_arguments(given))
        if self.additional_kwargs:
            fields = {**fields, "extra_body": {**self.additional_kwargs, **(self.extra_body or {})}}
        request = to_request(to_core(messages), fields, call, to_tools, class_schema)
        connection = call.connection
        is_undecided = "opentelemetry.trace" in sys.modules and connection.get("tracing", self.tracing) is None
        if is_undecided and makes_spans(span_handlers()):
            connection["tracing"] = False
        # Providers do not enforce `allow_parallel_tool_calls`, so it is enforced here.
        return request, connection, Snapshots(first_call_only=given.get("allow_parallel_tool_calls") is False)

    def _structured_request(
        self, output_cls: type[Model], prompt: PromptTemplate, llm_kwargs: Settings, prompt_args: dict[str, object]
    ) -> StructuredRequest[Model] | None:
        """Make the request for an instance of a class; `None` if one of LlamaIndex's own programs makes it."""
        from llama_index_gemini_multi._structured import StructuredRequest

        if self.pydantic_program_mode not in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION):
            return None
        # The arguments of a tool call are an object. A root model need not be an object.
        by_tool = self.pydantic_program_mode == PydanticProgramMode.FUNCTION and RootModel not in output_cls.__mro__
        messages = self._extend_messages(prompt.format_messages(llm=self, **prompt_args))
        return StructuredRequest(output_cls, messages, llm_kwargs, self._retry_limit, by_tool=by_tool)

    def _retry_limit(self, arguments: Mapping[str, object]) -> RetryLimit:
        """Return the limits on retries of a call with these arguments: their number and their time."""
        from gemini_multi import RetryPolicy
        from gemini_multi.bindings.requests import call_settings

        call = call_settings(_own_arguments(arguments))
        standing = self.max_retries if call.retry_policy is None else None
        policy = call.retry_policy or self.retry_policy or RetryPolicy()
        retries = next(each for each in (call.max_retries, standing, policy.max_retries) if each is not None)
        return retries, call.deadline or self.deadline

    @dispatcher.span
    def structured_predict(
        self, output_cls: type[Model], prompt: PromptTemplate, llm_kwargs: Settings = None, **prompt_args: object
    ) -> Model:
        """Answer a prompt with an instance of a class.

        If the answer does not fit the class, a second request says what is wrong, unless `max_retries` is 0. Both
        answers are counted. A stream cannot begin again, so it ends with the error.

        Raises:
            InvalidStructuredOutput: The answer does not fit the class.
        """
        request = self._structured_request(output_cls, prompt, llm_kwargs, prompt_args)
        if request is None:
            return cast("Model", super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args))
        dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        while request.arguments is not None:
            request.read(self.chat(request.messages, **request.arguments))
        dispatcher.event(LLMStructuredPredictEndEvent(output=request.result))
        return request.result

    @dispatcher.span
    async def astructured_predict(
        self, output_cls: type[Model], prompt: PromptTemplate, llm_kwargs: Settings = None, **prompt_args: object
    ) -> Model:
        """Answer a prompt with an instance of a class, as `structured_predict` does."""
        request = self._structured_request(output_cls, prompt, llm_kwargs, prompt_args)
        if request is None:
            return cast("Model", await super().astructured_predict(output_cls, prompt, llm_kwargs, **prompt_args))
        dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        while request.arguments is not None:
            request.read(await self.achat(request.messages, **request.arguments))
        dispatcher.event(LLMStructuredPredictEndEvent(output=request.result))
        return request.result

    def _structured_stream_call(
        self, output_cls: type[Model], prompt: PromptTemplate, llm_kwargs: Settings = None, **prompt_args: object
    ) -> Generator[Model | list[Model] | FlexibleModel | list[FlexibleModel], None, None]:
        request = self._structured_request(output_cls, prompt, llm_kwargs, prompt_args)
        if request is None or request.arguments is None:
            return super()._structured_stream_call(output_cls, prompt, llm_kwargs, **prompt_args)
        return request.stream(self.stream_chat(request.messages, **request.arguments))

    async def _structured_astream_call(
        self, output_cls: type[Model], prompt: PromptTemplate, llm_kwargs: Settings = None, **prompt_args: object
    ) -> AsyncGenerator[Model | list[Model] | FlexibleModel | list[FlexibleModel], None]:
        request = self._structured_request(output_cls, prompt, llm_kwargs, prompt_args)
        if request is None or request.arguments is None:
            return await super()._structured_astream_call(output_cls, prompt, llm_kwargs, **prompt_args)
        return request.astream(await self.astream_chat(request.messages, **request.arguments))


def _own_arguments(given: Mapping[str, object]) -> Mapping[str, object]:
    """Return the arguments of a call without those that only LlamaIndex knows.

    LlamaIndex sets `tool_choice` to `auto` if no call is required. Providers do the same without it.
    """
    return {
        name: value
        for name, value in given.items()
        if name != "allow_parallel_tool_calls" and (name, value) != ("tool_choice", "auto")
    }


def _report(watcher: Callable[[Attempt], object] | None, attempt: Attempt) -> None:
    """Report an attempt to the caller's function, and a failed or cancelled attempt to LlamaIndex's instrumentation."""
    # A stream that is still open when the interpreter ends is closed then, when handlers can import nothing.
    if attempt.outcome != "answered" and not sys.is_finalizing():
        fields = {name: getattr(attempt, name) for name in AttemptFailedEvent.__annotations__}
        dispatcher.event(AttemptFailedEvent(**fields))
    if watcher is not None:
        watcher(attempt)
