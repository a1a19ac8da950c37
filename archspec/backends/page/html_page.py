"""The index of many networks as a page: a card with a picture for each, which leads to the page to explore it in.

A file without scripts; whatever comes from a spec is escaped.  Pictures lie beside it, light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from archspec.records import record

STYLE = """
:root { --background: #ffffff; --ink: #1a1f29; --dim: #4a5361; --card: #f6f7f9; --border: #bcc2cc; --accent: #2f6ea8 }
@media (prefers-color-scheme: dark) {
  :root { --background: #14171c; --ink: #f0f2f5; --dim: #c0c7d1; --card: #1c2027; --border: #3b424d; --accent: #5aa0dd }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 76rem; background: var(--background); color: var(--ink);
  font: 16px/1.5 Arial, Helvetica, "Liberation Sans", sans-serif }
h1 { font-size: 1.9rem; margin: 0 0 .3rem } h2 { font-size: 1.15rem; margin: 2.4rem 0 .8rem }
a { color: var(--accent); text-decoration: none } a:hover { text-decoration: underline }
p.doc { margin: 0 0 .8rem; color: var(--dim); max-width: 46rem }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.2rem }
.card { display: flex; flex-direction: column; background: var(--card); border: 1px solid var(--border);
  border-radius: 10px; overflow: hidden; color: inherit }
.card:hover { border-color: var(--accent); text-decoration: none }
.card .picture { height: 15rem; background: var(--background); display: flex; justify-content: center;
  align-items: center; padding: .6rem; border-bottom: 1px solid var(--border) }
.card picture { height: 100%; display: flex; align-items: center }
.card img { max-width: 100%; max-height: 100%; object-fit: contain }
.card .words { padding: .8rem 1rem 1rem } .card h3 { margin: 0 0 .2rem; font-size: 1.05rem }
.card p { margin: 0 0 .5rem; font-size: .85rem; line-height: 1.35; color: var(--dim) }
.card .figures { margin: 0; font-size: .85rem; font-variant-numeric: tabular-nums; color: var(--ink) }
"""


@record
class Entry:
    """What the index shows of one network."""

    name: str
    title: str
    doc: str
    family: str
    """The heading it stands under."""
    figures: str
    """Its numbers in a line."""


def index(entries: Sequence[Entry]) -> str:
    """The index: a card for each network, by family."""
    families: dict[str, list[Entry]] = {}
    for entry in entries:
        families.setdefault(entry.family, []).append(entry)
    words = (
        "Every network that ships with archspec: its picture, what it costs, the PyTorch that archspec writes for it."
    )
    parts = ["<h1>Networks</h1>", f'<p class="doc">{words}</p>']
    for family, members in families.items():
        cards = "\n".join(_card(entry) for entry in members)
        parts.append(f'<h2>{escape(family)}</h2>\n<div class="cards">\n{cards}\n</div>')
    return _document("Networks in archspec", "\n".join(parts))


def _card(entry: Entry) -> str:
    return (
        f'<a class="card" href="{escape(entry.name)}.html"><div class="picture">{_picture(entry)}</div>'
        f'<div class="words"><h3>{escape(entry.name)}</h3><p>{escape(entry.doc)}</p>'
        f'<p class="figures">{escape(entry.figures)}</p></div></a>'
    )


def _picture(entry: Entry) -> str:
    name = escape(entry.name)
    return (
        f'<picture><source srcset="{name}.dark.svg" media="(prefers-color-scheme: dark)">'
        f'<img src="{name}.svg" alt="diagram of {escape(entry.title)}" loading="lazy"></picture>'
    )


def _document(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""
