"""Print the README's table of models, or check that the README still says the same.

python tools/catalog_table.py                      # print it
python tools/catalog_table.py --write README.md    # put it between the markers
python tools/catalog_table.py --check README.md    # exit with 1 when the text between the markers differs
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gemini_multi.catalog import HostedModel, Model, Price, Thinking, models

BEGIN = "<!-- models:begin -->"
END = "<!-- models:end -->"
PROVIDERS = {"cloudflare": "Cloudflare", "aimlapi": "AIMLAPI", "oxen": "Oxen"}


def table() -> str:
    """Return the table of all models that a provider serves or has served."""
    head = ["Model", *PROVIDERS.values(), "Context", "Thinking (default)", "Google's list price, in / out"]
    rows = [head, ["---"] * len(head), *(_row(model) for model in models() if model.providers)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(model: Model) -> list[str]:
    hosted = [_hosted(model.providers.get(provider)) for provider in PROVIDERS]
    name = f"`{model.name}`" + (f" (until {model.retired})" if model.retired else "")
    return [name, *hosted, f"{model.context_window:,}", _thinking(model.thinking), _prices(model.prices)]


def _hosted(hosted: HostedModel | None) -> str:
    if hosted is None:
        return ""
    return f"`{hosted.id}`" + (f" (until {hosted.withdrawn})" if hosted.withdrawn else "")


def _thinking(thinking: Thinking) -> str:
    if thinking.control == "none":
        return "-"
    if thinking.control == "level":
        return f"{', '.join(thinking.levels)} ({thinking.default})"
    budget = f"{thinking.minimum_budget:,} to {thinking.maximum_budget:,} tokens"
    return f"{budget}{' or 0' if thinking.can_disable else ''} ({thinking.default})"


def _prices(prices: Sequence[Price]) -> str:
    return "; ".join(_price(price) for price in prices) or "-"


def _price(price: Price) -> str:
    above = f" above {price.above_tokens // 1000}k" if price.above_tokens else ""
    since = f" from {price.since}" if price.since else ""
    return f"${price.input:g} / ${price.output:g}{above}{since}"


def _between_markers(text: str) -> Iterator[str]:
    _, found, rest = text.partition(BEGIN)
    inner, ended, _ = rest.partition(END)
    if found and ended:
        yield inner.strip()


def write(path: Path, text: str) -> None:
    """Replace what stands between the markers."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Print or check the table of models.")
    parser.add_argument("--check", type=Path, metavar="README.md", help="compare with the text between the markers")
    parser.add_argument("--write", type=Path, metavar="README.md", help="put the table between the markers")
    options = parser.parse_args(arguments)
    expected = table()
    if options.write is not None:
        write(options.write, expected)
        return 0
    if options.check is None:
        print(expected)
        return 0
    if expected in _between_markers(options.check.read_text(encoding="utf-8")):
        return 0
    print(f"{options.check}: the text between {BEGIN} and {END} is not what the catalog says.", file=sys.stderr)
    print("Run `make docs`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
