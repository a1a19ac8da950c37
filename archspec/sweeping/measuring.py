"""One point of a space measured: the spec elaborated once, its numbers at each input size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archspec.analyses.memory import memory
from archspec.analyses.refusals import explain, explain_coupled
from archspec.analyses.replay import Replay
from archspec.analyses.report import Report
from archspec.analyses.shapes import coupled_failures, refusals
from archspec.analyses.sight import Sight, Varied
from archspec.diagnostics import Diagnostic, SpecError
from archspec.elaborate.shelf import Shelf
from archspec.graph import Graph, uncollected
from archspec.loading import opened
from archspec.sizes import Evaluation, Solution
from archspec.sweeping.rows import Row
from archspec.sweeping.space import Space


class Measurer:
    """Measures points; what was read and made for one is kept for the next."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self._shelf = Shelf()

    @uncollected()
    def rows(self, point: int) -> list[Row]:
        """The rows of a point, one for each input size."""
        values = self.space.point(point)
        wanted = self.space.sizes or ("",)
        first = point * len(wanted)
        try:
            spec = opened(self.space.spec, values, shelf=self._shelf)
        except SpecError as error:
            return [Row(first + at, values, {}, _reason(error.diagnostics)) for at, _ in enumerate(wanted)]
        sized = [sizes_of(text, spec.symbols, spec.graph.sizes) for text in wanted]
        rows = list(self._measured(spec.graph, first, values, sized))
        spec.graph.part()
        return rows

    def _measured(
        self, graph: Graph, first: int, values: Mapping[str, object], sized: Sequence[Mapping[str, int] | str]
    ) -> Iterator[Row]:
        """The row of a network at each of the sizes."""
        report = Report(graph, dict(graph.sizes))
        solutions = report.valid_sizes
        valid = ", ".join(solution.describe() for solution in solutions.values())
        replay = Replay(graph, self.space.batch, self.space.dtype) if len(sized) > 1 else None
        fields = _Fields(graph)
        for number, sizes in enumerate(sized, first):
            if isinstance(sizes, str):
                yield Row(number, values, {}, sizes, valid_sizes=valid)
                continue
            reason = _refused(graph, solutions, sizes)
            if reason is not None:
                yield Row(number, values, sizes, reason, valid_sizes=valid)
                continue
            found = replay.at(sizes) if replay is not None else memory(graph, sizes, self.space.batch, self.space.dtype)
            yield Row(
                number,
                values,
                sizes,
                None,
                report.parameters,
                report.total.formula.at(Evaluation(dict(sizes))),
                found.parameters + found.buffers,
                found.inference_total,
                found.training_total,
                fields.at(sizes),
                valid,
            )


class _Fields:
    """The receptive field of the last map, at several sizes."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._known: list[int | None] | None = None

    def at(self, sizes: Mapping[str, int]) -> int | None:
        """Pixels along the shortest axis at given sizes; None without one."""
        if self._known is not None:
            return self._known[0]
        seen = next(iter(Report(self.graph, dict(sizes)).sights.values()), None)
        if seen is None or not any(isinstance(axis, Varied) for axis in seen.axes.values()):
            self._known = [_least(seen)]  # then it is the same at all sizes
        return _least(seen)


def _least(seen: Sight | None) -> int | None:
    if seen is None:
        return None
    found = []
    for axis in seen.axes.values():
        size = (axis.bounds.most if axis.bounds else None) if isinstance(axis, Varied) else axis.size
        found += [] if size is None else [size]
    return min(found, default=None)


def sizes_of(text: str, symbols: Sequence[str], own: Mapping[str, int]) -> dict[str, int] | str:
    """Sizes by symbol from ``160`` or ``160x192``, the spec's own for an empty text; a reason where they do not fit."""
    numbers = [int(part) for part in text.split("x")] if text else []
    if len(numbers) > 1 and len(numbers) != len(symbols):
        return f"{text} has {len(numbers)} sizes, but the network's sizes are {', '.join(symbols) or 'fixed'}"
    given = dict(zip(symbols, numbers * len(symbols) if len(numbers) == 1 else numbers, strict=False))
    found = {**own, **given}
    missing = [name for name in symbols if name not in found]
    return f"there is no number for {', '.join(missing)}" if missing else found


def _refused(graph: Graph, solutions: Mapping[str, Solution], sizes: Mapping[str, int]) -> str | None:
    """Why a network does not run at given sizes; None if it runs."""
    said = [explain(graph, each, solutions[each.symbol]) for each in refusals(solutions, sizes)]
    said += [explain_coupled(graph, condition) for condition in coupled_failures(solutions, sizes)]
    return _reason(said) if said else None


def _reason(diagnostics: Sequence[Diagnostic]) -> str:
    """The first error in one line, with its place."""
    first = next(each for each in diagnostics if each.severity == "error")
    return f"{first.span}: {first.message}" if first.span is not None and first.span.source.lines else first.message
