"""Where the tests find what is not theirs: the shipped specs, the folder of the project, what lies beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SPECS = ROOT / "specs"
SHIPPED = sorted(file.stem for file in SPECS.glob("*.yaml"))
"""The names of the shipped specs."""
SHARED = ROOT.parent / "shared"
"""A folder of cases that may be missing; tests that need it skip."""
