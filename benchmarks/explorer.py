"""The explorer beside Netron and Model Explorer: one network, one Chromium, one after another.

``python benchmarks/explorer.py [SPEC] [--write]`` with ``playwright``, ``netron`` and ``ai-edge-model-explorer`` on the
path and a Chromium in the system; a viewer that is missing is left out.  Each gets the same network, randomly weighted:
archspec the spec as a page, Netron the ONNX file, Model Explorer the ``torch.export`` program.  ``--write`` writes
``benchmarks/explorer.md``.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import archspec

RESULT = Path(__file__).with_suffix(".md")
REPEATS = 2
PATIENCE = 180_000
"""Milliseconds until a viewer counts as stuck."""

MARK = "<!-- written by explorer.py -->"
LAID_OUT = "!/welcome|spinner/.test(document.body.className) && document.querySelector('svg .node-item')"
CANVAS = "document.querySelector('canvas') && document.querySelector('model-graph-visualizer, graph-panel')"

NETRON = """
import sys, time, netron
netron.start(sys.argv[1], address=("localhost", int(sys.argv[2])), browse=False)
time.sleep(3600)
"""
MODEL_EXPLORER = """
import sys
from model_explorer import config, visualize_from_config
chosen = config()
chosen.add_model_from_path(sys.argv[1])
visualize_from_config(chosen, port=int(sys.argv[2]), no_open_in_browser=True)
"""


@dataclass
class Viewer:
    """One viewer: what it opens, how its page is told to be drawn, and how something is opened in it."""

    name: str
    package: str
    file: Path
    address: str
    drawn: str
    """JavaScript that is true once the network is on the page."""
    first: Callable[[Any], None] = lambda page: None
    """What a new visitor must do once."""
    opening: Callable[[Any], list[float]] = lambda page: []
    """Milliseconds until each of some blocks is open."""


def evaluated(session: Any, expression: str) -> Any:
    """The value of an expression in the page, by the debugger: pages forbid ``eval``."""
    return session.send("Runtime.evaluate", {"expression": expression, "returnByValue": True})["result"].get("value")


def measured(browser: Any, viewer: Viewer) -> dict[str, Any]:
    """Seconds until the network is drawn, at best and of all visits; the heap; milliseconds to open a block."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    found: dict[str, Any] = {"load": [], "heap": None, "open": []}
    for visit in range(REPEATS + 1):
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        began = time.perf_counter()
        page.goto(viewer.address)
        if visit == 0:
            viewer.first(page)
        while not evaluated(session, f"Boolean({viewer.drawn})"):
            if time.perf_counter() - began > PATIENCE / 1000:
                raise TimeoutError(viewer.name)
            time.sleep(0.01)
        if visit:  # the first fills caches
            found["load"].append(time.perf_counter() - began)
        if visit == REPEATS:
            time.sleep(1)
            session.send("HeapProfiler.collectGarbage")
            metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
            found["heap"] = metrics["JSHeapUsedSize"]
            found["open"] = viewer.opening(page)
            page.screenshot(path=str(viewer.file.parent / f"{viewer.package}.png"))
        page.close()
    context.close()
    return found


def opened(page: Any) -> list[float]:
    """Milliseconds of opening each closed block in sight, from the key to the changed figure in the next frame."""
    page.wait_for_selector("body.ready", timeout=PATIENCE)
    spent: list[float] = []
    for number in range(5):
        boxes = page.locator("[role=treeitem][aria-expanded=false]")
        if boxes.count() <= number:
            break
        box = boxes.nth(number)
        key = box.get_attribute("data-box")
        session = page.context.new_cdp_session(page)
        script = f"""new Promise((done) => {{
            const group = document.querySelector('[data-box="{key}"]');
            const began = performance.now();
            group.dispatchEvent(new MouseEvent("dblclick", {{ bubbles: true }}));
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
        }})"""
        answer = session.send("Runtime.evaluate", {"expression": script, "awaitPromise": True, "returnByValue": True})
        spent.append(answer["result"]["value"])
    return spent


def accept(page: Any) -> None:
    """Netron asks whether it may count visits before it opens anything."""
    button = page.get_by_text("Accept", exact=True)
    button.wait_for(timeout=PATIENCE)
    button.click(timeout=PATIENCE)


@contextmanager
def serving(code: str, file: Path, port: int) -> Iterator[str]:
    """A viewer's server in a process of its own; gives what it printed."""
    log = file.with_suffix(f".{port}.log")
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", code, str(file), str(port)], stdout=out, stderr=out,
                                   env=os.environ | {"PYTHONUNBUFFERED": "1"})  # fmt: skip
    try:
        for _ in range(600):
            time.sleep(0.1)
            if str(port) in log.read_text():
                break
        yield log.read_text()
    finally:
        process.terminate()
        process.wait()


def files(name: str, folder: Path) -> dict[str, Path]:
    """The network for each viewer."""
    import torch

    spec = archspec.load(name)
    page = folder / "network.html"
    began = time.perf_counter()
    page.write_text(archspec.page(spec), encoding="utf-8")
    print(f"page written in {time.perf_counter() - began:.1f} s", file=sys.stderr)
    module = archspec.compile(spec).eval()
    example = torch.zeros(1, 3, *spec.graph.sizes.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (example,), str(folder / "network.onnx"), dynamo=False)
        torch.export.save(torch.export.export(module, (example,)), folder / "network.pt2")
    return {kind: folder / f"network.{kind}" for kind in ("html", "onnx", "pt2")}


def row(name: str, number: str, found: dict[str, Any]) -> str:
    """A viewer's line of the table."""
    loads = sorted(found["load"])
    opens = sorted(found["open"])
    spent = f"{opens[0]:.0f} – {opens[-1]:.0f} ms" if opens else "—"
    return f"| {name} {number} | {loads[0]:.2f} s ({loads[-1]:.2f}) | {spent} | {found['heap'] / 1e6:.0f} MB |\n"


def compared(name: str, folder: Path) -> Iterator[str]:
    """The lines of the table, each as soon as it is known."""
    from playwright.sync_api import sync_playwright

    network = files(name, folder)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield f"Chromium {browser.version}, Python {platform.python_version()}.\n\n"
        yield "| viewer | until the network is drawn | opening a block | JavaScript heap |\n| --- | --- | --- | --- |\n"
        drawn = "document.querySelector('[role=treeitem]')"
        ours = Viewer("archspec", "archspec", network["html"], network["html"].as_uri(), drawn, opening=opened)
        yield row("archspec", "", measured(browser, ours)).replace("archspec  ", "archspec ")
        for title, package, kind, code, port, there, first in (
            ("Netron", "netron", "onnx", NETRON, 8181, LAID_OUT, accept),
            ("Model Explorer", "ai-edge-model-explorer", "pt2", MODEL_EXPLORER, 8182, CANVAS, lambda page: None),
        ):
            try:
                number = version(package)
            except PackageNotFoundError:
                print(f"{title} is not there", file=sys.stderr)
                continue
            with serving(code, network[kind], port) as said:
                places = [word for word in said.split() if word.startswith(f"http://localhost:{port}")]
                address = max(places, key=len, default=f"http://localhost:{port}")
                try:
                    found = measured(browser, Viewer(title, package, network[kind], address, there, first))
                except TimeoutError:
                    yield f"| {title} {number} | not within {PATIENCE // 1000} s | — | — |\n"
                    continue
                yield row(title, number, found)
        browser.close()


def main() -> int:
    """Print the table, and with ``--write`` keep it."""
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        place = Path(os.environ.get("EXPLORER_OUT", folder))
        for line in compared(names[0] if names else "densenet201", place):
            print(line, end="", flush=True)
            lines.append(line)
    if "--write" in sys.argv:
        text = RESULT.read_text(encoding="utf-8") if RESULT.exists() else ""
        head = text.split(MARK)[0] if MARK in text else text
        RESULT.write_text(f"{head}{MARK}\n{''.join(lines)}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
