"""The site as it is put together: every page is in its contents, every link leads somewhere, nothing is loaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers import site


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site.assemble(tmp_path_factory.mktemp("site"), ["squeezenet_digits"])


def test_every_page_is_in_the_contents(folder: Path) -> None:
    listed = re.findall(r": ([\w/-]+\.md)$", (folder / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    pages = {page.relative_to(folder / "docs").as_posix() for page in (folder / "docs").rglob("*.md")}
    assert sorted(listed) == sorted({page for page in pages if not page.startswith("files/")})


def test_every_link_leads_to_a_page_or_a_file(folder: Path) -> None:
    followed = 0
    for page in (folder / "docs").rglob("*.md"):
        text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target:
                assert (page.parent / target).is_file(), f"{page.name} links to {target}"
                followed += 1
    assert followed > 100


def test_every_code_is_explained(folder: Path) -> None:
    text = (folder / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert "## `shape-mismatch` {#shape-mismatch}" in text


def test_what_is_loaded_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<link rel="canonical" href="https://x.org/"><a href="https://x.org">a paper</a><img src="b.svg">'
        '<script src="https://cdn.x.org/a.js"></script><link rel="stylesheet" href="//fonts.x.org/b.css">'
    )
    (tmp_path / "c.css").write_text('@import "https://x.org/d.css"; a { background: url(e.svg) }')
    assert site.foreign(tmp_path) == [
        "a.html: https://cdn.x.org/a.js",
        "a.html: //fonts.x.org/b.css",
        "c.css: https://x.org/d.css",
    ]
