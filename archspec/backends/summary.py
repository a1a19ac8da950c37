"""A network as a table: nested by block, repeats folded, with what each part gives, holds and costs.

:func:`summarise` makes the rows, plain data that ``--format json`` gives as it is; :func:`table` lays them out for a
terminal of any width.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from archspec.analyses.report import Report
from archspec.graph import Graph, Node, Scope
from archspec.sizes import Evaluation, Size
from archspec.sizes import text as formula

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

AMPLE = 40
"""Rows that a table may have before blocks are folded, when no depth is asked for."""

BYTES = 4
"""Of one number, float32."""

Runs = Literal["always", "in training", "never"]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a step (with the activations that follow it at once), a block use, or several equal ones.

    ``parameters``, ``multiply_adds`` and ``activations`` are those of one copy; ``share`` is that of all ``count``
    copies in the multiply-adds of the network.  ``receptive_field`` is the last copy's, per axis.
    """

    name: str
    what: str
    path: str
    last_path: str
    kind: str
    """A scope's kind or an op's: ``block``, ``sequence``, ``convolution`` …"""
    shape: tuple[int | str, ...]
    """Numbers, or formulas where a symbol has no number."""
    parameters: int
    multiply_adds: int | None
    activations: int | None
    receptive_field: tuple[int, ...] | None
    whole: bool
    """Whether every output sees the whole input: a global operation lies before it."""
    share: float | None
    count: int = 1
    runs: Runs = "always"
    labels: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def square(self) -> bool:
        """Whether the receptive field is the same along each axis."""
        return len(set(self.receptive_field or ())) <= 1

    @property
    def likeness(self) -> tuple[Any, ...]:
        """What equal copies have in common: everything but their names and where they stand."""
        inner = tuple((row.name, *row.likeness) for row in self.rows)
        return (self.kind, self.what, self.shape, self.parameters, self.multiply_adds, self.runs, self.count, inner)


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows of a network and its totals, for one sample at ``sizes``."""

    name: str
    source: str | None
    sizes: Mapping[str, int]
    inputs: tuple[Row, ...]
    rows: tuple[Row, ...]
    parameters: int
    multiply_adds: int | None
    activations: int | None
    valid_sizes: Mapping[str, str] = field(default_factory=dict)


def to_json(summary: Summary, depth: int | None = None) -> dict[str, Any]:
    """The same as plain data; rows deeper than ``depth`` are left out."""
    rows = summary.rows if depth is None else tuple(_cut(row, depth) for row in summary.rows)
    return asdict(replace(summary, rows=rows))


def _cut(row: Row, depth: int) -> Row:
    return replace(row, rows=tuple(_cut(inner, depth - 1) for inner in row.rows) if depth > 1 else ())


# -- rows -------------------------------------------------------------------------------------------------------------


def summarise(report: Report) -> Summary:
    """The whole table of a network, nothing hidden; equal copies in a row are one row."""
    maker = _Maker(report)
    graph = report.graph
    total = report.total
    return Summary(
        graph.name,
        graph.source,
        dict(report.sizes),
        tuple(maker.step([graph.nodes[index]]) for index in graph.inputs.values()),
        maker.rows(graph.root),
        total.parameters,
        total.multiply_adds,
        total.activations,
        {name: solution.describe() for name, solution in report.valid_sizes.items()},
    )


class _Maker:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.graph: Graph = report.graph
        self.evaluation = Evaluation(report.sizes)
        self.whole = report.total.multiply_adds or 0

    def rows(self, scope: Scope) -> tuple[Row, ...]:
        """The rows of what lies directly in a scope."""
        made: list[tuple[Row, set[int], int]] = []  # with the nodes each reads from outside, and the node it gives
        for group in _groups(scope.items):
            if isinstance(group, Scope):
                inside = {node.index for node in group.nodes()}
                reads = {index for node in group.nodes() for index in node.inputs} - inside
                made.append((self.block(group), reads, group.output))
            else:
                made.append((self.step(group), set(group[0].inputs), group[-1].index))
        return tuple(_folded(made))

    def step(self, nodes: Sequence[Node]) -> Row:
        """A step and the activations that follow it."""
        words = [self.words(node) for node in nodes]
        first = nodes[0]
        costs = [self.report.node_costs[node.index] for node in nodes]
        named = first.name if first.counted or first.op is None else ""
        return self._row(
            named, " · ".join(word for word in words if word), first.path, nodes[-1],
            first.op.kind if first.op is not None else "input",
            sum(cost.parameters for cost in costs), _sum(cost.multiply_adds for cost in costs),
            _sum(cost.activations for cost in costs) if first.op is not None else None, nodes,
            tuple(node.label for node in nodes if node.label is not None and _labelled(node)),
        )  # fmt: skip

    def block(self, scope: Scope) -> Row:
        """A use of a block, a sequence, a branch or a named merge, with its rows."""
        nodes = list(scope.nodes())
        cost = self.report.block_costs[scope.path]
        what = scope.block.name if scope.kind == "block" and scope.block is not None else ""
        if scope.kind == "merge" and scope.step is not None:
            what = scope.step.what
        if scope.reuse is not None:
            what = f"{what}, weights of {scope.reuse.path}".removeprefix(", ")
        rows = self.rows(scope)
        label = self.graph.nodes[scope.output].label
        labels = (label,) if label is not None and _labelled(scope) else ()
        return replace(
            self._row(
                scope.name, what, scope.path, self.graph.nodes[scope.output], scope.kind,
                cost.parameters, cost.multiply_adds, cost.activations, nodes, labels,
            ),
            rows=rows,
        )  # fmt: skip

    def _row(
        self, name: str, what: str, path: str, last: Node, kind: str, parameters: int, multiply_adds: int | None,
        activations: int | None, nodes: Sequence[Node], labels: tuple[str, ...],
    ) -> Row:  # fmt: skip
        seen = self.report.receptive_fields.get(last.path)
        runs: Runs = "always"
        if nodes and all(node.dead for node in nodes):
            runs = "never"
        elif nodes and all(node.training_only or node.dead for node in nodes):
            runs = "in training"
        share = None
        if self.whole and multiply_adds is not None and runs == "always":
            share = multiply_adds / self.whole
        return Row(
            name, what, path, last.path, kind, self._shape(last), parameters, multiply_adds, activations,
            tuple(seen.sizes) if seen is not None and seen.sizes else None, seen is not None and seen.whole, share,
            runs=runs, labels=labels,
        )  # fmt: skip

    def words(self, node: Node) -> str:
        """An op as papers write it."""
        if node.op is None:
            return "input"
        if node.op.merges and len(node.inputs) > 1:
            return f"{node.op.title()} of {len(node.inputs)}"
        words = node.op.words(self.graph.shapes_in(node), node.shape)
        return words if node.reuse is None else f"{words}, weights of {node.reuse.path}"

    def _shape(self, node: Node) -> tuple[int | str, ...]:
        try:
            return tuple(self.evaluation.of(dim) for dim in node.shape.dims)
        except ValueError:
            return tuple(formula(dim) if isinstance(dim, Size) else dim for dim in node.shape.dims)


def _labelled(item: Node | Scope) -> bool:
    """Whether the label of an item's output is its own, and not one around it or inside that gives the same value."""
    if isinstance(item, Scope):
        return item.step is not None and item.step.label is not None
    return item.scope.output != item.index or not _labelled(item.scope)


def _groups(items: Sequence[Node | Scope]) -> Iterator[Scope | list[Node]]:
    """Scopes, and runs of a step with the activations that read it at once."""
    run: list[Node] = []
    for item in items:
        if isinstance(item, Node) and run and _follows(item, run[-1]):
            run.append(item)
            continue
        if run:
            yield run
        run = []
        if isinstance(item, Scope):
            if item.items:
                yield item
        else:
            run = [item]
    if run:
        yield run


def _follows(node: Node, before: Node) -> bool:
    """Whether a step is an activation without weights that reads the one before and nothing else."""
    if node.op is None or node.op.kind not in ("activation", "dropout") or node.op.tensors:
        return False
    return node.inputs == (before.index,)


def _folded(made: Sequence[tuple[Row, set[int], int]]) -> Iterator[Row]:
    """Rows with equal ones that feed one another made one."""
    index = 0
    while index < len(made):
        row, _, gives = made[index]
        copies = [row]
        while index + len(copies) < len(made):
            other, reads, next_gives = made[index + len(copies)]
            if reads != {gives} or other.likeness != row.likeness:
                break
            copies.append(other)
            gives = next_gives
        yield row if len(copies) == 1 else _several(copies)
        index += len(copies)


def _several(copies: Sequence[Row]) -> Row:
    """One row for equal copies: their range of names, the last one's receptive field."""
    first, last = copies[0], copies[-1]
    share = None if first.share is None else first.share * len(copies)
    return replace(
        first,
        name=_range(first.name, last.name),
        last_path=last.last_path,
        count=len(copies),
        share=share,
        receptive_field=last.receptive_field,
        labels=tuple(label for copy in copies for label in copy.labels),
        rows=tuple(_multiplied(row, len(copies)) for row in first.rows),
    )


def _multiplied(row: Row, count: int) -> Row:
    """A row inside equal copies: its share is that of all of them; its receptive field is no one number."""
    share = None if row.share is None else row.share * count
    return replace(row, share=share, receptive_field=None, rows=tuple(_multiplied(inner, count) for inner in row.rows))


def _range(first: str, *others: str) -> str:
    """``0–1``, ``denselayer1–6``, ``Mixed_6c–d``, or ``first … last``."""
    last = others[-1] if others else ""
    if not first or not last:
        return first or last
    for ending in (r"\d+\Z", r"[a-z]\Z"):
        stem = re.sub(ending, "", first)
        if stem == re.sub(ending, "", last) and last != stem != first:
            return f"{first}–{last[len(stem) :]}"
    return f"{first} … {last}"


def _sum(numbers: Iterator[int | None]) -> int | None:
    found = list(numbers)
    known = [number for number in found if number is not None]
    return sum(known) if len(known) == len(found) else None


# -- layout -----------------------------------------------------------------------------------------------------------

BAR = 10
"""Columns of a bar that means all of the cost."""

LEAST = 22
"""Columns that a step's name and words are left with before whole columns are given up."""

_RUNS: dict[Runs, str] = {"always": "", "in training": " (in training only)", "never": " (unused)"}
_SCOPES = ("block", "sequence", "branch", "merge")


def table(summary: Summary, depth: int | None = None, width: int = 100) -> RenderableType:
    """The table for a terminal ``width`` columns wide; blocks deeper than ``depth`` are folded into their line.

    Without a depth, as many levels are shown as fit into some forty lines.
    """
    from rich.console import Group
    from rich.text import Text

    depth = suitable_depth(summary.rows) if depth is None else depth
    lines = [(row, 0) for row in summary.inputs] + list(_visible(summary.rows, depth))
    head = Text.assemble((summary.name, "bold"), (f"  {summary.source}" if summary.source else "", "dim"))
    sizes = " and ".join(f"{name} = {size}" for name, size in summary.sizes.items())
    valid = ", ".join(summary.valid_sizes.values())
    notes = [f"at {sizes}" if sizes else "", f"valid for {valid}" if valid else ""]
    last = [Text("; ".join(note for note in notes if note), "dim")]
    if any(row.rows and level + 1 >= depth for row, level in lines):
        last.append(Text(f"--depth {depth + 1} opens the blocks that are folded here", "dim"))
    return Group(head, "", _grid(lines, depth, width), "", _totals(summary, width), "", *last)


def text(summary: Summary, depth: int | None = None, width: int = 120) -> str:
    """The table as text without colours."""
    from rich.console import Console

    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(table(summary, depth, width))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def suitable_depth(rows: Sequence[Row]) -> int:
    """The most levels that fit into :data:`AMPLE` lines."""
    depth, lines = 1, len(rows)
    while True:
        deeper = sum(1 for _ in _visible(rows, depth + 1))
        if deeper > AMPLE or deeper == lines:
            return depth
        depth, lines = depth + 1, deeper


def _visible(rows: Sequence[Row], depth: int, level: int = 0) -> Iterator[tuple[Row, int]]:
    for row in rows:
        yield row, level
        if level + 1 < depth:
            yield from _visible(row.rows, depth, level + 1)


def _grid(lines: Sequence[tuple[Row, int]], depth: int, width: int) -> RenderableType:
    """The rows, with the columns that fit: bars go first, then words join the names, then whole columns go."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    channels = max((len(str(row.shape[0])) for row, _ in lines if row.shape), default=1)
    cells: list[dict[str, Text]] = []
    around: list[Runs] = ["always"]  # of the rows that a row stands in
    for row, level in lines:
        del around[level + 1 :]
        opened = level + 1 < depth and bool(row.rows)
        cells.append(_cells(row, level, opened, channels, "" if row.runs == around[-1] else _RUNS[row.runs]))
        around.append(row.runs)
    columns, room = _fitting(cells, width)
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for name in columns:
        head = "" if name in ("words", "bar") else name
        justify = "left" if name in ("step", "words", "output", "bar") else "right"
        grid.add_column(
            head, no_wrap=True, overflow="ellipsis", justify=justify, width=room if name == "step" else None
        )
    for (row, _), found in zip(lines, cells, strict=True):
        if "words" not in columns and found["words"]:
            found["step"] = found["step"] + Text("  " if row.name else "") + found["words"]
        grid.add_row(*(found[name] for name in columns), style=None if row.runs == "always" else "dim")
    return grid


def _fitting(cells: Sequence[Mapping[str, Text]], width: int) -> tuple[list[str], int | None]:
    """The columns that fit into the width, and the width of the step's own where it has to give way."""
    columns = ["step", "words", "output", "parameters", "mult-adds", "field", "share", "bar"]
    widths = {name: max(len(name), *(row[name].cell_len for row in cells)) for name in columns}
    widths["words"] = max(row["words"].cell_len for row in cells)
    widths["bar"] = BAR

    def total(names: Sequence[str]) -> int:
        return sum(widths[name] for name in names) + 2 * (len(names) - 1)

    for dropped in ((), ("bar",)):
        kept = [name for name in columns if name not in dropped]
        if total(kept) <= width:
            return kept, None
    for dropped in ((), ("field",), ("field", "share"), ("field", "share", "mult-adds")):
        kept = [name for name in columns if name not in ("bar", "words", *dropped)]
        room = width - (total(kept) - widths["step"])
        if room >= LEAST:
            longest = max(row["step"].cell_len + 2 + row["words"].cell_len for row in cells)
            return kept, min(room, longest)
    return ["step", "parameters"], max(8, width - widths["parameters"] - 2)


def _cells(row: Row, level: int, opened: bool, channels: int, runs: str) -> dict[str, Text]:
    from rich.text import Text

    name = Text("│ " * level, style="dim")
    name.append(row.name, "bold not dim" if row.kind in _SCOPES else "not dim")
    if row.count > 1:
        name.append(f" ×{row.count}", "bold cyan not dim")
    words = Text(row.what, style="cyan" if row.kind == "block" else "")
    if row.labels:
        words.append(f" ({_range(*row.labels)})", "italic")
    words.append(runs)
    first, *rest = (str(dim) for dim in row.shape)
    eighths = round((row.share or 0) * BAR * 8)
    return {
        "step": name,
        "words": words,
        "output": Text("×".join([first.rjust(channels), *rest])),
        "parameters": Text(_times(row.count, row.parameters)),
        "mult-adds": Text(_times(row.count, row.multiply_adds, short)),
        "field": Text(_field(row)),
        "share": Text(_percent(row.share)),
        "bar": Text("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip(), "dim" if opened else "cyan"),
    }


def _times(count: int, number: int | None, shown: Callable[[int], str] = "{:,}".format) -> str:
    if not number:
        return ""
    return shown(number) if count == 1 else f"{count} × {shown(number)}"


def _percent(share: float | None) -> str:
    if not share:
        return ""
    percent = 100 * share
    return f"{percent:.0f}%" if percent >= 9.95 else f"{percent:.1f}%" if percent >= 0.05 else "<0.1%"


def _field(row: Row) -> str:
    if row.whole:
        return "all"
    sizes = dict.fromkeys(row.receptive_field or ()) if row.square else row.receptive_field
    return "×".join(f"{size:,}" for size in sizes or ())


def _totals(summary: Summary, width: int) -> RenderableType:
    from rich.table import Table

    counts = {
        "parameters": (summary.parameters, f"{size_in_bytes(BYTES * summary.parameters)} as float32"),
        "mult-adds": (summary.multiply_adds, "in convolutions and matrix products, for one sample"),
        "activations": (summary.activations, f"{size_in_bytes(BYTES * (summary.activations or 0))} as float32"),
    }
    longest = max(len(f"{number or 0:,}") for number, _ in counts.values())
    grid = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    grid.add_column(style="dim", min_width=max(map(len, counts)))
    grid.add_column(justify="right", min_width=longest)
    grid.add_column(style="dim", no_wrap=True, overflow="ellipsis")
    for name, (number, note) in counts.items():
        if number is not None:
            grid.add_row(name, f"{number:,}", note if width >= 60 else "")
    return grid


def short(number: float) -> str:
    """A large number in three digits and a unit: ``118 M``."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 0.9995 * size:
            digits = number / size
            return f"{digits:.{2 if digits < 9.995 else 1 if digits < 99.95 else 0}f} {unit}"
    return str(number)


def size_in_bytes(number: int) -> str:
    """Bytes in decimal units: ``46.8 MB``."""
    return f"{number} B" if number < 1000 else f"{short(number)}B"
