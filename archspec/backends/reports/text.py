"""What `archspec check` says of a spec without errors: a few lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from archspec.analyses.refusals import author
from archspec.analyses.report import Report
from archspec.backends.reports.field import seen
from archspec.backends.reports.memory import megabytes
from archspec.graph import Graph
from archspec.ops import Shape
from archspec.sizes import Size, Solution, text

_LISTED = 3
"""Steps that are named as the cause of a bound."""


def report(report: Report, claims: Iterable[str] = ()) -> str:
    """The main facts; ``claims`` are the names under `expect` that were found to hold."""
    lines = [*_facts(report)]
    held = list(claims)
    if held:
        lines.append(("expect", f"{', '.join(held)}: as claimed"))
    width = max(len(name) for name, _ in lines)
    return "\n".join([f"{report.graph.name} is fine", *(f"  {name.ljust(width)}  {said}" for name, said in lines)])


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    graph = report.graph
    for name, index in graph.inputs.items():
        yield name, _shape(report, graph.nodes[index].path, graph.nodes[index].shape)
    for output in graph.outputs:
        node = graph.nodes[output.node]
        yield output.name, _shape(report, node.path, node.shape) + (", in training" if output.training else "")
    yield from _bounds(graph, "valid sizes", report.valid_sizes)
    if trained := training_sizes(report):
        yield from _bounds(graph, "in training", trained)
    whole = {name: found.describe() for name, found in report.whole_sizes.items()}
    if any(said != report.valid_sizes[name].describe() for name, said in whole.items()):
        yield "no row lost", ", ".join(whole.values())
    for note in report.size_notes:
        yield "note", str(note)
    total = report.total
    yield "parameters", f"{total.parameters:,}"
    if total.multiply_adds is not None:
        yield "multiply-adds", f"{total.multiply_adds:,}{_at(report)}"
    if report.shapes_at:
        yield "memory", _memory(report)
    several = len(report.sights) > 1
    for index, (name, sight) in enumerate(report.sights.items()):
        yield "" if index else "sees", (f"{name}: " if several else "") + seen(report, sight)


def training_sizes(report: Report) -> dict[str, Solution]:
    """The valid sizes in training of the symbols that have others there than in evaluation."""
    solutions = report.valid_sizes_training.items()
    return {name: found for name, found in solutions if found.valid != report.valid_sizes[name].valid}


def _bounds(graph: Graph, title: str, solutions: Mapping[str, Solution]) -> Iterator[tuple[str, str]]:
    """Valid sizes, those of one cause in one line."""
    bounds: dict[str, list[str]] = {}
    for solution in solutions.values():
        bounds.setdefault(_causes(graph, solution), []).append(solution.describe())
    for index, (causes, texts) in enumerate(bounds.items()):
        yield "" if index else title, ", ".join(texts) + causes


def _memory(report: Report) -> str:
    """Weights, and the peaks of what torch runs on one image at the sizes."""
    memory = report.memory()
    peaks = {"inference": memory.inference, "training": memory.training}
    there = [f"{megabytes(peak)} in {name}" for name, peak in peaks.items() if peak is not None]
    said = [f"{megabytes(memory.parameters + memory.buffers)} of weights"]
    said += [f"peak {', '.join(there)}, a batch of 1 in float32"] if there else []
    said += [report.refused(name == "training")[0].message for name, peak in peaks.items() if peak is None]
    return "; ".join(said)


def _shape(report: Report, path: str, shape: Shape) -> str:
    formula = " × ".join(text(dim) for dim in shape.dims)
    numbers = report.shapes_at.get(path)
    if numbers is None or not any(isinstance(dim, Size) for dim in shape.dims):
        return formula
    return f"{formula}, here {' × '.join(map(str, numbers))}"


def _at(report: Report) -> str:
    return f" at {', '.join(f'{name} = {size}' for name, size in report.sizes.items())}" if report.sizes else ""


def _causes(graph: Graph, solution: Solution) -> str:
    """The steps that impose a bound."""
    nodes = {node.path: node for node in (author(graph, part.condition) for part in solution.imposed)}
    named = [f"`{path}` ({node.span})" for path, node in list(nodes.items())[:_LISTED]]
    if len(nodes) > _LISTED:
        named.append(f"{len(nodes) - _LISTED} more")
    return f"; for {' and '.join(named)}" if named else ""
