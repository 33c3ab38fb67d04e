"""A certificate for the loopback server, made for this run and trusted by the clients alone."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

_FOLDER: Final = tempfile.TemporaryDirectory(prefix="gemini-multi-bench-")
"""Removed when the process ends."""


class Certificates(NamedTuple):
    """Two files."""

    authority: Path
    own: Path
    """With its key."""


@cache
def certificates() -> Certificates:
    """Make them."""
    import trustme

    made = Certificates(Path(_FOLDER.name, "authority.pem"), Path(_FOLDER.name, "own.pem"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(made.authority)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(made.own)
    return made
