"""The arguments of models and calls, the same in both bindings: aliases, ranges, and advice about unknown names.

Users of other integrations know other names. A name with the same meaning is accepted. Any other name is refused with
advice about what to use, because nobody would notice a setting that is dropped silently.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Any, Final, get_args

from gemini_multi._types.efforts import ReasoningEffort
from gemini_multi.bindings.values import is_many, is_mapping
from gemini_multi.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

ALIASES: Final[Mapping[str, str]] = {
    "api_base": "base_url",
    "async_http_client": "http_async_client",
    "built_in_tool": "built_in_tools",
    "extra_headers": "headers",
    "frequencyPenalty": "frequency_penalty",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "model_name": "model",
    "openai_api_base": "base_url",
    "openai_api_key": "api_key",
    "presencePenalty": "presence_penalty",
    "provider": "providers",
    "request_timeout": "timeout",
    "response_modalities": "modalities",
    "stop_sequences": "stop",
}
"""Names that other integrations use, with our names for the same settings."""

ANY_PROVIDER: Final = ("hosted_gemini", "gemini_multi")
"""The prefixes of model names that mean all providers with a key. `gemini_multi` begins like a model of Google's, so a
framework that does not know the prefix may choose Google."""
_THINKING_CONFIG: Final = "thinking_config"
_BODY: Final = "additional_kwargs"
_CONTAINERS: Final = ("model_kwargs", "generation_config", _THINKING_CONFIG, _BODY)
"""Arguments of other integrations that hold settings. Each of these settings is read like a separate argument.
`additional_kwargs` is a part of `extra_body`."""

_ADVICE: Final = {
    "account_id api_token": "Give it to the provider, as in `providers=Cloudflare(account_id=..., api_token=...)`.",
    "additional_headers default_headers extra_headers headers": (
        "Give headers to the provider, as in `providers=Oxen(headers={...})`, or `headers` to a call."
    ),
    "client_args client_options credentials http_options location project vertexai vertexai_config": (
        "It is for Google's own endpoints: leave it out, and set the address or the HTTP client with `base_url` or "
        "`http_client`."
    ),
    "convert_system_message_to_human is_chat_model is_function_calling_model openai_organization organization "
    "reuse_client should_use_structured_outputs tiktoken_model_name": "It is not needed here: leave it out.",
    "default_query": "Put what the address needs into `base_url`.",
    "disable_streaming": "Use the methods that do not stream.",
    "google_api_key": (
        "It is a key of Google's own API, which no provider takes: pass the provider's key as `api_key`, or use "
        "`providers=Cloudflare(api='google_ai_studio', google_api_key=...)`."
    ),
    "openai_proxy proxies proxy": "Set the environment variable `HTTPS_PROXY`, or pass `http_client` with the proxy.",
    "reasoning": "Use `reasoning_effort`, as in `reasoning_effort='low'`.",
    "response_mime_type response_schema": (
        "Ask for structured output instead, by the framework's method or by `response_format` in the call."
    ),
    "use_responses_api": "No provider has OpenAI's Responses API: leave it out.",
}
_INSTEAD: Final = {name: advice for names, advice in _ADVICE.items() for name in names.split()}
"""Names of other integrations that have no alias here, with advice about what to use instead."""

_RANGES: Final = {"temperature": (0, 2), "max_retries": (0, inf), "max_tokens": (1, inf), "n": (1, inf)}
_SHOWN: Final = 16
"""The longest text that a message repeats, because a longer text may be a key."""


def named(given: Mapping[str, object], known: Collection[str]) -> dict[str, Any]:
    """Rename arguments to our names, of which `known` can be given here, or raise an error with advice about each."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in _spread(given, known):
        ours = name if name in known else ALIASES.get(name, name)
        if (problem := _wrong(ours, value)) is not None:
            problems.append(problem)
        elif ours not in known:
            problems.append(_refused(name, ours, known))
        elif ours in found and found[ours] != value:
            problems.append(f"`{ours}` is given twice, here as `{name}`: give it once.")
        else:
            found[ours] = value
    if problems:
        raise ConfigurationError(" ".join(problems))
    return found


def _spread(given: Mapping[str, object], known: Collection[str]) -> Iterator[tuple[str, object]]:
    """Yield each argument, and each setting inside other integrations' containers."""
    body: dict[str, object] = {}
    for name, value in given.items():
        if name not in _CONTAINERS or name in known or value is None:
            if name != "extra_body":
                yield name, value
            continue
        for inner, setting in _contents(name, value).items():
            if inner == _THINKING_CONFIG:
                yield from _contents(inner, setting).items()
            elif name == _BODY or (name == "model_kwargs" and inner not in known and inner not in ALIASES):
                body[inner] = setting
            else:
                yield inner, setting
    own = given.get("extra_body")
    if body or own is not None:
        yield "extra_body", {**body, **own} if is_mapping(own) else own or body


def _contents(name: str, value: object) -> Mapping[str, object]:
    if is_mapping(value):
        return value
    dump: Callable[..., Mapping[str, object]] | None = getattr(value, "model_dump", None)
    if dump is None:
        raise ConfigurationError(f"`{name}` must be a mapping of settings. Better pass each setting by its own name.")
    return dump(exclude_none=True)


def _refused(name: str, ours: str, known: Collection[str]) -> str:
    from difflib import get_close_matches  # needed only for an error

    from gemini_multi.bindings.fields import CLIENT_SETTINGS

    # The model's clients are made from these arguments.
    if "api_key" not in known and ours in ("api_key", "base_url", "context_window", *CLIENT_SETTINGS):
        return f"`{name}` is an argument of the model; a call cannot change it."
    advice = _INSTEAD.get(name, "What a provider takes and has no name here goes into `extra_body`.")
    names = sorted({*known, *(alias for alias, meant in ALIASES.items() if meant in known)})
    if name not in _INSTEAD and (near := get_close_matches(name, names, n=1, cutoff=0.7)):
        advice = f"Did you mean `{near[0]}`?"
    return f"There is no argument `{name}`. {advice}"


def _wrong(name: str, value: object) -> str | None:
    """Explain why a value cannot be used; `None` if pydantic checks the value."""
    if name in _RANGES and isinstance(value, (int, float)):
        least, most = _RANGES[name]
        if not least <= value <= most:
            wanted = f"{least} or more" if most == inf else f"from {least} to {most}"
            return f"`{name}` must be {wanted}, not {value!r}."
    if name == "reasoning_effort" and value is not None:
        efforts = get_args(ReasoningEffort)
        if str(getattr(value, "name", value)).lower() not in efforts:
            return f"`{name}` must be one of {', '.join(efforts)}, not {value!r}."
    if name == "timeout" and isinstance(value, (bool, tuple, list, str)):
        advice = "write `gemini_multi.Timeouts(connect=..., read=...)`."
        return f"`{name}` must be a number of seconds or `Timeouts`, not {value!r}: {advice}"
    if name == "transport" and value in ("rest", "grpc", "grpc_asyncio"):
        return f"`{name}={value!r}` is for Google's own client; every provider is asked over HTTPS: leave it out."
    return None


def prefixes() -> tuple[str, ...]:
    """Return all prefixes that may precede a colon."""
    from gemini_multi.providers import PROVIDERS  # imported here, because the import of a model class does not need it

    return (*PROVIDERS, *ANY_PROVIDER)


def read_model(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the provider from a model's name, as in `oxen:gemini-2.5-flash`. An unknown prefix is a part of the name."""
    model = arguments.get("model")
    if not isinstance(model, str) or ":" not in model:
        return arguments
    prefix, _, name = model.partition(":")
    provider = prefix.strip().lower().replace("-", "_")
    if provider not in prefixes():
        return arguments
    given = arguments.get("providers")
    if provider in ANY_PROVIDER:
        return {**arguments, "model": name}
    if given is None:
        return {**arguments, "model": name, "providers": provider}
    if any(getattr(each, "name", each) != provider for each in (given if is_many(given) else [given])):
        raise ConfigurationError(f"`model={model!r}` and `providers` name different providers: name the provider once.")
    return {**arguments, "model": name}


def configuration_error(error: ValidationError) -> ConfigurationError:
    """Turn pydantic's errors into sentences, one for each argument. The sentences hold no keys."""
    details = error.errors(include_url=False)
    causes = [detail.get("ctx", {}).get("error") for detail in details]
    own = next((cause for cause in causes if isinstance(cause, ConfigurationError)), None)
    if own is not None:
        return own
    sentences = {detail["loc"][:1]: _sentence(detail) for detail in reversed(details)}
    return ConfigurationError(" ".join(reversed(sentences.values())))


def _sentence(detail: ErrorDetails) -> str:
    name = ".".join(str(step) for step in detail["loc"][:1]) or "arguments"
    if detail["type"] == "missing":
        example = ", such as 'gemini-2.5-flash-lite'" if name == "model" else ""
        return f"`{name}` is missing: pass one{example}."
    text = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    text = text.replace("should be", "must be", 1).partition(", unable to parse")[0]
    value = detail["input"]
    is_short = isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= _SHOWN)
    return f"`{name}` {text}, not {value!r}." if is_short and "key" not in name else f"`{name}` {text}."
