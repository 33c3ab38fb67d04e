"""`stream_events(version="v3")`: LangChain's typed events, made by the model itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.messages import AIMessage, HumanMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from gemini_multi import (
    Blob,
    Candidate,
    ChatEvent,
    ChatResponse,
    CodeResult,
    ExecutableCode,
    Finished,
    Opaque,
    Part,
    PartReady,
    RateLimited,
    Signature,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
    Usage,
)
from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti
from langchain_gemini_multi._messages import to_core
from langchain_gemini_multi._results import to_result
from langchain_gemini_multi._streams import EventBuilder
from tests.langchain.test_results import CITED, STREAM, response

PROVIDERS = ("cloudflare", "aimlapi", "oxen")
SIGNED = Signature("c2ln", carrier="thoughtSignature", issuer="oxen")
pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


def typed(*events: ChatEvent, **options: Any) -> list[Any]:
    builder = EventBuilder("lc_run--1", **options)
    return [*(made for event in events for made in builder.feed(event)), *builder.end()]


def assembled(events: list[Any]) -> AIMessage:
    stream = ChatModelStream()
    for event in events:
        stream.dispatch(event)
    assert stream.output_message is not None
    return stream.output_message


def shown(message: AIMessage) -> list[Any]:
    hidden = ("index",)
    return [{key: value for key, value in block.items() if key not in hidden} for block in message.content_blocks]


def streamed(parts: tuple[Part, ...], split: int) -> Iterator[ChatEvent]:
    calls = 0
    for part in parts:
        match part:
            case Text():
                yield TextDelta(part.text[:split])
                yield TextDelta(part.text[split:], part.signature) if part.signature else TextDelta(part.text[split:])
            case Thought():
                yield ThoughtDelta(part.text[:split])
                yield ThoughtDelta(part.text[split:])
            case ToolCall():
                yield ToolCallReady(part, calls)
                calls += 1
            case Blob() | ExecutableCode() | CodeResult() | Opaque():
                yield PartReady(part)
            case _:
                raise AssertionError(part)
    yield Finished(response(*parts))


PARTS: dict[str, tuple[Part, ...]] = {
    "nothing": (),
    "text": (Text("Hello"),),
    "thought and text": (Thought("Hm, well"), Text("Hello")),
    "parallel calls": (ToolCall("c0", "f", {"x": 1}, signature=SIGNED), ToolCall("c1", "g", {})),
    "text and calls": (Text("Let me see"), ToolCall("c0", "f", {"x": "é"}), ToolCall("c1", "f", {})),
    "broken call": (ToolCall("c0", "f", invalid_arguments='{"x": '),),
    "image": (Text("Here"), Blob("aGk=", "image/png"), Text("there")),
    "code": (ExecutableCode("1+1", "PYTHON", id="e"), CodeResult("2", "OUTCOME_OK", id="e"), Text("two")),
    "only the provider knows": (Opaque({"toolCall": {"id": "1"}}), Text("done")),
}


@pytest.mark.parametrize("split", [0, 2, 99])
@pytest.mark.parametrize("name", PARTS)
def test_lifecycle_is_valid(name: str, split: int) -> None:
    """Blocks begin and end once, in order, and what came in pieces is what the end says."""
    assert_valid_event_stream(typed(*streamed(PARTS[name], split)))


@pytest.mark.parametrize("split", [0, 2])
@pytest.mark.parametrize("name", PARTS)
def test_output_is_the_whole_answers(name: str, split: int) -> None:
    """What LangChain assembles shows the same blocks and calls, and goes back the same, as an answer in one piece."""
    message = assembled(typed(*streamed(PARTS[name], split)))
    whole = to_result(response(*PARTS[name]), blocks=True).generations[0].message
    assert isinstance(whole, AIMessage)
    assert shown(message) == shown(whole)
    assert (message.tool_calls, message.additional_kwargs) == (whole.tool_calls, whole.additional_kwargs)
    assert to_core([message])[0].parts == to_core([whole])[0].parts


@given(st.lists(st.sampled_from(STREAM[:-1]), max_size=6))
def test_any_order_is_valid(events: list[ChatEvent]) -> None:
    """Whatever comes in whatever order, the lifecycle holds."""
    assert_valid_event_stream(typed(*events, STREAM[-1]))


def test_each_piece_is_one_event() -> None:
    """Pieces make one event each, besides the begin and end of their block."""
    kinds = [
        event["event"] for event in typed(*(TextDelta("x") for _ in range(50)), Finished(response(Text("x" * 50))))
    ]
    assert kinds.count("content-block-delta") == 50
    assert len(kinds) == 54


def test_arguments_arrive_in_pieces() -> None:
    """Interleaved calls keep their pieces apart; `tool_calls` shows them as they come."""
    events = typed(
        ToolCallDelta(0, "c0", "f", '{"a":'),
        ToolCallDelta(1, "c1", "g", '{"b"'),
        ToolCallDelta(0, "c0", "f", "1}"),
        ToolCallReady(ToolCall("c0", "f", {"a": 1}), 0),
        ToolCallDelta(1, "c1", "g", ":2}"),
        ToolCallReady(ToolCall("c1", "g", {"b": 2}), 1),
        Finished(response(ToolCall("c0", "f", {"a": 1}), ToolCall("c1", "g", {"b": 2}))),
    )
    assert_valid_event_stream(events)
    assert len([event for event in events if event["event"] == "content-block-delta"]) == 4
    assert [(call["id"], call["args"]) for call in assembled(events).tool_calls] == [("c0", {"a": 1}), ("c1", {"b": 2})]


def test_pieces_of_arguments_show_in_the_projection() -> None:
    """A consumer of `tool_calls` sees a call grow."""
    stream = ChatModelStream()
    call = ToolCall("c0", "f", {"a": 1})
    for event in typed(ToolCallDelta(0, "c0", "f", '{"a"'), ToolCallDelta(0, "c0", "f", ":1}"), ToolCallReady(call)):
        stream.dispatch(event)
    pieces = [piece["args"] for piece in stream._tool_calls_proj._deltas]
    assert pieces[-1] in (":1}", '{"a":1}')
    assert len(pieces) == 2


def test_thought_ends_before_text_begins() -> None:
    """A consumer knows that thinking is over."""
    order = [(event["event"], event.get("index")) for event in typed(*STREAM[:3])]
    assert order.index(("content-block-finish", 0)) < order.index(("content-block-start", 1))


def test_sources_are_in_the_text_block() -> None:
    """Citations, which come last, are annotations of the text that they are for."""
    message = assembled(typed(TextDelta("ab"), Finished(response(Text("ab"), citations=CITED))))
    assert shown(message)[0]["annotations"][0]["url"] == "https://a"


def test_metadata_and_usage_are_the_whole_answers() -> None:
    """The end tells all that an answer in one piece tells."""
    told = ChatResponse(
        candidates=(Candidate(parts=(Text("a"),), finish_reason="stop"), Candidate(parts=(Text("b"),))),
        usage=Usage(input_tokens=1, output_tokens=2, total_tokens=3, cost_usd=0.5),
        model="m",
    )
    message = assembled(typed(TextDelta("a"), TextDelta("b", None, 1), Finished(told)))
    whole = to_result(told, blocks=True).generations[0].message
    expected = {**whole.response_metadata, "output_version": "v1"}
    assert {key: message.response_metadata[key] for key in expected} == expected
    assert message.usage_metadata == whole.usage_metadata  # type: ignore[attr-defined]
    assert message.response_metadata["alternatives"][0]["content"] == [{"type": "text", "text": "b"}]


def test_usage_can_be_left_out() -> None:
    """`stream_usage=False` counts here too."""
    assert ["usage" in typed(*STREAM, usage=usage)[-1] for usage in (False, True)] == [False, True]


def test_unknown_usage_is_left_out() -> None:
    """A provider that did not count makes no zeros."""
    assert "usage" not in typed(Finished(ChatResponse(candidates=(Candidate(parts=(Text("a"),)),))))[-1]


@pytest.fixture(params=PROVIDERS)
def model(request: pytest.FixtureRequest, sandbox: Sandbox) -> ChatGeminiMulti:
    return ChatGeminiMulti(model="gemini-2.5-flash", providers=request.param, max_retries=0)


def test_text_arrives_in_pieces(model: ChatGeminiMulti) -> None:
    """`text` can be read as it comes, and `output` is the message."""
    stream: Any = model.stream_events("Tell me of a cat.", version="v3")
    pieces = list(stream.text)
    assert len(pieces) > 1
    assert "".join(pieces) == stream.output.text
    assert stream.output.id.startswith("lc_run--")


async def test_async_events_are_valid(model: ChatGeminiMulti) -> None:
    """The same with `await`."""
    stream: Any = await model.astream_events("Tell me of a cat.", version="v3")
    events = [event async for event in stream]
    assert_valid_event_stream(events)
    assert (await stream.output).response_metadata["provider"] == model.provider_names[0]


def test_connection_is_free_at_the_end(model: ChatGeminiMulti, monkeypatch: pytest.MonkeyPatch) -> None:
    """LangChain leaves the events at the last one; the provider's stream is closed before it."""
    closed: list[int] = []
    monkeypatch.setattr("gemini_multi.client.EventStream.__exit__", lambda *_: closed.append(1))
    stream: Any = model.stream_events("hi", version="v3")
    for event in stream:
        assert event["event"] != "message-finish" or closed == [1]
    assert closed == [1]


def test_errors_are_typed(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """What goes wrong is raised to whoever reads."""
    sandbox.fail(model.provider_names[0], status=429)
    stream: Any = model.stream_events("hi", version="v3")
    with pytest.raises(RateLimited):
        _ = stream.output


def test_broken_call_is_invalid_and_not_run(model: ChatGeminiMulti) -> None:
    """Arguments that are no JSON never become a call."""
    message = assembled(typed(*streamed(PARTS["broken call"], 0)))
    assert (message.tool_calls, message.invalid_tool_calls[0]["args"]) == ([], '{"x": ')


class Events(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_stream_event(self, event: Any, **_: Any) -> None:
        self.seen.append(event)


def test_callbacks_see_each_event(model: ChatGeminiMulti) -> None:
    """Handlers get the same events as the reader."""
    handler = Events()
    stream: Any = model.stream_events("hi", {"callbacks": [handler]}, version="v3")
    assert list(stream) == handler.seen
    assert_valid_event_stream(handler.seen)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_signatures_come_back_to_the_provider(sandbox: Sandbox, provider: str) -> None:
    """A tool loop on typed events keeps Gemini 3's signatures; the sandbox checks them."""
    chat = ChatGeminiMulti(model="gemini-3-flash", providers=provider, max_retries=0).bind_tools([get_weather])
    stream: Any = chat.stream_events("Use get_weather for Paris.", version="v3")
    answer = stream.output
    result = {"role": "tool", "content": "sunny", "tool_call_id": answer.tool_calls[0]["id"]}
    assert "sunny" in chat.invoke([HumanMessage("Use get_weather for Paris."), answer, result]).text


def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


def test_thoughts_have_their_own_projection(sandbox: Sandbox) -> None:
    """`reasoning` and `text` do not mix."""
    sandbox.script(None, [Answer("visible", thoughts="hidden")])
    chat = ChatGeminiMulti(model="gemini-2.5-flash", providers="cloudflare", include_thoughts=True)
    stream: Any = chat.stream_events("hi", version="v3")
    assert (str(stream.text), str(stream.reasoning)) == ("visible", "hidden")


def test_the_end_tells_the_finish_reason_beside_its_metadata() -> None:
    """LangChain reads both words from the event itself."""
    events = typed(TextDelta("a"), Finished(response(Text("a"))))
    assert {name: events[-1][name] for name in ("finish_reason", "normalized_finish_reason")} == {
        "finish_reason": "stop",
        "normalized_finish_reason": "stop",
    }
