"""Ultralytics' published networks, written from their layouts, with what each has of parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = tuple[Any, int, str, list[Any]]


def saved(text: str, folder: Path, name: str = "net.yaml") -> Path:
    """A file in a folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _rows(listed: Sequence[Row]) -> str:
    return "".join(f"  - [{reads}, {times}, {module}, {args}]\n" for reads, times, module, args in listed)


def _written(top: str, scales: Mapping[str, Sequence[float]], totals: Mapping[str, int], body: str) -> str:
    """A file with some scales, and the total beside each."""
    lines = [
        f"  {letter}: {list(scales[letter])}{f' # {total:,} parameters' if total else ''}"
        for letter, total in totals.items()
    ]
    return "\n".join([f"{top}scales:", *lines, body])


HEADS: dict[str, tuple[str, str, list[Any]]] = {
    "": ("nc: 80\n", "Detect", ["nc"]),
    "-seg": ("nc: 80\n", "Segment", ["nc", 32, 256]),
    "-pose": ("nc: 1\nkpt_shape: [17, 3]\n", "Pose", ["nc", "kpt_shape"]),
    "-obb": ("nc: 80\n", "OBB", ["nc", 1]),
    "-cls": ("nc: 1000\n", "Classify", ["nc"]),
}
"""By the ending of a network's name: the top of its file, its head's module and arguments."""

V8 = {
    "n": (0.33, 0.25, 1024),
    "s": (0.33, 0.5, 1024),
    "m": (0.67, 0.75, 768),
    "l": (1, 1, 512),
    "x": (1, 1.25, 512),
}
V8_CLASSES = {letter: (*numbers[:2], 1024) for letter, numbers in V8.items()}


def yolov8(totals: Mapping[str, int], kind: str = "") -> str:
    """YOLOv8: five stages that halve the map, a way up, a way down, a head over three maps; or a classifier."""
    top, head, args = HEADS[kind]
    stages: list[Row] = [(-1, 1, "Conv", [64, 3, 2])]
    for channels, times in ((128, 3), (256, 6), (512, 6), (1024, 3)):
        stages += [(-1, 1, "Conv", [channels, 3, 2]), (-1, times, "C2f", [channels, "true"])]
    if kind == "-cls":
        body = _rows(stages) + "head:\n" + _rows([(-1, 1, head, args)])
        return _written(top, V8_CLASSES, totals, f"backbone:\n{body}".replace("'", ""))
    stages.append((-1, 1, "SPPF", [1024, 5]))
    rest: list[Row] = []
    for channels, join in ((512, 6), (256, 4)):
        rest += [(-1, 1, "nn.Upsample", ["None", 2, '"nearest"']), ([-1, join], 1, "Concat", [1]),
                 (-1, 3, "C2f", [channels])]  # fmt: skip
    for channels, join in ((256, 12), (512, 9)):
        rest += [(-1, 1, "Conv", [channels, 3, 2]), ([-1, join], 1, "Concat", [1]), (-1, 3, "C2f", [2 * channels])]
    rest.append(([15, 18, 21], 1, head, args))
    return _written(top, V8, totals, f"backbone:\n{_rows(stages)}head:\n{_rows(rest)}".replace("'", ""))


V11 = {
    "n": (0.5, 0.25, 1024),
    "s": (0.5, 0.5, 1024),
    "m": (0.5, 1, 512),
    "l": (1, 1, 512),
    "x": (1, 1.5, 512),
}


def yolo11(totals: Mapping[str, int], kind: str = "") -> str:
    """YOLO11: the same way with C3k2, and attention on the smallest map."""
    top, head, args = HEADS[kind]
    top = re.sub(r"nc: \d+", "nc: 80", top)  # the published totals are of 80 classes, also where the file says 1,000
    stages: list[Row] = [(-1, 1, "Conv", [64, 3, 2])]
    for before, channels, given in (
        (128, 256, ["false", 0.25]), (256, 512, ["false", 0.25]), (512, 512, ["true"]), (1024, 1024, ["true"])
    ):  # fmt: skip
        stages += [(-1, 1, "Conv", [before, 3, 2]), (-1, 2, "C3k2", [channels, *given])]
    if kind == "-cls":
        stages.append((-1, 2, "C2PSA", [1024]))
        body = _rows(stages) + "head:\n" + _rows([(-1, 1, head, args)])
        return _written(top, V11, totals, f"backbone:\n{body}".replace("'", ""))
    stages += [(-1, 1, "SPPF", [1024, 5]), (-1, 2, "C2PSA", [1024])]
    rest: list[Row] = []
    for channels, join in ((512, 6), (256, 4)):
        rest += [(-1, 1, "nn.Upsample", ["None", 2, '"nearest"']), ([-1, join], 1, "Concat", [1]),
                 (-1, 2, "C3k2", [channels, "false"])]  # fmt: skip
    for channels, join, whole in ((256, 13, "false"), (512, 10, "true")):
        rest += [(-1, 1, "Conv", [channels, 3, 2]), ([-1, join], 1, "Concat", [1]),
                 (-1, 2, "C3k2", [2 * channels, whole])]  # fmt: skip
    rest.append(([16, 19, 22], 1, head, args))
    return _written(top, V11, totals, f"backbone:\n{_rows(stages)}head:\n{_rows(rest)}".replace("'", ""))
