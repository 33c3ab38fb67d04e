"""Locks that a forked child can take, though a thread of its parent held them when it was forked."""

from __future__ import annotations

import os
import threading
from typing import Final
from weakref import WeakSet


class Locked:
    """An object with a lock, which is another one in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may run while its own thread holds it
        _LOCKED.add(self)


_LOCKED: Final = WeakSet[Locked]()


def _renew_all() -> None:
    for locked in list(_LOCKED):
        Locked.__init__(locked)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_all)
