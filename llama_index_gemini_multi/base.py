"""`GeminiMulti`: one Gemini model over several providers, as a LlamaIndex LLM.

It translates requests and answers. `gemini_multi.Client` makes connections, retries and failovers.
"""

# ruff: noqa: FBT001, FBT002  # the signatures are LlamaIndex's

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms.llm import ToolSelection
from pydantic import ConfigDict

from llama_index_gemini_multi._model import BaseGeminiMulti
from llama_index_gemini_multi._typed import chat_callback, completion_callback, facts_of

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool

    from gemini_multi.bindings.tools import ToolChoiceArgument


class GeminiMulti(BaseGeminiMulti):
    """A Gemini model over Cloudflare AI, AIMLAPI and Oxen.ai, with failover from one provider to the next.

    Setup:
        Install the package and set the key of at least one provider::

            pip install "gemini-multi[llama-index]"
            export OXEN_API_KEY="..."
            # or AIMLAPI_API_KEY, or CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN

        Only what is set is sent. Without `providers`, every provider with a key is used::

            from llama_index_gemini_multi import GeminiMulti

            llm = GeminiMulti(model="gemini-2.5-flash-lite", providers=["cloudflare", "oxen"], temperature=0)

    Complete and chat:
        Each setting can also be given to one call. As with every LlamaIndex LLM, `system_prompt` is added by `predict`,
        the structured methods and the engines, not by `chat` and `complete`::

            print(llm.complete("What is 2 + 2?", max_tokens=100))
            print(llm.chat([ChatMessage("Hello")]))

    Stream::

            for chunk in llm.stream_complete("Tell me a story."):
                print(chunk.delta, end="")

    Async::

            answer = await llm.acomplete("Hello")

    Tools:
        Functions become tools. Tools that the provider itself runs go into `built_in_tools=["google_search"]`::

            def add(a: int, b: int) -> int:
                \"\"\"Add two numbers.\"\"\"
                return a + b

            answer = await FunctionAgent(tools=[add], llm=llm).run("What is 2 + 3?")

    Structured output::

            class City(BaseModel):
                name: str
                country: str

            city = llm.structured_predict(City, PromptTemplate("Describe the city of Lisbon."))

    Images:
        Blocks of LlamaIndex hold bytes, a path or a URL::

            blocks = [TextBlock(text="What is this?"), ImageBlock(path="picture.png")]
            llm.chat([ChatMessage(role="user", blocks=blocks)])

    Usage and provider::

            answer = llm.chat([ChatMessage("Hello")])
            answer.raw["usage"]  # the tokens, also counted by LlamaIndex's `TokenCountingHandler`
            answer.additional_kwargs["provider"]  # who answered; also `model_name`, `cost_usd`
            llm.totals  # what this model used and spent so far

    Errors:
        Every error is a `gemini_multi.GeminiMultiError`. An invalid argument raises
        `gemini_multi.ConfigurationError` when the model is made. An object that does not fit its class raises
        `llama_index_gemini_multi.InvalidStructuredOutput`::

            try:
                llm.complete("Hello")
            except gemini_multi.RateLimited as error:
                print(error.provider, error.retry_after)
            except gemini_multi.AllRoutesFailed as error:
                print(error)  # the error of each provider
    """

    model_config = ConfigDict(defer_build=False)

    @classmethod
    def class_name(cls) -> str:
        """Return the name of the class for serialization and traces."""
        return "GeminiMulti"

    @property
    def metadata(self) -> LLMMetadata:
        """The description of the model, from the catalog."""
        found = _described(self.model, self.provider_names, self.context_window, self.max_tokens)
        return LLMMetadata.model_validate(found)

    def to_payload(self) -> dict[str, Any]:
        """Describe the model for traces, without secrets."""
        names = self.provider_names
        return {
            "class_name": self.class_name(),
            **_described(self.model, names, self.context_window, self.max_tokens),
            "model": self.model,
            "provider": names[0],
            "providers": list(names),
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }

    @chat_callback
    def chat(self, messages: Sequence[ChatMessage], **kwargs: object) -> ChatResponse:
        """Get a whole answer.

        Args:
            messages: The conversation.
            **kwargs: Any setting of generation, for this call only, and `tools`, `tool_choice`,
                `allow_parallel_tool_calls`, `response_format`, `model`, `providers`, `timeout`, `deadline`,
                `max_retries`, `retry_policy`, `failover_on`, `tracing`, `headers`, `gateway_metadata`,
                `gateway_event_id`, `include_response_headers`.
        """
        return self._chat(messages, kwargs)

    @chat_callback
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: object) -> ChatResponseGen:
        """Get an answer in pieces. Each has the message so far and the new `delta`. The last one is complete."""
        return self._stream_chat(messages, kwargs)

    @chat_callback
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: object) -> ChatResponse:
        """Get a whole answer, as `chat` does."""
        return await self._achat(messages, kwargs)

    @chat_callback
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: object) -> ChatResponseAsyncGen:
        """Get an answer in pieces, as `stream_chat` does."""
        return self._astream_chat(messages, kwargs)

    # Completions call these methods, because the decorated methods would report the call a second time.

    def _chat(self, messages: Sequence[ChatMessage], given: dict[str, object]) -> ChatResponse:
        request, conditions, chunks = self._question(messages, given)
        return chunks.whole(self._connect().chat(request, **conditions))

    async def _achat(self, messages: Sequence[ChatMessage], given: dict[str, object]) -> ChatResponse:
        request, conditions, chunks = self._question(messages, given)
        return chunks.whole(await self._connect_async().chat(request, **conditions))

    def _stream_chat(self, messages: Sequence[ChatMessage], given: dict[str, object]) -> ChatResponseGen:
        request, conditions, chunks = self._question(messages, given)
        return chunks.of(self._connect().stream(request, **conditions))

    def _astream_chat(self, messages: Sequence[ChatMessage], given: dict[str, object]) -> ChatResponseAsyncGen:
        request, conditions, chunks = self._question(messages, given)
        return chunks.of_async(self._connect_async().stream(request, **conditions))

    @completion_callback
    def complete(self, prompt: str, formatted: bool = False, **kwargs: object) -> CompletionResponse:
        """Answer a prompt. The arguments are those of `chat`."""
        return to_completion(self._chat(self._prompt(prompt, formatted), kwargs))

    @completion_callback
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: object) -> CompletionResponseGen:
        """Answer a prompt in pieces. Each holds the text so far and the new `delta`."""
        return _completions(self._stream_chat(self._prompt(prompt, formatted), kwargs))

    @completion_callback
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: object) -> CompletionResponse:
        """Answer a prompt. The arguments are those of `chat`."""
        return to_completion(await self._achat(self._prompt(prompt, formatted), kwargs))

    @completion_callback
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: object
    ) -> CompletionResponseAsyncGen:
        """Answer a prompt in pieces, as `stream_complete` does."""
        return _async_completions(self._astream_chat(self._prompt(prompt, formatted), kwargs))

    def _prompt(self, prompt: str, formatted: bool) -> list[ChatMessage]:
        text = prompt if formatted or self.completion_to_prompt is None else self.completion_to_prompt(prompt)
        return [ChatMessage(role=MessageRole.USER, content=text)]

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: ToolChoiceArgument = None,
        **kwargs: object,
    ) -> dict[str, Any]:
        """Make the arguments for `chat`, without changing the given history."""
        from gemini_multi.bindings.tools import tool_json
        from llama_index_gemini_multi._tools import to_tools

        messages = list(chat_history or ())
        if user_msg is not None:
            messages.append(ChatMessage(content=user_msg) if isinstance(user_msg, str) else user_msg)
        if not tools:
            return {"messages": messages, **kwargs}
        fallback = "required" if tool_required else "auto"
        return {
            "messages": messages,
            "tools": [tool_json(tool) for tool in to_tools(tools)],
            "tool_choice": fallback if tool_choice is None else tool_choice,
            "allow_parallel_tool_calls": allow_parallel_tool_calls,
            **kwargs,
        }

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],
        allow_parallel_tool_calls: bool = False,
        **kwargs: object,
    ) -> ChatResponse:
        """Keep only the first tool call, unless several are allowed."""
        from llama_index_gemini_multi._messages import first_call_only

        return response if allow_parallel_tool_calls else first_call_only(response)

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: object
    ) -> list[ToolSelection]:
        """Read the tool calls of an answer or of a chunk.

        Raises:
            ValueError: There are no tool calls, and `error_on_no_tool_call` is set.
        """
        from llama_index_gemini_multi._messages import tool_selections

        selections = tool_selections(response)
        if error_on_no_tool_call and not selections:
            reason = facts_of(response).get("finish_reason")
            raise ValueError(
                "Expected at least one tool call, but got 0 tool calls. "
                f"The answer stopped for the reason {reason!r}; its text was {response.message.content!r}."
            )
        return selections


def register_with_llama_index() -> None:
    """Let LlamaIndex's `load_llm`, and all that it loads from JSON or YAML, rebuild `GeminiMulti` in this process."""
    import_module("llama_index.core.llms.loading").RECOGNIZED_LLMS.setdefault(GeminiMulti.class_name(), GeminiMulti)


def to_completion(response: ChatResponse) -> CompletionResponse:
    """Translate a chat response to a completion."""
    return CompletionResponse(
        text=response.message.content or "",
        additional_kwargs=dict(facts_of(response)),
        raw=response.raw,
        logprobs=response.logprobs,
        delta=response.delta,
    )


def _completions(chunks: ChatResponseGen) -> CompletionResponseGen:
    with closing(chunks):
        yield from map(to_completion, chunks)


async def _async_completions(chunks: ChatResponseAsyncGen) -> CompletionResponseAsyncGen:
    async with aclosing(chunks):
        async for chunk in chunks:
            yield to_completion(chunk)


@lru_cache(maxsize=64)
def _described(
    model: str, providers: tuple[str, ...], context_window: int | None, max_tokens: int | None
) -> Mapping[str, object]:
    """Describe a model by the fields of `LLMMetadata`.

    The smallest context window of the providers that may answer is used, unless `context_window` is set.
    """
    from gemini_multi import catalog  # the import of a model class does not need it

    known = catalog.find(model)
    hosted = [known.providers[provider] for provider in providers if provider in known.providers]
    windows = [each.context_window for each in hosted if each.context_window]
    window = context_window or min([known.context_window, *windows])
    limits = [each.max_output_tokens for each in hosted if each.max_output_tokens]
    limit = min([known.max_output_tokens, *limits])
    # LlamaIndex subtracts the tokens of an answer from the window, so they must be fewer than it has.
    tokens = min(limit, window // 4) if max_tokens is None else min(max_tokens, window // 2)
    return LLMMetadata(
        context_window=window,
        num_output=max(1, tokens),
        is_chat_model=True,
        is_function_calling_model=True,
        model_name=model,
        system_role=MessageRole.SYSTEM,
    ).model_dump()
