"""The gallery: every shipped spec's page to explore it in, its diagram, summary and source, and one index page.

``python -m archspec.gallery [FOLDER] [NAME …]``
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from archspec import pipeline
from archspec.analyses.cost import Cost
from archspec.analyses.report import Report
from archspec.backends import explorer
from archspec.backends.explorer import Link
from archspec.backends.page import html_page
from archspec.backends.page.html_page import Entry
from archspec.backends.reports import summary, summary_table
from archspec.elaborate.shipped import spec_names

FAMILIES = (
    ("AlexNet", ("alexnet",)),
    ("VGG", ("vgg",)),
    ("Inception", ("googlenet", "inception")),
    ("ResNet", ("resnet", "resnext", "wide_resnet", "regnet")),
    ("DenseNet", ("densenet",)),
    ("SqueezeNet", ("squeezenet",)),
    ("Mobile networks", ("mobilenet", "shufflenet", "efficientnet")),
    ("Modern convolutional networks", ("convnext",)),
    ("Segmentation", ("fcn", "dilated", "unet", "deeplab", "lraspp")),
)
"""Headings of the index, with the prefixes of the names under them."""


def entry(name: str, report: Report) -> Entry:
    """What the index shows of a shipped spec."""
    graph = report.graph
    return Entry(name, graph.name, graph.doc or "", family(name), _figures(report.total))


def _figures(total: Cost) -> str:
    words = [f"{summary_table.short(total.parameters)} parameters"]
    if total.multiply_adds is not None:
        words.append(f"{summary_table.short(total.multiply_adds)} multiply-adds")
    return " · ".join(words)


def family(name: str) -> str:
    """The heading for a spec."""
    return next((title for title, starts in FAMILIES if name.startswith(starts)), "Others")


def write(folder: Path, names: Iterable[str] | None = None) -> list[Entry]:
    """Write the pages, pictures, summaries and sources of specs (by default all shipped ones) into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    order = [title for title, _ in FAMILIES] + ["Others"]
    chosen = sorted(names or spec_names(), key=lambda name: (order.index(family(name)), name))
    entries = []
    for before, name, after in zip([None, *chosen], chosen, [*chosen[1:], None], strict=False):
        spec = pipeline.load(name)
        report = pipeline.check(spec)
        entries.append(entry(name, report))
        for theme, suffix in (("light", "svg"), ("dark", "dark.svg")):
            (folder / f"{name}.{suffix}").write_bytes(pipeline.render(spec, theme=theme).pipe(format="svg"))
        (folder / f"{name}.py").write_text(pipeline.source(spec), encoding="utf-8")
        table = summary_table.text(summary.summarise(report), width=110)
        (folder / f"{name}.txt").write_text(table, encoding="utf-8")
        links = [Link("all networks", "index.html")]
        links += [Link(f"← {before}", f"{before}.html")] if before else []
        links += [Link(f"{after} →", f"{after}.html")] if after else []
        links += [Link("figure", f"{name}.svg"), Link("summary", f"{name}.txt"), Link("source", f"{name}.py")]
        (folder / f"{name}.html").write_text(explorer.page(report, links=links), encoding="utf-8")
    (folder / "index.html").write_text(html_page.index(entries), encoding="utf-8")
    return entries


def main(arguments: list[str]) -> None:
    """Write the gallery and print its path."""
    folder = Path(arguments[0]) if arguments else Path("out/gallery")
    entries = write(folder, arguments[1:] or None)
    print(f"{len(entries)} networks: {folder / 'index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
