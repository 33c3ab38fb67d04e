"""Name the supported Python interpreters that this machine has, one path a line.

With `--others`, without the version that runs this.
The supported versions are the classifiers of `pyproject.toml`. Each is looked for on the PATH, then among pyenv's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent


def supported() -> list[str]:
    """Read the versions that the classifiers name."""
    text = (ROOT / "pyproject.toml").read_text()
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)


def candidates(version: str) -> Iterator[Path]:
    """Give the places where this version may be."""
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))


def runs(python: Path, version: str) -> bool:
    """Whether it is an interpreter of this version: pyenv also puts names on the PATH that only fail."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def main() -> None:
    """Print the first interpreter of each version."""
    own = "{}.{}".format(*sys.version_info)
    for version in supported():
        if "--others" in sys.argv and version == own:
            continue
        found = next((path for path in candidates(version) if runs(path, version)), None)
        if found is not None:
            print(found)


if __name__ == "__main__":
    main()
