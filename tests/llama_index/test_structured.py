"""Answers in the shape of a class, on every provider."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Generic, TypeVar

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, Field

from gemini_multi import ConfigurationError
from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti, InvalidStructuredOutput

Value = TypeVar("Value")


class Song(BaseModel):
    title: str
    seconds: int | None = None


class Album(BaseModel):
    """A record."""

    name: str
    songs: list[Song] = Field(min_length=1)
    prices: dict[str, int] = Field(default_factory=dict)


class Pair(BaseModel, Generic[Value]):
    value: Value


PROMPT = PromptTemplate("Describe the album {name}.")
TEXT = '{"name": "Blue", "songs": [{"title": "So What", "seconds": 545}], "prices": {"de": 9}}'
BLUE = Album(name="Blue", songs=[Song(title="So What", seconds=545)], prices={"de": 9})
MODES = [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION]


@pytest.fixture(params=MODES, ids=lambda mode: mode.value)
def scripted(request: pytest.FixtureRequest, sandbox: Sandbox, make: Any) -> GeminiMulti:
    """A model of each provider in each mode, whose next answer is the album."""
    by_tool = request.param == PydanticProgramMode.FUNCTION
    answer = Answer(tool_calls=[("Album", BLUE.model_dump())]) if by_tool else Answer(TEXT)
    sandbox.script(None, [answer])
    return make(pydantic_program_mode=request.param)


def test_structured_predict(scripted: GeminiMulti) -> None:
    """An instance of the class, with nested lists, optional fields and open mappings."""
    assert scripted.structured_predict(Album, PROMPT, name="Blue") == BLUE


async def test_astructured_predict(scripted: GeminiMulti) -> None:
    """The same with `await`."""
    assert await scripted.astructured_predict(Album, PROMPT, name="Blue") == BLUE


def assert_grows(parts: list[Any]) -> None:
    """Every part has the class's attributes, names only grow, and the last one is the whole instance."""
    names = [part.name for part in parts if part.name is not None]
    assert all(after.startswith(before) for before, after in pairwise(names))
    assert all(hasattr(part, "songs") for part in parts)
    assert parts[-1] == BLUE


def test_stream_structured_predict(scripted: GeminiMulti) -> None:
    """The object grows field by field until it is whole."""
    assert_grows(list(scripted.stream_structured_predict(Album, PROMPT, name="Blue")))


async def test_astream_structured_predict(scripted: GeminiMulti) -> None:
    """The same with `await`."""
    assert_grows([part async for part in await scripted.astream_structured_predict(Album, PROMPT, name="Blue")])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_stream_shows_fields_as_they_arrive(mode: PydanticProgramMode, sandbox: Sandbox, make: Any) -> None:
    """Where the provider streams, parts of a field are seen before the field is whole."""
    by_tool = mode == PydanticProgramMode.FUNCTION
    sandbox.script(None, [Answer(tool_calls=[("Album", BLUE.model_dump())]) if by_tool else Answer(TEXT)])
    llm = make(pydantic_program_mode=mode)
    parts = list(llm.stream_structured_predict(Album, PROMPT, name="Blue"))
    assert len(parts) >= 4
    assert not isinstance(parts[0], Album)


async def ask(llm: GeminiMulti, way: str, given: dict[str, Any], prompt: Any = PROMPT) -> None:
    answer = getattr(llm, way)(Song, prompt, given, name="Blue")
    if way.startswith("a"):
        answer = await answer
    if way.startswith("stream"):
        list(answer)
    elif way.startswith("astream"):
        _ = [part async for part in answer]


WAYS = ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
async def test_system_prompt_and_call_arguments_are_used(
    way: str, mode: PydanticProgramMode, sandbox: Sandbox, make: Any
) -> None:
    """The model's `system_prompt` and `llm_kwargs` reach the provider; the caller's arguments are not changed."""
    given = {"temperature": 0.5, "tool_choice": "x", "tool_required": True}
    await ask(make(system_prompt="Be brief.", pydantic_program_mode=mode), way, given)
    body = str(sandbox.requests[-1].body)
    assert "Be brief." in body
    assert "'temperature': 0.5" in body
    assert given == {"temperature": 0.5, "tool_choice": "x", "tool_required": True}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
async def test_system_message_of_a_prompt_stays_one(
    way: str, mode: PydanticProgramMode, sandbox: Sandbox, make: Any
) -> None:
    """It is not sent as a question of the user's."""
    told = [ChatMessage(role="system", content="Be brief."), ChatMessage(content="Describe {name}.")]
    await ask(make(pydantic_program_mode=mode), way, {}, ChatPromptTemplate(message_templates=told))
    body = sandbox.requests[-1].body
    if "input" in body:
        assert body["input"]["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
        assert body["input"]["contents"] == [{"role": "user", "parts": [{"text": "Describe Blue."}]}]
    else:
        roles = [(message["role"], message["content"]) for message in body["messages"]]
        assert roles == [("system", "Be brief."), ("user", "Describe Blue.")]


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{TEXT}\n```",
        f"Here it is:\n{TEXT}\nEnjoy!",
        TEXT.replace("545", '"545"').replace(": 9}", ": 9.0}"),
    ],
)
def test_answer_is_repaired(text: str, sandbox: Sandbox, llm: GeminiMulti) -> None:
    """Fences, words around the JSON and numbers in quotes do no harm."""
    sandbox.script(None, [Answer(text)])
    assert llm.structured_predict(Album, PROMPT, name="Blue") == BLUE


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer("I would rather not."), "The answer is no 'Album'"),
        (Answer('{"name": "Blue"}'), "songs: Field required."),
        (Answer('{"name": "Bl', finish_reason="MAX_TOKENS"), "raise `max_tokens`, which thoughts count against"),
    ],
)
@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
def test_unusable_answer_is_a_clear_error(answer: Answer, message: str, sandbox: Sandbox, llm: GeminiMulti) -> None:
    """It tells what does not fit, why the answer stopped and what it was; a stream ends with the same error."""
    sandbox.script(None, [answer, answer])
    with pytest.raises(InvalidStructuredOutput) as caught:
        llm.structured_predict(Album, PROMPT, name="Blue")
    assert message in str(caught.value)
    assert caught.value.raw == answer.text
    sandbox.clear()
    sandbox.script(None, [answer])
    with pytest.raises(InvalidStructuredOutput):
        list(llm.stream_structured_predict(Album, PROMPT, name="Blue"))


# LlamaIndex's `StructuredLLM.stream_chat` calls pydantic's old `json`.
old_json = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")


@old_json
def test_structured_llm(sandbox: Sandbox, llm: GeminiMulti) -> None:
    """`as_structured_llm` answers chats with the instance, and call arguments do not wipe the schema."""
    structured = llm.as_structured_llm(Album)
    assert isinstance(structured, StructuredLLM)
    sandbox.script(None, [Answer(TEXT), Answer(TEXT)])
    assert structured.chat([ChatMessage(content="Blue")], temperature=0.1).raw == BLUE
    assert list(structured.stream_chat([ChatMessage(content="Blue")]))[-1].raw == BLUE


@old_json
async def test_structured_llm_async(sandbox: Sandbox, llm: GeminiMulti) -> None:
    """The same with `await`."""
    sandbox.script(None, [Answer(TEXT), Answer(TEXT)])
    structured = llm.as_structured_llm(Album)
    assert (await structured.achat([ChatMessage(content="Blue")])).raw == BLUE
    assert [part async for part in await structured.astream_chat([ChatMessage(content="Blue")])][-1].raw == BLUE


def test_images_are_sent_with_a_structured_prompt(sandbox: Sandbox, llm: GeminiMulti) -> None:
    """A prompt of several blocks keeps them all."""
    picture = ImageBlock(image=b"\x89PNG\r\n\x1a\n" + b"\x00" * 8, image_mimetype="image/png")
    address = ImageBlock(url="https://a.example/b.png")
    blocks = [TextBlock(text="What is {what}?"), picture, address]
    prompt = ChatPromptTemplate(message_templates=[ChatMessage(blocks=blocks)])
    llm.structured_predict(Song, prompt, what="it")
    body = str(sandbox.requests[-1].body)
    assert "image/png" in body
    assert "https://a.example/b.png" in body
    assert "What is it?" in body


def test_name_of_a_generic_class_is_cleaned(sandbox: Sandbox, llm: GeminiMulti) -> None:
    """Brackets are not allowed in the name of a schema or of a function."""
    assert isinstance(llm.structured_predict(Pair[int], PROMPT, name="Blue"), Pair)
    assert "Pair[int]" not in str(sandbox.requests[-1].body.get("response_format"))


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_text_mode_is_left_to_llama_index(sandbox: Sandbox, make: Any) -> None:
    """`PydanticProgramMode.LLM` asks in the prompt and parses the text."""
    sandbox.script(None, [Answer(TEXT)])
    llm = make(pydantic_program_mode=PydanticProgramMode.LLM)
    assert llm.structured_predict(Album, PROMPT, name="Blue") == BLUE
    assert "response_format" not in sandbox.requests[-1].body


async def test_function_calling_program(llm: GeminiMulti) -> None:
    """LlamaIndex's own program asks for a required call and gets it."""
    program = FunctionCallingProgram.from_defaults(Song, prompt=PROMPT, llm=llm)
    assert isinstance(program(name="Blue"), Song)
    assert isinstance(await program.acall(name="Blue"), Song)


async def test_streamed_function_calling_program(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """It ends with the whole instance; LlamaIndex finds a chunk's calls only where OpenAI's integration keeps them."""
    sandbox.script(None, [Answer(tool_calls=[("Album", BLUE.model_dump())])] * 2)
    program = FunctionCallingProgram.from_defaults(Album, prompt=PROMPT, llm=llm)
    assert list(program.stream_call(name="Blue"))[-1] == BLUE
    assert [part async for part in await program.astream_call(name="Blue")][-1] == BLUE


async def test_streamed_program_of_several_instances(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Where parallel calls are allowed, all of them."""
    songs = [Song(title="So What"), Song(title="Freddie Freeloader")]
    sandbox.script(None, [Answer(tool_calls=[("Song", song.model_dump()) for song in songs])] * 2)
    program = FunctionCallingProgram.from_defaults(Song, prompt=PROMPT, llm=llm, allow_parallel_tool_calls=True)
    assert program(name="Blue") == songs
    assert list(program.stream_call(name="Blue"))[-1] == songs


def test_unknown_call_argument_is_refused(llm: GeminiMulti) -> None:
    """`llm_kwargs` are checked like those of `chat`."""
    with pytest.raises(ConfigurationError, match="temprature"):
        llm.structured_predict(Song, PROMPT, {"temprature": 1}, name="Blue")
