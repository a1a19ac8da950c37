"""What each command imports: nothing that it can do without, since importing is most of a short command's time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
FRONTS = ("archspec.importers", "archspec.importers.foreign")  # which only tell files of others by their names
before = {name.partition(".")[0] for name in sys.modules}
from archspec.cli import main
sys.argv = ["archspec", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
parts = {name.split(".")[1] for name in sys.modules if name.startswith("archspec.") and name not in FRONTS}
own = {name.partition(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names)
print(json.dumps([sorted(parts), sorted(own)]), file=sys.stderr)
"""

ALWAYS = {"annotated_doc", "archspec", "typer"}
HELP = {"rich", "pygments", "markdown_it", "mdurl", "attr", "attrs", "shellingham"}
"""What typer draws its help with."""
READING = {"source", "syntax", "schema", "expressions", "sizes", "ops", "elaborate", "analyses", "graph", "library"}
HEAVY = {"running", "training", "trained", "sweeping", "importers", "editor", "watching", "gallery", "notebooks"}


def loaded(*words: str) -> tuple[set[str], set[str]]:
    """The parts of archspec, and the packages of others, that a command has imported at its end."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    parts, packages = json.loads(done.stderr.splitlines()[-1])
    return set(parts), set(packages)


def test_help_reads_no_spec() -> None:
    parts, packages = loaded("--help")
    assert not parts & (READING | HEAVY | {"backends", "rewrites", "pipeline"})
    assert not packages & {"yaml", "torch", "numpy", "networkx", "pydantic"}
    assert packages <= ALWAYS | HELP


@pytest.mark.parametrize("words", [("check", "resnet18"), ("summary", "resnet18", "--format", "json")])
def test_checking_draws_nothing(words: tuple[str, ...]) -> None:
    parts, packages = loaded(*words)
    assert not parts & HEAVY
    assert not packages & {"torch", "numpy", "networkx", "graphviz", "graphviz_pure", "matplotlib", "rich"}


def test_drawing_runs_nothing(tmp_path: Path) -> None:
    parts, packages = loaded("render", "resnet18", "-o", str(tmp_path / "net.svg"))
    assert not parts & HEAVY
    assert not packages & {"torch", "numpy", "networkx", "matplotlib", "rich"}


def test_listing_specs_reads_their_heads_only() -> None:
    parts, packages = loaded("list", "specs")
    assert not parts & (HEAVY | {"loading", "pipeline", "families"})
    assert not packages & {"torch", "numpy", "networkx", "graphviz"}


def test_no_plugins_of_models_are_looked_for() -> None:
    """pydantic would read the entry points of every installed distribution, which takes a part of every start."""
    program = f"import importlib.metadata\nimportlib.metadata.distributions = None\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program, "check", "resnet18"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
