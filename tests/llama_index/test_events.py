"""What observers see: one event per call, exact tokens, no secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, PrivateAttr

from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

HI = [ChatMessage(content="Hi")]


class Recorder(BaseEventHandler):
    """Keeps what happens."""

    _events: list[BaseEvent] = PrivateAttr(default_factory=list)

    def handle(self, event: BaseEvent, **_: Any) -> None:
        self._events.append(event)

    def names(self, prefix: str) -> list[str]:
        names = (event.class_name() for event in self._events)
        return [name for name in names if name.startswith(prefix) and "InProgress" not in name]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """An observer of everything."""
    recorder = Recorder()
    root = get_dispatcher()
    root.add_event_handler(recorder)
    yield recorder
    root.event_handlers.remove(recorder)


class Person(BaseModel):
    name: str


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


async def ask(llm: GeminiMulti, how: str) -> Any:
    tool = FunctionTool.from_defaults(add)
    prompt = PromptTemplate("Hi")
    calls: dict[str, Any] = {
        "chat": lambda: llm.chat(HI),
        "stream_chat": lambda: list(llm.stream_chat(HI)),
        "complete": lambda: llm.complete("Hi"),
        "stream_complete": lambda: list(llm.stream_complete("Hi")),
        "chat_with_tools": lambda: llm.chat_with_tools([tool], "Please add 1 and 2"),
        "structured_predict": lambda: llm.structured_predict(Person, prompt),
        "stream_structured_predict": lambda: list(llm.stream_structured_predict(Person, prompt)),
    }
    if how in calls:
        return calls[how]()
    if how == "achat":
        return await llm.achat(HI)
    if how == "acomplete":
        return await llm.acomplete("Hi")
    if how == "astructured_predict":
        return await llm.astructured_predict(Person, prompt)
    stream = await (llm.astream_chat(HI) if how == "astream_chat" else llm.astream_complete("Hi"))
    return [chunk async for chunk in stream]


CHATS = ["chat", "stream_chat", "achat", "astream_chat", "chat_with_tools"]
STRUCTURED = ["structured_predict", "stream_structured_predict", "astructured_predict"]
COMPLETIONS = ["complete", "stream_complete", "acomplete", "astream_complete"]


@pytest.mark.parametrize("how", [*CHATS, *STRUCTURED, *COMPLETIONS])
async def test_every_call_is_one_event_and_counted_once(
    how: str, make: Any, sandbox: Sandbox, recorder: Recorder
) -> None:
    """Observers see one start and one end, and the token counter has the host's figures."""
    counter = TokenCountingHandler()
    llm = make(callback_manager=CallbackManager([counter]))
    await ask(llm, how)
    kind = "LLMCompletion" if how in COMPLETIONS else "LLMChat"
    assert recorder.names("LLMC") == [f"{kind}StartEvent", f"{kind}EndEvent"]
    assert len(sandbox.requests) == len(counter.llm_token_counts) == 1
    totals = llm.totals
    counted = (counter.prompt_llm_token_count, counter.completion_llm_token_count)
    assert counted == (totals.input_tokens, totals.output_tokens)


def test_thoughts_alone_do_not_break_counting(sandbox: Sandbox) -> None:
    """When the budget went to thoughts, the host leaves out the count of the answer."""
    reply = (
        b'{"result": {"candidates": [{"finishReason": "MAX_TOKENS"}], "usageMetadata":'
        b' {"promptTokenCount": 5, "thoughtsTokenCount": 60, "totalTokenCount": 65}}, "success": true}'
    )
    sandbox.reply_raw("cloudflare", headers={"content-type": "application/json"}, body=reply)
    counter = TokenCountingHandler()
    llm = GeminiMulti(
        model="gemini-2.5-flash", providers="cloudflare", max_tokens=60, callback_manager=CallbackManager([counter])
    )
    response = llm.chat(HI)
    assert (response.message.content, response.additional_kwargs["finish_reason"]) == (None, "length")
    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (5, 60)


def test_events_are_json_without_secrets(make: Any, sandbox: Sandbox, recorder: Recorder) -> None:
    """Exporters serialize them; tools and formats are told as plain JSON."""
    llm = make()
    llm.chat_with_tools([FunctionTool.from_defaults(add)], "Please add 1 and 2")
    llm.structured_predict(Person, PromptTemplate("Hi"))
    starts = [event for event in recorder._events if event.class_name() == "LLMChatStartEvent"]
    told = [event.model_dump_json() for event in starts]
    assert len(told) == 2
    assert not any(key in text for text in told for key in sandbox.environment().values() if "sandbox-" in key)


def test_structured_answers_are_reported(make: Any, recorder: Recorder) -> None:
    """With their start and end, like those of LlamaIndex's own programs."""
    make().structured_predict(Person, PromptTemplate("Hi"))
    names = recorder.names("LLMStructured")
    assert names == ["LLMStructuredPredictStartEvent", "LLMStructuredPredictEndEvent"]
