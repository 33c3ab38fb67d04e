"""The documented calls that `doctor --record` sends to a provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Self

from gemini_multi._transport.recording import Exchange, RecordingTransport
from gemini_multi.client import Client
from gemini_multi.errors import GeminiMultiError
from gemini_multi.providers import Provider
from gemini_multi.types import Blob, ChatRequest, ChatResponse, Message, Text, Tool, ToolChoice, ToolResult

_PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
_WEATHER: Final = Tool(
    "get_weather",
    "Tells the weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
_NO_MODEL: Final = "gemini-0-none"


@dataclass(slots=True)
class Recording:
    """One call: its requests and responses, and what the library read from them."""

    call: str
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    error: GeminiMultiError | None = None


class Caller:
    """Makes the calls to one provider and keeps their requests and responses."""

    def __init__(self, provider: Provider, model: str) -> None:
        self._transport = RecordingTransport()
        self._http = self._transport.client()
        self._client = Client(provider, max_retries=0, http_client=self._http)
        self._provider = provider
        self._model = model

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def run(self) -> Iterator[Recording]:
        """Make the calls one after the other."""
        asked = self._request("Use get_weather for 'Paris'.")
        asked = replace(asked, tools=(_WEATHER,), tool_choice=ToolChoice("required"))
        yield self._recorded("whole", lambda: self._client.chat(self._request("Answer with the word OK.")))
        yield self._recorded("stream", lambda: self._streamed(self._request("Count from 1 to 20.")))
        answers: list[ChatResponse] = []
        yield self._recorded("tool call", lambda: answers.append(self._client.chat(asked)))
        if answers and answers[0].tool_calls:
            yield self._recorded("signature sent back", lambda: self._client.chat(_continued(asked, answers[0])))
        yield self._recorded("image", lambda: self._client.chat(self._image()))
        unknown = replace(self._request("Hello"), model=_NO_MODEL)
        yield self._recorded("error", lambda: self._client.chat(unknown))
        yield self._recorded("models", lambda: self._client.models(self._provider))

    def _recorded(self, name: str, call: Callable[[], object]) -> Recording:
        recording, begun = Recording(name), len(self._transport.exchanges)
        try:
            call()
        except GeminiMultiError as error:
            recording.error = error
        recording.exchanges = self._transport.exchanges[begun:]
        return recording

    def _streamed(self, request: ChatRequest) -> ChatResponse:
        with self._client.stream(request) as events:
            return events.response()

    def _request(self, prompt: str) -> ChatRequest:
        return ChatRequest(model=self._model, messages=(Message.user(prompt),), max_tokens=1024)

    def _image(self) -> ChatRequest:
        message = Message.user(Blob(_PIXEL, "image/png"), "Which color is this?")
        return replace(self._request(""), messages=(message,))


def _continued(asked: ChatRequest, answer: ChatResponse) -> ChatRequest:
    """Send the tool calls back, with their signatures and results."""
    results = [ToolResult(call.id, call.name, (Text("18 °C"),)) for call in answer.tool_calls]
    return replace(asked, messages=(*asked.messages, answer.message, Message.tool(*results)), tool_choice=None)
