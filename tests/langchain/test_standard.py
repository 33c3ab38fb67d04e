"""LangChain's own standard tests, all of them, for each provider and each method of structured output.

No test is skipped, expected to fail or overridden: the classes only state what the model is and can do.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any, ClassVar, Literal

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti

KEYS = {"cloudflare": "CLOUDFLARE_API_TOKEN", "aimlapi": "AIMLAPI_API_KEY", "oxen": "OXEN_API_KEY"}

# Not every model takes audio and documents at AIMLAPI.
MODELS = {"cloudflare": "gemini-2.5-flash-lite", "aimlapi": "gemini-3.5-flash-lite", "oxen": "gemini-2.5-flash-lite"}


def png() -> bytes:
    """Make a picture of one red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def wav() -> bytes:
    """Make a tenth of a second of silence."""
    samples = b"\x00\x00" * 800
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    data = struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer the media that the standard tests fetch from the web with small files of the same kinds."""

    def get(url: str, **_: Any) -> httpx.Response:
        content = PDF if url.endswith(".pdf") else wav() if url.endswith(".wav") else png()
        return httpx.Response(200, content=content)

    monkeypatch.setattr(httpx, "get", get)
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "offline")


class Facts:
    """What is true of the model at every provider."""

    provider: ClassVar[str]
    method: ClassVar[Literal["json_schema", "function_calling", "json_mode"]] = "json_schema"

    @pytest.fixture(autouse=True)
    def _sandbox(self, sandbox: Sandbox) -> None:
        """Serve the provider."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatGeminiMulti

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODELS[self.provider], "providers": self.provider}

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": self.method}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_video_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "gemini-3-flash"

    @property
    def enable_vcr_tests(self) -> bool:
        return True


class UnitFacts(Facts):
    """What the unit tests want to know beside."""

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        environment = {"GEMINI_MULTI_PROVIDERS": self.provider, KEYS[self.provider]: "from-the-environment"}
        return environment, {"model": MODELS[self.provider]}, {"provider_names": [self.provider]}


class IntegrationFacts(Facts):
    """What the integration tests want to know beside."""

    @pytest.fixture
    def default_cassette_name(self) -> str:
        """Share one recording among the methods of structured output, which do not matter to it."""
        return f"stream_time_{self.provider}"

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        details = ["audio_input", "reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        audio = {"type": "audio", "base64": base64.b64encode(wav()).decode(), "mime_type": "audio/wav"}
        return self._asked([HumanMessage(["Describe this audio:", audio])], stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._asked([HumanMessage("Think hard.")], stream, reasoning_effort="high")

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        messages = [SystemMessage("Know this by heart. " * 2000), HumanMessage("Go on.")]
        self._asked(messages, stream)
        return self._asked(messages, stream)

    def _asked(self, messages: list[Any], stream: bool, **settings: Any) -> AIMessage:
        model = ChatGeminiMulti(**self.chat_model_params, **settings)
        if not stream:
            return model.invoke(messages)
        first, *rest = model.stream(messages)
        return sum(rest, first)  # type: ignore[return-value]


class TestCloudflareUnit(UnitFacts, ChatModelUnitTests):
    provider = "cloudflare"


class TestAIMLAPIUnit(UnitFacts, ChatModelUnitTests):
    provider = "aimlapi"


class TestOxenUnit(UnitFacts, ChatModelUnitTests):
    provider = "oxen"


class TestCloudflareJsonSchema(IntegrationFacts, ChatModelIntegrationTests):
    provider = "cloudflare"


class TestCloudflareFunctionCalling(IntegrationFacts, ChatModelIntegrationTests):
    provider = "cloudflare"
    method = "function_calling"


class TestCloudflareJsonMode(IntegrationFacts, ChatModelIntegrationTests):
    provider = "cloudflare"
    method = "json_mode"


class TestAIMLAPIJsonSchema(IntegrationFacts, ChatModelIntegrationTests):
    provider = "aimlapi"


class TestAIMLAPIFunctionCalling(IntegrationFacts, ChatModelIntegrationTests):
    provider = "aimlapi"
    method = "function_calling"


class TestAIMLAPIJsonMode(IntegrationFacts, ChatModelIntegrationTests):
    provider = "aimlapi"
    method = "json_mode"


class TestOxenJsonSchema(IntegrationFacts, ChatModelIntegrationTests):
    provider = "oxen"


class TestOxenFunctionCalling(IntegrationFacts, ChatModelIntegrationTests):
    provider = "oxen"
    method = "function_calling"


class TestOxenJsonMode(IntegrationFacts, ChatModelIntegrationTests):
    provider = "oxen"
    method = "json_mode"
