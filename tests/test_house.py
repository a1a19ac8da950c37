"""The house: who may import whom, what stays free of torch, and that every file stays readable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import networkx
import pytest

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


def imports(path: Path) -> list[tuple[str, bool]]:
    """What a file imports, and whether only when a function runs (or only for types)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late: set[int] = set()
    for node in ast.walk(tree):
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or typing_only:
            late |= {id(inner) for inner in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in late) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "archspec" else []
            found += [(name, id(node) in late) for name in names or [node.module]]
    return found


@pytest.mark.parametrize(("name", "path"), modules())
def test_imports_only_from_below(name: str, path: Path) -> None:
    here = part(name)
    if name == "archspec":
        return
    assert here in ORDER, f"{name} has no place in the house"
    for imported, _ in imports(path):
        if imported.split(".")[0] != "archspec" or imported == "archspec":
            continue
        there = part(imported)
        assert there in ORDER, f"{name} imports {imported}, which has no place in the house"
        assert ORDER.index(there) <= ORDER.index(here), f"{name} imports {imported} from above"
        if there in FRONT_DOORS and there != here:
            assert imported.count(".") == 1 or imported in SIDE_DOORS, f"{name} reaches into {imported}"


@pytest.mark.parametrize(("name", "path"), modules())
def test_torch_is_imported_where_a_module_runs_only(name: str, path: Path) -> None:
    if part(name) in ("running", "training", "trained"):
        return
    for imported, late in imports(path):
        if imported.split(".")[0] in {"torch", "lightning", "torchvision"}:
            assert late or name.startswith("archspec.running.runtime"), f"{name} imports {imported}"


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


@pytest.mark.parametrize(("name", "path"), modules())
def test_files_stay_short(name: str, path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{name} has {lines} lines: it is two ideas"


def test_no_circles_of_imports() -> None:
    """No file imports another that imports it, by whatever way: late imports and those for types count too."""
    known = {name for name, _ in modules()}
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    for name, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                wanted = [f"{node.module}.{alias.name}" for alias in node.names]
                graph.add_edges_from((name, each if each in known else node.module) for each in wanted)
    assert [sorted(circle) for circle in networkx.simple_cycles(graph)] == []
