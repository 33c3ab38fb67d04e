"""The core's rivals: openai, google-genai, LiteLLM and its router."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from benchmarks.answers import MODEL
from benchmarks.subjects.base import BATCH_CALLS, Subject, failing
from benchmarks.subjects.bodies import chat_body, native_body


class ChatClient(Subject):
    """A client that takes chat completions' own fields."""

    model = MODEL
    create: Callable[..., Any]
    create_async: Callable[..., Any]

    def _fields(self, question: str, **wanted: bool) -> dict[str, Any]:
        return {**chat_body(question, **wanted), "model": self.model}

    def ask(self, question: str) -> Callable[[], Any]:
        return partial(self.create, **self._fields(question))

    def ask_async(self, question: str) -> Callable[[], Any]:
        return partial(self.create_async, **self._fields(question))

    def tool(self, question: str) -> Callable[[], Any]:
        return partial(self.create, **self._fields(question, tool=True))

    def structured(self, question: str) -> Callable[[], Any]:
        fields = self._fields(question, structured=True)
        return lambda: json.loads(self.create(**fields).choices[0].message.content)

    def stream(self, question: str) -> Callable[[], Any]:
        return partial(self.create, **self._fields(question, stream=True))

    def stream_async(self, question: str) -> Callable[[], Any]:
        fields = self._fields(question, stream=True)

        async def pieces() -> AsyncIterator[Any]:
            async for piece in await self.create_async(**fields):
                yield piece

        return pieces

    def batch(self, question: str) -> Callable[[], Any]:
        ask, threads = self.ask(question), ThreadPoolExecutor(self.threads)
        return lambda: list(threads.map(lambda _: ask(), range(BATCH_CALLS)))

    def text(self, piece: Any) -> str | None:
        if isinstance(piece, dict):
            return json.dumps(piece)
        if not piece.choices:
            return ""
        choice = piece.choices[0]
        return (getattr(choice, "delta", None) or choice.message).content or ""


class OpenAIClient(ChatClient):
    """openai's own client."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        from openai import AsyncOpenAI

        client = self.construct("")()
        self.create = client.chat.completions.create
        self.create_async = AsyncOpenAI(base_url=f"{url}/v1", api_key="key").chat.completions.create

    def construct(self, question: str) -> Callable[[], Any]:
        from openai import OpenAI

        return lambda: OpenAI(base_url=f"{self.url}/v1", api_key="key")


def _at(url: str) -> dict[str, Any]:
    return {"api_base": f"{url}/v1", "api_key": "key"}


class LiteLLMClient(ChatClient):
    """LiteLLM's functions."""

    model = f"openai/{MODEL}"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        import litellm

        self.create = partial(litellm.completion, **_at(url))
        self.create_async = partial(litellm.acompletion, **_at(url))


class LiteLLMRouter(ChatClient):
    """LiteLLM's router, with one provider or with a second one."""

    model = "first"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        router = self._router(url)
        self.create = router.completion
        self.create_async = router.acompletion

    def construct(self, question: str) -> Callable[[], Any]:
        return partial(self._router, self.url)

    def _router(self, *urls: str) -> Any:
        from litellm import Router

        names = ("first", "second")[: len(urls)]
        providers = [
            {"model_name": name, "litellm_params": {"model": f"openai/{MODEL}", **_at(url)}}
            for name, url in zip(names, urls, strict=True)
        ]
        fallbacks = [{"first": ["second"]}] if len(urls) > 1 else []
        return Router(providers, fallbacks=fallbacks, num_retries=0, disable_cooldowns=True)

    def spare(self, question: str) -> Callable[[], Any]:
        return partial(self._router(self.url, self.url).completion, **self._fields(question))

    def failover(self, question: str) -> Callable[[], Any]:
        return partial(self._router(failing(self.url), self.url).completion, **self._fields(question))


class GoogleClient(Subject):
    """google-genai's own client."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._client = self.construct("")()
        self._models = self._client.models
        self._async_models = self._client.aio.models

    def construct(self, question: str) -> Callable[[], Any]:
        from google import genai

        return lambda: genai.Client(api_key="key", http_options={"base_url": self.url})

    def ask(self, question: str) -> Callable[[], Any]:
        return partial(self._models.generate_content, **_google(native_body(question)))

    def ask_async(self, question: str) -> Callable[[], Any]:
        return partial(self._async_models.generate_content, **_google(native_body(question)))

    def tool(self, question: str) -> Callable[[], Any]:
        return partial(self._models.generate_content, **_google(native_body(question, tool=True)))

    def structured(self, question: str) -> Callable[[], Any]:
        fields = _google(native_body(question, structured=True))
        return lambda: json.loads(self._models.generate_content(**fields).text)

    def stream(self, question: str) -> Callable[[], Any]:
        return partial(self._models.generate_content_stream, **_google(native_body(question)))

    def stream_async(self, question: str) -> Callable[[], Any]:
        fields = _google(native_body(question))

        async def pieces() -> AsyncIterator[Any]:
            async for piece in await self._async_models.generate_content_stream(**fields):
                yield piece

        return pieces

    def batch(self, question: str) -> Callable[[], Any]:
        ask, threads = self.ask(question), ThreadPoolExecutor(self.threads)
        return lambda: list(threads.map(lambda _: ask(), range(BATCH_CALLS)))

    def text(self, piece: Any) -> str | None:
        return json.dumps(piece) if isinstance(piece, dict) else piece.text or ""


def _google(body: dict[str, Any]) -> dict[str, Any]:
    """Spell a body as google-genai does."""
    config: dict[str, Any] = {}
    if "tools" in body:
        config["tools"] = [{"function_declarations": body["tools"][0]["functionDeclarations"]}]
    if generation := body.get("generationConfig"):
        config |= {
            "response_mime_type": generation["responseMimeType"],
            "response_schema": generation["responseSchema"],
        }
    return {"model": MODEL, "contents": body["contents"], "config": config or None}
