"""How a notebook shows a spec and a report: as HTML, made when it is asked for.

Neither knows how it looks, since pictures and tables are made of them; so it is said here, where all are known.
"""

from __future__ import annotations

from html import escape

from archspec.analyses.report import Report
from archspec.spec import Spec


def spec_html(spec: Spec) -> str:
    """A spec: what it says of itself, its picture and its summary."""
    from archspec import pipeline

    picture = pipeline.render(spec).pipe(format="svg", encoding="utf-8")
    inside = picture[picture.index("<svg") :]
    doc = f"<p>{escape(spec.graph.doc)}</p>" if spec.graph.doc else ""
    return f"<h3>{escape(spec.name)}</h3>\n{doc}\n{inside}\n{report_html(pipeline.examine(spec))}"


def report_html(report: Report) -> str:
    """A report: its summary as a table, the valid sizes, and what was said."""
    from archspec.backends.reports import summary, summary_html

    valid = ", ".join(solution.describe() for solution in report.valid_sizes.values())
    said = "".join(f"<li>{escape(each.message)}</li>" for each in report.diagnostics)
    parts = [summary_html.table(summary.summarise(report))]
    parts += [f"<p>valid for {escape(valid)}</p>"] if valid else []
    parts += [f"<ul>{said}</ul>"] if said else []
    return "\n".join(parts)


def show() -> None:
    """Tell the classes how they are shown."""
    Spec._repr_html_ = spec_html
    Report._repr_html_ = report_html
