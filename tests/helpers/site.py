"""The site: its pages put together, and what is built looked through for dead links and what is loaded from elsewhere.

``python -m tests.helpers.site FOLDER [NAME …]`` writes the pages and MkDocs' settings, with the gallery of the named
specs (by default all).  ``python -m tests.helpers.site --check FOLDER`` looks through a site that was built.
``make site`` does both.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import archspec
from archspec import gallery
from archspec.language.explanations import explanations
from tests.helpers.places import ROOT

DOCS = ROOT / "docs"
SITE = DOCS / "site"

MOVED = {
    ROOT / "README.md": "index.md",
    ROOT / "archspec" / "README.md": "inside.md",
    DOCS / "course" / "README.md": "course/index.md",
}
"""Pages with another place on the site than in the repository."""


def assemble(folder: Path, names: Iterable[str] | None = None) -> Path:
    """Write everything that MkDocs reads into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "docs"
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("site", "curves", "__pycache__"))
    for name in ("site.css", "iframe-worker.js"):
        shutil.copy(SITE / name, pages)
    shutil.copy(SITE / "hooks.py", folder)
    for source, name in MOVED.items():
        (pages / name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (pages / "course" / "README.md").unlink()
    for page in sorted(pages.rglob("*.md")):
        place = page.relative_to(pages).as_posix()
        page.write_text(linked(page.read_text(encoding="utf-8"), place, pages), encoding="utf-8")
    (pages / "diagnostics.md").write_text(diagnostics(), encoding="utf-8")
    (pages / "python.md").write_text(python(), encoding="utf-8")
    (pages / "gallery.md").write_text(gallery_page(gallery.write(pages / "gallery", names)), encoding="utf-8")
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


def linked(text: str, place: str, pages: Path) -> str:
    """A page with its links as they must be on the site; a file that is no page is put beside the pages."""
    source = next((source for source, name in MOVED.items() if name == place), DOCS / place)
    up = "../" * place.count("/")

    def link(match: re.Match[str]) -> str:
        target, mark, anchor = match[1].partition("#")
        found = (source.parent / target).resolve()
        if "://" in target or not target or not found.is_file():
            return match[0]
        inside = found.is_relative_to(DOCS)
        kept = found.relative_to(DOCS) if inside else Path("files") / found.relative_to(ROOT)
        name = MOVED.get(found) or kept.as_posix()
        if not inside and found not in MOVED:
            (pages / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, pages / name)
        return f"]({up}{name}{mark}{anchor})"

    return re.sub(r"\]\(([^)\s]+)\)", link, text)


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
    """The names that ``import archspec`` gives, from their docstrings: functions, then classes."""
    parts = ["# Python\n", f"{(archspec.__doc__ or '').strip()}\n"]
    parts += [f"::: archspec.{name}\n" for name in sorted(archspec.__all__, key=lambda name: name[0].isupper())]
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


LOADED = {"link": "href", "object": "data"} | dict.fromkeys(
    ("script", "img", "iframe", "source", "video", "audio", "embed"), "src"
)
"""The attribute of each element whose address is loaded with the page."""


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
        address = given.get(LOADED.get(tag, ""))
        if address:
            self.found.append(address)


def dead(folder: Path) -> list[str]:
    """The links of a site's pages, the gallery's too, that lead to no file, or to no place in a page."""
    places = {page: _Places.of(page) for page in sorted(folder.rglob("*.html"))}
    found = []
    for page, (_, links) in places.items():
        for link in dict.fromkeys(links):
            address, _, anchor = link.partition("#")
            if re.match(r"\w+:", address) or (page.name == "404.html" and address.startswith("/")):
                continue
            target = page if not address else (page.parent / unquote(address.partition("?")[0])).resolve()
            known = places.get(target)
            if not target.is_file() or (anchor and known is not None and unquote(anchor) not in known[0]):
                found.append(f"{page.relative_to(folder)}: {link}")
    return found


class _Places(HTMLParser):
    """The names in a page that a link can lead to, and the addresses of its links."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element is called and where it leads."""
        given = dict(attrs)
        self.names.update(name for key in ("id", "name") if (name := given.get(key)))
        address = given.get("href") if tag == "a" else given.get("src") if tag == "img" else None
        if address:
            self.links.append(address)

    @classmethod
    def of(cls, page: Path) -> tuple[set[str], list[str]]:
        """The names and links of a page."""
        places = cls()
        places.feed(page.read_text(encoding="utf-8"))
        return places.names, places.links


def foreign(folder: Path) -> list[str]:
    """What the pages and styles of a site load from elsewhere."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        loads = Loads()
        loads.feed(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(folder)}: {each}" for each in loads.found if re.match(r"(?:\w+:)?//", each)]
    for path in sorted(folder.rglob("*.css")):
        style = path.read_text(encoding="utf-8")
        addresses = re.findall(r"(?:@import\s+|url\()[\"']?((?:https?:)?//[^\"')\s]+)", style)
        found += [f"{path.relative_to(folder)}: {each}" for each in addresses]
    return found


def main(words: list[str]) -> None:
    """Put the pages together, or look through a site."""
    if words[:1] == ["--check"]:
        for title, found in (("loaded from elsewhere", foreign(Path(words[1]))), ("dead links", dead(Path(words[1])))):
            if found:
                raise SystemExit(f"{title}:\n" + "\n".join(found))
        print(Path(words[1]) / "index.html")
        return
    assemble(Path(words[0]), words[1:] or None)


if __name__ == "__main__":
    main(sys.argv[1:])
