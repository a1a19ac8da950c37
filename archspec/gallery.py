"""The gallery: diagram, summary and source of every shipped spec, and one index page.

``python -m archspec.gallery [FOLDER] [NAME …]``
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from archspec import pipeline
from archspec.analyses.cost import Cost
from archspec.backends.page import html_page
from archspec.backends.page.html_page import Entry
from archspec.backends.reports import summary, summary_table
from archspec.backends.reports.field import seen
from archspec.elaborate.loader import spec_names, specs_folder

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


def entry(name: str) -> Entry:
    """The content of the gallery for a shipped spec."""
    spec = pipeline.load(name)
    report = pipeline.check(spec)
    total = report.total
    sizes = ", ".join(solution.describe() for solution in report.valid_sizes.values())
    facts = [("parameters", f"{total.parameters:,}")]
    if total.multiply_adds is not None:
        facts.append(("multiply-adds", f"{total.multiply_adds:,}"))
    facts.append(("valid sizes", sizes or "fixed"))
    facts += [("receptive field", seen(report, sight)) for sight in report.sights.values()]
    text = (specs_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    return Entry(
        name,
        spec.name,
        spec.graph.doc or "",
        spec.graph.source,
        tuple(facts),
        summary_table.text(summary.summarise(report), width=110),
        pipeline.source(spec),
        text,
        family(name),
        _figures(total),
    )


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
    for name in chosen:
        found = entry(name)
        entries.append(found)
        spec = pipeline.load(name)
        for theme, suffix in (("light", "svg"), ("dark", "dark.svg")):
            (folder / f"{name}.{suffix}").write_bytes(pipeline.render(spec, theme=theme).pipe(format="svg"))
        (folder / f"{name}.py").write_text(found.source, encoding="utf-8")
        (folder / f"{name}.txt").write_text(found.summary, encoding="utf-8")
    for position, found in enumerate(entries):
        before = entries[position - 1].name if position else None
        after = entries[position + 1].name if position + 1 < len(entries) else None
        (folder / f"{found.name}.html").write_text(html_page.page(found, before, after), encoding="utf-8")
    (folder / "index.html").write_text(html_page.index(entries), encoding="utf-8")
    return entries


def main(arguments: list[str]) -> None:
    """Write the gallery and print its path."""
    folder = Path(arguments[0]) if arguments else Path("out/gallery")
    entries = write(folder, arguments[1:] or None)
    print(f"{len(entries)} networks: {folder / 'index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
