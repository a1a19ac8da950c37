"""The pages of the documents that `archspec help` can show: the course, the language, the reference.

They lie inside the installed package, or next to it in a checkout.
"""

from __future__ import annotations

import re
from pathlib import Path

_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)

PAGES = ("language", "lecture", "reference")
"""The pages beside the course, by their names."""


def docs_folder() -> Path:
    """The folder of the documents: inside the installed package, or next to it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "docs"
    return inside if inside.is_dir() else package.parent / "docs"


def page_names() -> list[str]:
    """Names of the pages: ``course``, ``course/01-classifiers``, …, ``language``, ``reference``."""
    course = sorted(file.stem for file in (docs_folder() / "course").glob("*.md") if file.stem != "README")
    found = [name for name in PAGES if (docs_folder() / f"{name}.md").is_file()]
    return [*(["course", *(f"course/{name}" for name in course)] if course else []), *found]


def page(name: str) -> str:
    """A page as text: its Markdown, without pictures and comments, and links as the words they stand on.

    Raises :class:`KeyError` if there is no such page.
    """
    if name not in page_names():
        raise KeyError(name)
    path = docs_folder() / ("course/README.md" if name == "course" else f"{name}.md")
    parts = _FENCE.split(path.read_text(encoding="utf-8"))
    text = "".join(part if part.startswith("```") else _plain(part) for part in parts)
    return re.sub(r"\n{3,}", "\n\n", text)


def _plain(text: str) -> str:
    """Markdown outside of code, without what a terminal cannot show."""
    text = re.sub(r"^<!--.*?-->\n|^</?details.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"<summary>(.*)</summary>", r"\1:", text)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    return re.sub(r"\[([^\]]+)\]\([^)\s]*\)", r"\1", text)
