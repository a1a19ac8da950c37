"""A laid-out picture as DOT text: every place is given, so that the engine only paints (``layout=nop2``)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from archspec.backends.diagram import text
from archspec.backends.diagram.figure import Figure
from archspec.backends.diagram.measures import words_of
from archspec.backends.diagram.palette import LEGEND, PALETTES, SIGNS, Palette, Role, Theme
from archspec.backends.diagram.sketch import Frame, Line, Mark, Piece, Point, tidy

ARROW = 0.55
_ARROW_LENGTH = 10 * ARROW


class Emitter:
    """Writes one picture."""

    def __init__(self, name: str, theme: Theme) -> None:
        self.palette: Palette = PALETTES[theme]
        self.figure = Figure(name=_identifier(name) or "network")
        self.names: dict[int, str] = {}
        self.used: set[str] = set()

    def write(self, piece: Piece, notes: Sequence[str]) -> Figure:
        """The figure; ``notes`` are words for the legend, after the kinds and signs that occur."""
        palette, figure = self.palette, self.figure
        graph = {"layout": "nop2", "splines": "true", "bgcolor": palette.background, "outputorder": "nodesfirst"}
        legends = {"fontname": "Arial", "fontsize": _number(text.LEGEND), "fontcolor": palette.dim, "labelloc": "b"}
        box = {"shape": "box", "style": "rounded,filled", "fixedsize": "true", "margin": "0.08,0.03"}
        words = {"fontname": "Arial", "fontsize": _number(text.BOX), "fontcolor": palette.ink}
        notes_beside = {"fontname": "Arial", "fontsize": _number(text.SMALL), "fontcolor": palette.dim}
        figure.attr("graph", pad="0.12", tooltip=" ", **graph, **legends)
        figure.attr("node", **box, **words)
        figure.attr("edge", color=palette.edge, arrowsize=_number(ARROW), **notes_beside)
        legend = self._legend(piece, notes)
        if legend:
            figure.attr("graph", label=legend)
        self._frames(figure, piece, None)
        for line in piece.lines:
            self._line(line)
        figure.flows = [(line.tail.unit, line.head.unit) for line in piece.lines]
        return figure

    def _frames(self, into: Figure, piece: Piece, parent: Frame | None) -> None:
        for mark in piece.marks:
            if mark.frame is parent:
                self._mark(into, mark)
        for at, frame in enumerate(piece.frames):
            if frame.parent is not parent:
                continue
            inner = Figure(name=f"cluster_{at}")
            fill, stroke = self.palette.cluster
            box = f"{_number(frame.left)},{_number(-frame.bottom)},{_number(frame.right)},{_number(-frame.top)}"
            inner.attr("graph", style="rounded,filled", fillcolor=fill, color=stroke, bb=box, label="", tooltip=" ")
            if frame.title:
                wide = text.width(frame.title, text.BOX)
                place = f"{_number(frame.left + 8 + wide / 2)},{_number(-frame.top - 12)}"
                inner.attr(
                    "graph", label=text.from_left(frame.title), lp=place, lwidth=_number(wide / 72), lheight="0.2",
                    labelloc="t", labeljust="l", fontsize=_number(text.BOX), fontcolor=self.palette.ink,
                )  # fmt: skip
            self._frames(inner, piece, frame)
            into.subgraph(inner)

    def _mark(self, into: Figure, mark: Mark) -> None:
        unit, palette = mark.unit, self.palette
        fill, stroke = palette.boxes[unit.role]
        options = {
            "pos": f"{_number(mark.x)},{_number(-mark.y)}",
            "width": _number(mark.width / 72, 4), "height": _number(mark.height / 72, 4),
            "fillcolor": fill, "color": stroke,
        }  # fmt: skip
        if unit.differs:
            options |= {"color": palette.differs, "penwidth": "2.5"}
        if mark.lane > 0:
            options["group"] = f"g{mark.lane}"
        words = words_of(unit)
        label = text.plain(words)
        if mark.form == "text":
            options |= {
                "shape": "plaintext",
                "style": "",
                "fontsize": _number(text.REPEAT),
                "fillcolor": "none",
                "color": "none",
            }
        elif mark.form == "circle":
            options |= {"shape": "circle", "style": "filled", "fontsize": _number(text.SIGN), "margin": "0"}
            label = text.plain(unit.sign)
        elif unit.detail:
            colour = palette.ink if unit.role in ("block", "fc") else palette.dim
            label = (
                f"<{text.markup(words)}<br/>"
                f'<font point-size="{round(text.SMALL - 0.5)}" color="{colour}">{text.markup(unit.detail)}</font>>'
            )
        if unit.role == "note" and mark.form == "box":
            options["style"] = "rounded,dashed"
        into.node(self._name(mark), label, tooltip=text.plain(text.clean(unit.key)) or " ", **options)

    def _name(self, mark: Mark) -> str:
        if id(mark) not in self.names:
            base = _identifier(mark.unit.key) or ("times" if mark.form == "text" else "step")
            name, number = base, 2
            while name in self.used:
                name, number = f"{base}.{number}", number + 1
            self.used.add(name)
            self.names[id(mark)] = name
        return self.names[id(mark)]

    def _line(self, line: Line) -> None:
        points = tidy(line.points)
        options = {"pos": spline(points, line.arrow)}
        if not line.arrow:
            options["dir"] = "none"
        if line.style != "solid":
            options["style"] = line.style
            if line.style == "dotted":
                options["penwidth"] = "1.5"
        if line.label is not None:
            wide = text.width(line.label.words, text.SMALL)
            options["label"] = text.from_left(line.label.words)
            options["lp"] = f"{_number(line.label.x + wide / 2)},{_number(-line.label.y)}"
        self.figure.edge(self._name(line.tail), self._name(line.head), **options)

    def _legend(self, piece: Piece, notes: Sequence[str]) -> str:
        """The kinds and signs that occur, in as many rows as keep it within the picture."""
        roles: list[Role] = [role for role in LEGEND if any(mark.unit.role == role for mark in piece.marks)]
        signs = [sign for sign in SIGNS if any(mark.unit.sign == sign for mark in piece.marks)]
        entries = [(self._swatch(role), LEGEND[role]) for role in roles]
        entries += [("", f"{sign} {SIGNS[sign]}") for sign in signs] + [("", note) for note in notes]
        if not entries:
            return ""
        widths = [text.width(words, text.LEGEND) + 20 + 25 * bool(swatch) for swatch, words in entries]
        count = min(3, math.ceil(sum(widths) / max(1.2 * (piece.left + piece.right), 300.0)))
        each = math.ceil(len(entries) / count)
        rows = [self._row(entries[start : start + each]) for start in range(0, len(entries), each)]
        above = f'<tr><td height="8" colspan="{2 * each}"></td></tr>'
        return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="3">{above}{"".join(rows)}</table>>'

    def _swatch(self, role: Role) -> str:
        fill, stroke = self.palette.boxes[role]
        options = 'border="1" cellborder="0" cellspacing="0" cellpadding="0" style="rounded"'
        size = '<tr><td fixedsize="true" width="16" height="11"></td></tr>'
        return f'<td><table {options} bgcolor="{fill}" color="{stroke}">{size}</table></td>'

    @staticmethod
    def _row(entries: Sequence[tuple[str, str]]) -> str:
        cells = [f'{swatch or "<td></td>"}<td align="left">{text.markup(words)}    </td>' for swatch, words in entries]
        return f"<tr>{''.join(cells)}</tr>"


def spline(points: Sequence[Point], arrow: bool) -> str:
    """A line of straight stretches as DOT writes curves; the arrow's tip is the last point."""
    found = [(x, -y) for x, y in points]
    if len(found) == 1:
        found *= 2
    head = ""
    if arrow:
        (ax, ay), (bx, by) = found[-2], found[-1]
        length = max(abs(bx - ax), abs(by - ay), 0.01)
        back = min(_ARROW_LENGTH, length * 0.9)
        head = f"e,{_number(bx)},{_number(by)} "
        found[-1] = (bx - (bx - ax) / length * back, by - (by - ay) / length * back)
    parts = [found[0]]
    for before, after in pairwise(found):
        parts += [before, after, after]
    return head + " ".join(f"{_number(x)},{_number(y)}" for x, y in parts)


def _number(value: float, digits: int = 2) -> str:
    shown = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if shown in ("-0", "") else shown


def _identifier(name: str) -> str:
    """A name that DOT can hold unquoted or quoted, whatever was in it."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", name)[:60].strip("_")
