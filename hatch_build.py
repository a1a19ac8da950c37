"""The long description of the distribution, from README.md.

A package index shows it without the repository around it.  So pictures are left out, and links to files become text;
links to elsewhere stay.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

try:
    from hatchling.metadata.plugin.interface import MetadataHookInterface
except ImportError:  # the tests read the description, and have no hatchling
    MetadataHookInterface = object

_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)


def long_description(readme: str) -> str:
    """A README without what leads to files of the repository."""
    parts = _FENCE.split(readme)
    return "".join(part if part.startswith("```") else _without_files(part) for part in parts)


def _without_files(text: str) -> str:
    text = re.sub(r"^<!--.*?-->\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n\n?", "", text, flags=re.MULTILINE)
    return re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", text)


class Description(MetadataHookInterface):
    """Sets ``readme`` for hatchling."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read README.md, which lies beside this file."""
        readme = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": long_description(readme)}
