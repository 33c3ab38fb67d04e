"""What observers see: one event per call, exact tokens, no secrets."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, PrivateAttr

from gemini_multi import GeminiMultiError
from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti, InvalidStructuredOutput

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
    """Observers see one start and one end, and the token counter has the provider's figures."""
    counter = TokenCountingHandler()
    llm = make(callback_manager=CallbackManager([counter]))
    await ask(llm, how)
    kind = "LLMCompletion" if how in COMPLETIONS else "LLMChat"
    assert recorder.names("LLMC") == [f"{kind}StartEvent", f"{kind}EndEvent"]
    assert len(sandbox.requests) == len(counter.llm_token_counts) == 1
    totals = llm.totals
    counted = (counter.prompt_llm_token_count, counter.completion_llm_token_count)
    assert counted == (totals.input_tokens, totals.output_tokens)
    assert all(counted)


def test_callbacks_of_the_settings_count(make: Any) -> None:
    """A model without callbacks of its own takes LlamaIndex's global ones, also when they are set later."""
    before = Settings._llm, Settings._callback_manager
    counter = TokenCountingHandler()
    try:
        Settings.llm = make()
        Settings.callback_manager = CallbackManager([counter])
        Settings.llm.complete("Hi")
        assert counter.total_llm_token_count == Settings.llm.totals.total_tokens > 0  # type: ignore[attr-defined]
    finally:
        Settings._llm, Settings._callback_manager = before


def test_thoughts_alone_do_not_break_counting(sandbox: Sandbox) -> None:
    """When the budget went to thoughts, the provider leaves out the count of the answer."""
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


def test_second_question_is_a_call_of_its_own(make: Any, sandbox: Sandbox, recorder: Recorder) -> None:
    """Inside of the one structured answer that it belongs to."""
    sandbox.script(None, [Answer("I would rather not."), Answer('{"name": "Ann"}')])
    make().structured_predict(Person, PromptTemplate("Hi"))
    assert recorder.names("LLM") == [
        "LLMStructuredPredictStartEvent",
        *["LLMChatStartEvent", "LLMChatEndEvent"] * 2,
        "LLMStructuredPredictEndEvent",
    ]


@pytest.fixture
def spans() -> Iterator[SimpleSpanHandler]:
    """An observer of every span."""
    handler = SimpleSpanHandler()
    root = get_dispatcher()
    root.add_span_handler(handler)
    yield handler
    root.span_handlers.remove(handler)


class Pairs(BaseCallbackHandler):
    """Counts the starts and ends of LlamaIndex's older callbacks."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.open = self.begun = 0

    def on_event_start(self, event_type: Any, *_: Any, event_id: str = "", **__: Any) -> str:
        if event_type.value == "llm":
            self.begun += 1
            self.open += 1
        return event_id

    def on_event_end(self, event_type: Any, *_: Any, **__: Any) -> None:
        self.open -= event_type.value == "llm"

    def start_trace(self, trace_id: str | None = None) -> None:
        """Nothing to do."""

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None:
        """Nothing to do."""


def names_of(spans: list[Any]) -> set[str]:
    return {span.id_.partition("-")[0].rpartition(".")[2] for span in spans}


@pytest.mark.parametrize("how", [*CHATS, *STRUCTURED, *COMPLETIONS])
async def test_failed_call_is_closed_for_observers(
    how: str, make: Any, sandbox: Sandbox, recorder: Recorder, spans: SimpleSpanHandler, provider: str
) -> None:
    """One start, no end of an answer that is not there, the error instead; no span and no callback stays open."""
    pairs = Pairs()
    sandbox.fail(provider, status=503)
    with pytest.raises(GeminiMultiError):
        await ask(make(max_retries=0, callback_manager=CallbackManager([pairs])), how)
    kind = "LLMCompletion" if how in COMPLETIONS else "LLMChat"
    assert recorder.names("LLMC") == [f"{kind}StartEvent"]
    assert recorder.names("Exception") or recorder.names("SpanDrop")
    assert (pairs.begun, pairs.open, spans.open_spans) == (1, 0, {})
    if "stream" not in how:
        assert how.removesuffix("_with_tools") in names_of(spans.dropped_spans)


@pytest.mark.parametrize("provider", ["oxen", "aimlapi"], indirect=True)
async def test_broken_stream_is_closed_for_observers(
    make: Any, sandbox: Sandbox, recorder: Recorder, spans: SimpleSpanHandler, provider: str
) -> None:
    """The error of the middle of an answer is told to them as well as to the caller."""
    for how in ("stream_chat", "astream_chat", "stream_complete", "astream_complete", "stream_structured_predict"):
        pairs = Pairs()
        recorder._events.clear()
        sandbox.fail(provider, fault="cut", after=3)
        with pytest.raises(GeminiMultiError):
            await ask(make(max_retries=0, callback_manager=CallbackManager([pairs])), how)
        assert recorder.names("Exception") == ["ExceptionEvent"]
        assert (pairs.begun, pairs.open, spans.open_spans) == (1, 0, {})


async def test_abandoned_stream_is_closed_for_observers(
    make: Any, recorder: Recorder, spans: SimpleSpanHandler
) -> None:
    """Whoever leaves a stream early leaves no span and no callback open."""
    pairs = Pairs()
    llm = make(callback_manager=CallbackManager([pairs]))
    for stream in (llm.stream_chat(HI), llm.stream_complete("Hi")):
        next(stream)
        stream.close()
    for asynchronous in (await llm.astream_chat(HI), await llm.astream_complete("Hi")):
        await anext(asynchronous)
        await asynchronous.aclose()
    next(llm.stream_structured_predict(Person, PromptTemplate("Hi")))
    gc.collect()
    assert recorder.names("Exception") == ["ExceptionEvent"] * 5
    assert (pairs.begun, pairs.open, spans.open_spans) == (5, 0, {})


def test_stream_that_is_left_open_until_the_end_makes_no_noise(
    make: Any, sandbox: Sandbox, provider: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Interactive sessions keep what they showed; when the interpreter closes it, nothing can be imported any more."""
    sandbox.fail(provider, fault="stall", after=3)
    stream = make().stream_complete("Hi")
    next(stream)
    with monkeypatch.context() as ending:
        ending.setattr(sys, "meta_path", None)
        ending.setattr(sys, "is_finalizing", lambda: True)
        stream.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_structured_answer_that_does_not_fit_ends_its_span(
    make: Any, sandbox: Sandbox, recorder: Recorder, spans: SimpleSpanHandler
) -> None:
    """The calls were answered; the structured answer is what failed."""
    sandbox.script(None, [Answer("No.")] * 2)
    with pytest.raises(InvalidStructuredOutput):
        make().structured_predict(Person, PromptTemplate("Hi"))
    assert recorder.names("LLMStructured") == ["LLMStructuredPredictStartEvent"]
    assert names_of(spans.dropped_spans) == {"structured_predict"}
    assert names_of(spans.completed_spans) == {"chat"}


async def test_every_event_can_be_exported(make: Any, sandbox: Sandbox, recorder: Recorder) -> None:
    """As JSON, from start to end, with calls, signatures and pieces in them, and never with a key."""
    tool = FunctionTool.from_defaults(add)
    llm = make()
    llm.chat_with_tools([tool], "Please add 1 and 2")
    list(llm.stream_chat_with_tools([tool], "Please add 1 and 2"))
    _ = [chunk async for chunk in await llm.astream_complete("Hi")]
    _ = [part async for part in await llm.astream_structured_predict(Person, PromptTemplate("Hi"))]
    # LlamaIndex's start of a structured answer holds the class itself, which no JSON can.
    events = [event for event in recorder._events if event.class_name().startswith(("LLMChat", "LLMCompletion"))]
    told = [event.model_dump_json() for event in events]
    kinds = {event.class_name() for event in events}
    assert {"LLMChatInProgressEvent", "LLMChatEndEvent", "LLMCompletionEndEvent"} <= kinds
    secrets = [value for name, value in sandbox.environment().items() if name.endswith(("KEY", "TOKEN"))]
    assert secrets
    assert not any(secret in text for text in told for secret in secrets)
