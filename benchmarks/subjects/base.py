"""What every client is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

BATCH_CALLS: Final = 64


def count_of(url: str) -> int:
    """Tell how many events an address streams, for a floor that sends no request; 0 when it does not stream."""
    _, _, number = url.rpartition("-")
    return int(number) if number.isdigit() else 0


def failing(url: str) -> str:
    """Give the address beside `url` where the server always answers that it is overloaded."""
    return f"{url.rpartition('/')[0]}/error"


def uncalled(**_: object) -> str:
    """Stand for a tool's function: the calls are read, never made."""
    raise AssertionError("No benchmark calls its tools.")


class NotOffered(Exception):
    """A client has no such way of asking."""


class Subject:
    """A client that asks one address.

    Each way of asking is a method that takes a question and gives a callable without arguments, so that what happens
    once stays out of the measured time. `ask_async` gives coroutines, `stream` iterators, `stream_async` and
    `events_async` asynchronous iterators. A way that a client does not offer has no method.
    """

    reads_answers = True
    """Whether `text` gives the answer's words, to be checked; not so for raw bytes."""

    is_asynchronous = False
    """Whether only the asynchronous ways are offered."""

    threads = 1
    """How many threads a batch is shared among."""

    def __init__(self, url: str) -> None:
        """Make the client. `url` ends with the name of the answer."""
        self.url = url

    def prepare(self, way: str, question: str) -> Callable[[], Any]:
        """Give what asks a question in a way."""
        method = getattr(self, way, None)
        if method is None or (self.is_asynchronous and not way.endswith("_async")):
            raise NotOffered(f"it offers no `{way}`")
        return method(question)

    def text(self, piece: Any) -> str | None:
        """Read the text of an answer or of a piece of one; `None` when it cannot be told."""
        raise NotImplementedError
