"""The largest differences between imported networks and the engines that read their files too: ``docs/engines.md``.

Tests note each difference in ``out/engines/differences.jsonl``; ``python -m`` of this module makes the document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

NOTED = Path("out/engines/differences.jsonl")
DOCUMENT = Path("docs/engines.md")


def relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """The largest difference of two outputs over the largest number in the second."""
    assert found.numel() == wanted.numel(), (tuple(found.shape), tuple(wanted.shape))
    largest = wanted.abs().max().item()
    assert largest > 0, "an output of nothing but zeros says nothing"
    return float(f"{(found.flatten() - wanted.flatten()).abs().max().item() / largest:.2g}")


def note(section: str, network: str, engine: str, differences: Mapping[str, float]) -> None:
    """Keep the differences of one network by size."""
    NOTED.parent.mkdir(parents=True, exist_ok=True)
    line = {"section": section, "network": network, "engine": engine, "differences": dict(differences)}
    with NOTED.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def table(lines: list[dict[str, Any]], expected: Mapping[str, Sequence[str]]) -> str:
    """The document; ``expected`` are networks by section that are named where they were not run."""
    last = {(line["section"], line["network"], line["engine"]): line for line in lines}
    text = [
        "# Imported files beside the engines that read them",
        "",
        "Made by `make engines`: the network of each file with random weights, imported and compiled, and run by the",
        "engine that the file is for.  A difference is the largest of any number of the output, divided by the largest",
        "number of the engine's output.",
    ]
    for section in dict.fromkeys(key[0] for key in sorted(last)):
        text += ["", f"## {section}", "", "| network | engine | sizes | largest difference |"]
        text.append("| --- | --- | --- | --- |")
        for key in sorted(last):
            if key[0] == section:
                each = last[key]["differences"]
                text.append(f"| {key[1]} | {key[2]} | {', '.join(each)} | {max(each.values()):.1e} |")
        missing = [name for name in expected.get(section, ()) if not any(key[:2] == (section, name) for key in last)]
        if missing:
            text += ["", f"Not run this time: {', '.join(missing)}."]
    return "\n".join(text) + "\n"


def main() -> None:
    """Write the document from what was noted."""
    from tests.helpers.keras_applications import NETWORKS

    lines = [json.loads(line) for line in NOTED.read_text(encoding="utf-8").splitlines()]
    DOCUMENT.write_text(table(lines, {"Keras": NETWORKS}), encoding="utf-8")


if __name__ == "__main__":
    main()
