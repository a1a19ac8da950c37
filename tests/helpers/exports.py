"""Which ops torch exports, and to what: ``make exports`` runs each and writes ``docs/exports.md``.

Each op's own example is compiled, exported at one size and run at another; what comes out is compared with the module.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy
import onnxruntime
import torch
from torch.export import Dim

import archspec
from archspec import ops
from archspec.language.topics import topics
from tests.helpers.places import ROOT
from tests.helpers.snippets import completed

EXPORTED, OTHER = (32, 32), (48, 40)
"""Sizes that are exported at, and others that the result is run at."""

HEAD = """\
# What can be exported

Made by `make exports`, with torch {torch}, onnx {onnx} and onnxruntime {onnxruntime}.  Each op's example is compiled,
exported at {exported} and compared with the module; where sizes are dynamic, also at {other}.  *yes*: it gives the
same; *refused*: the exporter or the runtime raises an error; **wrong**: it gives something else without a word, so do
not use it; –: the example has one size only.

| op | torch.export, any size | ONNX, one size | ONNX, any size |
| --- | --- | --- | --- |
"""


def spec_of(name: str) -> archspec.Spec:
    """A network of the op alone, from its example."""
    (found,) = topics(name)
    kind, text = ops.find(name), completed(found.example)
    example = kind.examples[0]
    if not kind.merges and example.inputs and not kind.prelude:
        dims = [str(dim) if isinstance(dim, int) else "6HWL"[at] for at, dim in enumerate(example.inputs[0].dims)]
        text = text.replace("[64, H, W]", f"[{', '.join(dims)}]")
        sizes = ", ".join(f"{dim}: 64" for dim in dims if dim.isalpha())
        text = text.replace("sizes: {H: 64, W: 64}\n", f"sizes: {{{sizes}}}\n" if sizes else "")
    elif "length" in kind.prelude:
        text = text.replace("[64, H, W]", "[6, L]").replace("sizes: {H: 64, W: 64}", "sizes: {L: 64}")
    return archspec.loads(text)


def second_of(spec: archspec.Spec) -> torch.Tensor:
    """An input of another size: a square where the network takes no other."""
    try:
        archspec.check(spec, dict(zip("HW", OTHER, strict=True)) if {"H", "W"} <= set(spec.graph.sizes) else None)
    except archspec.SpecError:
        return inputs_of(spec, (OTHER[0], OTHER[0]))
    return inputs_of(spec, OTHER)


def inputs_of(spec: archspec.Spec, size: tuple[int, int]) -> torch.Tensor:
    """An image for the network, its symbols replaced by a size."""
    shape = spec.graph.nodes[next(iter(spec.graph.inputs.values()))].shape
    numbers = [dim if isinstance(dim, int) else size[(at - 1) % 2] for at, dim in enumerate(shape.dims)]
    return torch.rand(2, *numbers, generator=torch.Generator().manual_seed(1))


def judged(wanted: Any, run: Callable[[], Any]) -> str:
    """``yes`` where a run gives what is wanted, ``**wrong**`` where something else, ``refused`` where it raises."""
    try:
        found = run()
    except Exception:
        return "refused"
    first = wanted[0] if isinstance(wanted, tuple) else wanted
    given = found[0] if isinstance(found, list | tuple) else found
    one, other = numpy.asarray(first.detach()), numpy.asarray(given.detach() if hasattr(given, "detach") else given)
    largest = float(numpy.abs(one).max())  # a quotient of small numbers rounds as they do
    same = one.shape == other.shape and numpy.allclose(one, other, atol=1e-4 * max(1.0, largest))
    return "yes" if same else "**wrong**"


def onnx_run(model: torch.nn.Module, exported: torch.Tensor, given: torch.Tensor, dynamic: Any) -> Any:
    """What onnxruntime gives for an input, of a model exported at another perhaps."""
    program = torch.onnx.export(model, (exported,), dynamo=True, dynamic_shapes=dynamic, verbose=False)
    assert program is not None
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: given.numpy()})


def row(name: str) -> str:
    """The table's row of an op."""
    spec = spec_of(name)
    model = archspec.compile(spec).eval()
    first, second = inputs_of(spec, EXPORTED), second_of(spec)
    one = judged(model(first), lambda: onnx_run(model, first, first, None))
    if first.shape == second.shape:
        return f"| `{name}` | – | {one} | – |"
    dynamic = (dict.fromkeys(range(2, first.ndim), Dim.AUTO),)
    wanted = model(second)
    program = judged(wanted, lambda: torch.export.export(model, (first,), dynamic_shapes=dynamic).module()(second))
    return f"| `{name}` | {program} | {one} | {judged(wanted, lambda: onnx_run(model, first, second, dynamic))} |"


def main() -> None:
    """Write the table."""
    warnings.simplefilter("ignore")
    logging.disable()
    kinds = {name: ops.find(name) for name in sorted(ops.names())}
    names = [name for name, kind in kinds.items() if kind.examples[0].inputs and not kind.hidden]
    versions = {package: version(package) for package in ("torch", "onnx", "onnxruntime")}
    sizes = {"exported": "×".join(map(str, EXPORTED)), "other": "×".join(map(str, OTHER))}
    rows = []
    for name in names:
        rows.append(row(name))
        print(rows[-1], flush=True)
    (ROOT / "docs" / "exports.md").write_text(HEAD.format(**versions, **sizes) + "\n".join(rows) + "\n", "utf-8")


if __name__ == "__main__":
    main()
