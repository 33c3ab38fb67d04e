"""The methods that answer with an instance of a class."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from typing import TYPE_CHECKING, Any, cast

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from pydantic import RootModel

from gemini_multi.bindings.fields import MODEL_CONFIG
from llama_index_gemini_multi._connection import BaseGeminiMulti, own_arguments
from llama_index_gemini_multi._typed import dispatcher

if TYPE_CHECKING:
    from llama_index.core.program.utils import FlexibleModel

    from llama_index_gemini_multi._structured import CorrectedRequest, Extraction, RetryLimit


class StructuredPredictions(BaseGeminiMulti):
    """A model that answers with instances of classes."""

    model_config = MODEL_CONFIG

    def _extraction(self, output_cls: type[Model]) -> Extraction[Model] | None:
        """Choose the form of the request; `None` means that one of LlamaIndex's own programs makes the request."""
        from llama_index_gemini_multi._structured import Extraction

        if self.pydantic_program_mode == PydanticProgramMode.DEFAULT:
            return Extraction(output_cls)
        if self.pydantic_program_mode == PydanticProgramMode.FUNCTION:
            # The arguments of a tool call are an object. A root model need not be an object.
            return Extraction(output_cls, by_tool=not issubclass(output_cls, RootModel))
        return None

    def _structured_messages(self, prompt: PromptTemplate, arguments: dict[str, object]) -> list[ChatMessage]:
        return self._extend_messages(prompt.format_messages(llm=self, **arguments))

    def _prediction(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None,
        prompt_args: dict[str, object],
    ) -> CorrectedRequest[Model] | None:
        """Report the start of a prediction, and make its request; `None` if LlamaIndex's own program makes it."""
        from llama_index_gemini_multi._structured import CorrectedRequest

        if (extraction := self._extraction(output_cls)) is None:
            return None
        dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        messages = self._structured_messages(prompt, prompt_args)
        return CorrectedRequest(extraction, messages, extraction.arguments(llm_kwargs), self._retry_limit)

    def _retry_limit(self, arguments: Mapping[str, object]) -> RetryLimit:
        """Return the limits on retries of a call with these arguments: their number and their time."""
        from gemini_multi import RetryPolicy
        from gemini_multi.bindings.requests import call_settings
        from llama_index_gemini_multi._structured import RetryLimit

        call = call_settings(own_arguments(arguments))
        standing = self.max_retries if call.retry_policy is None else None
        policy = call.retry_policy or self.retry_policy or RetryPolicy()
        retries = next(each for each in (call.max_retries, standing, policy.max_retries) if each is not None)
        return RetryLimit(retries, call.deadline or self.deadline)

    @dispatcher.span
    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: object,
    ) -> Model:
        """Answer a prompt with an instance of a class.

        If the answer does not fit the class, a second request says what is wrong, unless `max_retries` is 0. Both
        answers are counted. A stream cannot begin again, so it ends with the error.

        Raises:
            InvalidStructuredOutput: The answer does not fit the class.
        """
        request = self._prediction(output_cls, prompt, llm_kwargs, prompt_args)
        if request is None:
            return cast("Model", super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args))
        while request.arguments is not None:
            request.read(self.chat(request.messages, **request.arguments))
        dispatcher.event(LLMStructuredPredictEndEvent(output=request.result))
        return request.result

    @dispatcher.span
    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: object,
    ) -> Model:
        """Answer a prompt with an instance of a class, as `structured_predict` does."""
        request = self._prediction(output_cls, prompt, llm_kwargs, prompt_args)
        if request is None:
            return cast("Model", await super().astructured_predict(output_cls, prompt, llm_kwargs, **prompt_args))
        while request.arguments is not None:
            request.read(await self.achat(request.messages, **request.arguments))
        dispatcher.event(LLMStructuredPredictEndEvent(output=request.result))
        return request.result

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: object,
    ) -> Generator[Model | list[Model] | FlexibleModel | list[FlexibleModel], None, None]:
        extraction = self._extraction(output_cls)
        if extraction is None:
            return super()._structured_stream_call(output_cls, prompt, llm_kwargs, **prompt_args)
        messages = self._structured_messages(prompt, prompt_args)
        return extraction.stream(self.stream_chat(messages, **extraction.arguments(llm_kwargs)))

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: object,
    ) -> AsyncGenerator[Model | list[Model] | FlexibleModel | list[FlexibleModel], None]:
        extraction = self._extraction(output_cls)
        if extraction is None:
            return await super()._structured_astream_call(output_cls, prompt, llm_kwargs, **prompt_args)
        messages = self._structured_messages(prompt, prompt_args)
        return extraction.astream(await self.astream_chat(messages, **extraction.arguments(llm_kwargs)))
