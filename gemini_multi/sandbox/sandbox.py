"""`Sandbox`: the three providers on the loopback interface."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from gemini_multi.sandbox.answer import Answer
from gemini_multi.sandbox.state import PROVIDERS, Failure, Provider, RawReply, Recorded, State, Wrapping

if TYPE_CHECKING:
    from gemini_multi.sandbox.server import Serving

_ACCOUNT: Final = "sandbox0account"
_GATEWAY: Final = "default"


class Sandbox:
    """An imitation of Cloudflare AI, AIMLAPI and Oxen.ai that serves their documented URLs on the loopback interface.

    Use it as a context manager, or call `start` and `stop`. Every sandbox has its own keys, state and port.

    Args:
        host: The address to listen on.
        port: The port; 0 chooses a free one.
        wrapping: How Cloudflare's run endpoint wraps an answer: not at all, in `result`, or in `result` with a `state`.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, wrapping: Wrapping = "result") -> None:
        self._host = host
        self._port = port
        keys: dict[Provider, str] = {provider: f"sandbox-{provider}-{secrets.token_hex(8)}" for provider in PROVIDERS}
        self._state = State(keys, _ACCOUNT, wrapping)
        self._serving: Serving | None = None

    def start(self) -> Self:
        """Start the server. Nothing happens if it already runs."""
        if self._serving is None:
            serving = _serving(self._state, self._host, self._port)
            serving.start()
            self._serving = serving
        return self

    def stop(self) -> None:
        """Stop the server and free the port. Nothing happens if it does not run."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port on which the sandbox listens."""
        if self._serving is None:
            raise RuntimeError(
                "The sandbox is not running; use `with Sandbox() as sandbox:` or call `sandbox.start()` first."
            )
        return self._serving.port

    @property
    def url(self) -> str:
        """The URL of the sandbox, such as `http://127.0.0.1:8765`."""
        return f"http://{self._host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The environment variables that make the providers use this sandbox."""
        return {
            "CLOUDFLARE_ACCOUNT_ID": self._state.account,
            "CLOUDFLARE_API_TOKEN": self._state.keys["cloudflare"],
            "CLOUDFLARE_BASE_URL": f"{self.url}/client/v4",
            "CLOUDFLARE_GATEWAY_BASE_URL": f"{self.url}/v1",
            "AIMLAPI_API_KEY": self._state.keys["aimlapi"],
            "AIMLAPI_BASE_URL": f"{self.url}/aimlapi/v1",
            "OXEN_API_KEY": self._state.keys["oxen"],
            "OXEN_BASE_URL": f"{self.url}/oxen/api/ai",
        }

    @property
    def requests(self) -> list[Recorded]:
        """Every request so far, in order of arrival."""
        return self._state.requests

    def requests_to(self, provider: str) -> list[Recorded]:
        """The requests to one provider."""
        return [request for request in self.requests if request.provider == _known(provider)]

    def clear(self) -> None:
        """Delete requests, planned failures, scripts and cached prefixes."""
        self._state.clear()

    def fail(
        self,
        provider: str,
        *,
        status: int | None = None,
        fault: str | None = None,
        times: int = 1,
        after: int = 4,
        retry_after: float | None = None,
        body: bytes | str | None = None,
        code: str | int | None = None,
    ) -> None:
        """Make the next requests to a provider fail.

        Args:
            provider: `cloudflare`, `aimlapi` or `oxen`.
            status: The status of the answer. Its body is the provider's error body for this status.
            fault: The fault of an otherwise valid answer: one of the keys of `gemini_multi.sandbox.faults.FAULTS`.
            times: The number of requests that fail.
            after: The number of events of a stream that are sent before the fault.
            retry_after: The seconds in the `retry-after` header.
            body: An error body instead of the provider's own.
            code: The provider's machine-readable code, such as Cloudflare's 2021.
        """
        from gemini_multi.sandbox.faults import FAULTS

        if fault is None and status is None:
            raise ValueError("fail() needs a status or a fault, such as `status=429` or `fault='cut'`.")
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"Unknown fault {fault!r}; use one of {sorted(FAULTS)}.")
        if times < 1:
            raise ValueError(f"times must be at least 1, not {times!r}.")
        content = body.encode() if isinstance(body, str) else body
        plan = Failure(
            status=status, fault=fault, after=after, retry_after=retry_after, body=content, code=code, left=times
        )
        self._state.plan(_known(provider), plan)

    def script(self, provider: str | None, answers: Sequence[Answer]) -> None:
        """Serve these answers next, in order, in the dialect of each request.

        Args:
            provider: The provider that serves the answers; `None` for any provider.
            answers: The answers.
        """
        self._state.script(None if provider is None else _known(provider), answers)

    def reply_raw(
        self, provider: str, *, status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        """Answer the next request to a provider with exactly these bytes."""
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        self._state.plan(_known(provider), RawReply(status, lowered, body))


def _known(provider: str) -> str:
    if provider not in PROVIDERS:
        raise ValueError(f"Unknown provider {provider!r}; use one of {list(PROVIDERS)}.")
    return provider


def _serving(state: State, host: str, port: int) -> Serving:
    try:
        from gemini_multi.sandbox.server import Serving
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "gemini_multi":
            raise
        raise ModuleNotFoundError(
            f'The sandbox needs {package}, which is not installed: pip install "gemini-multi[sandbox]"', name=error.name
        ) from error
    return Serving(state, host, port)
