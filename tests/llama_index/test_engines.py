"""LlamaIndex's query engines, chat engines and what is built on them, on every provider."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from inspect import signature
from typing import Any, Literal

import pytest
from llama_index.core import Document, Settings, SQLDatabase, SummaryIndex, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.evaluation import (
    BatchEvalRunner,
    CorrectnessEvaluator,
    FaithfulnessEvaluator,
    GuidelineEvaluator,
    RelevancyEvaluator,
)
from llama_index.core.extractors import KeywordExtractor
from llama_index.core.indices.property_graph import SchemaLLMPathExtractor
from llama_index.core.memory import ChatMemoryBuffer, FactExtractionMemoryBlock, Memory
from llama_index.core.postprocessor import LLMRerank
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import NLSQLTableQueryEngine, RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.response_synthesizers.refine import DefaultRefineProgram
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import MediaResource, Node, NodeWithScore, TextNode
from llama_index.core.selectors import LLMSingleSelector, PydanticSingleSelector
from llama_index.core.tools import QueryEngineTool
from pydantic import BaseModel
from sqlalchemy import StaticPool, create_engine, text

from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti

# LlamaIndex's engines and agents use names that pydantic and its own workflows have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:llama_index.*"),
]

TEXTS = ["A signature must be sent back with its tool call.", "The sandbox listens on the loopback interface."]
QUESTION = "What must be sent back?"


class Fact(BaseModel):
    """One fact."""

    answer: str


@pytest.fixture
def index() -> VectorStoreIndex:
    """Two short documents."""
    return VectorStoreIndex.from_documents([Document(text=text) for text in TEXTS], embed_model=MockEmbedding(8))


MODES = [
    ResponseMode.COMPACT,
    ResponseMode.REFINE,
    ResponseMode.TREE_SUMMARIZE,
    ResponseMode.SIMPLE_SUMMARIZE,
    ResponseMode.ACCUMULATE,
    ResponseMode.COMPACT_ACCUMULATE,
    ResponseMode.GENERATION,
]


@pytest.mark.parametrize("mode", MODES)
async def test_query_engine(mode: ResponseMode, index: VectorStoreIndex, llm: GeminiMulti) -> None:
    """Every way to put an answer together works, blocking and with `await`."""
    engine = index.as_query_engine(llm=llm, response_mode=mode)
    answers = [str(engine.query(QUESTION)), str(await engine.aquery(QUESTION))]
    assert all("Gemini sandbox" in answer for answer in answers)


@pytest.mark.parametrize("mode", [ResponseMode.COMPACT, ResponseMode.REFINE, ResponseMode.TREE_SUMMARIZE])
async def test_streaming_query_engine(mode: ResponseMode, index: VectorStoreIndex, llm: GeminiMulti) -> None:
    """The pieces add up to the answer."""
    engine = index.as_query_engine(llm=llm, response_mode=mode, streaming=True)
    assert "Gemini sandbox" in "".join(engine.query(QUESTION).response_gen)
    response = await engine.aquery(QUESTION)
    assert "Gemini sandbox" in "".join([piece async for piece in response.response_gen])


@pytest.mark.parametrize("mode", [ResponseMode.COMPACT, ResponseMode.REFINE, ResponseMode.TREE_SUMMARIZE])
async def test_structured_query_engine(mode: ResponseMode, index: VectorStoreIndex, llm: GeminiMulti) -> None:
    """`output_cls` gives instances of the class."""
    engine = index.as_query_engine(llm=llm, response_mode=mode, output_cls=Fact)
    assert isinstance(engine.query(QUESTION).response, Fact)
    assert isinstance((await engine.aquery(QUESTION)).response, Fact)


@pytest.mark.parametrize("mode", [ResponseMode.REFINE, ResponseMode.COMPACT])
async def test_streaming_structured_query_engine(
    mode: ResponseMode, index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox
) -> None:
    """LlamaIndex waits for the last of the growing objects and gives its field `answer`, older cores its JSON."""
    sandbox.script(None, [Answer('{"answer": "The signature."}')] * 4)
    engine = index.as_query_engine(llm=llm, response_mode=mode, output_cls=Fact, streaming=True)
    assert "The signature." in "".join(engine.query(QUESTION).response_gen)
    sandbox.clear()
    sandbox.script(None, [Answer('{"answer": "The signature."}')] * 4)
    response = await engine.aquery(QUESTION)
    assert "The signature." in "".join([piece async for piece in response.response_gen])


@pytest.mark.parametrize("is_async", [False, True])
async def test_streaming_tree_with_a_class(index: VectorStoreIndex, llm: GeminiMulti, *, is_async: bool) -> None:
    """LlamaIndex streams the root of a tree as text, whatever class was asked for."""
    engine = index.as_query_engine(llm=llm, response_mode=ResponseMode.TREE_SUMMARIZE, output_cls=Fact, streaming=True)
    if is_async:
        pieces = [piece async for piece in (await engine.aquery(QUESTION)).response_gen]
    else:
        pieces = list(engine.query(QUESTION).response_gen)
    assert "Gemini sandbox" in "".join(pieces)


@pytest.mark.parametrize("mode", [ResponseMode.ACCUMULATE, ResponseMode.COMPACT_ACCUMULATE])
@pytest.mark.parametrize("use_async", [False, True])
def test_structured_accumulation(
    mode: ResponseMode, index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox, *, use_async: bool
) -> None:
    """An instance per chunk, one after the other or all at once in a loop of LlamaIndex's own."""
    sandbox.script(None, [Answer('{"answer": "The signature."}')] * 2)
    synthesizer = get_response_synthesizer(llm=llm, response_mode=mode, output_cls=Fact, use_async=use_async)
    answer = str(index.as_query_engine(llm=llm, response_synthesizer=synthesizer).query(QUESTION))
    assert answer.count("The signature.") == len(sandbox.requests) == (2 if mode == ResponseMode.ACCUMULATE else 1)


@pytest.mark.parametrize("mode", [ResponseMode.ACCUMULATE, ResponseMode.COMPACT_ACCUMULATE])
def test_accumulation_does_not_stream(mode: ResponseMode, index: VectorStoreIndex, llm: GeminiMulti) -> None:
    """LlamaIndex refuses it, whatever the model."""
    with pytest.raises(ValueError, match="Unable to stream"):
        index.as_query_engine(llm=llm, response_mode=mode, streaming=True).query(QUESTION)


@pytest.mark.parametrize("mode", [ResponseMode.SIMPLE_SUMMARIZE, ResponseMode.GENERATION])
async def test_streaming_without_refining(mode: ResponseMode, index: VectorStoreIndex, llm: GeminiMulti) -> None:
    """All chunks in one question, or none of them."""
    engine = index.as_query_engine(llm=llm, response_mode=mode, streaming=True)
    assert "Gemini sandbox" in "".join(engine.query(QUESTION).response_gen)
    response = await engine.aquery(QUESTION)
    assert "Gemini sandbox" in "".join([piece async for piece in response.response_gen])


STRUCTURED_MODES = [ResponseMode.COMPACT, ResponseMode.REFINE, ResponseMode.TREE_SUMMARIZE]


@pytest.mark.parametrize("mode", STRUCTURED_MODES)
async def test_query_engine_of_a_structured_model(
    mode: ResponseMode, index: VectorStoreIndex, llm: GeminiMulti
) -> None:
    """`as_structured_llm` makes every answer an instance, without `output_cls`."""
    engine = index.as_query_engine(llm=llm.as_structured_llm(Fact), response_mode=mode)
    assert isinstance(engine.query(QUESTION).response, Fact)
    assert isinstance((await engine.aquery(QUESTION)).response, Fact)


VERDICTS = [
    Answer(tool_calls=[("StructuredRefineResponse", {"answer": "No idea.", "query_satisfied": False})]),
    Answer(tool_calls=[("StructuredRefineResponse", {"answer": "The signature.", "query_satisfied": True})]),
]


@pytest.mark.parametrize("is_async", [False, True])
async def test_structured_answer_filtering(
    index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox, *, is_async: bool
) -> None:
    """Each chunk gets a verdict by a required function call, and what did not help is left out."""
    sandbox.script(None, VERDICTS)
    synthesizer = get_response_synthesizer(llm=llm, response_mode=ResponseMode.REFINE, structured_answer_filtering=True)
    engine = index.as_query_engine(llm=llm, response_synthesizer=synthesizer)
    assert str(await engine.aquery(QUESTION) if is_async else engine.query(QUESTION)) == "The signature."
    assert all("StructuredRefineResponse" in str(request.body) for request in sandbox.requests)
    assert len(sandbox.requests) == 2


@pytest.mark.skipif("stream_call" not in vars(DefaultRefineProgram), reason="this core refuses it")
@pytest.mark.parametrize("is_async", [False, True])
async def test_streamed_answer_filtering(
    index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox, *, is_async: bool
) -> None:
    """The same while the verdicts arrive."""
    sandbox.script(None, VERDICTS)
    synthesizer = get_response_synthesizer(
        llm=llm, response_mode=ResponseMode.REFINE, structured_answer_filtering=True, streaming=True
    )
    engine = index.as_query_engine(llm=llm, response_synthesizer=synthesizer)
    if is_async:
        pieces = [piece async for piece in (await engine.aquery(QUESTION)).response_gen]
    else:
        pieces = list(engine.query(QUESTION).response_gen)
    assert "".join(pieces) == "The signature."
    assert len(sandbox.requests) == 2


CHAT_MODES = ["simple", "context", "condense_question", "condense_plus_context"]


@pytest.mark.parametrize("mode", CHAT_MODES)
async def test_chat_engine(mode: Any, index: VectorStoreIndex, llm: GeminiMulti) -> None:
    """Two turns each, so that the history is sent; blocking and with `await`, whole and in pieces."""
    engine = index.as_chat_engine(chat_mode=mode, llm=llm, memory=ChatMemoryBuffer.from_defaults(token_limit=9999))
    for ask in (lambda: engine.chat("Hi"), lambda: engine.chat("And more?")):
        assert "Gemini sandbox" in str(ask())
    assert "Gemini sandbox" in str(await engine.achat("And then?"))
    assert "Gemini sandbox" in "".join(engine.stream_chat("And in pieces?").response_gen)
    response = await engine.astream_chat("And at last?")
    assert "Gemini sandbox" in "".join([piece async for piece in response.async_response_gen()])
    assert len(engine.chat_history) == 10


@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
async def test_chat_engine_streams_no_thoughts(index: VectorStoreIndex, make: Any) -> None:
    """They are neither in what it says nor in the history that it keeps."""
    engine = index.as_chat_engine(
        chat_mode="context", llm=make(include_thoughts=True), memory=ChatMemoryBuffer.from_defaults(token_limit=9999)
    )
    said = "".join(engine.stream_chat("Hi").response_gen)
    later = "".join([piece async for piece in (await engine.astream_chat("And?")).async_response_gen()])
    assert [message.content for message in engine.chat_history[1::2]] == [said, later]
    assert "Sandbox thoughts" not in said + later


async def test_engines_with_a_small_window(index: VectorStoreIndex, make: Any) -> None:
    """LlamaIndex subtracts the answer's room from it; something must be left."""
    llm = make(context_window=1024)
    assert "Gemini sandbox" in str(index.as_query_engine(llm=llm).query(QUESTION))
    engine = index.as_chat_engine(chat_mode="context", llm=llm, memory=ChatMemoryBuffer.from_defaults(token_limit=500))
    assert "Gemini sandbox" in str(await engine.achat("Hi"))


@pytest.mark.skipif("multimodal" not in signature(get_response_synthesizer).parameters, reason="this core has none")
@pytest.mark.parametrize("is_async", [False, True])
async def test_pictures_among_what_was_found(llm: GeminiMulti, sandbox: Sandbox, *, is_async: bool) -> None:
    """A synthesizer for several media sends them as messages."""
    picture = MediaResource(data=b"\x89PNG\r\n\x1a\n" + b"\x00" * 16, mimetype="image/png")
    found = [NodeWithScore(node=Node(image_resource=picture, text_resource=MediaResource(text="A cat.")), score=1.0)]
    synthesizer = get_response_synthesizer(llm=llm, multimodal=True)
    answer = await synthesizer.asynthesize("What?", found) if is_async else synthesizer.synthesize("What?", found)
    assert "I was shown" in str(answer)
    assert "image/png" in str(sandbox.requests[-1].body)


@pytest.mark.parametrize("streaming", [True, False])
async def test_query_engine_is_a_tool_of_a_reasoning_agent(
    index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox, streaming: bool
) -> None:
    """The same in plain text."""
    action = 'Thought: I look it up.\nAction: docs_search\nAction Input: {"input": "What must be sent back?"}'
    answer = "Thought: I can answer without using any more tools.\nAnswer: The signature."
    sandbox.script(None, [Answer(action), Answer("A signature."), Answer(answer)])
    tool = QueryEngineTool.from_defaults(index.as_query_engine(llm=llm), name="docs_search", description="Documents.")
    agent = ReActAgent(tools=[tool], llm=llm, streaming=streaming)
    handler = agent.run(QUESTION, memory=ChatMemoryBuffer.from_defaults(token_limit=9999))
    results = [str(event.tool_output) async for event in handler.stream_events() if isinstance(event, ToolCallResult)]
    assert (results, str(await handler)) == (["A signature."], "The signature.")


@pytest.mark.parametrize("streaming", [True, False])
async def test_query_engine_is_a_tool_of_an_agent(index: VectorStoreIndex, llm: GeminiMulti, streaming: bool) -> None:
    """The agent asks the documents, whose engine asks the same model inside the agent's loop."""
    tool = QueryEngineTool.from_defaults(index.as_query_engine(llm=llm), name="docs_search", description="Documents.")
    memory = ChatMemoryBuffer.from_defaults(token_limit=9999)
    agent = FunctionAgent(tools=[tool], llm=llm, streaming=streaming)
    handler = agent.run("Use docs_search: what must be sent back?", memory=memory)
    results = [str(event.tool_output) async for event in handler.stream_events() if isinstance(event, ToolCallResult)]
    assert "Gemini sandbox" in results[0]
    assert "docs_search gave" in str(await handler)


def tools_of(index: VectorStoreIndex, llm: GeminiMulti) -> list[QueryEngineTool]:
    engine = index.as_query_engine(llm=llm)
    return [QueryEngineTool.from_defaults(engine, name=name, description=f"About {name}.") for name in ("one", "two")]


async def test_sub_question_engine(index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """The model's list of questions in a fence is read, each is asked, and the answers are put together."""
    asked = {"items": [{"sub_question": f"What is {name}?", "tool_name": name} for name in ("one", "two")]}
    sandbox.script(None, [Answer(f"```json\n{json.dumps(asked)}\n```")])
    engine = SubQuestionQueryEngine.from_defaults(
        tools_of(index, llm),
        llm=llm,
        question_gen=LLMQuestionGenerator.from_defaults(llm=llm),
        verbose=False,
    )
    assert "Gemini sandbox" in str(await engine.aquery("Compare one with two."))
    assert len(sandbox.requests) == 4


@pytest.mark.parametrize("is_async", [True, False])
async def test_sub_questions_with_a_streamed_answer(
    index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox, *, is_async: bool
) -> None:
    """What puts the answers together streams; the parts are asked for in whole."""
    asked = {"items": [{"sub_question": f"What is {name}?", "tool_name": name} for name in ("one", "two")]}
    sandbox.script(None, [Answer(json.dumps(asked))])
    engine = SubQuestionQueryEngine.from_defaults(
        tools_of(index, llm),
        llm=llm,
        question_gen=LLMQuestionGenerator.from_defaults(llm=llm),
        response_synthesizer=get_response_synthesizer(llm=llm, streaming=True, use_async=is_async),
        use_async=is_async,
        verbose=False,
    )
    if is_async:
        response = await engine.aquery("Compare one with two.")
        pieces = [piece async for piece in response.response_gen]
    else:
        pieces = list(engine.query("Compare one with two.").response_gen)
    assert "Gemini sandbox" in "".join(pieces)
    assert len(sandbox.requests) == 4


def test_sub_question_engine_without_await(index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """It starts a loop of its own for each call; the same model serves them all, also twice."""
    asked = {"items": [{"sub_question": f"What is {name}?", "tool_name": name} for name in ("one", "two")]}
    sandbox.script(None, [Answer(json.dumps(asked))])
    generator = LLMQuestionGenerator.from_defaults(llm=llm)
    engine = SubQuestionQueryEngine.from_defaults(tools_of(index, llm), llm=llm, question_gen=generator, verbose=False)
    assert "Gemini sandbox" in str(engine.query("Compare one with two."))
    sandbox.script(None, [Answer(json.dumps(asked))])
    assert "Gemini sandbox" in str(engine.query("Compare them again."))
    assert len(sandbox.requests) == 8


async def test_streamed_answer_through_a_router(index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Chosen with `await`, and the chosen engine streams."""
    sandbox.script(None, [Answer(json.dumps([{"choice": 1, "reason": "It fits."}]))])
    tool = QueryEngineTool.from_defaults(index.as_query_engine(llm=llm, streaming=True), name="one", description="One.")
    selector = LLMSingleSelector.from_defaults(llm=llm)
    engine = RouterQueryEngine.from_defaults([tool, tools_of(index, llm)[1]], llm=llm, selector=selector)
    response = await engine.aquery(QUESTION)
    assert "Gemini sandbox" in "".join([piece async for piece in response.response_gen])


@pytest.mark.parametrize("by_function", [True, False])
def test_router_engine(index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox, *, by_function: bool) -> None:
    """The model chooses an engine, by a function call or by JSON text."""
    choice = {"index": 1 if by_function else 2, "reason": "It fits."}
    if by_function:
        sandbox.script(None, [Answer(tool_calls=[("SingleSelection", choice)])])
        selector: Any = PydanticSingleSelector.from_defaults(llm=llm)
    else:
        sandbox.script(None, [Answer(json.dumps([{"choice": 2, "reason": "It fits."}]))])
        selector = LLMSingleSelector.from_defaults(llm=llm)
    engine = RouterQueryEngine.from_defaults(tools_of(index, llm), llm=llm, selector=selector)
    response = engine.query(QUESTION)
    assert "Gemini sandbox" in str(response)
    assert response.metadata["selector_result"].reasons == ["It fits."]


def test_evaluator(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """A verdict in one word is read."""
    sandbox.script(None, [Answer("YES"), Answer("NO")])
    evaluator = FaithfulnessEvaluator(llm=llm)
    results = [evaluator.evaluate(response="It is so.", contexts=TEXTS) for _ in range(2)]
    assert [result.passing for result in results] == [True, False]


async def test_extractor(llm: GeminiMulti) -> None:
    """Metadata is extracted with `apredict`."""
    extracted = await KeywordExtractor(llm=llm, show_progress=False).aextract([TextNode(text=TEXTS[0])])
    assert "Gemini sandbox" in extracted[0]["excerpt_keywords"]


def test_reranker(index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """The model orders what was found."""
    sandbox.script(None, [Answer("Doc: 2, Relevance: 9\nDoc: 1, Relevance: 3")])
    nodes = index.as_retriever(similarity_top_k=2).retrieve(QUESTION)
    ranked = LLMRerank(llm=llm, top_n=2).postprocess_nodes(nodes, query_str=QUESTION)
    assert [node.score for node in ranked] == [9.0, 3.0]


def test_fusion_retriever(index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """More questions are made with `complete`."""
    sandbox.script(None, [Answer("Which calls?\nWhich signatures?")])
    retriever = QueryFusionRetriever([index.as_retriever()], llm=llm, num_queries=3, use_async=False)
    assert retriever.retrieve(QUESTION)
    assert len(sandbox.requests) == 1


async def test_fusion_retriever_with_await(index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """The same with `acomplete`."""
    sandbox.script(None, [Answer("Which calls?\nWhich signatures?")])
    retriever = QueryFusionRetriever([index.as_retriever()], llm=llm, num_queries=3)
    assert await retriever.aretrieve(QUESTION)
    assert len(sandbox.requests) == 1


def test_questions_to_a_database(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """A question becomes SQL, and what it finds an answer."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE city (name TEXT, people INTEGER)"))
        connection.execute(text("INSERT INTO city VALUES ('Lisbon', 545)"))
    sandbox.script(None, [Answer("SELECT people FROM city WHERE name = 'Lisbon'"), Answer("545 thousand.")])
    asked = NLSQLTableQueryEngine(SQLDatabase(engine), llm=llm, tables=["city"], embed_model=MockEmbedding(8))
    assert str(asked.query("How many people live in Lisbon?")) == "545 thousand."
    assert "545" in str(sandbox.requests[-1].body)
    engine.dispose()


async def test_memory_that_extracts_facts(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """What leaves LlamaIndex's newer memory is condensed by the model."""
    sandbox.script(None, [Answer("<facts><fact>Ann lives in Rome.</fact></facts>")])
    block = FactExtractionMemoryBlock(name="facts", llm=llm, max_facts=5)
    await block.aput([ChatMessage(content="I am Ann, from Rome."), ChatMessage(role="assistant", content="Hello!")])
    assert block.facts == ["Ann lives in Rome."]
    assert "Ann lives in Rome." in str(await block.aget())


async def test_many_evaluations_at_once(index: VectorStoreIndex, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """LlamaIndex's runner asks and judges with several workers."""
    sandbox.script(None, [Answer("YES")] * 6)
    runner = BatchEvalRunner({"faithful": FaithfulnessEvaluator(llm=llm), "relevant": RelevancyEvaluator(llm=llm)})
    found = await runner.aevaluate_queries(index.as_query_engine(llm=llm), queries=[QUESTION, "What else?"])
    assert [result.passing for results in found.values() for result in results] == [True] * 4
    assert len(sandbox.requests) == 6


VERDICT = json.dumps({"passing": False, "feedback": "Too long."})


@pytest.mark.parametrize("told", [VERDICT, f"```json\n{VERDICT}\n```"])
async def test_evaluator_with_a_class(told: str, llm: GeminiMulti, sandbox: Sandbox) -> None:
    """A guideline's verdict is JSON, in a fence or not."""
    sandbox.script(None, [Answer(told)])
    evaluator = GuidelineEvaluator(llm=llm, guidelines="Be brief.")
    result = await evaluator.aevaluate(query=QUESTION, response="Well.")
    assert (result.passing, result.feedback) == (False, "Too long.")


def test_summary_index(llm: GeminiMulti) -> None:
    """All documents in one answer."""
    engine = SummaryIndex.from_documents([Document(text=text) for text in TEXTS]).as_query_engine(llm=llm)
    assert "Gemini sandbox" in str(engine.query("Summarize."))


@pytest.fixture
def as_default() -> AsyncIterator[Callable[[GeminiMulti], None]]:
    """Make a model LlamaIndex's default for one test."""
    before = Settings._llm

    def use(llm: GeminiMulti) -> None:
        Settings.llm = llm

    yield use
    Settings._llm = before


def test_default_model(index: VectorStoreIndex, llm: GeminiMulti, as_default: Callable[[GeminiMulti], None]) -> None:
    """Engines take the model from `Settings`."""
    as_default(llm)
    assert "Gemini sandbox" in str(index.as_query_engine().query(QUESTION))


def test_default_model_streams(
    index: VectorStoreIndex, llm: GeminiMulti, as_default: Callable[[GeminiMulti], None]
) -> None:
    """Query engines and chat engines alike."""
    as_default(llm)
    assert "Gemini sandbox" in "".join(index.as_query_engine(streaming=True).query(QUESTION).response_gen)
    engine = index.as_chat_engine(chat_mode="context", memory=ChatMemoryBuffer.from_defaults(token_limit=9999))
    assert "Gemini sandbox" in "".join(engine.stream_chat("Hi").response_gen)


@pytest.mark.parametrize("streaming", [True, False])
async def test_default_model_of_agents(
    llm: GeminiMulti, as_default: Callable[[GeminiMulti], None], *, streaming: bool
) -> None:
    """And agents do so, too."""
    as_default(llm)
    memory = ChatMemoryBuffer.from_defaults(token_limit=9999)
    assert "Gemini sandbox" in str(await FunctionAgent(streaming=streaming).run("Hi", memory=memory))


async def test_chat_engine_keeps_its_history(
    index: VectorStoreIndex, llm: GeminiMulti, stored_memory: Memory, sandbox: Sandbox
) -> None:
    """What was said goes into the next question, from LlamaIndex's newer memory as well."""
    engine = index.as_chat_engine(chat_mode="context", llm=llm, memory=stored_memory)
    await engine.achat("I am Ann.")
    response = await engine.astream_chat("Who am I?")
    assert [piece async for piece in response.async_response_gen()]
    assert "I am Ann." in str(sandbox.requests[-1].body)
    assert [message.role.value for message in await stored_memory.aget_all()] == ["user", "assistant"] * 2


def test_structured_extraction_from_documents(llm: GeminiMulti) -> None:
    """`as_structured_llm` turns documents into records."""
    record = llm.as_structured_llm(Fact).complete(f"Extract a fact: {TEXTS[0]}")
    assert isinstance(record.raw, Fact)
    assert Fact.model_validate_json(record.text) == record.raw


def test_structured_extraction_grows(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Streamed, a record is there field by field, and whole at the end."""
    sandbox.script(None, [Answer('{"answer": "A signature is sent back with its call."}')])
    prompt = PromptTemplate("Extract a fact: {text}")
    parts = list(llm.stream_structured_predict(Fact, prompt, text=TEXTS[0]))
    assert parts[-1] == Fact(answer="A signature is sent back with its call.")


async def test_evaluator_with_await(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Scores and their reasons are read from the answer's text."""
    sandbox.script(None, [Answer("4.5\nIt is right."), Answer("YES")])
    judged = await CorrectnessEvaluator(llm=llm).aevaluate(query=QUESTION, response="It is so.", reference=TEXTS[0])
    assert (judged.score, judged.feedback) == (4.5, "It is right.")
    assert (await FaithfulnessEvaluator(llm=llm).aevaluate(response="It is so.", contexts=TEXTS)).passing


async def test_schema_guided_knowledge_graph(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Its classes are made at run time, with enumerations of strings, references and open properties."""
    triplet = {
        "subject": {"type": "PERSON", "name": "Ann", "properties": {}},
        "relation": {"type": "WORKS_AT", "properties": {}},
        "object": {"type": "PLACE", "name": "Rome", "properties": {}},
    }
    sandbox.script(None, [Answer(json.dumps({"triplets": [triplet]}))])
    extractor = SchemaLLMPathExtractor(
        llm=llm,
        possible_entities=Literal["PERSON", "PLACE"],
        possible_relations=Literal["WORKS_AT"],
        kg_validation_schema=[("PERSON", "WORKS_AT", "PLACE")],
        possible_entity_props=["age"],
    )
    (node,) = await extractor.acall([TextNode(text="Ann works in Rome.")])
    assert [(each.name, each.label) for each in node.metadata["nodes"]] == [("Ann", "PERSON"), ("Rome", "PLACE")]
    assert [each.label for each in node.metadata["relations"]] == ["WORKS_AT"]
    assert len(sandbox.requests) == 1


def test_history_of_a_chat_engine_goes_to_another_provider(index: VectorStoreIndex, sandbox: Sandbox) -> None:
    """A conversation may begin at one provider and go on at another."""
    memory = ChatMemoryBuffer.from_defaults(token_limit=9999)
    first = GeminiMulti(model="gemini-2.5-flash", providers="oxen")
    engine = index.as_chat_engine(chat_mode="context", llm=first, memory=memory)
    engine.chat("Hi")
    other = GeminiMulti(model="gemini-2.5-flash", providers="cloudflare")
    assert other.chat([*engine.chat_history, ChatMessage(content="And now?")]).message.content
