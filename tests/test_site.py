"""The site as it is put together: every page is in its contents, every link leads somewhere, nothing is loaded."""

from __future__ import annotations

import re
import shutil
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


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="#top">up</a><a href="#gone">x</a><a href="deep/b.html?h=word#two%20words">b</a>'
        '<a href="https://x.org/#y">elsewhere</a><img src="missing.svg"><a href="deep/b.html#three">c</a>'
    )
    (tmp_path / "deep" / "b.html").write_text(
        '<a name="two words"></a><a href="../a.html">a</a><a href="../c.html">c</a>'
    )
    assert site.dead(tmp_path) == [
        "a.html: #gone",
        "a.html: missing.svg",
        "a.html: deep/b.html#three",
        "deep/b.html: ../c.html",
    ]


def test_a_worker_runs_in_a_page_opened_from_a_file(tmp_path: Path) -> None:
    """Search needs one.  A browser starts none for a file by itself: then the page would say so."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium")
    shutil.copy(site.SITE / "iframe-worker.js", tmp_path)
    (tmp_path / "worker.js").write_text(
        "addEventListener('message', async ({ data }) => {"
        " await importScripts('one.js', 'two.js'); postMessage(`${data} ${two}`); });"
    )
    (tmp_path / "one.js").write_text("var one = 1;")
    (tmp_path / "two.js").write_text("var two = one + 1;")
    (tmp_path / "page.html").write_text(
        "<!doctype html><script src=iframe-worker.js></script><body><script>const worker = new Worker('worker.js');"
        "worker.addEventListener('message', ({ data }) => { document.title = data; });"
        "worker.postMessage('said');</script>"
    )
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_function("document.title === 'said 2'", timeout=30_000)
        browser.close()
