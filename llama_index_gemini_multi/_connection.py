"""The model's fields other than generation settings, and its client. A changed field makes a new client."""

from __future__ import annotations

import sys
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_serializer

import gemini_multi
from gemini_multi import RetryPolicy, Timeouts
from gemini_multi.bindings.clients import Clients, new_client
from gemini_multi.bindings.values import set_fields
from llama_index_gemini_multi._settings import GenerationSettings
from llama_index_gemini_multi._typed import span_handlers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gemini_multi import Attempt
    from gemini_multi.preference import FailoverArgument, HedgingArgument
    from gemini_multi.providers import ProvidersArgument
    from llama_index_gemini_multi._calls import CallSettings
else:
    # The providers and their dialects are not needed to import a model class; `resolve` checks what is passed.
    ProvidersArgument = FailoverArgument = HedgingArgument = Any

_NOT_SHOWN: Final = ("callback_manager", "messages_to_prompt", "completion_to_prompt", "pydantic_program_mode")
"""Fields that LlamaIndex itself sets."""
_SHARED: Final = ("callback_manager", "http_async_client", "http_client", "on_attempt", "rate_limiter")
"""Fields with sockets, locks or handlers: a copy of the model uses the same objects."""


class BaseGeminiMulti(GenerationSettings, FunctionCallingLLM):
    """A model that knows its providers. Fields can be set at any time and count from the next call on."""

    if TYPE_CHECKING:
        # Aliases, declared for type checkers. At run time our names replace them before the arguments are checked.
        model: str = ""
        """A catalog name such as `gemini-2.5-flash-lite`, or a provider's own id."""
        model_name: str = ""
        """Another name of `model`."""
        max_output_tokens: int | None = None
        """Another name of `max_tokens`."""
        stop_sequences: list[str] | None = None
        """Another name of `stop`."""
        api_base: str | None = None
        """Another name of `base_url`."""
        request_timeout: float | Timeouts | None = None
        """Another name of `timeout`."""
        provider: ProvidersArgument = None
        """Another name of `providers`."""
        model_kwargs: dict[str, Any] | None = None
        """Settings by their names; unknown names go into `extra_body`."""
        generation_config: Mapping[str, Any] | None = None
        """Settings by Google's names."""
    else:
        model: str = Field(description="A catalog name such as `gemini-2.5-flash-lite`, or a provider's own id.")
    providers: ProvidersArgument = Field(
        default=None,
        description="Providers in order of preference, by name or configured; by default all with a key.",
    )
    api_key: str | SecretStr | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="The key of the only named provider. Moves into `providers`.",
    )
    base_url: str | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="The URL of the only named provider. Moves into `providers`.",
    )
    timeout: float | Timeouts | None = Field(default=None, description="Seconds for each wait.")
    deadline: float | None = Field(default=None, description="Seconds for a whole call with its retries and failovers.")
    max_retries: int | None = Field(default=None, description="Extra requests per provider.")
    retry_policy: RetryPolicy | None = Field(default=None, description="Retries in detail.")
    strategy: Literal["ordered", "round_robin", "cheapest", "fastest"] | None = Field(
        default=None, description="The order of the healthy providers; `ordered` by default."
    )
    hedging: HedgingArgument = Field(
        default=None,
        description="When a slow provider's request also goes to a second provider: `True`, seconds, or `Hedging`.",
    )
    max_cost_usd: float | None = Field(
        default=None,
        description="The budget in US dollars: a request whose highest possible cost could exceed it is refused.",
    )
    rate_limits: Any = Field(
        default=None,
        description="Requests and tokens per minute and calls at once, by provider, as in "
        '`{"oxen": {"requests_per_minute": 60}}`, or `RateLimits`.',
    )
    storage: Any = Field(
        default=None,
        exclude=True,
        repr=False,
        description="The URL of a Redis server through which processes share `rate_limits` and `max_cost_usd`, or "
        "`SharedStorage`.",
    )
    failover_on: Any = Field(
        default=None,
        description="The answers that lead to failover: `refusal`, `content_filter`, `length`, "
        "`invalid_output`, functions of a `gemini_multi.ChatResponse`, several of them, or `FailoverOn`.",
    )
    tracing: bool | None = Field(
        default=None,
        description="Whether calls make OpenTelemetry spans; by default when no other handler records them.",
    )
    include_response_headers: bool | None = Field(
        default=None, description="Whether `provider_metadata` in `raw` holds all headers of the response."
    )
    on_attempt: Any = Field(
        default=None, exclude=True, repr=False, description="Called with every attempt when it ends."
    )
    context_window: int | None = Field(
        default=None, gt=0, description="The context window to report instead of the catalog's figure."
    )
    transport: Literal["httpx", "httpx2", "pyreqwest"] | None = Field(
        default=None,
        description="The HTTP library that carries the calls; else `GEMINI_MULTI_TRANSPORT` says, else it is httpx.",
    )
    max_connections: int | None = Field(
        default=None,
        description="Connections open at once; by default as many as the process's descriptors allow.",
    )
    http_client: Any = Field(default=None, exclude=True, repr=False, description="A client with httpx's interface.")
    http_async_client: Any = Field(default=None, exclude=True, repr=False, description="The same, asynchronous.")

    _clients: Clients = PrivateAttr(default_factory=Clients)

    if not TYPE_CHECKING:  # the fields are the signature

        def __init__(self, **settings: object) -> None:
            """Take the fields; what the core refuses is raised as the core's own error."""
            try:
                super().__init__(**settings)
            except ValidationError as error:
                from gemini_multi.bindings.arguments import configuration_error

                raise configuration_error(error) from None

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401  # pydantic's own signature
        """Find the providers and their keys at once, so that a missing one is told here and not by the first call."""
        from gemini_multi.providers import resolve

        super().model_post_init(context)
        key = self.api_key.get_secret_value() if isinstance(self.api_key, SecretStr) else self.api_key
        self.providers = resolve(self.providers, api_key=key, base_url=self.base_url)
        self.api_key = None
        self.base_url = None
        self._connect()

    @field_serializer("providers")
    def _serialize_providers(self, providers: ProvidersArgument) -> Any:  # noqa: ANN401  # JSON
        from gemini_multi.bindings.serialization import plain

        return plain(providers)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return set_fields(super().__repr_args__(), _NOT_SHOWN)

    @field_serializer("failover_on")
    def _serialize_failover(self, failover_on: FailoverArgument) -> Any:  # noqa: ANN401  # JSON
        from gemini_multi.bindings.serialization import plain_failover

        return plain_failover(failover_on)

    @property
    def provider_names(self) -> tuple[str, ...]:
        """The providers, in order of preference."""
        return tuple(provider.name for provider in self._connect().providers)

    @property
    def totals(self) -> gemini_multi.Totals:
        """The usage and the cost so far, of this model and its copies."""
        return self._connect().totals

    def _connect(self) -> gemini_multi.Client:
        return self._both_clients()[0]

    def _connect_async(self) -> gemini_multi.AsyncClient:
        return self._both_clients()[1]

    def _both_clients(self) -> tuple[gemini_multi.Client, gemini_multi.AsyncClient]:
        private: Any = self.__pydantic_private__  # `self._clients` is found in it after several failed look-ups
        return private["_clients"].of(vars(self), self._new_client)  # type: ignore[no-any-return]

    def _call_arguments(self, call: CallSettings) -> dict[str, Any]:
        """Give what the client takes beside a request: no span where a handler of LlamaIndex makes one."""
        found = call.connection
        if "opentelemetry.trace" in sys.modules and call.tracing is None and self.tracing is None:
            from gemini_multi.bindings.tracing import makes_spans

            if makes_spans(span_handlers()):
                found["tracing"] = False
        return found

    def _new_client(self) -> gemini_multi.Client:
        return new_client({**vars(self), "on_attempt": partial(_tell, self.on_attempt)})

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied._clients = copy(self._clients)
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> BaseGeminiMulti:
        shared = {} if memo is None else memo
        shared.update({id(value): value for name in _SHARED if (value := getattr(self, name, None)) is not None})
        return super().__deepcopy__(shared)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        state["__dict__"] = {**state["__dict__"], "on_attempt": None}
        return {**state, "__pydantic_private__": None}


def _tell(watcher: Callable[[Attempt], object] | None, attempt: Attempt) -> None:
    """Show an attempt to who watches, and a failed or cancelled one to LlamaIndex's instrumentation."""
    # A stream that is left open until the interpreter ends is closed when nothing can be imported any more.
    if attempt.outcome != "answered" and not sys.is_finalizing():
        from llama_index_gemini_multi._events import tell

        tell(attempt)
    if watcher is not None:
        watcher(attempt)
