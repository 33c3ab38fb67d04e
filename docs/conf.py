"""How Sphinx builds the site: `make site` writes it to `site/`."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

from gemini_multi import __version__

project = "gemini-multi"
author = "The gemini-multi authors"
copyright = author  # noqa: A001  # Sphinx asks for this name
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autoclass_content = "both"  # arguments are documented where they are taken
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
nitpicky = False  # the frameworks' own types are not linked

html_theme = "pydata_sphinx_theme"
html_title = "gemini-multi"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}


def setup(app: Sphinx) -> None:
    """Let docstrings be Markdown, as editors show them: fences and single backticks."""
    app.connect("autodoc-process-docstring", _to_rest, priority=400)  # before napoleon reads colons


def _to_rest(_app: Sphinx, _kind: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    text = re.sub(r"(?m)^( *)```(?:python)?\n((?:.*\n)*?)\1```$", _code_block, "\n".join(lines))
    lines[:] = re.sub(r"(?<![`:\w])`([^`\n]+)`(?![`_])", r"``\1``", text).split("\n")


def _code_block(match: re.Match[str]) -> str:
    indent, code = match.groups()
    return f"{indent}.. code-block:: python\n\n" + "".join(f"    {line}\n" for line in code.splitlines())
