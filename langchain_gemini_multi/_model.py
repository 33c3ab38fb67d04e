"""The base of the chat model and the text model: fields, the client, serialization."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from langchain_core.language_models import LangSmithParams
from langchain_core.load.serializable import Serializable, SerializedConstructor, SerializedNotImplemented
from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    SecretStr,
    SkipValidation,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

import gemini_multi
from gemini_multi.bindings.arguments import ALIASES, PLAIN, configuration_error, named
from gemini_multi.bindings.clients import Clients, new_client
from gemini_multi.bindings.strings import read_model
from gemini_multi.bindings.values import is_mapping, set_fields
from gemini_multi.errors import ConfigurationError
from langchain_gemini_multi._runs import Run, with_run
from langchain_gemini_multi.errors import langchain_errors

if TYPE_CHECKING:
    from gemini_multi import Attempt, ChatRequest, Hedging, Message, RetryPolicy, Timeouts
    from gemini_multi.preference import FailoverArgument
    from gemini_multi.providers import ProvidersArgument
    from gemini_multi.rate_limits import RateLimitsArgument, StorageArgument
    from langchain_gemini_multi._settings import SafetyArgument
else:
    # The providers and what asks them are not needed to import a model class. Pydantic does not check these fields: the
    # client does.
    Attempt = FailoverArgument = Hedging = ProvidersArgument = RetryPolicy = SafetyArgument = Timeouts = Any
    RateLimitsArgument = StorageArgument = Any

_REQUEST: Final = (
    *(name for name in PLAIN if name != "parallel_tool_calls"),
    "stop",
    "reasoning_effort",
    "safety_settings",
    "modalities",
)
_NOT_SHOWN: Final = ("metadata", "profile")
"""Fields that LangChain itself sets."""
_OWN: Final = ("http_client", "http_async_client", "on_attempt")
"""The caller's own clients hold sockets, and a hook may hold anything: they are neither pickled nor copied."""


class GeminiModel(Serializable):
    """The arguments of all models of this package, and the client that they configure.

    Nothing is connected before the first call. `None` means: not set, so not sent.
    """

    if TYPE_CHECKING:
        # Aliases, declared for type checkers. At run time our names replace them before the arguments are checked.
        model: str = ""
        """A catalog name such as `gemini-2.5-flash-lite`, or a provider's own id."""
        model_name: str = ""
        """Another name of `model`."""
        max_output_tokens: int | None = None
        """Another name of `max_tokens`."""
        max_completion_tokens: int | None = None
        """Another name of `max_tokens`."""
        stop_sequences: list[str] | None = None
        """Another name of `stop`."""
        response_modalities: list[str] | None = None
        """Another name of `modalities`."""
        request_timeout: float | Timeouts | None = None
        """Another name of `timeout`."""
        provider: ProvidersArgument = None
        """Another name of `providers`."""
        model_kwargs: dict[str, Any] | None = None
        """Settings by their names; unknown names go into `extra_body`."""
        generation_config: Mapping[str, Any] | None = None
        """Settings by Google's names."""
    else:
        model: str
    providers: SkipValidation[ProvidersArgument] = None
    """`cloudflare`, `aimlapi`, `oxen` or configured providers, in order of preference; by default all with a key."""
    api_key: SecretStr | str | None = Field(default=None, repr=False)
    """The key of the only named provider. Otherwise keys are read from the environment."""
    base_url: str | None = None
    """The URL of the only named provider."""
    temperature: float | None = None
    """Randomness, from 0 to 2. The newest Flash models ignore it."""
    top_p: float | None = None
    """Sample from the likeliest tokens with this total probability."""
    top_k: int | None = None
    """Sample from this many of the likeliest tokens."""
    max_tokens: int | None = None
    """The largest number of tokens to generate, including thoughts. Also accepted as `max_output_tokens`."""
    stop: str | list[str] | None = None
    """Texts at which the model stops. Also accepted as `stop_sequences`."""
    seed: int | None = None
    """A number that makes answers repeatable, as far as the provider supports it."""
    n: int | None = None
    """How many candidates to generate."""
    presence_penalty: float | None = None
    """A penalty on tokens that were used already. Not on Gemini 3."""
    frequency_penalty: float | None = None
    """A penalty on tokens by how often they were used. Not on Gemini 3."""
    logprobs: bool | None = None
    """Whether to return the log probabilities of the tokens."""
    top_logprobs: int | None = None
    """How many alternatives to return for each token."""
    reasoning_effort: str | None = None
    """`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`; works for budgets and for levels."""
    thinking_budget: int | None = None
    """Tokens for thoughts; 0 turns them off, -1 lets the model decide. Gemini 2.5."""
    thinking_level: str | None = None
    """`minimal`, `low`, `medium` or `high`. Gemini 3 and newer."""
    include_thoughts: bool | None = None
    """Whether to return summaries of the thoughts, as `reasoning` blocks."""
    safety_settings: SkipValidation[SafetyArgument] = None
    """`{category: threshold}`, or a list of objects with both."""
    cached_content: str | None = None
    """The name of a cached content to build on."""
    media_resolution: str | None = None
    """`low`, `medium` or `high`: how many tokens an image or a frame takes."""
    modalities: list[str] | None = None
    """The modalities of the answer: `text`, `image`, `audio`. Also accepted as `response_modalities`."""
    voice: str | None = None
    """The voice of spoken answers."""
    labels: dict[str, str] | None = None
    """Labels for the bill, where the provider has them."""
    user: str | None = None
    """An opaque id of the end user."""
    extra_body: dict[str, JsonValue] | None = None
    """Fields that are merged into the request body last, for settings without a name here."""
    timeout: SkipValidation[float | Timeouts | None] = None
    """Seconds for each wait, or `Timeouts`."""
    deadline: float | None = None
    """Seconds for a whole call, with its retries and failovers."""
    max_retries: int | None = None
    """How often a request to one provider is retried after a failure; 2 by default. Failover is not counted."""
    retry_policy: SkipValidation[RetryPolicy | None] = None
    """The details of retries: which errors, and how long the waits are."""
    strategy: Literal["ordered", "round_robin", "cheapest", "fastest"] | None = None
    """The order of the healthy providers; `ordered` by default."""
    hedging: SkipValidation[Hedging | float | bool | None] = None
    """When a slow provider's request also goes to a second provider: `True`, seconds, or `Hedging`."""
    max_cost_usd: float | None = None
    """The budget in US dollars: a request whose highest possible cost could exceed it is refused."""
    rate_limits: SkipValidation[RateLimitsArgument] = None
    """Requests and tokens per minute and calls at once, by provider, as in `{"oxen": {"requests_per_minute": 60}}`."""
    storage: SkipValidation[StorageArgument] = Field(default=None, exclude=True, repr=False)
    """The URL of a Redis server through which processes share `rate_limits` and `max_cost_usd`, or `SharedStorage`."""
    failover_on: SkipValidation[FailoverArgument] = None
    """The answers that lead to failover: `refusal`, `content_filter`, `length`, `invalid_output`, functions of a
    `gemini_multi.ChatResponse`, several of them, or `FailoverOn`."""
    tracing: bool | None = None
    """Whether calls make OpenTelemetry spans; by default when no other handler records them."""
    include_response_headers: bool | None = None
    """Whether `provider_metadata["headers"]` holds all headers of the response."""
    gateway_metadata_from: list[str] | None = None
    """The data of a run for the log of Cloudflare's gateway: names of entries of its metadata, `tags`, `run_id`."""
    on_attempt: SkipValidation[Callable[[Attempt], object] | None] = Field(default=None, exclude=True, repr=False)
    """Called with every attempt when it ends."""
    transport: Literal["httpx", "httpx2", "pyreqwest"] | None = None
    """The HTTP library; by default the one in `GEMINI_MULTI_TRANSPORT`, else `httpx`."""
    max_connections: int | None = None
    """Connections that are open at once; by default as many as the process's descriptors allow."""
    http_client: SkipValidation[Any] = Field(default=None, exclude=True, repr=False)
    """A client with httpx's interface, instead of the shared one."""
    http_async_client: SkipValidation[Any] = Field(default=None, exclude=True, repr=False)
    """The same, asynchronous."""

    _clients: Clients = PrivateAttr(default_factory=Clients)

    # Inputs are hidden because pydantic's messages would show the key. This class is never built itself.
    model_config = ConfigDict(
        extra="forbid",
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        hide_input_in_errors=True,
        defer_build=True,
    )

    if not TYPE_CHECKING:  # type checkers know the arguments from the fields

        def __init__(self, **arguments: Any) -> None:
            try:
                super().__init__(**arguments)
            except ValidationError as error:
                raise configuration_error(error) from None
            # Outside of validation, so that a missing key raises its own error. This opens no connection.
            _ = self.client
            self._asked((), {})

    @field_validator("api_key")
    @classmethod
    def _hide_key(cls, key: SecretStr | str | None) -> SecretStr | None:
        return SecretStr(key) if isinstance(key, str) else key

    @model_validator(mode="before")
    @classmethod
    def _read_arguments(cls, values: Any) -> Any:  # noqa: ANN401  # pydantic's own signature
        if not is_mapping(values):
            return values
        from gemini_multi.bindings.serialization import revived
        from gemini_multi.bindings.settings import plain_settings

        read = read_model(named(values, cls.model_fields))
        return {**read, **revived(read), **plain_settings(read)}

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401  # pydantic's own signature
        """Note the versions for traces: LangChain's own, which stand in its method of this name, and ours."""
        super().model_post_init(context)
        add_version = getattr(self, "_add_version", None)
        if add_version is not None:
            add_version("gemini-multi", gemini_multi.__version__)

    @field_serializer("providers")
    def _written_providers(self, providers: ProvidersArgument) -> Any:  # noqa: ANN401  # JSON
        from gemini_multi.bindings.serialization import plain

        return plain(providers)

    @field_serializer("failover_on")
    def _written_failover(self, failover_on: FailoverArgument) -> Any:  # noqa: ANN401  # JSON
        from gemini_multi.bindings.serialization import plain_failover

        return plain_failover(failover_on)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401  # any field
        super().__setattr__(name, value)
        # LangChain computes it once, and its caches are keyed by it.
        vars(self).pop("_serialized", None)

    @property
    def client(self) -> gemini_multi.Client:
        """The client of this model; after a change of a field that configures it, a new client."""
        return self._connect()[0]

    @property
    def async_client(self) -> gemini_multi.AsyncClient:
        """The same client for `await`."""
        return self._connect()[1]

    def _connect(self) -> tuple[gemini_multi.Client, gemini_multi.AsyncClient]:
        private: Any = self.__pydantic_private__  # `self._clients` is found in it after several failed look-ups
        return private["_clients"].of(vars(self), self._made_client)  # type: ignore[no-any-return]

    @property
    def totals(self) -> gemini_multi.Totals:
        """The usage and the cost so far, of this model and its copies."""
        return self.client.totals

    if not TYPE_CHECKING:  # an argument, to type checkers

        @property
        def model_name(self) -> str:
            """The model's name, where LangChain looks for it."""
            return self.model

    @property
    def provider_names(self) -> list[str]:
        """The providers, in order of preference."""
        return [provider.name for provider in self.client.providers]

    def _made_client(self) -> gemini_multi.Client:
        from langchain_gemini_multi._settings import transport

        settings = vars(self)
        return new_client({**settings, **transport(settings)})

    def _asked(
        self,
        messages: tuple[Message, ...],
        arguments: Mapping[str, Any],
        stop: Sequence[str] | None = None,
        run: Run | None = None,
    ) -> tuple[ChatRequest, dict[str, Any]]:
        """Make the request of a call, and the client's other arguments."""
        from langchain_gemini_multi._settings import call_arguments, to_request, transport

        given = with_run(self, call_arguments(arguments), run)
        return to_request(messages, self._set_fields(), given, stop), transport(given)

    def _set_fields(self) -> dict[str, Any]:
        """Give the settings of generation that are set."""
        own = vars(self)
        return {name: value for name in _REQUEST if (value := own[name]) is not None}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return set_fields(super().__repr_args__(), _NOT_SHOWN)

    def close(self) -> None:
        """Release the shared connections. A later call opens new ones."""
        self.client.close()

    async def aclose(self) -> None:
        """Release the connections of the running event loop."""
        await self.async_client.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Models can be written with `langchain_core.load.dumpd`. Keys are left out."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Where a serialized model's `api_key` is read from."""
        from gemini_multi.providers import PROVIDERS

        names = self.provider_names if self.api_key is not None else []
        return {"api_key": PROVIDERS[names[0]].key_variables[0]} if names else {}

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """Write the model; configured values become plain JSON, without keys and headers."""
        from gemini_multi.bindings.serialization import CONFIGURED, plain, plain_failover

        written = super().to_json()
        arguments = written.get("kwargs")
        if isinstance(arguments, dict):
            for name in ("providers", *CONFIGURED):
                if name in arguments:
                    arguments[name] = plain(getattr(self, name))
            if "failover_on" in arguments:
                arguments["failover_on"] = plain_failover(self.failover_on)
        return written

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out what holds sockets.

        A key that was passed is in the pickle, encoded and not encrypted, as part of its provider; one of the
        environment is read there again.
        """
        held: dict[str, Any] = dict.fromkeys(_OWN)
        if self.api_key is not None or self.base_url is not None:
            held |= {"providers": self.client.providers, "api_key": None, "base_url": None}
        state = super().__getstate__()
        private: dict[str, Any] = {**(state.get("__pydantic_private__") or {}), "_clients": Clients()}
        return {**state, "__dict__": {**state["__dict__"], **held}, "__pydantic_private__": private}

    def __copy__(self) -> Self:
        """Copy the fields; the client is shared as long as they stay equal."""
        copied = super().__copy__()
        copied._clients = copy(self._clients)
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy everything but the caller's own http clients, which are shared."""
        memo = {} if memo is None else memo
        memo.update({id(own): own for own in map(self.__dict__.get, _OWN) if own is not None})
        return super().__deepcopy__(memo)

    def _shown_params(self) -> dict[str, Any]:
        """Collect the settings that determine the answers of this model, without keys and connections."""
        return {**self._set_fields(), "providers": self.provider_names}

    def _traced_params(
        self, kind: Literal["chat", "llm"], stop: Sequence[str] | None, arguments: Mapping[str, Any]
    ) -> LangSmithParams:
        """Return the settings of a call for traces; its arguments override the model's fields."""
        asked = {ALIASES.get(name, name): value for name, value in arguments.items() if value is not None}
        given = {**self._set_fields(), **asked}
        found = LangSmithParams(ls_provider="gemini_multi", ls_model_name=str(given["model"]), ls_model_type=kind)
        if isinstance(temperature := given.get("temperature"), (int, float)):
            found["ls_temperature"] = float(temperature)
        if isinstance(limit := given.get("max_tokens"), int):
            found["ls_max_tokens"] = limit
        if (texts := stop if stop is not None else given.get("stop")) is not None:
            from gemini_multi.bindings.settings import stops

            found["ls_stop"] = list(stops(texts))
        return found

    def _counted(self, messages: tuple[Message, ...], arguments: Mapping[str, Any]) -> int:
        with langchain_errors():
            request, conditions = self._asked(messages, arguments)
            return self.client.count_tokens(request, **conditions).total_tokens

    async def _acounted(self, messages: tuple[Message, ...], arguments: Mapping[str, Any]) -> int:
        with langchain_errors():
            request, conditions = self._asked(messages, arguments)
            return (await self.async_client.count_tokens(request, **conditions)).total_tokens

    def get_token_ids(self, text: str) -> list[int]:
        """Split a text into token ids by `custom_get_token_ids`.

        Raises:
            ConfigurationError: It is not set. Gemini's own tokenizer is not public; `get_num_tokens` estimates.
        """
        custom = getattr(self, "custom_get_token_ids", None)
        if custom is None:
            raise ConfigurationError(
                "Gemini's tokenizer is not public, so there are no token ids. Use `get_num_tokens` for an estimate, or "
                "set `custom_get_token_ids`."
            )
        return list(custom(text))

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text, without a request; exact if `custom_get_token_ids` is."""
        if getattr(self, "custom_get_token_ids", None) is not None:
            return len(self.get_token_ids(text))
        from gemini_multi.tokens import estimate

        return estimate(text)
