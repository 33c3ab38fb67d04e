"""Writes the page of frameworks from the results and the recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from tests.frameworks.roster import CHECKS, FRAMEWORKS, Framework

ROOT = Path(__file__).parent.parent.parent
RESULTS = Path(__file__).parent / "results.json"
PAGE = ROOT / "docs" / "frameworks.md"

HEAD = """# Other frameworks

<!-- `make test-frameworks` writes this page. -->

`ChatGeminiMulti` and `GeminiMulti` work in every framework that accepts a model of LangChain or LlamaIndex, as an
object or as a [string](strings.md). Frameworks with a model interface of their own reach the providers through the
[OpenAI-compatible endpoint](server.md), with failover, budget and cost behind one URL.

Each row was measured in an environment of its own, on the sandbox, with `gemini-3-flash`: a tool loop, a stream, and a
structured answer; `-` means that the framework does not offer it, or that it was not tried. *Signatures* says whether
Gemini's thought signatures came back in the tool loop; for frameworks that drop them the endpoint puts them back.
`make test-frameworks` measures anew, `make test-frameworks ONLY=crewai` one row.

In the recipes `BASE_URL` and `KEY` are what `gemini-multi serve` prints, `MODEL` is a model such as `gemini-3-flash`,
and `get_weather` is a function from a city to a sentence. The recipes are run as they stand here.
"""
_TABLE = "| framework | through | tools | stream | object | signatures | measured |\n|---|---|---|---|---|---|---|"


class Result(TypedDict):
    """What came out for one framework."""

    versions: dict[str, str]
    results: dict[str, str]
    signatures: str
    date: str


def results() -> dict[str, Result]:
    """Read the results so far."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def rendered(found: dict[str, Result]) -> str:
    """Write the page."""
    known = [framework for framework in FRAMEWORKS if framework.name in found]
    rows = [_row(framework, found[framework.name]) for framework in known]
    recipes = [f"## {framework.title}\n\n{_lead(framework)}\n\n{_recipe(framework)}" for framework in known]
    return "\n".join([HEAD, _TABLE, *rows, "", *recipes])


def _row(framework: Framework, result: Result) -> str:
    version = next(iter(result["versions"].values()), "?")
    checks = [result["results"].get(check, "-").partition(":")[0] for check in CHECKS]
    signatures = result["signatures"] if "tool_loop" in result["results"] else "-"
    cells = (f"{framework.title} {version}", framework.through, *checks, signatures, result["date"])
    return f"| {' | '.join(cells)} |"


def _lead(framework: Framework) -> str:
    lines = [f"    pip install {' '.join(_quoted(one) for one in _requirements(framework))}"]
    return "\n".join([*([framework.note, ""] if framework.note else []), *lines])


def _requirements(framework: Framework) -> list[str]:
    ours = [f"gemini-multi[{framework.extra}]"] if framework.extra else []
    return [*ours, *framework.requirements]


def _quoted(requirement: str) -> str:
    return f'"{requirement}"' if "[" in requirement else requirement


def _recipe(framework: Framework) -> str:
    """Take the recipe out of the file that was run."""
    text = (Path(__file__).parent / "recipes" / framework.recipe).read_text()
    recipe = text.partition("# recipe\n")[2].partition("# end\n")[0].strip()
    return f"```{{code-block}} python\n{recipe}\n```\n"
