"""What `data:` URLs hold, in the spellings in use, and what first bytes say."""

from __future__ import annotations

import pytest

from gemini_multi._encoding.media_data import given_data_url, recognized, shown
from gemini_multi.errors import ConfigurationError

SPELLINGS = {
    "data:image/png;base64,QUJD": ("image/png", "QUJD"),
    "data:image/png; base64,QUJD": ("image/png", "QUJD"),
    "DATA:Image/PNG;BASE64,QUJD": ("image/png", "QUJD"),
    "data:image/png;name=a.png;base64,QUJD": ("image/png", "QUJD"),
    "data:;base64,QUJD": (None, "QUJD"),
    "data:image/png;base64,QUI%3D": ("image/png", "QUI="),
    "data:image/png;base64,QU\nJ-_g==": ("image/png", "QU\nJ-_g=="),
    "data:text/plain,A%42C": ("text/plain", "QUJD"),
    "data:,ABC": (None, "QUJD"),
}
FIRST_BYTES = {
    "iVBORw0KGgo=": "image/png",
    "/9j/": "image/jpeg",
    "JVBERi0xLjc=": "application/pdf",
    "QUJD": None,
    "?": None,
}


@pytest.mark.parametrize("url", SPELLINGS)
def test_a_data_url_is_read_in_every_spelling(url: str) -> None:
    """Spaces, case and further parameters change nothing; what is not base64 becomes it."""
    assert given_data_url(url) == SPELLINGS[url]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("data:image/png;base64" + "A" * 1_000_000, "no comma"),
        ("data:image/png;base64," + "A" * 1_000_000 + "?", "is not base64"),
        ("data:image/png;base64,Größe", "is not base64"),
        ("data:image/png;base64,\ud800", "is not base64"),
    ],
)
def test_an_unreadable_data_url_is_a_short_typed_error(url: str, said: str) -> None:
    """The error names the accepted forms, and never repeats a whole image."""
    with pytest.raises(ConfigurationError, match=f"{said}.*Give an http") as caught:
        given_data_url(url)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("data", FIRST_BYTES)
def test_first_bytes_tell_the_media_type(data: str) -> None:
    """Only well-known beginnings are told."""
    assert recognized(data) == FIRST_BYTES[data]


def test_long_addresses_are_shown_in_part() -> None:
    """An address may be a whole image by mistake."""
    assert len(shown("x" * 1_000)) < 70
