"""The site: its pages put together, and what is built looked through for anything loaded from elsewhere.

``python -m tests.helpers.site FOLDER [NAME …]`` writes the pages and MkDocs' settings, with the gallery of the named specs
(by default all); ``python -m tests.helpers.site --check FOLDER`` looks through a site that was built.  ``make site`` does
both.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import yaml

import archspec
from archspec import gallery
from archspec.language.explanations import explanations
from tests.helpers.places import ROOT

DOCS = ROOT / "docs"
SITE = DOCS / "site"

GENERATED = {"index.md", "inside.md", "diagnostics.md", "python.md", "gallery.md"}
"""The pages that are written here and are no files of ``docs``."""


def assemble(folder: Path, names: Iterable[str] | None = None) -> Path:
    """Write everything that MkDocs reads into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "docs"
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("site", "curves", "__pycache__"))
    shutil.copy(SITE / "site.css", pages)
    shutil.copy(SITE / "hooks.py", folder)
    (pages / "course" / "README.md").rename(pages / "course" / "index.md")
    written = {
        "index.md": moved(ROOT / "README.md", "index.md"),
        "inside.md": moved(ROOT / "archspec" / "README.md", "inside.md"),
        "diagnostics.md": diagnostics(),
        "python.md": python(),
        "gallery.md": gallery_page(gallery.write(pages / "gallery", names)),
    }
    for name, text in written.items():
        (pages / name).write_text(text, encoding="utf-8")
    for page in sorted(pages.rglob("*.md")):
        page.write_text(linked(page.read_text(encoding="utf-8"), page.relative_to(pages)), encoding="utf-8")
    (folder / "mkdocs.yml").write_text(settings(), encoding="utf-8")
    return folder


def settings() -> str:
    """MkDocs' settings, with the course's pages and the place of the code."""
    text = (SITE / "mkdocs.yml").read_text(encoding="utf-8")
    listed = "".join(f"\n      - {title}: course/{name}" for title, name in course())
    return text.replace(" COURSE\n", f"{listed}\n").replace("PROJECT", ROOT.as_posix())


def course() -> list[tuple[str, str]]:
    """The title and the file of each page of the course, in its order: the table of its first page."""
    text = (DOCS / "course" / "README.md").read_text(encoding="utf-8")
    return [("The course", "index.md"), *re.findall(r"^\| \[([^\]]+)\]\(([\w-]+\.md)\) \|", text, re.MULTILINE)]


# -- pages -------------------------------------------------------------------------------------------------------------


def moved(path: Path, name: str) -> str:
    """A page from elsewhere in the repository, its links as from ``docs``."""

    def link(match: re.Match[str]) -> str:
        target, _, anchor = match[1].partition("#")
        if "://" in target or not target:
            return match[0]
        found = (path.parent / target).resolve()
        place = {ROOT / "README.md": "index.md", ROOT / "archspec" / "README.md": "inside.md"}.get(found)
        place = place or found.relative_to(DOCS).as_posix()
        return f"]({place}{'#' + anchor if anchor else ''})"

    return re.sub(r"\]\(([^)\s]+)\)", link, path.read_text(encoding="utf-8"))


def linked(text: str, page: Path) -> str:
    """A page whose links to what has another name on the site lead there."""
    up = "../" * (len(page.parts) - 1)
    text = re.sub(r"\]\((?:\.\./)+archspec/README\.md", f"]({up}inside.md", text)
    text = re.sub(r"\]\((?:\.\./)+README\.md", f"]({up}index.md", text)
    return re.sub(r"\]\(course/README\.md", "](course/index.md", text)


def diagnostics() -> str:
    """Every code with its explanation."""
    parts = ["# Diagnostics\n", "What each code means, as `archspec explain CODE` prints it.\n"]
    for code, found in explanations().items():
        parts += [f"## `{code}` {{#{code}}}\n", f"{found.why}\n"]
        for title, shown in (("Wrong", found.wrong), ("Right", found.right)):
            if shown is not None:
                parts.append(f"{title}:\n\n```yaml\n{shown.rstrip()}\n```\n")
    return "\n".join(parts)


def python() -> str:
    """The names that ``import archspec`` gives, from their docstrings."""
    parts = ["# Python\n", f"{(archspec.__doc__ or '').strip()}\n"]
    parts += [f"::: archspec.{name}\n" for name in archspec.__all__]
    return "\n".join(parts)


def gallery_page(entries: Iterable[gallery.Entry]) -> str:
    """The shipped networks, each with a link to its page to explore it in."""
    parts = ["# Gallery\n", "Each opens as a page in which blocks unfold and every step shows its numbers.\n"]
    family = ""
    for entry in entries:
        if entry.family != family:
            family = entry.family
            parts.append(f"## {family}\n\n| network | what it is | |\n| --- | --- | --- |")
        doc = entry.doc.replace("|", "\\|").replace("\n", " ")
        parts.append(f"| [{entry.name}](gallery/{entry.name}.html) | {doc} | {entry.figures} |")
        parts.append("")
    text = "\n".join(parts)
    return re.sub(r"\|\n\n\| \[", "|\n| [", text) + "\n"


# -- what was built ----------------------------------------------------------------------------------------------------


class Loads(HTMLParser):
    """What a page loads when it is opened, without links that a reader follows."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of a script, a style, a picture or a frame."""
        given = dict(attrs)
        if tag == "link" and given.get("rel") in ("canonical", "next", "prev", "alternate"):
            return
        name = "href" if tag == "link" else "src" if tag != "object" else "data"
        if tag in ("link", "script", "img", "iframe", "source", "video", "audio", "embed", "object") and given.get(
            name
        ):
            self.found.append(str(given[name]))


def foreign(folder: Path) -> list[str]:
    """What the pages and styles of a site load from elsewhere."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        loads = Loads()
        loads.feed(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(folder)}: {each}" for each in loads.found if re.match(r"(?:\w+:)?//", each)]
    for path in sorted(folder.rglob("*.css")):
        addresses = re.findall(
            r"(?:@import\s+|url\()[\"']?((?:https?:)?//[^\"')\s]+)", path.read_text(encoding="utf-8")
        )
        found += [f"{path.relative_to(folder)}: {each}" for each in addresses]
    return found


def main(words: list[str]) -> None:
    """Put the pages together, or look through a site."""
    if words[:1] == ["--check"]:
        found = foreign(Path(words[1]))
        if found:
            raise SystemExit("loaded from elsewhere:\n" + "\n".join(found))
        print(Path(words[1]) / "index.html")
        return
    assemble(Path(words[0]), words[1:] or None)


if __name__ == "__main__":
    main(sys.argv[1:])
