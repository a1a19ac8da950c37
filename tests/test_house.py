"""The house: who may import whom, what stays free of torch, and that every file stays readable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx

import archspec
from archspec import pipeline

PACKAGE = Path(__file__).parent.parent / "archspec"


def _ladder() -> tuple[str, ...]:
    """The parts of the house from the ground up, as the README's table lists them."""
    rows = re.findall(r"^\| (`[^|]*`) \|", (PACKAGE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    return tuple(name for row in rows for name in re.findall(r"`(\w+)(?:/|\.py)`", row))


ORDER = _ladder()
"""From the ground up; a part imports from those before it, and from itself."""

FRONT_DOORS = ("syntax", "expressions", "sizes")
"""Packages that nobody outside reaches into."""


SIDE_DOORS = {"archspec.expressions.tree"}
"""The nodes of an expression, which the emitter rewrites."""


def part(name: str) -> str:
    """The part of the house a module belongs to: ``archspec.ops.conv`` to ``ops``."""
    return name.split(".")[1] if "." in name else ""


def test_every_part_is_in_the_table() -> None:
    files = (path.relative_to(PACKAGE).parts for path in PACKAGE.rglob("*") if path.suffix in (".py", ".yaml"))
    there = {parts[0].removesuffix(".py") for parts in files}
    assert set(ORDER) == there - {"__init__", "__pycache__"}
    assert len(set(ORDER)) == len(ORDER)


def test_tests_lie_as_the_package_does() -> None:
    """A folder of tests has the name of the folder it tests."""
    tests = Path(__file__).parent
    for path in tests.rglob("test_*.py"):
        folder = path.parent.relative_to(tests)
        assert (PACKAGE / folder).is_dir(), f"{path.relative_to(tests)} tests no folder of the package"


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


@cache
def statements(path: Path) -> list[tuple[ast.Import | ast.ImportFrom, bool]]:
    """A file's imports, and whether each runs only when a function does (or is only for types)."""
    found: list[tuple[ast.Import | ast.ImportFrom, bool]] = []
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding="utf-8")), False)]
    while waiting:
        node, late = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node, late))
            continue
        late |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        late |= isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        inner = (ast.stmt, ast.excepthandler, ast.match_case)  # an expression holds no import
        waiting += [(child, late) for child in ast.iter_child_nodes(node) if isinstance(child, inner)]
    return found


def imports(path: Path) -> list[tuple[str, bool]]:
    """What a file imports, and whether only when a function runs (or only for types)."""
    found = []
    for node, late in statements(path):
        if isinstance(node, ast.Import):
            found += [(alias.name, late) for alias in node.names]
        elif node.module is not None:
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "archspec" else []
            found += [(name, late) for name in names or [node.module]]
    return found


def wrong_imports(name: str, path: Path) -> Iterator[str]:
    """What a file imports from above, or past a front door."""
    here = part(name)
    for imported, _ in imports(path):
        if imported.split(".")[0] != "archspec" or imported == "archspec":
            continue
        there = part(imported)
        if there not in ORDER or ORDER.index(there) > ORDER.index(here):
            yield f"{name} imports {imported} from above"
        elif there in FRONT_DOORS and there != here and imported.count(".") > 1 and imported not in SIDE_DOORS:
            yield f"{name} reaches into {imported}"


def test_imports_only_from_below() -> None:
    inside = [(name, path) for name, path in modules() if name != "archspec"]
    assert [name for name, _ in inside if part(name) not in ORDER] == []
    assert sum(len(imports(path)) for _, path in inside) > 1000
    assert [fault for name, path in inside for fault in wrong_imports(name, path)] == []


def test_a_wrong_import_is_seen(tmp_path: Path) -> None:
    """Late imports and imports for types too."""
    file = tmp_path / "file.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nfrom archspec import cli\nfrom archspec.sizes.terms import x\n"
        "if TYPE_CHECKING:\n    from archspec.pipeline import load\ndef f():\n    import archspec.editor\n"
    )
    assert set(wrong_imports("archspec.ops.relu", file)) == {
        "archspec.ops.relu imports archspec.cli from above",
        "archspec.ops.relu reaches into archspec.sizes.terms",
        "archspec.ops.relu imports archspec.pipeline from above",
        "archspec.ops.relu imports archspec.editor from above",
    }


def test_torch_is_imported_where_a_module_runs_only() -> None:
    early = [
        f"{name} imports {imported}"
        for name, path in modules()
        if part(name) not in ("running", "training", "trained")
        for imported, late in imports(path)
        if imported.split(".")[0] in {"torch", "lightning", "torchvision"} and not late
    ]
    assert early == []


def test_no_part_has_a_public_name() -> None:
    """Python binds a part in the package when it is imported, and would hide the function of that name."""
    assert archspec.__all__
    assert not set(archspec.__all__) & set(ORDER)
    assert set(archspec.__all__) <= vars(pipeline).keys()


def test_import_and_check_stay_without_torch() -> None:
    program = (
        "import sys, archspec; archspec.check(archspec.load('resnet18')).receptive_fields; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_files_stay_short() -> None:
    """A file of more than 400 lines is two ideas."""
    lines = {name: path.read_text(encoding="utf-8").count("\n") for name, path in modules()}
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_no_circles_of_imports() -> None:
    """No file imports another that imports it, by whatever way: late imports and those for types count too."""
    known = {name for name, _ in modules()}
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    for name, path in modules():
        for node, _ in statements(path):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                wanted = [f"{node.module}.{alias.name}" for alias in node.names]
                graph.add_edges_from((name, each if each in known else node.module) for each in wanted)
    assert [sorted(found) for found in networkx.strongly_connected_components(graph) if len(found) > 1] == []
    assert list(networkx.nodes_with_selfloops(graph)) == []
