"""Tools of every form that LlamaIndex knows. It looks at the annotations themselves: here they are not postponed."""

import functools
from typing import Any

from llama_index.core.base.llms.types import ContentBlock, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context
from pydantic import BaseModel

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16


def scaled(a: int, b: int, factor: int) -> int:
    """Add two numbers, and multiply."""
    return (a + b) * factor


async def add_later(a: int, b: int) -> int:
    """Add two numbers, in a while."""
    return a + b


async def add_and_note(ctx: Context, a: int, b: int) -> str:
    """Add two numbers, and keep the sum."""
    await ctx.store.set("sum", a + b)
    return f"noted {await ctx.store.get('sum')}"


class Numbers(BaseModel):
    a: int
    b: int


def add_all(numbers: Numbers, more: list[int] | None = None, **options: Any) -> int:
    """Add numbers."""
    return numbers["a"] + numbers["b"] + sum(more or ())  # type: ignore[index]  # LlamaIndex passes what was sent


def look() -> list[ContentBlock]:
    """Look."""
    return [TextBlock(text="A dot."), ImageBlock(image=PNG)]


def fail() -> int:
    """Fail."""
    raise RuntimeError("out of order")


def count_nothing() -> int:
    """Take no arguments."""
    return 0


TWO = {"a": 2, "b": 3}
TOOLS: dict[str, tuple[FunctionTool, dict[str, Any], str]] = {
    "asynchronous": (FunctionTool.from_defaults(async_fn=add_later), TWO, "5"),
    "with arguments of ours": (FunctionTool.from_defaults(scaled, partial_params={"factor": 10}), TWO, "50"),
    "with a context": (FunctionTool.from_defaults(async_fn=add_and_note), TWO, "noted 5"),
    "with a class": (FunctionTool.from_defaults(add_all), {"numbers": TWO, "more": [4]}, "9"),
    "with a picture": (FunctionTool.from_defaults(look), {}, "A dot."),
    "that fails": (FunctionTool.from_defaults(fail), {}, "out of order"),
    "without arguments": (FunctionTool.from_defaults(count_nothing), {}, "0"),
    "partial": (
        FunctionTool.from_defaults(functools.partial(scaled, factor=2), name="double", description="Double a sum."),
        TWO,
        "10",
    ),
}
"""Each with the arguments of a call, and what comes of them."""
