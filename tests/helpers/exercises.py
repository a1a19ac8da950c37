"""The course's exercises, as their files in ``docs/course/exercises`` hold them, and the page that lists them.

A file begins with comments: what is asked, and after ``Hint:`` a hint.  The solution's comments say why it is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.places import ROOT

FOLDER = ROOT / "docs" / "course" / "exercises"
PAGE = FOLDER.parent / "exercises.md"

PARTS = {
    1: "Sizes and classifiers",
    5: "Depth",
    9: "Inception",
    12: "DenseNet",
    14: "Smaller networks",
    17: "Fields",
    19: "Dilation",
    20: "Segmentation",
}
"""The heading above an exercise, by its number."""

HEAD = """# Exercises

Twenty specs that do not meet their own claims.  Change each so that it does.  `expect` is the examiner:

```sh
cd docs/course/exercises            # or copy one of the specs below to a file
archspec check 01-same-size.yaml
```

prints `error[claim-failed]` with what was expected and what was found, and nothing of the kind once you are right.  Do
not change `expect`, the inputs or the sizes.  Guess before you run.  The tests prove that no exercise passes as it is
handed out, and that every solution does.
"""


@dataclass(frozen=True)
class Exercise:
    """One exercise: its spec as handed out, and the solution."""

    path: Path

    @property
    def name(self) -> str:
        """``01-same-size``."""
        return self.path.stem

    @property
    def solution(self) -> Path:
        """The file of the solution."""
        return self.path.parent / "solutions" / self.path.name


EXERCISES = tuple(Exercise(path) for path in sorted(FOLDER.glob("[0-9]*.yaml")))


def parted(path: Path) -> tuple[str, str]:
    """The comments at the beginning of a file, as one line, and the spec below them."""
    text = path.read_text(encoding="utf-8")
    comments = re.match(r"(?:# .*\n)+", text)
    assert comments is not None, f"{path} does not begin with comments"
    return " ".join(line.removeprefix("# ") for line in comments[0].splitlines()), text[comments.end() :]


def page() -> str:
    """The page that lists them, with hints and solutions to unfold."""
    parts = [HEAD]
    for exercise in EXERCISES:
        number = int(exercise.name[:2])
        if number in PARTS:
            parts.append(f"## {PARTS[number]}\n")
        asked, spec = parted(exercise.path)
        statement, hint = asked.split(" Hint: ")
        title, _, rest = statement.partition(". ")
        why, solved = parted(exercise.solution)
        parts += [
            f"### {number}. {title}\n",
            f"{rest}\n",
            f"[exercises/{exercise.path.name}](exercises/{exercise.path.name})\n",
            f"```yml\n{spec}```\n",
            f"<details markdown>\n<summary>Hint</summary>\n\n{hint[0].upper()}{hint[1:]}\n\n</details>\n",
            f"<details markdown>\n<summary>Solution</summary>\n\n{why}\n\n```yml\n{solved}```\n\n</details>\n",
        ]
    return "\n".join(parts)
