"""`gemini-multi chat`: one request, or a conversation."""

from __future__ import annotations

import mimetypes
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gemini_multi.cli.console import CHEAPEST, ERRORS, ModelOption, ProvidersOption, show_status, summary
from gemini_multi.client import Client
from gemini_multi.errors import ConfigurationError, GeminiMultiError
from gemini_multi.types import (
    Blob,
    ChatEvent,
    ChatRequest,
    ChatResponse,
    FileReference,
    Finished,
    Message,
    TextDelta,
    ThoughtDelta,
)


def chat(
    *,
    prompt: Annotated[
        str | None, typer.Argument(help="What to ask; `-` reads standard input, nothing begins a conversation.")
    ] = None,
    model: ModelOption = CHEAPEST,
    provider: ProvidersOption = None,
    image: Annotated[list[str] | None, typer.Option(help="A file or an address to show; may be repeated.")] = None,
    system: Annotated[str | None, typer.Option(help="Instructions for the model.")] = None,
    thoughts: Annotated[bool, typer.Option("--thoughts", help="Show summaries of the model's thoughts.")] = False,
    temperature: Annotated[float | None, typer.Option(help="How free the answer is.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens to generate.")] = None,
) -> None:
    """Ask a model and stream its answer; say who answered, the usage and the cost."""
    talk = Conversation(
        Client(provider),
        ChatRequest(
            model=model,
            messages=(Message.system(system),) if system else (),
            temperature=temperature,
            max_tokens=max_tokens,
            include_thoughts=thoughts or None,
        ),
    )
    media = [_medium(address) for address in image or ()]
    if prompt == "-" or (prompt is None and not sys.stdin.isatty()):
        prompt = sys.stdin.read()
    if prompt is not None:
        talk.say(Message.user(*media, prompt))
    else:
        _converse(talk, media)


class Conversation:
    """A conversation whose history grows."""

    def __init__(self, client: Client, begun: ChatRequest) -> None:
        self._client = client
        self._request = begun

    def say(self, message: Message) -> None:
        """Send a message, show the answer while it arrives, and keep both when the answer is complete."""
        asked = replace(self._request, messages=(*self._request.messages, message))
        started = time.monotonic()
        response = self._shown(asked)
        show_status(summary(response, time.monotonic() - started))
        self._request = replace(asked, messages=(*asked.messages, response.message))

    def _shown(self, request: ChatRequest) -> ChatResponse:
        waiting = ERRORS.status("waiting for the first word")
        waiting.start()
        try:
            with self._client.stream(request) as events:
                for event in events:
                    waiting.stop()
                    if isinstance(event, Finished):
                        typer.echo()
                        return event.response
                    _show(event)
        finally:
            waiting.stop()
        raise AssertionError("a stream ends with `Finished` or an error")


def _show(event: ChatEvent) -> None:
    if isinstance(event, TextDelta):
        typer.echo(event.text, nl=False)
    elif isinstance(event, ThoughtDelta):
        show_status(event.text)


def _converse(talk: Conversation, media: list[Blob | FileReference]) -> None:
    """Send the lines that the user types, until the input ends."""
    show_status("Ctrl-D ends the conversation.")
    while True:
        try:
            said = input("> ")
        except EOFError:
            typer.echo()
            return
        if not said.strip():
            continue
        try:
            talk.say(Message.user(*media, said))
        except GeminiMultiError as error:
            show_status(f"Error: {error.message}")
        else:
            media = []


def _medium(address: str) -> Blob | FileReference:
    if address.startswith(("https://", "http://", "gs://", "data:")):
        return FileReference(address)
    kind = mimetypes.guess_type(address)[0]
    if kind is None:
        raise ConfigurationError(f"The type of the file {address!r} is unknown. Rename it, as a.png.")
    try:
        return Blob.from_bytes(Path(address).read_bytes(), kind)
    except OSError as error:
        raise ConfigurationError(f"{address!r} cannot be read: {error.strerror}.") from error
