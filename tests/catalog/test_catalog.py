"""The catalog agrees with itself and finds models by every name they have."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

from gemini_multi.catalog import HostedModel, Model, Price, find, find_answered, labels, models

ROOT = Path(__file__).parents[2]
LEVELS = ("minimal", "low", "medium", "high")
NEWEST_PAGE = date(2026, 11, 20)

ROWS = models()
MOVING = [model for model in ROWS if model.name.endswith("-latest")]
FIXED = [model for model in ROWS if model not in MOVING]
HOSTED = [(model, provider, hosted) for model in ROWS for provider, hosted in model.providers.items()]
PRICES = [
    price for model in ROWS for price in (*model.prices, *(p for h in model.providers.values() for p in h.prices))
]

WITH_TOOLS = [model for model in ROWS if "image" not in model.outputs]
REPLACED = [model for model in ROWS if model.successor is not None]

each_model = pytest.mark.parametrize("model", ROWS, ids=lambda model: model.name)
each_hosted = pytest.mark.parametrize(("model", "provider", "hosted"), HOSTED)


def test_names_are_unique() -> None:
    """Two rows never share a name."""
    names = [model.name for model in ROWS]

    assert sorted(set(names)) == sorted(names)


def test_labels_are_unambiguous() -> None:
    """A name, alias or hosted id means one fixed model, however it is written."""
    meanings: dict[str, set[str]] = {}
    for model in FIXED:
        for label in labels(model):
            meanings.setdefault(label.lower().removeprefix("google/").replace(".", "-"), set()).add(model.name)

    assert {label: names for label, names in meanings.items() if len(names) > 1} == {}


def test_hosted_ids_are_unique_per_provider() -> None:
    """A provider's id or alias stands in one place only."""
    stated = [
        (provider, label)
        for model in FIXED
        for provider, hosted in model.providers.items()
        for label in (hosted.id, *hosted.aliases)
    ]

    assert sorted(set(stated)) == sorted(stated)


@each_model
def test_every_label_is_found(model: Model) -> None:
    """All names of a row lead to it; ids that a moving row borrows lead to their owner."""
    borrowed = {hosted.id for hosted in model.providers.values() if model in MOVING and "latest" not in hosted.id}
    own = [label for label in labels(model) if label not in borrowed]

    assert {find(label).name for label in own} == {model.name}
    assert model.name not in {find(label).name for label in borrowed}


@each_model
def test_source_and_day_are_stated(model: Model) -> None:
    """Every row names a public page and the day that it was read."""
    page = urlsplit(model.source)

    assert (page.scheme, page.hostname) == ("https", "ai.google.dev")
    assert model.checked is not None
    assert date(2026, 1, 1) <= model.checked <= NEWEST_PAGE


SITES = {"cloudflare": "developers.cloudflare.com", "aimlapi": "docs.aimlapi.com", "oxen": "docs.oxen.ai"}


@each_hosted
def test_hosted_source_and_day_are_stated(model: Model, provider: str, hosted: HostedModel) -> None:
    """Every hosted id names the provider's own page and the day that it was read."""
    page = urlsplit(hosted.source)

    assert (page.scheme, page.hostname) == ("https", SITES[provider])
    assert hosted.checked is not None
    assert date(2026, 1, 1) <= hosted.checked <= NEWEST_PAGE


@each_hosted
def test_hosted_id_has_the_provider_s_form(model: Model, provider: str, hosted: HostedModel) -> None:
    """Cloudflare and AIMLAPI prefix ids with `google/`; Oxen writes dashes and no prefix."""
    ids = (hosted.id, *hosted.aliases)

    if provider == "oxen":
        assert not any("/" in label or "." in label for label in ids)
    else:
        assert all(label.startswith("google/") for label in ids)


@each_hosted
def test_hosted_limits_and_media_are_within_the_model_s_family(
    model: Model, provider: str, hosted: HostedModel
) -> None:
    """A provider always takes text, never makes more output than context, and names only known efforts."""
    assert "text" in (hosted.inputs or model.inputs)
    assert (hosted.max_output_tokens or 1) <= (hosted.context_window or model.context_window)
    assert set(hosted.reasoning_efforts) <= {"none", "xhigh", "max", *LEVELS}
    assert hosted.schema in ({None, "A", "B", "C", "D"} if provider == "aimlapi" else {None})


@each_model
def test_thinking_is_possible(model: Model) -> None:
    """Levels are known and ordered, budgets have a range, and the default is one that the control can have."""
    thinking = model.thinking
    defaults = {
        "none": {"off", "dynamic"},
        "budget": {"dynamic", "off"} if thinking.can_disable else {"dynamic"},
        "level": set(thinking.levels),
    }

    assert thinking.levels == tuple(level for level in LEVELS if level in thinking.levels)
    assert (thinking.control == "level") == bool(thinking.levels)
    assert (0 < thinking.minimum_budget < thinking.maximum_budget) == (thinking.control == "budget")
    assert thinking.default in defaults[thinking.control]


@pytest.mark.parametrize("model", WITH_TOOLS, ids=lambda model: model.name)
def test_traits_follow_the_generation(model: Model) -> None:
    """From Gemini 3 on: levels, signatures, tools beside JSON, no penalties; without sampling, no prefill."""
    is_newer = model.generation >= 3

    assert (model.thinking.control == "level") == is_newer
    assert model.needs_signatures == model.tools_with_json == model.tools_with_built_in == is_newer
    assert model.media_in_tool_results == is_newer
    assert ({"presence_penalty", "frequency_penalty"} <= model.refuses) == is_newer
    assert model.allows_prefill == ("temperature" not in model.refuses)


@pytest.mark.parametrize("model", REPLACED, ids=lambda model: model.name)
def test_successor_is_known(model: Model) -> None:
    """A successor is a model of the catalog that outlives the model."""
    successor = find(model.successor or "")

    assert successor.is_known
    assert successor.generation >= model.generation
    assert (successor.retired or date.max) > (model.retired or date.min)


@pytest.mark.parametrize("price", PRICES, ids=repr)
def test_price_is_plausible(price: Price) -> None:
    """Output costs more than input, cached input never more than fresh input."""
    assert 0 < price.input < price.output
    assert (price.cached or 0) <= price.input
    assert (price.audio_cached or 0) <= (price.audio_input or price.input)
    assert price.audio_input is None or price.audio_input >= price.input


@each_model
def test_prices_are_ordered(model: Model) -> None:
    """A price list begins with a price for every day and length, and each (day, length) has one price."""
    for prices in filter(None, (model.prices, *(hosted.prices for hosted in model.providers.values()))):
        order = [(price.since or date.min, price.above_tokens) for price in prices]

        assert order[0] == (date.min, 0)
        assert order == sorted(set(order))


SEED_IDS = [
    ("google/gemini-2.5-flash-lite", "cloudflare", "gemini-2.5-flash-lite"),
    ("google/gemini-3-flash", "cloudflare", "gemini-3-flash-preview"),
    ("google/gemini-2.5-flash-lite-preview", "aimlapi", "gemini-2.5-flash-lite"),
    ("gemini-2-5-flash-lite-preview-09-2025", "oxen", "gemini-2.5-flash-lite"),
]


@pytest.mark.parametrize(("hosted_id", "provider", "name"), SEED_IDS)
def test_documented_id_is_the_one_to_send(hosted_id: str, provider: str, name: str) -> None:
    """The ids that the providers' pages document are what is sent there."""
    assert find(name).providers[provider].id == hosted_id


FOUND = [
    ("gemini-2.5-flash", "gemini-2.5-flash"),
    ("gemini-2-5-flash", "gemini-2.5-flash"),
    (" Gemini-2.5-FLASH ", "gemini-2.5-flash"),
    ("models/gemini-2.5-flash", "gemini-2.5-flash"),
    ("google/gemini-2.5-flash", "gemini-2.5-flash"),
    ("publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"),
    ("google-vertex-ai/google/gemini-2.5-flash", "gemini-2.5-flash"),
    ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
    ("gemini-2.5-flash-lite-preview-06-17", "gemini-2.5-flash-lite"),
    ("google/gemini-2.5-flash-lite", "gemini-2.5-flash-lite"),
    ("gemini-2.5-pro-preview-05-06", "gemini-2.5-pro"),
    ("gemini-2.0-flash-001", "gemini-2.0-flash"),
    ("gemini-3-flash", "gemini-3-flash-preview"),
    ("gemini-3.1-pro", "gemini-3.1-pro-preview"),
    ("google/gemini-3.1-flash-lite", "gemini-3.1-flash-lite"),
    ("google/gemini-3.1-flash-lite-preview-20260303", "gemini-3.1-flash-lite-preview"),
    ("google/gemini-3.5-flash-lite", "gemini-3.5-flash-lite"),
    ("google/gemini-3.8-flash", "gemini-3.8-flash"),
    ("google/gemini-flash-latest", "gemini-flash-latest"),
    ("gemma-4-26b-a4b-it-maas", "gemma-4-26b-a4b-it"),
]


@pytest.mark.parametrize(("name", "expected"), FOUND)
def test_find_knows_every_spelling(name: str, expected: str) -> None:
    """Case, dots, prefixes and the day of a preview don't matter, for requests and for answers."""
    assert find(name) == find(expected)
    assert find(name).name == expected
    assert find_answered(name) == find(expected)


UNKNOWN = [
    ("gemini-2.5-flash-preview-xx", 2.5, "gemini-2.5-flash"),
    ("google/gemini-2.5-flash-lite-exp", 2.5, "gemini-2.5-flash-lite"),
    ("gemini-2.5-pro-exp", 2.5, "gemini-2.5-pro"),
    ("gemini-2.7-pro", 2.7, "gemini-2.5-pro"),
    ("gemini-2.5-computer-use", 2.5, "gemini-2.5-flash"),
    ("gemini-1.5-pro", 1.5, "gemini-2.0-flash"),
    ("gemini-3.1-flash-lite-exp", 3.1, "gemini-3.1-flash-lite"),
    ("gemini-3.9-flash", 3.9, "gemini-4-argon"),
    ("gemini-3-9-flash", 3.9, "gemini-4-argon"),
    ("gemini-5-flash", 5.0, "gemini-4-argon"),
    ("my-finetune", 4.0, "gemini-4-argon"),
    ("acme/gemini-2.5-flash", 4.0, "gemini-4-argon"),
]


@pytest.mark.parametrize(("name", "generation", "relative"), UNKNOWN)
def test_unknown_model_behaves_like_its_relative(name: str, generation: float, relative: str) -> None:
    """A name that the catalog lacks is kept as it is and gets the nearest row's traits, but no ids and no price."""
    model, expected = find(name), find(relative)

    assert (model.name, model.generation, model.is_known) == (name, generation, False)
    assert (model.thinking, model.refuses, model.allows_prefill) == (
        expected.thinking,
        expected.refuses,
        expected.allows_prefill,
    )
    assert (dict(model.providers), model.prices, model.retired, model.source) == ({}, (), None, "")
    assert find_answered(name) is None


def tool(name: str) -> ModuleType:
    """Load a script of `tools/` as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Slotted dataclasses look their module up while they are made.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_table_check_accepts_what_the_tool_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed table passes the check; one changed character does not."""
    script, readme = tool("catalog_table"), tmp_path / "README.md"
    assert script.main([]) == 0
    text = f"# Title\n\n{script.BEGIN}\n\n{capsys.readouterr().out}\n{script.END}\n"

    readme.write_text(text, encoding="utf-8")
    assert script.main(["--check", str(readme)]) == 0
    readme.write_text(text.replace("gemini-3-8-flash", "gemini-3-9-flash"), encoding="utf-8")
    assert script.main(["--check", str(readme)]) == 1
    readme.write_text("no markers", encoding="utf-8")
    assert script.main(["--check", str(readme)]) == 1


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """Serve whatever `server.document` holds, and note what was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append((self.path, self.headers.get("Authorization")))
            body = json.dumps(server.document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.document, server.requests = {}, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_gaps_names_what_the_catalog_lacks(server: ThreadingHTTPServer, capsys: pytest.CaptureFixture[str]) -> None:
    """A new chat model and a vanished one are named; other makers' models and known aliases are not."""
    known = [entry for _, provider, entry in HOSTED if provider == "oxen" and entry.withdrawn is None]
    kept = [{"id": entry.id, "endpoint": "/chat/completions"} for entry in known if entry.id != "gemini-2-5-pro"]
    new = [
        {"id": "gemini-9-flash", "endpoint": "/chat/completions"},
        {"id": "gemini-9-tts", "endpoint": "/audio/speech"},
    ]
    server.document = {"data": [*kept, *new, {"id": "gpt-9"}]}

    environment = {"OXEN_BASE_URL": f"http://127.0.0.1:{server.server_port}/api/ai/", "OXEN_API_KEY": "secret"}
    code = tool("catalog_gaps").main(["--provider", "oxen"], environment)

    lines = capsys.readouterr().out.splitlines()
    assert (code, server.requests) == (1, [("/api/ai/models", "Bearer secret")])
    assert lines[0] == "oxen: lists gemini-9-flash, which the catalog lacks"
    assert lines[1] == "oxen: does not list gemini-2-5-pro, which the catalog has"
    assert lines[2].endswith("1 missing, 1 gone")


def test_gaps_counts_a_model_listed_by_its_alias(server: ThreadingHTTPServer) -> None:
    """A model that is listed under another id is known when the catalog's id is among its aliases."""
    known = [entry for _, provider, entry in HOSTED if provider == "aimlapi" and entry.withdrawn is None]
    server.document = [{"id": f"new/{e.id}", "aliases": [e.id], "type": "openai/chat-completions"} for e in known]

    code = tool("catalog_gaps").main(
        ["--provider", "aimlapi"], {"AIMLAPI_API_BASE": f"http://127.0.0.1:{server.server_port}/v1"}
    )

    assert (code, server.requests) == (0, [("/v1/models", None)])


def test_gaps_says_when_a_provider_cannot_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """An unreachable provider gives exit code 2 and a message, not a traceback."""
    code = tool("catalog_gaps").main(["--provider", "oxen"], {"OXEN_BASE_URL": "http://127.0.0.1:1"})

    assert code == 2
    assert "oxen: could not be asked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "stated"), [("gemini-3-flash", True), ("gemini-3.8-flash", False), ("gemini-2.5-flash-lite", None)]
)
def test_zero_data_retention_is_what_the_page_says(name: str, stated: bool | None) -> None:
    """Where two versions of a page contradict each other, nothing is said."""
    assert find(name).providers["cloudflare"].zero_data_retention is stated
