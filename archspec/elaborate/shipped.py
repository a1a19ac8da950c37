"""What ships with the package: the library's blocks and the specs, where they are and what they are called."""

from __future__ import annotations

from functools import cache
from pathlib import Path


def library_folder() -> Path:
    """The folder of the block library."""
    return Path(__file__).parent.parent / "library"


@cache
def specs_folder() -> Path:
    """The folder of the shipped specs: inside the installed package, or next to it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


@cache
def library_names() -> frozenset[str]:
    """Names of the library's blocks."""
    return frozenset(file.stem for file in library_folder().glob("*.yaml"))


@cache
def spec_names() -> frozenset[str]:
    """Names of the shipped specs."""
    return frozenset(file.stem for file in specs_folder().glob("*.yaml"))


@cache
def more_names() -> frozenset[str]:
    """Names of the specs that ship in ``specs/more``: ``more/hrnet_w18``."""
    return frozenset(f"more/{file.stem}" for file in (specs_folder() / "more").glob("*.yaml"))
