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

    from llama_index_gemini_multi._structured import Extraction, Inquiry, Patience


class StructuredPredictions(BaseGeminiMulti):
    """A model that answers with instances of classes."""

    model_config = MODEL_CONFIG

    def _extraction(self, output_cls: type[Model]) -> Extraction[Model] | None:
        """Decide how to ask; `None` leaves it to LlamaIndex's own programs."""
        from llama_index_gemini_multi._structured import Extraction

        if self.pydantic_program_mode == PydanticProgramMode.DEFAULT:
            return Extraction(output_cls)
        if self.pydantic_program_mode == PydanticProgramMode.FUNCTION:
            # A bare list, say, is no set of arguments.
            return Extraction(output_cls, by_tool=not issubclass(output_cls, RootModel))
        return None

    def _structured_messages(self, prompt: PromptTemplate, arguments: dict[str, object]) -> list[ChatMessage]:
        return self._extend_messages(prompt.format_messages(llm=self, **arguments))

    def _inquiry(
        self,
        extraction: Extraction[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None,
        prompt_args: dict[str, object],
    ) -> Inquiry[Model]:
        from llama_index_gemini_multi._structured import Inquiry

        messages = self._structured_messages(prompt, prompt_args)
        return Inquiry(extraction, messages, extraction.arguments(llm_kwargs), self._patience)

    def _patience(self, arguments: Mapping[str, object]) -> Patience:
        """Tell how often and for how long a call with these arguments may go on."""
        from gemini_multi import RetryPolicy
        from gemini_multi.bindings.requests import call_settings
        from llama_index_gemini_multi._structured import Patience

        call = call_settings(own_arguments(arguments))
        standing = self.max_retries if call.retry_policy is None else None
        policy = call.retry_policy or self.retry_policy or RetryPolicy()
        retries = next(each for each in (call.max_retries, standing, policy.max_retries) if each is not None)
        return Patience(retries, call.deadline or self.deadline)

    @dispatcher.span
    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: object,
    ) -> Model:
        """Answer a prompt with an instance of a class.

        An answer that does not fit is shown to the model once, with what is wrong, unless `max_retries` is 0; both
        answers are counted. A stream of growing objects cannot begin anew and ends with the error.

        Raises:
            InvalidStructuredOutput: The answer does not fit the class.
        """
        extraction = self._extraction(output_cls)
        if extraction is None:
            return cast("Model", super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args))
        dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        inquiry = self._inquiry(extraction, prompt, llm_kwargs, prompt_args)
        while inquiry.question is not None:
            inquiry.hear(self.chat(inquiry.messages, **inquiry.question))
        dispatcher.event(LLMStructuredPredictEndEvent(output=inquiry.result))
        return inquiry.result

    @dispatcher.span
    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: object,
    ) -> Model:
        """Answer a prompt with an instance of a class, as `structured_predict` does."""
        extraction = self._extraction(output_cls)
        if extraction is None:
            return cast("Model", await super().astructured_predict(output_cls, prompt, llm_kwargs, **prompt_args))
        dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        inquiry = self._inquiry(extraction, prompt, llm_kwargs, prompt_args)
        while inquiry.question is not None:
            inquiry.hear(await self.achat(inquiry.messages, **inquiry.question))
        dispatcher.event(LLMStructuredPredictEndEvent(output=inquiry.result))
        return inquiry.result

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
