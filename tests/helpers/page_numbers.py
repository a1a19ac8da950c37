"""What a page's own script computes, by node: sizes, costs, memory and refusals at many sizes of the input."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import archspec
from archspec.backends.explorer import data

WEB = Path(archspec.__file__).parent / "backends" / "explorer" / "web"
NODE = shutil.which("node")
_PROGRAM = """
const { data, asked } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const text = (value) => (value === null || value === undefined ? null : `${value}`);
const answers = asked.map((sizes) => {
  const refused = refusal(data, sizes);
  if (refused) return { message: refused.message, reasons: refused.reasons, near: refused.near.map(text) };
  const model = new Model(data);
  model.resize(sizes);
  const memory = model.memory;
  return {
    shapes: model.steps.map((step) => step[4].map((size) => text(model.evaluated.sizes[size]))),
    cost: model.steps.map((step) => text(model.evaluated.formula(step[7]))),
    total: [text(model.parameters[model.whole]), text(model.cost[model.whole])],
    peak: memory === null ? null : [text(memory.peak), data.steps[memory.at][0]],
  };
});
process.stdout.write(JSON.stringify(answers));
"""


_FIELDS = """
const { data, rows } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const model = new Model(data);
const answers = model.steps.map((_, step) => {
  const axes = fieldOf(model, step);
  const runs = (table) => table && rows.map((row) => runsOf(table, row));
  return axes && axes.map(({ table, whole }) => [whole, runs(table), table && holesOf(table)]);
});
process.stdout.write(JSON.stringify(answers));
"""


def fields(spec: archspec.Spec, rows: Sequence[int]) -> list[Any]:
    """For each step and axis of the input: whether it sees everything, the runs of pixels that rows read, the holes."""
    network, _ = data(archspec.Report(spec.graph, dict(spec.graph.sizes)))
    return _answer(("numbers", "memory", "model", "field"), _FIELDS, {"data": network, "rows": list(rows)})


def computed(spec: archspec.Spec, asked: Sequence[Mapping[str, int]]) -> list[dict[str, Any]]:
    """The page's numbers of a network at each of some sizes; integers are text."""
    network, _ = data(archspec.Report(spec.graph, dict(spec.graph.sizes)))
    names = ("numbers", "memory", "validity", "model")
    return _answer(names, _PROGRAM, {"data": network, "asked": [dict(sizes) for sizes in asked]})


def _answer(names: Sequence[str], program: str, given: Any) -> Any:
    """What a program says over some of the page's scripts."""
    assert NODE is not None
    scripts = "\n".join((WEB / f"{name}.js").read_text("utf-8") for name in names)
    command = [NODE, "-e", scripts + program]
    run = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)
