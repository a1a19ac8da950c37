"""The rows of a summary as a table for a terminal of any width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from archspec.backends.reports.summary import Row, Runs, Summary, name_range
from archspec.diagnostics import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

AMPLE = 40
"""Rows that a table may have before blocks are folded, when no depth is asked for."""

BYTES = 4
"""Of one number, float32."""

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
    lines = [(row, 0) for row in summary.inputs] + list(visible(summary.rows, depth))
    head = Text.assemble((summary.name, "bold"), (f"  {printable(summary.source)}" if summary.source else "", "dim"))
    sizes = " and ".join(f"{name} = {size}" for name, size in summary.sizes.items())
    valid = ", ".join(summary.valid_sizes.values())
    trained = ", ".join(
        said for name, said in summary.valid_sizes_training.items() if said != summary.valid_sizes[name]
    )
    notes = [
        f"at {sizes}" if sizes else "",
        f"valid for {valid}" if valid else "",
        f"in training for {trained}" if trained else "",
    ]
    last = [Text("; ".join(note for note in notes if note), "dim"), *(Text(each, "dim") for each in summary.refused)]
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
        deeper = sum(1 for _ in visible(rows, depth + 1))
        if deeper > AMPLE or deeper == lines:
            return depth
        depth, lines = depth + 1, deeper


def visible(rows: Sequence[Row], depth: int, level: int = 0) -> Iterator[tuple[Row, int]]:
    """The rows down to a depth, each with its level, blocks before what they hold."""
    for row in rows:
        yield row, level
        if level + 1 < depth:
            yield from visible(row.rows, depth, level + 1)


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
        words.append(f" ({name_range(*row.labels)})", "italic")
    words.append(runs)
    first, *rest = (str(dim) for dim in row.shape)
    eighths = round((row.share or 0) * BAR * 8)
    return {
        "step": name,
        "words": words,
        "output": Text("×".join([first.rjust(channels), *rest])),
        "parameters": Text(times(row.count, row.parameters)),
        "mult-adds": Text(times(row.count, row.multiply_adds, short)),
        "field": Text(field_words(row)),
        "share": Text(percent(row.share)),
        "bar": Text("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip(), "dim" if opened else "cyan"),
    }


def times(count: int, number: int | None, shown: Callable[[int], str] = "{:,}".format) -> str:
    """A number, and how often it is there; empty for none."""
    if not number:
        return ""
    return shown(number) if count == 1 else f"{count} × {shown(number)}"


def percent(share: float | None) -> str:
    """A share of a whole in percent; empty for none."""
    if not share:
        return ""
    parts = 100 * share
    return f"{parts:.0f}%" if parts >= 9.95 else f"{parts:.1f}%" if parts >= 0.05 else "<0.1%"


def field_words(row: Row) -> str:
    """The receptive field of a row in words: one number where it is square."""
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
