"""``curves.png``: the losses and measures of a run over its epochs, drawn by Pillow alone."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from archspec.training.run_folder import whole

Colour = tuple[int, int, int]

TRAINED: Colour = (0, 114, 178)
HELD: Colour = (213, 94, 0)
INK: Colour = (40, 40, 40)
GRID: Colour = (225, 225, 225)
PAPER: Colour = (255, 255, 255)

PANEL = (420, 260)
"""Width and height of a panel's axes in pixels."""
LEFT, TOP, BELOW, BETWEEN = 64, 36, 44, 40
SCALE = 2
"""Lines are drawn so many times as large, and the picture is made smaller, so that they are smooth."""

Line = tuple[str, Colour, Sequence[float]]


def write_curves(table: Path, picture: Path, measure: str, title: str) -> None:
    """Draw the rows of ``metrics.csv`` into a PNG; nothing where the table has none."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows:
        with whole(picture) as file:
            curves(rows, measure, title).save(file, format="PNG")


def curves(rows: Sequence[dict[str, str]], measure: str, title: str) -> Image.Image:
    """Two panels side by side, loss and measure; in each the training's line and that of the images held out."""
    epochs = [int(row["epoch"]) for row in rows]
    width = 2 * (LEFT + PANEL[0]) + BETWEEN
    sheet = Image.new("RGB", (width * SCALE, (TOP + PANEL[1] + BELOW) * SCALE), PAPER)
    for number, (said, key) in enumerate((("loss", "loss"), (title, measure))):
        lines: list[Line] = [
            (name, colour, [_number(row.get(f"{part}_{key}")) for row in rows])
            for name, colour, part in (("training", TRAINED, "train"), ("held out", HELD, "val"))
        ]
        _panel(sheet, LEFT + number * (LEFT + PANEL[0] + BETWEEN // 2), epochs, said, lines)
    return sheet.resize((sheet.width // SCALE, sheet.height // SCALE), Image.Resampling.LANCZOS)


def _panel(sheet: Image.Image, left: int, epochs: Sequence[int], title: str, lines: Sequence[Line]) -> None:
    """Draw axes, their numbers, the lines and their names."""
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12 * SCALE)
    values = [value for _, _, line in lines for value in line if math.isfinite(value)] or [0.0]
    heights = ticks(min(values), max(values))
    low, high = min(*values, heights[0]), max(*values, heights[-1])
    first, last = epochs[0], epochs[-1]

    def place(epoch: float, value: float) -> tuple[float, float]:
        across = (epoch - first) / (last - first) if last > first else 0.5
        up = (value - low) / (high - low) if high > low else 0.5
        return (left + across * PANEL[0]) * SCALE, (TOP + (1 - up) * PANEL[1]) * SCALE

    for height in heights:
        (begin, level), (end, _) = place(first, height), place(last, height)
        begin, end = left * SCALE, (left + PANEL[0]) * SCALE
        pen.line((begin, level, end, level), GRID, SCALE)
        pen.text((begin - 6 * SCALE, level), f"{height:.6g}", INK, font, anchor="rm")
    for epoch in sorted({round(each) for each in ticks(first, last) if first <= each <= last} | {first, last}):
        along, _ = place(epoch, low)
        pen.text((along, (TOP + PANEL[1] + 8) * SCALE), str(epoch), INK, font, anchor="mt")
    pen.text(((left + PANEL[0] / 2) * SCALE, (TOP + PANEL[1] + 40) * SCALE), "epoch", INK, font, anchor="mb")
    pen.rectangle((left * SCALE, TOP * SCALE, (left + PANEL[0]) * SCALE, (TOP + PANEL[1]) * SCALE), None, INK, SCALE)
    pen.text((left * SCALE, 10 * SCALE), title, INK, font)
    along = (left + PANEL[0]) * SCALE
    for name, colour, line in reversed(lines):
        points = [place(*pair) for pair in zip(epochs, line, strict=True) if math.isfinite(pair[1])]
        if len(points) > 1:
            pen.line(points, colour, 2 * SCALE, joint="curve")
        for x, y in points if len(points) <= 30 else ():
            pen.ellipse((x - 3 * SCALE, y - 3 * SCALE, x + 3 * SCALE, y + 3 * SCALE), colour)
        pen.text((along, 10 * SCALE), name, colour, font, anchor="ra")
        along -= font.getlength(name) + 16 * SCALE


def ticks(low: float, high: float) -> list[float]:
    """About five round numbers, 1, 2 or 5 times a power of ten, from at most ``low`` to at least ``high``."""
    if not high > low:
        high, low = high + abs(high) * 0.1 + 1e-3, low - abs(low) * 0.1 - 1e-3
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    begin, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(begin, end + 1)]


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
