"""Processor time of whole commands, from the start of Python to its end, beside those of another checkout.

    git worktree add ../before 87f6437
    python benchmarks/startup.py ../before [ROUNDS]

Both run the same commands in turns, so that a busy machine slows both; the least of each is taken.  The floor is what a
process costs that only imports what these commands cannot do without.  benchmarks/startup.md has the last run.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMANDS = (
    "--help", "list", "list specs", "check specs/resnet152.yaml", "summary specs/resnet152.yaml",
    "render specs/resnet152.yaml",
)  # fmt: skip
FLOORS = ("pass", "import typer", "import typer, yaml", "import typer, yaml, pydantic")


def spent(words: list[str], place: Path) -> float:
    """Seconds of processor time, user and system, of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(place)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each file is compiled once, as in an installation
    subprocess.run([sys.executable, *words], cwd=place, env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a row for each command, and for each floor."""
    other, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 7
    print("| command | before, ms | now, ms | ratio |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            words = ["-m", "archspec", *command.split()]
            words += ["-o", f"{folder}/picture.svg"] if command.startswith("render") else []
            for place in (other, ROOT):
                spent(words, place)
            turns = [(spent(words, other), spent(words, ROOT)) for _ in range(rounds)]
            before, now = (1000 * min(times) for times in zip(*turns, strict=True))
            print(f"| `{command}` | {before:.0f} | {now:.0f} | {now / before:.2f} |", flush=True)
    for code in FLOORS:
        print(f"| `{code}` | | {1000 * min(spent(['-c', code], ROOT) for _ in range(rounds)):.0f} | |")


if __name__ == "__main__":
    main()
