"""Classes whose schemas the tests use: enums, unions, recursion, typed dictionaries, dataclasses and pydantic 1."""

from __future__ import annotations

import dataclasses
import enum
from typing import Annotated, Any, Literal, Optional, Union

from pydantic import BaseModel, Field, v1
from typing_extensions import TypedDict


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(9, gt=0)


class Dog(BaseModel):
    kind: Literal["dog"]
    tail: float = Field(gt=0.5)


class Tree(BaseModel):
    children: list[Tree] = []


class Everything(BaseModel):
    title: str
    level: Level
    number: Literal[10, 11]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    pair: tuple[int, str]
    counts: dict[str, int] = {}
    nested: list[list[int | None] | None]
    anything: Any = None
    key: int | str | None = Field(None, description="A key")
    code: str = Field(pattern="^a", min_length=2)
    tree: Tree


class Movie(TypedDict, total=False):
    name: str
    tree: Tree


@dataclasses.dataclass
class Point:
    x: float
    label: Optional[str] = None  # noqa: UP045  # the older spelling is what is tested
    other: Union[int, str] = 0  # noqa: UP007


class OldInner(v1.BaseModel):
    x: int = v1.Field(3, gt=2)


class OldOuter(v1.BaseModel):
    inner: OldInner = v1.Field(..., description="in")
    pair: tuple[int, str]
    either: Union[int, str] = 1  # noqa: UP007
