"""The loopback server with faults: every tenth request is refused. `python -m benchmarks.batch_server`.

It prints its port, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Final

from .loopback import Loopback, routed

_EVERY: Final = 10
_FAULT: Final = b"/error/v1/chat/completions"


class Faulty(Loopback):
    """One connection; all connections count their requests together."""

    _requests = itertools.count(1)

    def _reply(self) -> None:
        is_fault = next(self._requests) % _EVERY == 0
        self._transport.write(routed(_FAULT if is_fault else self._path)[1])


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Faulty, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
