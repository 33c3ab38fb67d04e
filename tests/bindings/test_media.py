"""Images, films and files in every spelling mean the same, and what cannot be read is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel

from gemini_multi import Blob, ConfigurationError, FileReference, GeminiMultiError
from gemini_multi.bindings.media import Details, addressed, folded, inline
from tests.bindings.frameworks import Framework, Provider

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


class Level(Enum):
    """As Google's SDK has it."""

    MEDIA_RESOLUTION_HIGH = "MEDIA_RESOLUTION_HIGH"


class Clip(BaseModel):
    """As Google's SDK has it."""

    start_offset: str | None = None
    end_offset: str | None = None


CLIP = Details(start=10, end=20)
SPELLINGS: list[tuple[Mapping[str, Any], Details]] = [
    ({"mime_type": "image/png"}, Details(mime_type="image/png")),
    ({"mimeType": "image/png", "displayName": "a"}, Details(mime_type="image/png", name="a")),
    ({"media_type": "image/png", "title": "a"}, Details(mime_type="image/png", name="a")),
    ({"format": "image/webp"}, Details(mime_type="image/webp")),
    ({"extras": {"file_mime_type": "text/csv", "file_filename": "a.csv"}}, Details(mime_type="text/csv", name="a.csv")),
    ({"mime_type": "text/csv", "extras": {"mime_type": "text/plain"}}, Details(mime_type="text/csv")),
    ({"detail": "high"}, Details(resolution="high")),
    ({"detail": "auto"}, Details()),
    ({"extras": {"detail": "low"}}, Details(resolution="low")),
    ({"mediaResolution": {"level": "MEDIA_RESOLUTION_ULTRA_HIGH"}}, Details(resolution="ultra_high")),
    ({"media_resolution": Level.MEDIA_RESOLUTION_HIGH}, Details(resolution="high")),
    ({"start_offset": 10, "end_offset": "20s"}, CLIP),
    ({"videoMetadata": {"startOffset": "10s", "endOffset": "20.0s"}}, CLIP),
    ({"video_metadata": {"start_offset": {"seconds": 10}, "end_offset": timedelta(seconds=20)}}, CLIP),
    ({"video_metadata": Clip(start_offset="10s", end_offset="20s")}, CLIP),
    ({"extras": {"video_metadata": {"fps": "2"}}}, Details(fps=2)),
    ({"video_metadata": {"fps": None}}, Details()),
]


@pytest.mark.parametrize(("block", "details"), SPELLINGS)
def test_details_are_read_in_every_spelling(block: Mapping[str, Any], details: Details) -> None:
    """At the block, in its `extras`, in camel case and as objects."""
    assert Details.of(folded(block)) == details


@pytest.mark.parametrize(
    ("family", "word", "kind"),
    [
        ("audio", "wav", "audio/wav"),
        ("audio", "MP3", "audio/mpeg"),
        ("audio", "mpeg", "audio/mpeg"),
        ("audio", "x-aac", "audio/aac"),
        ("image", "jpg", "image/jpeg"),
        ("application", "pdf", "application/pdf"),
        ("video", "mov", "video/quicktime"),
    ],
)
def test_format_is_a_media_type(family: str, word: str, kind: str) -> None:
    """Short names mean the type of the block's family."""
    assert Details.of({"format": word}, family).mime_type == kind


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"video_metadata": {"start_offset": "abcs"}}, "start_offset"),
        ({"video_metadata": {"fps": "fast"}}, "fps"),
        ({"end_offset": float("nan")}, "end_offset"),
        ({"start_offset": -1}, "start_offset"),
        ({"start_offset": {"seconds": "ten"}}, "start_offset"),
        ({"video_metadata": "10s-20s"}, "video_metadata"),
        ({"detail": "huge"}, "detail"),
        ({"media_resolution": 7}, "resolution"),
    ],
)
def test_unreadable_detail_is_named(block: Mapping[str, Any], named: str) -> None:
    """It is neither dropped nor a bare `ValueError`."""
    with pytest.raises(ConfigurationError, match=named):
        Details.of(folded(block))


@pytest.mark.parametrize(
    "data",
    [PNG, f"data:image/png;base64,{PNG}", f"DATA:;base64,{PNG}", b"\x89PNG\r\n\x1a\n", bytearray(b"\x89PNG\r\n\x1a\n")],
)
def test_inline_media_are_recognized(data: object) -> None:
    """By their first bytes, whatever holds them."""
    assert inline(data, Details()).mime_type == "image/png"


@pytest.mark.parametrize("data", ["", b"", None, 7, "AAAA", {"data": PNG}])
def test_inline_data_that_cannot_be_read_are_refused(data: object) -> None:
    """Without bytes, or of a kind that is neither given nor known."""
    with pytest.raises(ConfigurationError):
        inline(data, Details())


def test_address_stays_one() -> None:
    """Unless it holds the data."""
    details = Details(mime_type="image/png", name="a")
    assert addressed("gs://b/a", details) == FileReference("gs://b/a", "image/png", name="a")
    assert addressed(f"data:;base64,{PNG}", details) == Blob(PNG, "image/png", name="a")


@pytest.mark.parametrize("url", [7, b"\x89PNG" * 100_000, None, ""])
def test_refused_address_is_shown_briefly(url: object) -> None:
    """It may be a whole image."""
    with pytest.raises(ConfigurationError) as caught:
        addressed(url, Details())
    assert len(str(caught.value)) < 400


INLINE = {"mimeType": "image/png", "data": PNG}


@pytest.mark.parametrize("prefix", ["data:image/png;base64,", "data:image/png; base64,", "DATA:image/png;BASE64,"])
def test_data_url_is_inline_in_both(framework: Framework, provider: Provider, prefix: str) -> None:
    """However it is spelled."""
    model = framework.model(providers="cloudflare", http_client=provider.client)
    framework.show(model, prefix + PNG)
    assert provider.turn[-1] == {"inlineData": INLINE}


def test_detail_is_the_resolution_in_both(framework: Framework, provider: Provider) -> None:
    """As OpenAI and LlamaIndex call it."""
    model = framework.model(providers="cloudflare", http_client=provider.client)
    framework.show(model, f"data:image/png;base64,{PNG}", "high")
    assert provider.turn[-1] == {"inlineData": INLINE, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}}


@pytest.mark.parametrize("url", ["data:image/png;base64", "data:image/png;base64,what?", "data:;base64,what?"])
def test_unreadable_data_url_is_refused_in_both(framework: Framework, provider: Provider, url: str) -> None:
    """By one sentence that names the accepted forms."""
    model = framework.model(providers="oxen", http_client=provider.client)
    with pytest.raises(ConfigurationError, match="or the data itself as a base64 `data:` URL"):
        framework.show(model, url)
    assert provider.requests == []


@pytest.mark.parametrize(("url", "detail"), [("cat.png", None), ("https://a.example/a.png", "huge")])
def test_what_cannot_be_read_is_refused_in_both(
    framework: Framework, provider: Provider, url: str, detail: str | None
) -> None:
    """By the package's own error, before anything is sent."""
    model = framework.model(providers="cloudflare", http_client=provider.client)
    with pytest.raises((GeminiMultiError, ValueError)):
        framework.show(model, url, detail)
    assert provider.requests == []
