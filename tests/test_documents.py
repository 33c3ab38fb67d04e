"""The documents are true: their code runs and their tables are the catalog's."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from gemini_multi import ChatRequest, Client, Message, SettingIgnoredWarning
from gemini_multi.sandbox import Sandbox
from tools import readme_blocks

ROOT = Path(__file__).parent.parent
README_BLOCKS = readme_blocks.blocks()
FIRST_OF_LLAMA_INDEX = next(number for number, block in enumerate(README_BLOCKS) if block.extras == ("llama-index",))
VARIABLE = re.compile("(CLOUDFLARE|AIMLAPI|AIML|OXEN|GEMINI_MULTI)_")
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


@pytest.mark.parametrize(
    "number", range(len(README_BLOCKS)), ids=lambda number: f"{number + 1} {README_BLOCKS[number].label}"
)
def test_block_of_the_readme_runs_by_itself(sandbox: Sandbox, number: int) -> None:
    """With one provider set, or all; with nothing installed but what its extra brings."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    environment.pop("GEMINI_MULTI_TRANSPORT", None)  # the extra that it names may not bring the transport of the tests
    done = readme_blocks.run(README_BLOCKS[number], sys.executable, environment, hide=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
@pytest.mark.parametrize("number", [0, FIRST_OF_LLAMA_INDEX])
def test_first_example_runs_with_any_single_key(sandbox: Sandbox, number: int, provider: str) -> None:
    """A newcomer has one."""
    own = {name: value for name, value in sandbox.environment().items() if name.startswith(provider.upper())}
    others = {name: value for name, value in os.environ.items() if name not in sandbox.environment()}
    done = readme_blocks.run(
        README_BLOCKS[number], sys.executable, {**others, **own, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}, hide=False
    )

    assert done.returncode == 0, done.stderr
    assert "Zeroth Law of Thermodynamics" in done.stdout or provider != "cloudflare"
    assert [request.provider for request in sandbox.requests] == [provider, provider]


def test_links_of_the_readme_are_absolute() -> None:
    """They work on a package index too."""
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())

    assert [link for link in links if not link.startswith("https://")] == []


def test_links_of_the_readme_lead_to_files_of_the_project() -> None:
    """Those to the project's own pages."""
    found = re.findall(r"/gemini-multi/gemini-multi/(?:blob|tree)/main/([^)#]+)", (ROOT / "README.md").read_text())

    assert "docs/troubleshooting.md" in found
    assert [path for path in found if not (ROOT / path).exists()] == []


def test_readme_names_every_variable_that_is_read() -> None:
    """Of keys, addresses and settings."""
    packages = ("gemini_multi", "langchain_gemini_multi", "llama_index_gemini_multi")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    read = {
        name
        for path in files
        for name in re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', path.read_text())
        if VARIABLE.match(name)
    }
    readme = (ROOT / "README.md").read_text()

    assert "OXEN_API_KEY" in read
    assert {name for name in read if f"`{name}`" not in readme} <= {"GOOGLE_API_KEY", "GEMINI_API_KEY"}


def test_the_readmes_table_is_the_catalogs() -> None:
    """`make docs` writes it."""
    command = [sys.executable, "tools/catalog_table.py", "--check", "README.md"]
    checked = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.usefixtures("thread_loop")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_without_a_key(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says that it runs on the sandbox, and comes to its end."""
    before = dict(os.environ)
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        os.environ.clear()
        os.environ.update(before)

    assert "sandbox" in capsys.readouterr().out


def test_example_of_failover_shows_the_failures_that_it_announces(capsys: pytest.CaptureFixture[str]) -> None:
    """Also over connections that are open already: each scene says who failed, and who answered instead."""
    before = dict(os.environ)
    try:
        runpy.run_path(str(ROOT / "examples" / "langchain_failover.py"), run_name="__main__")
    finally:
        os.environ.clear()
        os.environ.update(before)

    assert [line for line in capsys.readouterr().out.splitlines() if "answered;" in line] == [
        "all well: cloudflare answered; cloudflare answered (200)",
        "Cloudflare out of credit: aimlapi answered; cloudflare failed (402), aimlapi answered (200)",
        "AIMLAPI cut off, in a stream: oxen answered; aimlapi failed (200), oxen answered (200)",
    ]


def test_a_provider_is_added_as_contributing_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file shown there, a registry line and a key are enough."""
    from gemini_multi import providers

    (block,) = blocks("CONTRIBUTING.md")
    acme = ModuleType("gemini_multi.providers.acme")
    monkeypatch.setitem(sys.modules, acme.__name__, acme)
    exec(compile(block, "acme.py", "exec"), acme.__dict__)
    monkeypatch.setitem(providers.PROVIDERS, "acme", acme.Acme)
    monkeypatch.setenv("ACME_API_KEY", "key")
    answer = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=answer)

    client = Client("acme", http_client=httpx.Client(transport=httpx.MockTransport(handler)))
    response = client.chat(ChatRequest(model="acme-gemini", messages=(Message.user("Hello"),)))

    assert (response.text, response.provider) == ("Hi", "acme")
    assert str(asked[0].url) == "https://api.acme.example/v1/chat/completions"


def test_no_document_names_what_a_clone_lacks() -> None:
    """Documents and code make sense for someone who has nothing but the clone."""
    files = [path for pattern in ("*.md", "docs/*.md", "*/*.py", "*/*/*.py") for path in ROOT.glob(pattern)]
    private = re.compile(r"\.\./shared|/work/|wire/gemini\.md|seeds/|\.library/")

    own = Path(__file__)
    assert [
        str(path) for path in files if path != own and ".venv" not in path.parts and private.search(path.read_text())
    ] == []


def test_warnings_about_settings_are_ordinary_warnings() -> None:
    """Users can silence them by class."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("x", SettingIgnoredWarning, stacklevel=1)

    assert caught[0].category is SettingIgnoredWarning
