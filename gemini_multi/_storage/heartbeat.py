"""Renews the permits of this process, so that only the permits of a crashed process expire."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from gemini_multi._storage.interface import Permit


class Heartbeat:
    """A thread that runs while the process holds a permit."""

    def __init__(self, seconds: float, renew: Callable[[Sequence[Permit]], None]) -> None:
        """Set the interval and the function `renew`, which must not raise."""
        self._seconds = seconds
        self._renew = renew
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._held: dict[str, Permit] = {}
        self._thread: threading.Thread | None = None

    def hold(self, permit: Permit) -> None:
        """Renew this permit from now on."""
        if self._process != os.getpid():
            self._reset()  # after a fork: the permits and the thread belong to the parent process
        with self._changed:
            self._held[permit.id] = permit
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gemini-multi-leases", daemon=True)
                self._thread.start()

    def drop(self, permit: Permit) -> None:
        """Stop the renewal of this permit."""
        with self._changed:
            self._held.pop(permit.id, None)
            if not self._held:
                self._changed.notify_all()

    def _run(self) -> None:
        while self._wait():
            self._renew(tuple(self._held.values()))

    def _wait(self) -> bool:
        """Wait for the next interval. Return `False` if no permit is left; the thread then ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held, timeout=self._seconds)
            if self._held:
                return True
            self._thread = None
            return False
