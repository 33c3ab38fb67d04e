"""The fields that the models of both bindings have, and the clients that these fields configure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

import pydantic
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, SecretStr, SkipValidation, ValidationError

import gemini_multi
from gemini_multi._types.efforts import ReasoningEffort
from gemini_multi.bindings.values import is_many, is_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gemini_multi import Attempt, Provider, RetryPolicy, Timeouts
    from gemini_multi.preference import FailoverArgument, HedgingArgument
    from gemini_multi.providers import ProvidersArgument
    from gemini_multi.rate_limits import RateLimitsArgument, StorageArgument
    from gemini_multi.types import SafetySetting

    # The types of the values that a caller may pass. The validators below turn the values into plain JSON.
    Body = dict[str, Any]
    BuiltInTools = Sequence[str | Mapping[str, Any]]
    SafetyArgument = Mapping[Any, Any] | Sequence[Mapping[str, Any] | SafetySetting]
else:
    Body = dict[str, JsonValue]
    BuiltInTools = list[dict[str, Any]]
    SafetyArgument = dict[str, str] | list[dict[str, str]]
    # The import of a model class does not need these modules. The first client checks the values.
    Attempt = FailoverArgument = HedgingArgument = ProvidersArgument = RateLimitsArgument = RetryPolicy = Any
    StorageArgument = Timeouts = Any

MODEL_CONFIG: Final = ConfigDict(
    extra="forbid",
    arbitrary_types_allowed=True,
    protected_namespaces=(),
    hide_input_in_errors=True,  # pydantic's messages would show the key
    defer_build=True,  # base classes have no instances; a class with instances sets this to `False`
)
"""The configuration of the model classes. Each class repeats it, because pydantic uses that of the last base class."""

_NOT_PICKLED: Final = ("http_client", "http_async_client", "on_attempt")
"""Fields that hold sockets or functions of the caller."""
_NOT_COPIED: Final = (*_NOT_PICKLED, "_clients", "callback_manager", "rate_limiter")
"""Fields that hold sockets, locks or handlers. A copy of the model shares these objects."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of a model. They are ignored when models are compared: models with equal fields are equal.

    Copies of a model share its clients, and count usage together, as long as their fields stay equal.
    """

    made: tuple[gemini_multi.Client, gemini_multi.AsyncClient, tuple[Any, ...]] | None = field(
        default=None, compare=False
    )
    """Both clients and their settings. One assignment sets all of them, because threads share a model."""


class GenerationFields(BaseModel):
    """The settings of generation. `None` means that a setting is not set and is not sent."""

    model_config = MODEL_CONFIG

    temperature: float | None = None
    """The randomness, from 0 to 2. The newest Flash models ignore it."""
    top_p: float | None = None
    """The model samples from the most likely tokens with this total probability."""
    top_k: int | None = None
    """The model samples from this number of most likely tokens."""
    max_tokens: int | None = None
    """The largest number of tokens to generate, including thoughts. Also accepted as `max_output_tokens`."""
    stop: str | list[str] | None = None
    """Texts at which the model stops. Also accepted as `stop_sequences`."""
    seed: int | None = None
    """A number that makes answers repeatable, if the provider supports it."""
    n: int | None = None
    """The number of candidates to generate."""
    presence_penalty: float | None = None
    """A penalty on tokens that were already used. Gemini 3 does not support it."""
    frequency_penalty: float | None = None
    """A penalty on tokens by the number of their uses. Gemini 3 does not support it."""
    logprobs: bool | None = None
    """Whether to return the log probabilities of the tokens."""
    top_logprobs: int | None = None
    """The number of alternatives to return for each token."""
    reasoning_effort: ReasoningEffort | None = None
    """`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`; for models with budgets or with levels."""
    thinking_budget: int | None = None
    """The number of tokens for thoughts; 0 turns thinking off, -1 lets the model decide. For Gemini 2.5."""
    thinking_level: str | None = None
    """`minimal`, `low`, `medium` or `high`. For Gemini 3 and newer."""
    include_thoughts: bool | None = None
    """Whether to return summaries of the thoughts."""
    safety_settings: SafetyArgument | None = None
    """`{category: threshold}`, or a list of objects with both."""
    cached_content: str | None = None
    """The name of a cached content to continue."""
    media_resolution: str | None = None
    """`low`, `medium` or `high`: the number of tokens for an image or a frame."""
    modalities: list[str] | None = None
    """The modalities of the answer: `text`, `image`, `audio`. Also accepted as `response_modalities`."""
    voice: str | None = None
    """The voice of spoken answers."""
    built_in_tools: BuiltInTools | None = None
    """Tools that the provider runs: `google_search`, `code_execution`, … A call may set other tools, or none: `[]`."""
    labels: dict[str, str] | None = None
    """Labels for the bill, if the provider supports them."""
    user: str | None = None
    """An opaque id of the end user."""
    extra_body: Body | None = None
    """Fields that are merged into the request body last, for settings without an argument here."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _read_arguments(cls, given: object) -> object:
        if not is_mapping(given):
            return given
        from gemini_multi.bindings.arguments import named, read_model
        from gemini_multi.bindings.requests import plain_settings
        from gemini_multi.bindings.serialization import revived

        read = read_model(named(given, cls.model_fields))
        return {**read, **revived(read), **plain_settings(read)}


class ModelFields(GenerationFields):
    """The fields of a model, and its clients. A changed field takes effect at the next call."""

    model_config = MODEL_CONFIG

    _not_shown: ClassVar[tuple[str, ...]] = ()
    """Fields that the framework sets."""

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
        model: str
    providers: ProvidersArgument = None
    """`cloudflare`, `aimlapi`, `oxen` or configured providers, in order of preference. Default: all with a key."""
    api_key: SecretStr | str | None = Field(default=None, repr=False)
    """The key of the provider, if exactly one is named. Otherwise keys are read from the environment."""
    base_url: str | None = None
    """The URL of the provider, if exactly one is named."""
    timeout: SkipValidation[float | Timeouts | None] = None
    """The seconds of each wait, or `Timeouts`."""
    deadline: float | None = None
    """The seconds of a whole call, including its retries and failovers."""
    max_retries: int | None = None
    """The largest number of retries of a request to one provider. Default: 2. Failover is not counted."""
    retry_policy: RetryPolicy | None = None
    """The details of retries: the errors that lead to a retry, and the waits."""
    strategy: Literal["ordered", "round_robin", "cheapest", "fastest"] | None = None
    """The order of the healthy providers; `ordered` by default."""
    hedging: HedgingArgument = None
    """When a slow provider's request is also sent to a second provider: `True`, seconds, or `Hedging`."""
    max_cost_usd: float | None = None
    """The budget in US dollars. A request whose highest possible cost could exceed it is refused."""
    rate_limits: RateLimitsArgument = None
    """Requests and tokens per minute, and calls at once, by provider: `{"oxen": {"requests_per_minute": 60}}`."""
    storage: StorageArgument = Field(default=None, exclude=True, repr=False)
    """The URL of a Redis server through which processes share `rate_limits` and `max_cost_usd`, or `SharedStorage`."""
    failover_on: FailoverArgument = None
    """The answers that lead to failover: `refusal`, `content_filter`, `length`, `invalid_output`, functions of a
    `gemini_multi.ChatResponse`, several of them, or `FailoverOn`."""
    tracing: bool | None = None
    """Whether calls make OpenTelemetry spans. Default: if no other handler records the calls."""
    include_response_headers: bool | None = None
    """Whether `provider_metadata["headers"]` holds all headers of the response."""
    on_attempt: Callable[[Attempt], object] | None = Field(default=None, exclude=True, repr=False)
    """A function that is called with every attempt when the attempt ends."""
    transport: Literal["httpx", "httpx2", "pyreqwest"] | None = None
    """The HTTP library. Default: the one in `GEMINI_MULTI_TRANSPORT`, else `httpx`."""
    max_connections: int | None = None
    """The largest number of open connections. Default: as many as the process's descriptors allow."""
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """A client with httpx's interface, used instead of the shared client."""
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """The same as `http_client`, but asynchronous."""

    _clients: Clients = PrivateAttr(default_factory=Clients)

    if not TYPE_CHECKING:  # type checkers know the arguments from the fields

        def __init__(self, **arguments: object) -> None:
            """Read the fields, and turn an error of pydantic into a `ConfigurationError`."""
            try:
                super().__init__(**arguments)
            except ValidationError as error:
                from gemini_multi.bindings.arguments import configuration_error

                raise configuration_error(error) from None

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401  # pydantic's own signature
        """Call the framework's method, because pydantic's own method for private attributes does not call it."""
        super().model_post_init(context)

    @pydantic.field_validator("api_key")
    @classmethod
    def _hide_key(cls, key: SecretStr | str | None) -> SecretStr | None:
        return SecretStr(key) if isinstance(key, str) else key

    @pydantic.field_serializer("providers", "failover_on")
    def _serialize(self, value: Any, info: pydantic.FieldSerializationInfo) -> Any:  # noqa: ANN401  # JSON
        from gemini_multi.bindings.serialization import plain, plain_failover

        return plain_failover(value) if info.field_name == "failover_on" else plain(value)

    @property
    def totals(self) -> gemini_multi.Totals:
        """The usage and the cost so far of this model and its copies."""
        return self._connect().totals

    def _connect(self) -> gemini_multi.Client:
        return self._both_clients()[0]

    def _connect_async(self) -> gemini_multi.AsyncClient:
        return self._both_clients()[1]

    def _both_clients(self) -> tuple[gemini_multi.Client, gemini_multi.AsyncClient]:
        """Return the clients. They are made at their first use, and again after a setting has changed."""
        private: Any = self.__pydantic_private__  # `self._clients` is slower: pydantic has several look-ups
        made, settings = private["_clients"].made, _CONFIGURATION(vars(self))
        if made is None or made[2] != settings:
            client = self._new_client()
            if made is not None:
                client.inherit(made[0])
            made = client, client.for_async(), settings
            private["_clients"] = Clients(made)
        return made[0], made[1]

    def _new_client(self) -> gemini_multi.Client:
        """Make the client from the fields."""
        from gemini_multi.bindings.requests import CALL_SETTINGS, call_settings

        own = vars(self)
        given: dict[str, Any] = {name: own[name] for name in CLIENT_SETTINGS if own[name] is not None}
        checked = call_settings({name: value for name, value in given.items() if name in CALL_SETTINGS})
        settings: dict[str, Any] = {**given, **checked.connection, "on_attempt": self._watcher}
        return gemini_multi.Client(self._resolved(), **settings)

    def _resolved(self) -> tuple[Provider, ...]:
        """Return the configured providers, with their keys."""
        from gemini_multi.providers import resolve

        key = self.api_key.get_secret_value() if isinstance(self.api_key, SecretStr) else self.api_key
        return resolve(self.providers, api_key=key, base_url=self.base_url)

    @property
    def _watcher(self) -> Callable[[Attempt], object] | None:
        """Return the function that is called with every attempt."""
        return self.on_attempt

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show the settings that are set, and the names of the providers."""
        for name, value in super().__repr_args__():
            if value is not None and name not in self._not_shown:
                is_list = name == "providers" and is_many(value)
                yield name, [getattr(provider, "name", provider) for provider in value] if is_list else value

    def __getstate__(self) -> dict[Any, Any]:
        """Return the state without objects that hold sockets.

        The pickle holds a key that the user passed, as a part of its provider, encoded but not encrypted. A key of the
        environment is read again.
        """
        held: dict[str, Any] = dict.fromkeys(_NOT_PICKLED)
        if self.api_key is not None or self.base_url is not None:
            held |= {"providers": self._connect().providers, "api_key": None, "base_url": None}
        state = super().__getstate__()
        private: dict[str, Any] = {**(state.get("__pydantic_private__") or {}), "_clients": Clients()}
        return {**state, "__dict__": {**state["__dict__"], **held}, "__pydantic_private__": private}

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy everything except the objects that hold sockets, locks or handlers. The copy shares those."""
        shared = {} if memo is None else memo
        shared.update({id(value): value for name in _NOT_COPIED if (value := getattr(self, name, None)) is not None})
        return super().__deepcopy__(shared)


_CONNECTION: Final = ("providers", "api_key", "base_url")
CLIENT_SETTINGS: Final = tuple(
    name
    for name in ModelFields.model_fields
    if name not in GenerationFields.model_fields and name not in ("model", *_CONNECTION)
)
"""The fields of a model that are also arguments of its client, with the same names."""
_CONFIGURATION: Final = itemgetter(*_CONNECTION, *CLIENT_SETTINGS)
