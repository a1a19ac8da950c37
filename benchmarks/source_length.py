"""Emitted source beside torchvision's own files: ``python benchmarks/source_length.py`` writes ``source_length.md``.

The rule, the same on both sides: a line counts when it holds code.  Imports, docstrings, comments and blank lines do
not.  Tokens are counted beside lines, since those do not depend on where lines are broken (torchvision breaks them at
120 columns, archspec at 88).

Of archspec the whole file counts.  Of torchvision what one network needs: it is built and run once in training and in
evaluation, and the classes and functions of ``torchvision/models/*.py`` that were entered count, with the constants
they refer to and the builder.  In its favour are left out:

- classes and functions that this network does not enter (``BasicBlock`` for ResNet-50);
- all that is about published weights: enumerations, metadata, ``weights`` statements, and the decorators that register
  builders or accept old arguments; the notice that a model was made (``_log_api_usage_once``);
- what lies in ``torchvision/ops``, counted in a column of its own; archspec's file holds those blocks too.

A class counts with all its methods, used or not: ``only what ran`` leaves out those that were never entered.  What
torchvision's functions hold beyond the one network counts, since it is what one reads there: other versions, options
and TorchScript.  archspec's file is of one network; its options stay in the spec.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import archspec
from archspec.running.torchvision_library import torchvision

NETWORKS = (
    "squeezenet1_0", "googlenet", "densenet121", "resnet18", "resnet34", "resnet50", "inception_v3", "mobilenet_v2",
    "mobilenet_v3_large", "shufflenet_v2_x1_0", "vgg16", "alexnet", "efficientnet_b0", "convnext_tiny",
    "regnet_y_400mf",
)  # fmt: skip
"""Networks that both have, by the name both call them by."""

LEFT_OUT = {
    "_log_api_usage_once",
    "_ovewrite_named_param",
    "_ovewrite_value_param",
    "handle_legacy_interface",
    "kwonly_to_pos_or_kw",
}
"""Helpers that serve published weights, old arguments or statistics of use."""

TYPING = {"overload", "unused", "_overload_method"}
LAYOUT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip


@dataclass(frozen=True)
class Length:
    """How long some code is."""

    lines: int = 0
    tokens: int = 0

    def __add__(self, other: Length) -> Length:
        return Length(self.lines + other.lines, self.tokens + other.tokens)


@dataclass(frozen=True)
class Lengths:
    """A network's source in both libraries."""

    ours: Length
    theirs: Length
    """Their definitions that the network needs."""
    ran: Length
    """Those without methods that were not entered."""
    shared: Length
    """What those lean on in ``torchvision/ops``."""


def _docstrings_and_imports(tree: ast.AST) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found.append(body[0])
    return found


def _rows(node: ast.stmt | ast.expr) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def length(text: str, counted: set[int] | None = None, left_out: Iterable[ast.stmt | ast.expr] = ()) -> Length:
    """Lines of code and tokens of a file, or of some of its lines."""
    skipped = {row for node in (*_docstrings_and_imports(ast.parse(text)), *left_out) for row in _rows(node)}
    rows: set[int] = set()
    tokens = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in LAYOUT or token.start[0] in skipped:
            continue
        if counted is None or token.start[0] in counted:
            rows |= set(range(token.start[0], token.end[0] + 1))
            tokens += 1
    return Length(len(rows), tokens)


# -- torchvision's side ------------------------------------------------------------------------------------------------


def rows_entered(roots: Iterable[str], run: Callable[[], object]) -> dict[Path, set[int]]:
    """First lines of the functions that run, by file, of the files below some folders."""
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    below = tuple(roots)
    found: dict[Path, set[int]] = {}
    for code in codes:
        if code.co_filename.startswith(below):
            found.setdefault(Path(code.co_filename), set()).add(code.co_firstlineno)
    return found


def entered(name: str) -> dict[Path, set[int]]:
    """First lines of the functions that run while torchvision builds a network and runs it, by file."""
    import torch

    options: dict[str, Any] = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    size = 299 if name == "inception_v3" else 224
    image = torch.empty(2, 3, size, size, device="meta")

    def run() -> None:
        with torch.device("cpu" if name.startswith("regnet") else "meta"):  # regnet computes its widths with tensors
            model = torchvision().models.get_model(name, **options).to("meta")
        with torch.no_grad():
            for training in (True, False):
                model.train(training)(image)

    return rows_entered([str(Path(str(torchvision().__file__)).parent)], run)


def _names(node: ast.AST) -> set[str]:
    """What code refers to; annotations are not run and do not count."""
    found: set[str] = set()
    if isinstance(node, ast.arg):
        return found
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Name):
                found.add(child.id)
            elif isinstance(child, ast.AST):
                found |= _names(child)
    return found


def _about_weights(tree: ast.stmt) -> list[ast.stmt | ast.expr]:
    """Decorators, and statements that serve published weights."""
    found: list[ast.stmt | ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found += node.decorator_list
        tested = node.test if isinstance(node, ast.If) else None
        if isinstance(node, ast.Assign):
            tested = node.targets[0]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            tested = node.value.func
        if isinstance(node, ast.stmt) and tested is not None:
            names = {each.id for each in ast.walk(tested) if isinstance(each, ast.Name)}
            if names & {"weights", *LEFT_OUT}:
                found.append(node)
    return found


def _first_row(node: ast.FunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _entry(value: ast.expr, name: str) -> ast.expr | None:
    """The entry of a table for a network; None if there is none."""
    if isinstance(value, ast.Call):
        return next((each.value for each in value.keywords if each.arg == name), None)
    if isinstance(value, ast.Dict):
        named = zip(value.keys, value.values, strict=True)
        return next((each for key, each in named if isinstance(key, ast.Constant) and key.value == name), None)
    return None


def file_lengths(path: Path, rows: set[int], network: str = "") -> tuple[Length, Length]:
    """The definitions of a file that hold some functions: whole, and without methods that were not entered.

    Of a table with an entry for ``network`` only that entry counts.
    """
    text = path.read_text(encoding="utf-8")
    body = ast.parse(text).body
    counted: set[int] = set()
    left_out: list[ast.stmt | ast.expr] = []
    idle: list[ast.stmt | ast.expr] = []
    used: set[str] = set()
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name in LEFT_OUT:
            continue
        methods = [node, *(each for each in ast.walk(node) if isinstance(each, ast.FunctionDef))]
        if rows.isdisjoint(map(_first_row, methods)):
            continue
        counted |= _rows(node)
        used |= _names(node)
        left_out += _about_weights(node)
        idle += [each for each in methods[1:] if _first_row(each) not in rows]
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if used & {target.id for target in targets if isinstance(target, ast.Name)}:
                entry = _entry(node.value, network) if node.value is not None and network else None
                counted |= _rows(node) if entry is None else _rows(entry)
        elif isinstance(node, ast.ClassDef) and node.name in used and not counted & _rows(node):
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            if "NamedTuple" in bases or any(ast.unparse(each) == "dataclass" for each in node.decorator_list):
                counted |= _rows(node)
    return length(text, counted, left_out), length(text, counted, [*left_out, *idle])


def lengths(name: str) -> Lengths:
    """Measure a network."""
    theirs, ran, shared = Length(), Length(), Length()
    for path, rows in entered(name).items():
        if path.name in ("_api.py", "_meta.py"):
            continue
        whole, part = file_lengths(path, rows)
        if path.parent.name == "models":
            theirs, ran = theirs + whole, ran + part
        elif path.parent.name == "ops":
            shared += part
    return Lengths(length(archspec.source(archspec.load(name))), theirs, ran, shared)


def table(names: Iterable[str] = NETWORKS) -> str:
    """A markdown table."""
    lines = [
        "| network | archspec | torchvision | only what ran | and of its ops | archspec, tokens | torchvision | only what ran | and of its ops |",  # noqa: E501
        "| --- " + "| ---: " * 8 + "|",
    ]
    for name in names:
        found = lengths(name)
        cells: list[int] = []
        for value in ("lines", "tokens"):
            cells += [getattr(part, value) for part in (found.ours, found.theirs, found.ran, found.shared)]
        lines.append(f"| {name} | " + " | ".join(f"{cell:,}" if cell else "" for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, and write it beside this file."""
    rule = (__doc__ or "").split("\n\n", 1)[1]
    text = table()
    print(text)
    Path(__file__).with_suffix(".md").write_text(
        "# Lines of code: emitted source beside torchvision\n\n"
        f"{text}\nWritten by `python benchmarks/source_length.py`. {rule}",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
