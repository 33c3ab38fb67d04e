"""`GeminiMultiLLM`: Gemini as a LangChain text model, which turns a prompt into text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models import BaseLLM
from langchain_core.outputs import Generation, GenerationChunk, LLMResult
from langchain_core.runnables.config import ContextThreadPoolExecutor
from pydantic import ConfigDict

from gemini_multi import Candidate, ChatEvent, ChatResponse, Finished, TextDelta
from langchain_gemini_multi._model import AsyncRun, BlockingRun, GeminiModel, Stop
from langchain_gemini_multi._results import combined, llm_output, metadata, usage_metadata
from langchain_gemini_multi.errors import langchain_errors


class GeminiMultiLLM(GeminiModel, BaseLLM):
    """A Gemini text model with the providers and the arguments of `ChatGeminiMulti`.

    Plain text has no place for thoughts and tool calls. Use the chat model for them.
    """

    model_config = ConfigDict(defer_build=False)

    @property
    def _llm_type(self) -> str:
        return "gemini-multi"

    def _generate(
        self, prompts: list[str], stop: Stop = None, run_manager: BlockingRun = None, **kwargs: Any
    ) -> LLMResult:
        def answer(prompt: str) -> ChatResponse:
            request, conditions = self._asked(prompt, kwargs, stop, run_manager)
            return self.client.chat(request, **conditions)

        with langchain_errors():
            if len(prompts) == 1:
                return _result([answer(prompts[0])])
            # LangChain passes a whole batch at once. Its `max_concurrency` limits the size of the batch.
            with ContextThreadPoolExecutor() as threads:
                return _result(list(threads.map(answer, prompts)))

    async def _agenerate(
        self, prompts: list[str], stop: Stop = None, run_manager: AsyncRun = None, **kwargs: Any
    ) -> LLMResult:
        with langchain_errors():
            requests = [self._asked(prompt, kwargs, stop, run_manager) for prompt in prompts]
            calls = [self.async_client.chat(request, **conditions) for request, conditions in requests]
            # This waits for all calls, so that no call continues and spends money after the first has failed.
            found = await asyncio.gather(*calls, return_exceptions=True)
            if failed := next((one for one in found if isinstance(one, BaseException)), None):
                raise failed
            return _result([one for one in found if isinstance(one, ChatResponse)])

    def _stream(
        self, prompt: str, stop: Stop = None, run_manager: BlockingRun = None, **kwargs: Any
    ) -> Iterator[GenerationChunk]:
        with langchain_errors():
            request, conditions = self._asked(prompt, kwargs, stop, run_manager)
            with self.client.stream(request, **conditions) as events:
                for chunk in filter(None, map(_chunk, events)):
                    if run_manager is not None:
                        run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    async def _astream(
        self, prompt: str, stop: Stop = None, run_manager: AsyncRun = None, **kwargs: Any
    ) -> AsyncIterator[GenerationChunk]:
        with langchain_errors():
            request, conditions = self._asked(prompt, kwargs, stop, run_manager)
            async with self.async_client.stream(request, **conditions) as events:
                async for event in events:
                    if (chunk := _chunk(event)) is not None:
                        if run_manager is not None:
                            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk


def _result(responses: list[ChatResponse]) -> LLMResult:
    generations = [
        [
            Generation(text=candidate.text, generation_info=_information(response, candidate, is_first=position == 0))
            for position, candidate in enumerate(response.candidates or (Candidate(),))
        ]
        for response in responses
    ]
    return LLMResult(generations=generations, llm_output=combined([llm_output(response) for response in responses]))


def _information(response: ChatResponse, candidate: Candidate, *, is_first: bool = True) -> dict[str, Any]:
    usage = usage_metadata(response.usage) if is_first else None
    return {**metadata(response, candidate), **({} if usage is None else {"usage_metadata": usage})}


def _chunk(event: ChatEvent) -> GenerationChunk | None:
    if isinstance(event, Finished):
        return GenerationChunk(text="", generation_info=_information(event.response, event.response.candidate))
    if isinstance(event, TextDelta) and event.candidate == 0 and event.text:
        return GenerationChunk(text=event.text)
    return None
