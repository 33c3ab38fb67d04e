"""The models of each provider, and the properties that follow from a model's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_CLOUDFLARE_NAMES: Final = (
    "2.5-flash-lite 2.5-flash 2.5-pro 3-flash 3.1-flash-lite 3.1-pro 3.5-flash 3.5-flash-lite 3.6-flash 3.7-flash "
    "3.8-flash"
)
_STUDIO_NAMES: Final = (
    "2.5-flash-lite 2.5-flash-lite-preview-09-2025 2.5-flash 2.5-pro 3-flash-preview 3.1-pro-preview "
    "3.1-pro-preview-customtools 3.1-flash-lite 3.5-flash 3.5-flash-lite 3.6-flash 3.7-flash 3.8-flash 4-argon "
    "flash-latest flash-lite-latest pro-latest"
)
_OXEN_NAMES: Final = (
    "2-5-flash 2-5-pro 3-flash-preview 3-1-pro-preview 3-7-flash 3-8-flash 2-5-flash-lite-preview-09-2025 "
    "2-0-flash-001 3-1-flash-lite-preview"
)
_AIMLAPI_FAMILIES: Final = {
    "A": "2.5-flash-lite-preview 2.5-flash-lite 2.5-flash 2.5-pro 3-flash-preview 3-1-pro-preview "
    "3-1-flash-lite-preview",
    "B": "3-1-flash-lite 3-5-flash",
    "C": "3-6-flash 3-7-flash 3-8-flash",
    "C+media": "3-5-flash-lite 3.5-flash-lite",
    "D": "3.1-pro-preview-customtools flash-latest pro-latest 3-pro-image 3.1-flash-image",
}

CLOUDFLARE: Final = tuple(f"google/gemini-{name}" for name in _CLOUDFLARE_NAMES.split())
STUDIO: Final = tuple(f"gemini-{name}" for name in _STUDIO_NAMES.split())
AIMLAPI: Final[Mapping[str, str]] = {
    f"google/gemini-{name}": family for family, names in _AIMLAPI_FAMILIES.items() for name in names.split()
}
OXEN: Final = tuple(f"gemini-{name}" for name in _OXEN_NAMES.split())

_ALIASES: Final = {"flash-latest": "3.8-flash", "flash-lite-latest": "3.5-flash-lite", "pro-latest": "3.1-pro"}
_NAME: Final = re.compile(r"gemini-(\d+)(?:[.-](\d)(?!\d))?-([a-z]+(?:-lite)?)")
_TOKENS: Final = {"none": 0, "minimal": 0, "low": 12, "medium": 24, "high": 48, "xhigh": 64, "max": 96}


@dataclass(frozen=True, slots=True)
class Model:
    """The properties of a model."""

    generation: tuple[int, int]
    kind: str

    @property
    def is_gemini_3(self) -> bool:
        """Whether the rules of Gemini 3 and later apply: signatures are required, and thinking has levels."""
        return self.generation >= (3, 0)

    @property
    def refuses_prefill(self) -> bool:
        """Whether the model refuses a prompt whose last turn is from the model."""
        return self.generation >= (3, 6) or (self.kind == "flash-lite" and self.generation >= (3, 5))

    @property
    def levels(self) -> tuple[str, ...]:
        """The thinking levels that the model accepts."""
        if not self.is_gemini_3:
            return ()
        if self.generation >= (3, 7) or (self.kind == "pro" and self.generation >= (3, 1)):
            return ("low", "medium", "high")
        if self.kind == "pro":
            return ("low", "high")
        return ("minimal", "low", "medium", "high")

    @property
    def budgets(self) -> tuple[int, int] | None:
        """The smallest and largest thinking budget, if the model accepts budgets."""
        ranges = {"pro": (128, 32_768), "flash": (0, 24_576), "flash-lite": (512, 24_576)}
        return ranges.get(self.kind) if self.generation == (2, 5) else None

    @property
    def can_stop_thinking(self) -> bool:
        """Whether thinking can be switched off."""
        return self.generation < (3, 0) and self.kind != "pro"

    @property
    def default_effort(self) -> str:
        """The default level or budget of thinking."""
        if self.kind == "flash-lite":
            return "minimal" if self.is_gemini_3 else "none"
        if self.generation >= (3, 5):
            return "medium"
        return "high" if self.is_gemini_3 else "low"

    def thinking_tokens(self, effort: str | None) -> int:
        """Return the number of thinking tokens."""
        return _TOKENS.get(effort or self.default_effort, _TOKENS["medium"])

    @property
    def image_tokens(self) -> int:
        """The number of tokens of one image."""
        return 1120 if self.is_gemini_3 else 258


@lru_cache(maxsize=256)
def read_model(model_id: str) -> Model:
    """Read the generation and the kind from an id. An unknown id counts as the newest generation."""
    name = model_id.rpartition("/")[2]
    for alias, target in _ALIASES.items():
        name = name.replace(f"gemini-{alias}", f"gemini-{target}")
    found = _NAME.match(name)
    if found is None:
        return Model((3, 8), "flash")
    major, minor, kind = found.groups()
    return Model((int(major), int(minor or 0)), kind if kind in {"pro", "flash", "flash-lite"} else "flash")
