"""Objects out of an image and a PDF, both made here in memory."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.messages import HumanMessage
from pydantic import BaseModel, Field

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti


class Picture(BaseModel):
    """What a picture shows."""

    main_color: str = Field(description="The color of most of it, in English")
    description: str


class Invoice(BaseModel):
    """An invoice."""

    number: str
    currency: str = Field(description="Such as EUR")
    total: float = Field(ge=0)


def main() -> None:
    """Read one object from each file."""
    with providers():
        model = ChatGeminiMulti(model="gemini-flash-latest")
        image = {"type": "image", "base64": encoded(red_square()), "mime_type": "image/png"}
        document = {"type": "file", "base64": encoded(invoice()), "mime_type": "application/pdf"}
        question = HumanMessage([{"type": "text", "text": "What is in this picture?"}, image])
        print(repr(model.with_structured_output(Picture).invoke([question])))
        question = HumanMessage([{"type": "text", "text": "Read this invoice."}, document])
        print(repr(model.with_structured_output(Invoice).invoke([question])))


def red_square(side: int = 64) -> bytes:
    """Make a PNG of one color."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = (b"\x00" + b"\xd0\x10\x10" * side) * side
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def invoice() -> bytes:
    """Make a PDF of one page with three lines."""
    texts = (b"Invoice 2026-0042", b"3 chairs, 49.50 EUR each", b"Total: 148.50 EUR")
    lines = b"BT /F1 18 Tf 72 700 Td 24 TL %s ET" % b" T* ".join(b"(%s) Tj" % text for text in texts)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(lines), lines),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    file, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj%s\nendobj\n" % (number, content)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(file))
    return file + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + rows + end


def encoded(data: bytes) -> str:
    """Write bytes as LangChain's blocks want them."""
    return base64.b64encode(data).decode("ascii")


@contextmanager
def providers() -> Iterator[None]:
    """Ask the providers that have a key; without any, the sandbox."""
    if any(os.environ.get(name) for name in ("CLOUDFLARE_API_TOKEN", "AIMLAPI_API_KEY", "OXEN_API_KEY")):
        yield
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print("No key is set: this runs on the sandbox, which has no model: its answers repeat what they were asked.")
        yield


if __name__ == "__main__":
    main()
