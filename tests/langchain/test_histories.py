"""Messages of the model come back as the provider sent them, and histories of other integrations are understood."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.load import dumps, loads
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    message_to_dict,
    messages_from_dict,
)

from gemini_multi import (
    Blob,
    Candidate,
    ChatEvent,
    ChatResponse,
    CodeResult,
    ExecutableCode,
    Finished,
    Message,
    Opaque,
    Part,
    PartReady,
    Signature,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
    ToolCallReady,
)
from langchain_gemini_multi._messages import to_core
from langchain_gemini_multi._results import to_result
from langchain_gemini_multi._streams import ChunkBuilder

NATIVE = Signature("Q3ZJQQ==", carrier="thoughtSignature", issuer="cloudflare")
CHAT = Signature({"vertex": {"thought_signature": "dg=="}, "x": 1}, carrier="extra_content", issuer="oxen")
DETAILS = Signature([{"type": "reasoning.encrypted", "data": "cg=="}], carrier="reasoning_details", issuer="aimlapi")

ANSWERS: dict[str, tuple[Part, ...]] = {
    "text": (Text("a"),),
    "signed text": (Text("a", signature=NATIVE),),
    "signed empty tail": (Text("a"), Text("", signature=NATIVE)),
    "two signed texts": (Text("a", signature=NATIVE), Text("b", signature=CHAT)),
    "thought and text": (Thought("t"), Text("a", signature=NATIVE)),
    "signed call": (ToolCall("c1", "f", {"x": 1}, signature=NATIVE),),
    "parallel calls": (ToolCall("c1", "f", {"x": 1}, signature=CHAT), ToolCall("c2", "g", {})),
    "calls with ids of ours": (ToolCall("c1", "f", {}, signature=DETAILS, synthetic_id=True),),
    "text after a call": (Text("a"), ToolCall("c1", "f", {}, signature=NATIVE), Text("b", signature=CHAT)),
    "code": (
        ExecutableCode("1+1", id="e", signature=NATIVE),
        CodeResult("2", id="e"),
        Text("2"),
    ),
    "opaque": (Opaque({"toolCall": {"id": "s"}}, signature=NATIVE), Text("a")),
    "image": (Text("see"), Blob("aGk=", "image/png", signature=NATIVE)),
    "thoughts between": (Thought("t"), Text("a"), Thought("u"), Text("b")),
}


def answer(parts: tuple[Part, ...]) -> ChatResponse:
    return ChatResponse(candidates=(Candidate(parts=parts, finish_reason="stop"),), provider="cloudflare", model="m")


def invoked(parts: tuple[Part, ...], *, blocks: bool) -> AIMessage:
    message = to_result(answer(parts), blocks=blocks).generations[0].message
    assert isinstance(message, AIMessage)
    return message


def event_of(part: Part) -> ChatEvent:
    match part:
        case Text():
            return TextDelta(part.text, part.signature)
        case Thought():
            return ThoughtDelta(part.text, part.signature)
        case ToolCall():
            return ToolCallReady(part, int(part.id[-1]) - 1)
        case _:
            return PartReady(part)  # type: ignore[arg-type]


def streamed(parts: tuple[Part, ...], *, blocks: bool) -> AIMessage:
    builder = ChunkBuilder(blocks=blocks, usage=False)
    events = [*map(event_of, parts), Finished(answer(parts))]
    first, *rest = [chunk.message for event in events if (chunk := builder.feed(event))]
    merged = sum(rest, first)
    assert isinstance(merged, AIMessageChunk)
    return merged


def sent_back(message: AIMessage) -> tuple[Part, ...]:
    (translated,) = to_core([message])
    return translated.parts


@pytest.mark.parametrize("blocks", [False, True], ids=["plain", "blocks"])
@pytest.mark.parametrize("make", [invoked, streamed])
@pytest.mark.parametrize("name", ANSWERS)
def test_answer_goes_back_exactly(name: str, make: Any, blocks: bool) -> None:
    """Every part returns in its place with its signature, whether the answer came whole or in pieces."""
    parts = ANSWERS[name]
    assert sent_back(make(parts, blocks=blocks)) == parts


SIGNATURES = st.sampled_from([NATIVE, CHAT, DETAILS])
PARTS = st.one_of(
    st.builds(Text, st.text(min_size=1), signature=st.none() | SIGNATURES),
    st.builds(Thought, st.text(min_size=1)),
    st.builds(Blob, st.just("aGk="), st.just("image/png"), signature=st.none() | SIGNATURES),
    st.builds(ToolCall, st.just(""), st.just("f"), signature=st.none() | SIGNATURES, synthetic_id=st.booleans()),
)


def as_a_provider_sends(drawn: list[Part]) -> tuple[Part, ...]:
    """Number the calls, and join neighbors that a stream could not tell apart."""
    parts: list[Part] = []
    for part in drawn:
        last = parts[-1] if parts else None
        if isinstance(part, ToolCall):
            part = replace(part, id=f"c{sum(isinstance(one, ToolCall) for one in parts) + 1}")
        if isinstance(part, Text | Thought) and type(last) is type(part) and part.signature is last.signature is None:
            parts[-1] = replace(last, text=last.text + part.text)
        else:
            parts.append(part)
    return tuple(parts)


@settings(deadline=None)
@given(st.lists(PARTS, max_size=8).map(as_a_provider_sends), st.sampled_from([invoked, streamed]), st.booleans())
def test_any_answer_goes_back_exactly(parts: tuple[Part, ...], make: Any, blocks: bool) -> None:
    """Whatever a provider sends, in whatever order, comes back as it was."""
    assert sent_back(make(parts, blocks=blocks)) == parts


def through_dumps(message: AIMessage) -> AIMessage:
    return loads(dumps(message), allowed_objects="messages")


def through_dict(message: AIMessage) -> AIMessage:
    (found,) = messages_from_dict([message_to_dict(message)])
    assert isinstance(found, AIMessage)
    return found


def through_pickle(message: AIMessage) -> AIMessage:
    return pickle.loads(pickle.dumps(message))


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("store", [through_dumps, through_dict, through_pickle])
@pytest.mark.parametrize("make", [invoked, streamed])
@pytest.mark.parametrize("name", ANSWERS)
def test_answer_goes_back_exactly_after_storage(name: str, make: Any, store: Any) -> None:
    """Nothing is lost when a conversation is stored between turns."""
    parts = ANSWERS[name]
    assert sent_back(store(make(parts, blocks=False))) == parts


@pytest.mark.parametrize("name", ANSWERS)
def test_streamed_answer_is_the_whole_one(name: str) -> None:
    """Merged chunks give the calls, the metadata and the text of the answer in one piece."""
    whole, pieces = (make(ANSWERS[name], blocks=False) for make in (invoked, streamed))
    assert (pieces.text, pieces.tool_calls, pieces.additional_kwargs, pieces.response_metadata) == (
        whole.text,
        whole.tool_calls,
        whole.additional_kwargs,
        whole.response_metadata,
    )


def test_edited_message_keeps_its_calls_signatures() -> None:
    """When the text was changed, the calls' signatures are still found by their ids, which the provider issued."""
    message = invoked((Text("long"), ToolCall("c1", "f", {}, signature=CHAT)), blocks=False)
    edited = message.model_copy(update={"content": "short"})
    assert sent_back(edited) == (Text("short"), ToolCall("c1", "f", {}, signature=CHAT))


def test_removed_call_does_not_come_back() -> None:
    """A call that the caller took out of the message stays out."""
    message = invoked((ToolCall("c1", "f", {}, signature=NATIVE), ToolCall("c2", "g", {})), blocks=False)
    edited = message.model_copy(update={"tool_calls": message.tool_calls[:1]})
    assert sent_back(edited) == (ToolCall("c1", "f", {}, signature=NATIVE),)


FOREIGN = Signature("c2ln", carrier="thoughtSignature", issuer="google")
CALLS: list[Any] = [{"name": "f", "args": {"x": 1}, "id": "c1"}]
SIGNED_CALL = ToolCall("c1", "f", {"x": 1}, signature=FOREIGN, synthetic_id=True)
CALL = ToolCall("c1", "f", {"x": 1}, synthetic_id=True)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
HISTORIES: dict[str, tuple[AIMessage, tuple[Part, ...]]] = {
    "google's key": (
        AIMessage(
            "",
            tool_calls=CALLS,
            additional_kwargs={"__gemini_function_call_thought_signatures__": {"c1": "c2ln"}},
            response_metadata={"model_provider": "google_genai"},
        ),
        (SIGNED_CALL,),
    ),
    "google's key on a message of ours": (
        AIMessage(
            "",
            tool_calls=CALLS,
            additional_kwargs={"__gemini_function_call_thought_signatures__": {"c1": "c2ln"}},
            response_metadata={"model_provider": "gemini_multi", "provider": "oxen"},
        ),
        (
            ToolCall(
                "c1",
                "f",
                {"x": 1},
                signature=Signature("c2ln", carrier="thoughtSignature", issuer="oxen"),
                synthetic_id=True,
            ),
        ),
    ),
    "google's thinking": (
        AIMessage(
            [{"type": "thinking", "thinking": "t", "signature": "c2ln"}, {"type": "text", "text": "a"}],
            response_metadata={"model_provider": "google_genai"},
        ),
        (Thought("t", signature=FOREIGN), Text("a")),
    ),
    "google's text extras": (
        AIMessage([{"type": "text", "text": "a", "extras": {"signature": "c2ln"}}]),
        (Text("a", signature=FOREIGN),),
    ),
    "google's code": (
        AIMessage(
            [
                {"type": "executable_code", "executable_code": "1", "language": "python"},
                {"type": "code_execution_result", "code_execution_result": "1", "outcome": 1},
            ]
        ),
        (ExecutableCode("1"), CodeResult("1")),
    ),
    "openai's extra content": (
        AIMessage(
            "",
            tool_calls=CALLS,
            additional_kwargs={
                "tool_calls": [{"id": "c1", "extra_content": {"google": {"thought_signature": "c2ln"}}}]
            },
        ),
        (
            ToolCall(
                "c1",
                "f",
                {"x": 1},
                signature=Signature(
                    {"google": {"thought_signature": "c2ln"}}, carrier="extra_content", issuer="google"
                ),
                synthetic_id=True,
            ),
        ),
    ),
    "openai's reasoning": (
        AIMessage(
            [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]}, {"type": "text", "text": "a"}]
        ),
        (Thought("t"), Text("a")),
    ),
    "openai's old function call": (
        AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": '{"x": 1}'}}),
        (ToolCall("call_0", "f", {"x": 1}, synthetic_id=True),),
    ),
    "deepseek's reasoning": (
        AIMessage("a", additional_kwargs={"reasoning_content": "t"}),
        (Thought("t"), Text("a")),
    ),
    "anthropic's thinking": (
        AIMessage(
            [
                {"type": "thinking", "thinking": "t", "signature": "anthropic"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "a"},
            ]
        ),
        (Thought("t"), Text("a")),
    ),
    "anthropic's call": (
        AIMessage([{"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}}], tool_calls=CALLS),
        (CALL,),
    ),
    "anthropic's call alone": (AIMessage([{"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}}]), (CALL,)),
    "v1 blocks": (
        AIMessage(
            content_blocks=[
                {"type": "reasoning", "reasoning": "t"},
                {"type": "tool_call", "id": "c1", "name": "f", "args": {"x": 1}, "extras": {"signature": "c2ln"}},
                {"type": "text", "text": "a"},
            ]
        ),
        (Thought("t"), SIGNED_CALL, Text("a")),
    ),
    "broken call": (
        AIMessage(
            "", invalid_tool_calls=[{"name": "f", "args": "{x", "id": "c1", "error": None, "type": "invalid_tool_call"}]
        ),
        (ToolCall("c1", "f", invalid_arguments="{x", synthetic_id=True),),
    ),
    "google's older signatures": (
        AIMessage(
            ["a", {"type": "function_call_signature", "signature": "c2ln", "index": 0}],
            tool_calls=CALLS,
            response_metadata={"model_provider": "google_genai"},
        ),
        (Text("a"), SIGNED_CALL),
    ),
    "google's v1 blocks": (
        AIMessage(
            [
                {"type": "reasoning", "reasoning": "t", "extras": {"signature": "c2ln"}},
                {"type": "text", "text": "a", "extras": {"signature": "c2ln"}},
                {"type": "tool_call", "id": "c1", "name": "f", "args": {"x": 1}, "extras": {"signature": "c2ln"}},
            ],
            tool_calls=CALLS,
            response_metadata={"model_provider": "google_genai", "output_version": "v1"},
        ),
        (Thought("t", signature=FOREIGN), Text("a", signature=FOREIGN), SIGNED_CALL),
    ),
    "openai's responses": (
        AIMessage(
            [
                {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "t"}]},
                {"type": "text", "text": "a", "annotations": [], "id": "msg"},
                {"type": "function_call", "name": "f", "arguments": '{"x":1}', "call_id": "c1", "id": "fc"},
            ],
            tool_calls=CALLS,
            response_metadata={"model_provider": "openai"},
        ),
        (Thought("t"), Text("a"), CALL),
    ),
    "openai's reasoning beside": (
        AIMessage("a", additional_kwargs={"reasoning": {"summary": [{"type": "summary_text", "text": "t"}]}}),
        (Thought("t"), Text("a")),
    ),
    "openai's refusal": (AIMessage("", additional_kwargs={"refusal": "no"}), (Text("no"),)),
    "openai's refusal block": (
        AIMessage([{"type": "refusal", "refusal": "no"}]),
        (Opaque({"type": "refusal", "refusal": "no"}),),
    ),
    "openai's speech": (
        AIMessage("", additional_kwargs={"audio": {"id": "a", "data": "AAAA", "transcript": "spoken"}}),
        (Text("spoken"),),
    ),
    "anthropic's thinking before a call": (
        AIMessage(
            [
                {"type": "thinking", "thinking": "t", "signature": "s", "index": 0},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}, "index": 1},
                {"type": "text", "text": "a", "index": 2},
            ],
            tool_calls=CALLS,
            response_metadata={"model_provider": "anthropic"},
        ),
        (Thought("t"), CALL, Text("a")),
    ),
    "anthropic's v1 thinking": (
        AIMessage(
            [{"type": "reasoning", "reasoning": "t", "extras": {"signature": "s"}}, {"type": "text", "text": "a"}],
            response_metadata={"model_provider": "anthropic", "output_version": "v1"},
        ),
        (Thought("t"), Text("a")),
    ),
    "openai's unfinished picture": (
        AIMessage([{"type": "image_generation_call", "id": "ig", "result": None}]),
        (Text('{"type": "image_generation_call", "id": "ig", "result": null}'),),
    ),
    "openai's custom tool": (
        AIMessage(
            [{"type": "custom_tool_call", "name": "f", "input": "x", "call_id": "c1", "id": "ctc"}], tool_calls=CALLS
        ),
        (CALL,),
    ),
    "openai's open reasoning": (
        AIMessage([{"type": "reasoning", "content": [{"type": "reasoning_text", "text": "t"}], "summary": []}, "a"]),
        (Thought("t"), Text("a")),
    ),
    "bedrock's reasoning": (
        AIMessage(
            [{"type": "reasoning_content", "reasoning_content": {"text": "t", "signature": "anthropic"}}, "a"],
            response_metadata={"model_provider": "bedrock_converse"},
        ),
        (Thought("t"), Text("a")),
    ),
    "anthropic's search": (
        AIMessage(
            [
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "s",
                    "content": [{"type": "web_search_result", "url": "u", "encrypted_content": "c2ln"}],
                },
                {"type": "text", "text": "a"},
            ],
            response_metadata={"model_provider": "anthropic"},
        ),
        (
            Text(
                '{"type": "web_search_tool_result", "tool_use_id": "s", '
                '"content": [{"type": "web_search_result", "url": "u"}]}'
            ),
            Text("a"),
        ),
    ),
    "two calls of one id": (
        AIMessage("", tool_calls=[*CALLS, {"name": "f", "args": {"x": 2}, "id": "c1"}]),
        (CALL, ToolCall("c1", "f", {"x": 2}, synthetic_id=True)),
    ),
    "another provider's search": (
        AIMessage([{"type": "server_tool_call", "id": "s", "name": "web_search", "args": {"query": "q"}}]),
        (Text('{"type": "server_tool_call", "id": "s", "name": "web_search", "args": {"query": "q"}}'),),
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_history_of_another_integration_is_understood(name: str) -> None:
    """A conversation that another model began can be continued; its signatures are marked as not ours."""
    message, parts = HISTORIES[name]
    assert to_core([message]) == (Message("assistant", parts),)


@pytest.mark.parametrize(
    ("fields", "kind"), [({"result": PNG}, "image/png"), ({"result": "AAAA", "output_format": "webp"}, "image/webp")]
)
def test_picture_that_openai_drew_is_a_picture(fields: dict[str, Any], kind: str) -> None:
    """Its bytes are media, not a long text."""
    drawn = AIMessage([{"type": "image_generation_call", "id": "ig", "status": "completed", **fields}])
    assert sent_back(drawn) == (Blob(fields["result"], kind),)
