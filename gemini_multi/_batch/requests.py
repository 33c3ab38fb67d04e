"""Makes the request of a row: a template or messages, allowed images, and a schema."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter
from typing import Any, Final, cast

from gemini_multi._batch.rows import BrokenRow, Record
from gemini_multi._batch.sources import columns_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob, ChatRequest, FileReference, Message, Part, ToolResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images that rows may name in the column `images`."""

    folder: Path | None = None
    """The folder whose files rows may name by path; `None` allows no paths."""
    urls: bool = False
    """Whether rows may name images by URL. The provider downloads them."""


NO_IMAGES: Final = Images()


class Template:
    """A prompt with names of columns in braces. `{{` and `}}` stand for braces."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.columns = tuple(dict.fromkeys(_columns(text)))

    def render(self, record: Record) -> str:
        """Fill in a row's columns.

        Raises:
            BrokenRow: A column is missing.
        """
        if missing := [column for column in self.columns if record.get(column) is None]:
            raise BrokenRow(
                f"The template needs the column {missing[0]!r}; the row has the columns {columns_of(record)}."
            )
        return self._text.format_map({column: _as_text(record[column]) for column in self.columns})


def _columns(template: str) -> Iterator[str]:
    try:
        fields = [field for field in Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        raise ConfigurationError(f"The template {template!r} cannot be read: {error}.") from error
    for _, column, form, conversion in fields:
        if not column or form or conversion or set(column) & set(".["):
            raise ConfigurationError(
                f"The template {template!r} has braces that hold more or less than the name of one column. "
                "Write {{ and }} for braces."
            )
        yield column


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMaker:
    """Makes the request of a row."""

    base: ChatRequest
    """The model and all settings, without messages."""
    template: Template | None = None
    system: str | None = None
    images: Images = NO_IMAGES

    def request(self, record: Record) -> ChatRequest:
        """Make the request of a row.

        Raises:
            BrokenRow: A column is missing or cannot be used.
        """
        system = () if self.system is None else (Message.system(self.system),)
        return replace(self.base, messages=(*system, *self._messages(record)))

    def _messages(self, record: Record) -> Sequence[Message]:
        images = self._images(record)
        if self.template is not None:
            return [Message.user(self.template.render(record), *images)]
        if isinstance(prompt := record.get("prompt"), str):
            return [Message.user(prompt, *images)]
        if (messages := record.get("messages")) is not None and not images:
            return self._conversation(messages)
        raise BrokenRow(
            "The row needs a text in the column 'prompt', or a list in the column 'messages' (then with its images "
            f"inside), or a template; it has the columns {columns_of(record)}."
        )

    def _conversation(self, given: object) -> Sequence[Message]:
        # Only rows with messages need the classes of messages.
        from gemini_multi.dialects.chat_completions.conversation import UnreadableMessages, read_messages

        try:
            messages = read_messages(given)
        except UnreadableMessages as error:
            raise BrokenRow(f"The column 'messages' cannot be used: {error}.") from error
        return [replace(message, parts=tuple(map(self._allowed, message.parts))) for message in messages]

    def _allowed(self, part: Part) -> Part:
        """Read a medium that a row names by its URL or path, if rows may name it so."""
        if isinstance(part, ToolResult):
            return replace(part, content=tuple(cast("Any", self._allowed(inner)) for inner in part.content))
        if not isinstance(part, FileReference):
            return part
        found = self._image(part.uri)
        return replace(
            found, name=found.name or part.name, resolution=part.resolution, cache_control=part.cache_control
        )

    def _images(self, record: Record) -> list[Part]:
        named: object = record.get("images") or []
        names: list[object] = cast("list[object]", named) if isinstance(named, list) else [named]
        return [self._image(str(name)) for name in names]

    def _image(self, name: str) -> Blob | FileReference:
        if name.startswith("data:"):
            return _inline(name)
        if "://" in name:
            if not self.images.urls:
                raise BrokenRow(f"The row names the image {name!r}: allow addresses of images to send it.")
            return FileReference(name, mimetypes.guess_type(name)[0])
        if self.images.folder is None:
            raise BrokenRow(f"The row names the image {name!r}: give the folder of images to read it.")
        return _file(self.images.folder, name)


def _inline(url: str) -> Blob:
    head, _, data = url.removeprefix("data:").partition(",")
    if not head.endswith(";base64"):
        raise BrokenRow("An image in a `data:` address must be in base64.")
    return Blob(data, head.removesuffix(";base64"))


def _file(folder: Path, name: str) -> Blob:
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise BrokenRow(f"The image {name!r} lies outside the folder of images.")
    mime_type = mimetypes.guess_type(path.name)[0]
    if mime_type is None:
        raise BrokenRow(f"The image {name!r} has an unknown format: its suffix says nothing.")
    try:
        return Blob.from_bytes(path.read_bytes(), mime_type)
    except OSError as error:
        raise BrokenRow(f"The image {name!r} cannot be read: {error.strerror}.") from error
