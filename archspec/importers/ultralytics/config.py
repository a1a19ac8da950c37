"""Reads an Ultralytics YAML: its layers, its scales, and the parameter totals beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archspec.diagnostics import Fault, Span, printable
from archspec.records import record
from archspec.syntax import Items, Limits, Mapping, Node, Scalar, lines, parse, plain

MOST_LAYERS = 20_000
SCALE = re.compile(r"yolo(?:e-)?v?\d+([nslmx])", re.IGNORECASE)
"""The pattern of a file name that contains the scale, such as ``yolov8s.yaml``."""


@dataclass(slots=True, eq=False)
class Row:
    """One layer: its inputs, its number of repeats, its module and its arguments."""

    index: int
    reads: list[int]
    repeats: int
    module: str
    args: list[Any]
    span: Span

    @property
    def what(self) -> str:
        """Its name in diagnostics."""
        return f"layer {self.index} (`{printable(self.module, 40)}`)"

    def refuse(self, said: str, hint: str | None = None) -> Fault:
        """The fault for a layer that the language cannot express."""
        return Fault("not-importable", f"{self.what} {said}", self.span, hint)

    def wrong(self, said: str) -> Fault:
        """The fault for an argument."""
        return Fault("wrong-value", f"{self.what}: {said}", self.span)

    def whole(self, at: int, usual: int | None = None, least: int = 1) -> int:
        """An argument that is a whole number; raises :class:`Fault`."""
        found = self.args[at] if at < len(self.args) else usual
        if type(found) is not int or not least <= found <= 1_000_000:
            raise self.wrong(f"argument {at + 1} must be a whole number of at least {least}")
        return found

    def flag(self, at: int, usual: bool) -> bool:
        """An argument that is true or false; raises :class:`Fault`."""
        found = self.args[at] if at < len(self.args) else usual
        if not isinstance(found, bool):
            raise self.wrong(f"argument {at + 1} must be true or false")
        return found

    def number(self, at: int, usual: float) -> float:
        """An argument that is a number; raises :class:`Fault`."""
        found = self.args[at] if at < len(self.args) else usual
        if type(found) not in (int, float) or not 0 < found < 100:
            raise self.wrong(f"argument {at + 1} must be a number above 0")
        return found


@record
class Scaling:
    """The depth and width of a scale, and the parameter total beside it, None if there is none."""

    name: str
    depth: float
    width: float
    most: float
    total: int | None


class Config:
    """One file."""

    def __init__(self, text: str, name: str, limits: Limits) -> None:
        root = parse(text, name, limits)
        if not isinstance(root, Mapping) or "backbone" not in root or "head" not in root:
            raise Fault("file-syntax", "the file has no `backbone` and `head`", root.span)
        self.root = root
        self.text = lines(text)
        self.classes = self._whole("nc", 80)
        self.channels = self._whole("ch", 3) if "ch" in root else self._whole("channels", 3)
        self.bins = self._whole("reg_max", 16)
        for key in ("activation", "end2end"):
            if plain(root.get(key) or Scalar(None, "", root.span, True)):
                said = f"`{key}` has no counterpart"
                raise Fault("not-importable", said, (root.key(key) or root).span)
        points = self.root.get("kpt_shape")
        self.names = {"nc": self.classes, "None": None, "kpt_shape": points and plain(points)}
        """The words that stand for values in arguments."""
        self.rows = [self._row(at, node) for at, node in enumerate([*self._list("backbone"), *self._list("head")])]

    def _whole(self, key: str, usual: int) -> int:
        node = self.root.get(key)
        found = usual if node is None else plain(node)
        if type(found) is not int or not 1 <= found <= 100_000:
            raise Fault("wrong-value", f"`{key}` must be a whole number of at least 1", (node or self.root).span)
        return found

    def _list(self, key: str) -> Sequence[Node]:
        node = self.root.get(key)
        if not isinstance(node, Items) or len(node.items) > MOST_LAYERS:
            raise Fault(
                "file-syntax", f"`{key}` must be a list of at most {MOST_LAYERS:,} layers", (node or self.root).span
            )
        return node.items

    def _row(self, index: int, node: Node) -> Row:
        parts = plain(node)
        if not isinstance(node, Items) or len(parts) != 4:
            raise Fault("file-syntax", "a layer must be [from, repeats, module, arguments]", node.span)
        reads, repeats, module, args = parts
        reads = reads if isinstance(reads, list) else [reads]
        if not isinstance(module, str) or not isinstance(args, list) or type(repeats) is not int:
            raise Fault("file-syntax", "a layer must be [from, repeats, module, arguments]", node.span)
        if not 1 <= repeats <= 1000 or not 1 <= len(reads) <= 1000:
            raise Fault("wrong-value", "a layer has 1 to 1000 repeats and 1 to 1000 inputs", node.span)
        absolute: list[int] = []
        for read in reads:
            if type(read) is not int or not -index - (index == 0) <= read < max(index, 1):
                said = f"layer {index} reads `{printable(str(read), 20)}`, which does not come before it"
                raise Fault("wrong-value", said, node.span)
            absolute.append(index + read if read < 0 else read)
        found = [self.names.get(arg, arg) if isinstance(arg, str) else arg for arg in args]
        return Row(index, absolute, repeats, module, found, node.span)

    def scaling(self, wanted: str | None, name: str) -> Scaling:
        """The scale with the given letter, or that of the file's name, or the first; raises :class:`Fault`."""
        scales = self.root.get("scales")
        if scales is None:
            if wanted is not None:
                raise Fault("wrong-value", "the file has no scales", self.root.span)
            depth, width = (self._number(key) for key in ("depth_multiple", "width_multiple"))
            return Scaling("", depth, width, float("inf"), self._total(0))
        if not isinstance(scales, Mapping) or not scales.entries:
            raise Fault("file-syntax", "`scales` must be a mapping from letters to three numbers", scales.span)
        guessed = SCALE.search(name.rpartition("/")[2])
        letter = wanted or (guessed[1].lower() if guessed else None)
        letter = letter if letter is not None and (wanted or letter in scales) else scales.keys[0]
        node = scales.get(letter)
        if node is None:
            said = f"the file has no scale `{printable(letter, 20)}`"
            raise Fault("wrong-value", said, scales.span, f"its scales are {', '.join(scales.keys)[:100]}")
        numbers = plain(node)
        if (
            not isinstance(numbers, list)
            or len(numbers) != 3
            or any(type(one) not in (int, float) or not 0 < one < 1e6 for one in numbers)
        ):
            raise Fault("wrong-value", f"the scale `{printable(letter, 20)}` must be three numbers above 0", node.span)
        return Scaling(letter, numbers[0], numbers[1], numbers[2], self._total(node.span.line))

    def _number(self, key: str) -> float:
        node = self.root.get(key)
        found = 1.0 if node is None else plain(node)
        if type(found) not in (int, float) or not 0 < found < 100:
            raise Fault("wrong-value", f"`{key}` must be a number above 0", (node or self.root).span)
        return found

    def _total(self, line: int) -> int | None:
        """The parameter total stated in a line's comment."""
        text = self.text[line - 1] if 0 < line <= len(self.text) else ""
        found = re.search(r"#.*?(\d[\d,]{0,14}) parameters", text[:1000])
        return int(found[1].replace(",", "")) if found else None
