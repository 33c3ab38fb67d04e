"""Both bindings behind one interface, over a provider that records what it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock

from langchain_gemini_multi import ChatGeminiMulti
from llama_index_gemini_multi import GeminiMulti

MODEL = "gemini-3-flash-preview"
KEYS = {
    "CLOUDFLARE_ACCOUNT_ID": "account",
    "CLOUDFLARE_API_TOKEN": "secret-token",
    "AIMLAPI_API_KEY": "secret-key-a",
    "OXEN_API_KEY": "secret-key-o",
}


def native(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of generateContent."""
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 5, "totalTokenCount": 10}
    return {"candidates": [candidate], "usageMetadata": usage, "responseId": "r1"}


def chat(message: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of chat completions."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
    return {"id": "a1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


@dataclass
class Provider:
    """Records requests, and answers them in the dialect that they are in."""

    answer: Mapping[str, Any] | None = None
    requests: list[httpx.Request] = field(default_factory=list[httpx.Request])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        plain = chat({"content": "fine"}) if "completions" in request.url.path else native({"text": "fine"})
        return httpx.Response(200, json=self.answer or plain)

    @property
    def client(self) -> httpx.Client:
        """A client that asks this provider, whatever the address."""
        return httpx.Client(transport=httpx.MockTransport(self))

    @property
    def body(self) -> dict[str, Any]:
        """What was sent last, without Cloudflare's envelope."""
        sent = json.loads(self.requests[-1].content)
        return dict(sent.get("input", sent))

    @property
    def turn(self) -> list[dict[str, Any]]:
        """The parts of the last turn that was sent."""
        turn = (self.body.get("contents") or self.body["messages"])[-1]
        return list(turn.get("parts") or turn["content"])


class Framework(Protocol):
    """What a test does in either framework."""

    name: str

    def model(self, **settings: Any) -> Any:
        """Make a model."""

    def written(self, model: Any) -> Any:
        """Write a model as JSON."""

    def restored(self, model: Any) -> Any:
        """Write a model and read it again."""

    def ask(self, model: Any, prompt: str = "Hello", **call: Any) -> Any:
        """Ask, and give the message of the answer."""

    def call(self, model: Any, tools: list[Any], **call: Any) -> Any:
        """Ask with tools."""

    def show(self, model: Any, url: str, detail: str | None = None) -> Any:
        """Ask about an image at an address."""

    def go_on(self, model: Any, answer: Any) -> Any:
        """Send an answer back with a further question."""

    def look(self, model: Any, address: str) -> Any:
        """Show a picture at an address."""

    def edited(self, answer: Any, edit: Callable[[str], str]) -> Any:
        """Change the text of an answer."""


class LangChain:
    """`langchain_gemini_multi`."""

    name = "langchain"

    def model(self, **settings: Any) -> ChatGeminiMulti:
        return ChatGeminiMulti(**{"model": MODEL, "max_retries": 0, **settings})

    def written(self, model: ChatGeminiMulti) -> Any:
        return json.loads(dumps(model))

    def restored(self, model: ChatGeminiMulti) -> ChatGeminiMulti:
        restored: ChatGeminiMulti = loads(
            dumps(model), valid_namespaces=["langchain_gemini_multi"], allowed_objects=[ChatGeminiMulti]
        )
        return restored

    def ask(self, model: ChatGeminiMulti, prompt: str = "Hello", **call: Any) -> AIMessage:
        return model.invoke(prompt, **call)

    def call(self, model: ChatGeminiMulti, tools: list[Any], **call: Any) -> AIMessage:
        return model.bind_tools(tools, **call).invoke("Hello")

    def show(self, model: ChatGeminiMulti, url: str, detail: str | None = None) -> AIMessage:
        image = {"url": url} if detail is None else {"url": url, "detail": detail}
        return model.invoke(
            [HumanMessage([{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": image}])]
        )

    def look(self, model: ChatGeminiMulti, address: str) -> AIMessage:
        return model.invoke([HumanMessage([{"type": "image_url", "image_url": {"url": address}}])])

    def go_on(self, model: ChatGeminiMulti, answer: AIMessage) -> AIMessage:
        return model.invoke([HumanMessage("Hello"), answer, HumanMessage("Sure?")])

    def edited(self, answer: AIMessage, edit: Callable[[str], str]) -> AIMessage:
        content: Any = answer.content
        if isinstance(content, str):
            return answer.model_copy(update={"content": edit(content)})
        blocks = [{**block, "text": edit(block["text"])} if block["type"] == "text" else block for block in content]
        return answer.model_copy(update={"content": blocks})


class LlamaIndex:
    """`llama_index_gemini_multi`."""

    name = "llama_index"

    def model(self, **settings: Any) -> GeminiMulti:
        return GeminiMulti(**{"model": MODEL, "max_retries": 0, **settings})

    def written(self, model: GeminiMulti) -> Any:
        return model.to_dict()

    def restored(self, model: GeminiMulti) -> GeminiMulti:
        return GeminiMulti.from_dict(json.loads(json.dumps(self.written(model))))

    def ask(self, model: GeminiMulti, prompt: str = "Hello", **call: Any) -> ChatMessage:
        return model.chat([ChatMessage(prompt)], **call).message

    def call(self, model: GeminiMulti, tools: list[Any], **call: Any) -> ChatMessage:
        return self.ask(model, tools=tools, **call)

    def show(self, model: GeminiMulti, url: str, detail: str | None = None) -> ChatMessage:
        return model.chat(
            [ChatMessage(blocks=[TextBlock(text="What is it?"), ImageBlock(url=url, detail=detail)])]
        ).message

    def look(self, model: GeminiMulti, address: str) -> ChatMessage:
        return model.chat([ChatMessage(blocks=[ImageBlock(url=address)])]).message

    def go_on(self, model: GeminiMulti, answer: ChatMessage) -> ChatMessage:
        return model.chat([ChatMessage("Hello"), answer, ChatMessage("Sure?")]).message

    def edited(self, answer: ChatMessage, edit: Callable[[str], str]) -> ChatMessage:
        blocks = [
            block.model_copy(update={"text": edit(block.text)}) if block.block_type == "text" else block
            for block in answer.blocks
        ]
        return answer.model_copy(update={"blocks": blocks})


FRAMEWORKS: Sequence[Framework] = (LangChain(), LlamaIndex())
