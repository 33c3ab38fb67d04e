"""The base of `GeminiMulti`: LlamaIndex's fields, the request of a call, and reports to LlamaIndex."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import Field, SecretStr

from gemini_multi.bindings.fields import MODEL_CONFIG, Body, ModelFields
from llama_index_gemini_multi._typed import span_handlers

if TYPE_CHECKING:
    from gemini_multi import Attempt
    from gemini_multi.types import ChatRequest


class BaseGeminiMulti(ModelFields, FunctionCallingLLM):
    """A model with providers. Fields can be set at any time and take effect at the next call."""

    model_config = MODEL_CONFIG

    _not_shown: ClassVar[tuple[str, ...]] = (
        "callback_manager",
        "messages_to_prompt",
        "completion_to_prompt",
        "pydantic_program_mode",
    )

    api_key: SecretStr | str | None = Field(default=None, exclude=True, repr=False)
    """The key of the provider, if exactly one is named. The key is moved into `providers`."""
    base_url: str | None = Field(default=None, exclude=True, repr=False)
    """The URL of the provider, if exactly one is named. The URL is moved into `providers`."""
    additional_kwargs: Body | None = None
    """The same as `extra_body`, under LlamaIndex's usual name. `extra_body` takes precedence."""
    context_window: int | None = Field(default=None, gt=0)
    """The context window to report instead of the one in the catalog."""

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401  # pydantic's own signature
        """Find the providers and their keys, so that a missing key raises an error here and not in the first call."""
        super().model_post_init(context)
        self.providers = self._resolved()
        self.api_key = None
        self.base_url = None
        self._connect()

    @property
    def provider_names(self) -> tuple[str, ...]:
        """The providers, in order of preference."""
        return tuple(provider.name for provider in self._connect().providers)

    @property
    def _watcher(self) -> Callable[[Attempt], object]:
        return partial(_report, self.on_attempt)

    def _question(
        self, messages: Sequence[ChatMessage], given: Mapping[str, object]
    ) -> tuple[ChatRequest, dict[str, Any], bool]:
        """Make the request of a call and the other arguments of the client, and whether only the first call counts."""
        from gemini_multi.bindings.requests import call_settings, to_request
        from llama_index_gemini_multi._messages import to_core
        from llama_index_gemini_multi._schemas import class_schema
        from llama_index_gemini_multi._tools import to_tools

        own, fields = own_arguments(given), vars(self)
        call = call_settings(own)
        if self.additional_kwargs:
            fields = {**fields, "extra_body": {**self.additional_kwargs, **(self.extra_body or {})}}
        request = to_request(to_core(messages), fields, call, to_tools, class_schema)
        # Providers do not enforce `allow_parallel_tool_calls`, so it is enforced here.
        return request, self._reported(call.connection), given.get("allow_parallel_tool_calls") is False

    def _reported(self, connection: dict[str, Any]) -> dict[str, Any]:
        """Turn tracing off if a handler of LlamaIndex already makes the span."""
        if "opentelemetry.trace" in sys.modules and connection.get("tracing", self.tracing) is None:
            from gemini_multi.bindings.tracing import makes_spans

            if makes_spans(span_handlers()):
                return {**connection, "tracing": False}
        return connection


def own_arguments(given: Mapping[str, object]) -> Mapping[str, object]:
    """Return the arguments of a call without those that only LlamaIndex knows.

    LlamaIndex sets `tool_choice` to `auto` if no call is required. Providers do the same without it.
    """
    own = {name: value for name, value in given.items() if name != "allow_parallel_tool_calls"}
    if own.get("tool_choice") == "auto":
        del own["tool_choice"]
    return own


def _report(watcher: Callable[[Attempt], object] | None, attempt: Attempt) -> None:
    """Report an attempt to the caller's function, and a failed or cancelled attempt to LlamaIndex's instrumentation."""
    # A stream that is still open when the interpreter ends is closed then, and imports are no longer possible.
    if attempt.outcome != "answered" and not sys.is_finalizing():
        from llama_index_gemini_multi._events import report

        report(attempt)
    if watcher is not None:
        watcher(attempt)
