"""Locks that a forked child can take even if a thread of its parent held them at the time of the fork."""

from __future__ import annotations

import os
import threading
from typing import Final
from weakref import WeakSet


class Locked:
    """An object with a lock. A forked child gets a new lock."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant: a finalizer may run while its own thread holds the lock
        _LOCKED.add(self)


_LOCKED: Final = WeakSet[Locked]()


def _renew_all() -> None:
    for locked in list(_LOCKED):
        Locked.__init__(locked)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_all)
