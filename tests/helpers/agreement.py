"""Holds what archspec says of a random network against what torch does with it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import archspec
from archspec.analyses.borders import RowAlgebra, rows_read
from archspec.analyses.interior import interior_rows
from archspec.analyses.receptive_field import AxisField, table
from archspec.analyses.report import Report
from archspec.analyses.shapes import coupled_failures
from archspec.analyses.step_names import values as step_values
from archspec.analyses.tables import pixels
from archspec.analyses.walk import Walk
from archspec.graph import Graph
from archspec.sizes import Evaluation
from tests.helpers.live_storages import inference, inputs_of
from tests.helpers.oracle import REFUSED, Oracle
from tests.helpers.random_specs import RandomSpec, random_spec
from tests.helpers.token_oracle import TokenOracle
from tests.helpers.token_specs import token_spec
from tests.helpers.wider_specs import wider_spec

KINDS = {"plain": random_spec, "wider": wider_spec, "tokens": token_spec}
"""How a network is made of a seed."""


class Disagreement(AssertionError):
    """archspec and torch differ; the message has the spec."""


@dataclass
class Outcome:
    """What was compared."""

    loads: bool = False
    sizes: int = 0
    valid: int = 0
    rows: int = 0
    interior: int = 0
    partial: int = 0
    """Fields held from above only: some path is empty along another axis."""


def agree(seed: int, sizes_tried: int = 16, kind: str = "plain") -> Outcome:
    """Compare everything for the network of a seed; raises :class:`Disagreement`."""
    spec = KINDS[kind](seed)
    outcome = Outcome()
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operation, whose memory is not seen from outside
    try:
        _compare(spec, outcome, sizes_tried)
    except AssertionError as failure:
        raise Disagreement(f"seed {seed}: {failure}\n{spec.yaml}") from failure
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return outcome


def _compare(spec: RandomSpec, outcome: Outcome, sizes_tried: int) -> None:
    oracle = TokenOracle(spec)
    values: dict[str, Tensor] | None = None
    reason = ""
    try:
        with torch.no_grad():
            values = oracle.run(oracle.input(spec.base), everything=True)
    except REFUSED as refusal:
        reason = str(refusal).partition("\n")[0]
    loaded, said = _load(spec)
    if loaded is None:
        assert values is None, f"torch runs at {spec.base}, and archspec says\n{said}"
        return
    assert values is not None, f"archspec accepts {spec.base}, and torch says {reason}"
    outcome.loads = True
    report = Report(loaded.graph, dict(spec.base))
    indices = step_values(loaded.graph).found
    for name in oracle.live - {"image"}:
        shape = report.shapes_at[loaded.graph.nodes[indices[name]].path]
        assert shape == tuple(values[name].shape[1:]), f"shape of {name}: {shape}"
    valid = _validity(spec, oracle, report, outcome, sizes_tried)
    _counts(spec, oracle, report)
    _memory(loaded, report)
    _values(spec, loaded, oracle)
    chance = random.Random(spec.seed)
    smallest = min(valid, key=lambda sizes: sum(sizes.values()))
    _fields(spec, loaded.graph, report, chance.choice((smallest, spec.base)), chance, outcome)


def _load(spec: RandomSpec) -> tuple[archspec.Spec | None, str]:
    """The spec as archspec loads it, or what it says against it."""
    try:
        return archspec.loads(spec.yaml), ""
    except archspec.SpecError as error:
        return None, str(error)


def _validity(spec: RandomSpec, oracle: Oracle, report: Report, outcome: Outcome, tried: int) -> list[dict[str, int]]:
    """The sizes that both accept; each axis is varied by itself."""
    solutions = report.valid_sizes
    valid = [dict(spec.base)]
    chance = random.Random(spec.seed)
    for name, base in spec.base.items():
        solution = solutions[name]
        edges = {solution.valid.least - 1, solution.valid.least, solution.valid.start - 1, solution.valid.start}
        candidates = sorted(edges | {*range(1, 9), base - 1, base + 1, *chance.sample(range(9, 2 * base + 9), base)})
        for size in [size for size in candidates if 1 <= size <= 4 * base][: tried + 4]:
            sizes = {**spec.base, name: size}
            runs = oracle.runs(sizes)
            accepted = solution.contains(size) and not coupled_failures(solutions, sizes)
            verdict = "runs" if runs else "does not"
            assert accepted == runs, f"{name} = {size}: torch {verdict}; valid is {solution.describe()}"
            outcome.sizes += 1
            if runs:
                outcome.valid += 1
                valid.append(sizes)
        nearest = [size for size in candidates if solution.contains(size)]
        for one, other in pairwise(nearest):
            assert solution.next(one) == one
            assert solution.next(one + 1) is not None
            assert (solution.next(one + 1) or 0) <= other
    return valid


def _counts(spec: RandomSpec, oracle: Oracle, report: Report) -> None:
    assert report.total.parameters == oracle.parameters(), (
        f"{oracle.parameters()} parameters, not {report.total.parameters}"
    )
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        oracle.run(oracle.input(spec.base))
    counted = counter.get_total_flops() // 2
    assert report.total.multiply_adds == counted, f"{counted} multiply-adds, not {report.total.multiply_adds}"


def _memory(loaded: archspec.Spec, report: Report) -> None:
    """The emitted module, which runs as the schedule says."""
    alive = inference(archspec.compile(loaded).eval(), inputs_of(loaded.graph, report.sizes, 2))
    said = report.memory(2).inference
    assert said == alive, f"{alive:,} bytes are alive at most, not {said:,}"


def _values(spec: RandomSpec, loaded: archspec.Spec, oracle: Oracle) -> None:
    """The emitted module gives what torch gives, with the same weights; in float64, which magnifies no rounding."""
    module = archspec.compile(loaded).eval().double()
    for tensors in oracle.weights.values():
        tensors.update({name: tensor.double() for name, tensor in tensors.items()})
    given = {
        f"{step}.{name}".rstrip("."): tensor
        for step, tensors in oracle.weights.items()
        for name, tensor in tensors.items()
    }
    missing, unexpected = module.load_state_dict(given, strict=False)
    buffers = {name for name, _ in module.named_buffers()}
    assert not unexpected, f"no weights called {unexpected}"
    assert set(missing) <= buffers, f"weights called {missing}"
    image = oracle.input(spec.base, 2).double()
    with torch.no_grad():
        wanted = oracle.run(image)[spec.steps[-1].name]
        other = oracle.beside(image)
        found = module(image) if other is None else module(image, other)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def _fields(
    spec: RandomSpec, graph: Graph, report: Report, sizes: Mapping[str, int], chance: random.Random, outcome: Outcome
) -> None:
    oracle = TokenOracle(spec, positive=True)
    of = spec.steps[-1].name
    indices = step_values(graph).found
    live = [step.name for step in spec.steps[:-1] if step.name in oracle.live]
    axes = graph.nodes[next(iter(graph.inputs.values()))].shape.axes
    earlier = [name for name in live if graph.nodes[indices[name]].shape.axes == axes]
    source = chance.choice(earlier) if earlier and chance.random() < 0.3 else "image"
    target, start = indices[of], indices[source]
    said = rows_read(graph, sizes, target, start)
    if not said:
        return
    measured = oracle.reads(sizes, of, source)
    beside = any(step.arguments.get("axis") in said for step in spec.steps if step.op == "concat")
    partial = (beside and len(said) > 1) or _empty_somewhere(graph, sizes, target, start)
    outcome.partial += partial
    for (axis, rows), found in zip(said.items(), measured, strict=True):
        assert len(rows) == len(found), f"{len(found)} rows along the {axis}, not {len(rows)}"
        for row, (one, other) in enumerate(zip(rows, found, strict=True)):
            fits = not other & ~one if partial else one == other
            what = f"row {row} of {of} along the {axis} of {source} at {sizes}"
            assert fits, f"{what}: gradients say {other:b}, archspec {one:b}"
            outcome.rows += 1
    _periodic(graph, sizes, target, start, outcome)


def _empty_somewhere(graph: Graph, sizes: Mapping[str, int], target: int, start: int) -> bool:
    """Whether some row of some step sees nothing: a path may then be empty along one axis and not along another.

    So may what lies beside another map along an axis; then as well each axis is only a bound from above.
    """
    states = Walk(graph, RowAlgebra(sizes, True), start).run(target)
    return any(0 in along.value for state in states.values() for along in state)


def _periodic(graph: Graph, sizes: Mapping[str, int], target: int, start: int, outcome: Outcome) -> None:
    """The periodic table on the interior rows against the row-by-row fields, both without global operations."""
    node = graph.nodes[target]
    field = table(graph, sizes, start)[node.path]
    rows = rows_read(graph, sizes, target, start, whole_image=False)
    for given in (None, sizes):
        for axis, interior in interior_rows(graph, start, target, given)[target].items():
            one = field.axes[axis]
            if one is None or interior is None or axis not in node.shape.axes:
                continue
            last = interior.last(Evaluation(dict(sizes)))
            size = len(rows[axis])
            assert last < size, f"interior rows {interior} of {size} along the {axis}"
            _same(one, rows[axis], range(interior.first, last + 1), axis)
            outcome.interior += max(0, last + 1 - interior.first)


def _same(field: AxisField, rows: tuple[int, ...], interior: range, axis: str) -> None:
    for row in interior:
        wanted = sum(1 << pixel for pixel in pixels(field.table.at(row)) if pixel >= 0)
        assert all(pixel >= 0 for pixel in pixels(field.table.at(row))), f"interior row {row} reads outside"
        assert rows[row] == wanted, f"row {row} along the {axis}: table says {wanted:b}, row by row {rows[row]:b}"
