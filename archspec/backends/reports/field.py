"""What `archspec rf` says: the receptive field of a step with respect to an earlier one, in words or as data."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from typing import Any

from archspec.analyses.interior import Interior, interior_rows
from archspec.analyses.receptive_field import AxisField, ReceptiveField, walked
from archspec.analyses.report import Report
from archspec.analyses.sight import Sight, Varied, varied
from archspec.analyses.step_names import values
from archspec.diagnostics import Diagnostic, SpecError
from archspec.sizes import Evaluation

PHASES_SHOWN = 8
PIXELS_SHOWN = 16


def find(report: Report, name: str) -> int:
    """The step of a name: a path, label, block or output; raises :class:`SpecError`."""
    names = values(report.graph)
    if name not in names.found:
        message, hint = names.complaint(name)
        raise SpecError([Diagnostic("unknown-name", message, hint=hint)])
    return names.found[name]


def default_steps(report: Report) -> dict[str, int]:
    """The map that each output speaks of: by the output's name, the index of a step.  Raises :class:`SpecError`."""
    if not report.sights:
        raise SpecError([Diagnostic("no-field", "no output depends on rows and columns of the first input")])
    return {name: report.graph.node(sight.step).index for name, sight in report.sights.items()}


def seen(report: Report, sight: Sight) -> str:
    """What an output sees, in a line: ``435 × 435 pixels, then the whole input at once``."""
    graph = report.graph
    source = graph.nodes[next(iter(graph.inputs.values()))].shape
    said = f"{' × '.join(_size(along) for along in sight.axes.values())} {_unit(len(sight.axes), 2)}"
    varied = [along for along in sight.axes.values() if isinstance(along, Varied)]
    for why in dict.fromkeys(f"`{along.step}`: {along.reason}" for along in varied):
        said += f", then as many as the row decides ({why})"
    if sight.whole_axes:
        return f"{said}, then the whole input at once"
    larger = any(
        isinstance(along, AxisField) and isinstance(dim, int) and along.size > dim
        for along, dim in zip(sight.axes.values(), source.spatial, strict=True)
    )
    if larger:
        return f"{said}, more than the {' × '.join(map(str, source.spatial))} there are"
    return said if varied else f"{said} of the input"


def _size(along: AxisField | Varied) -> str:
    if isinstance(along, AxisField):
        return f"{along.size:,}"
    if along.before is not None:
        return f"{along.before:,}"
    return "?" if along.bounds is None else f"{along.bounds.least:,} to {along.bounds.most:,}"


def _unit(rank: int, count: int) -> str:
    """What a field is counted in: the samples of a signal, the pixels of an image, the voxels of a volume."""
    return {1: "sample", 2: "pixel"}.get(rank, "voxel") + ("" if count == 1 else "s")


def text(report: Report, of: int, wrt: int) -> str:
    """The field in words."""
    graph = report.graph
    field = _field(report, of, wrt)
    lines = [f"`{graph.nodes[of].path}` sees of `{graph.nodes[wrt].path}`"]
    interior = interior_rows(graph, wrt, of).get(of, {})
    said: dict[tuple[str, ...], list[str]] = {}
    for axis, along in field.axes.items():
        shown = (
            _varied(report, varied(graph, report.sizes, walked(graph, report.sizes, wrt), of, axis))
            if along is None
            else _axis(report, along, interior.get(axis), len(field.axes))
        )
        said.setdefault(tuple(shown), []).append(axis)
    for words, axes in said.items():
        lines.append(f"  {' and '.join(axes)}: {words[0]}")
        lines += [f"    {line}" for line in words[1:]]
    if field.whole:
        which = "" if field.whole_axes == set(field.axes) else f" ({', '.join(sorted(field.whole_axes))})"
        lines.append(f"  whole input: a global operation lies between, so every output depends on all of it{which};")
        lines.append("    the sizes above are those of the convolution-like layers, as papers count")
    lines += [f"  not aligned: {one}" for one in report.misalignments if of in _after(report, one.path)]
    for name, sizes in report.aligned_sizes.items():
        if sizes is not None and str(sizes) != f"every {name}":
            lines.append(f"  the paths of all merges are aligned for {sizes}")
    return "\n".join(lines)


def to_json(report: Report, of: int, wrt: int) -> dict[str, Any]:
    """The field as data; fractions as text where they are not whole."""
    graph = report.graph
    field = _field(report, of, wrt)
    interior = interior_rows(graph, wrt, of).get(of, {})
    return {
        "of": graph.nodes[of].path,
        "wrt": graph.nodes[wrt].path,
        "whole_axes": sorted(field.whole_axes),
        "axes": {
            axis: _varied_json(varied(graph, report.sizes, walked(graph, report.sizes, wrt), of, axis))
            if along is None
            else _axis_json(report, along, interior.get(axis))
            for axis, along in field.axes.items()
        },
        "misalignments": [str(one) for one in report.misalignments],
        "aligned_sizes": {name: None if found is None else str(found) for name, found in report.aligned_sizes.items()},
    }


def _field(report: Report, of: int, wrt: int) -> ReceptiveField:
    graph = report.graph
    found = report.fields(wrt).get(graph.nodes[of].path)
    if found is None or not found.axes:
        reason = "does not depend on" if found is None else "has no rows and columns to see of"
        message = f"`{graph.nodes[of].path}` {reason} `{graph.nodes[wrt].path}`"
        raise SpecError([Diagnostic("no-field", message, graph.nodes[of].span)])
    return found


def _after(report: Report, path: str) -> range:
    return range(report.graph.node(path).index, len(report.graph.nodes))


def _varied(report: Report, found: Varied) -> Iterator[str]:
    yield f"no one size for every row: `{found.step}`: {found.reason}"
    if found.before is not None:
        yield f"before it {found.before}"
    if found.bounds is not None:
        least, most = found.bounds.least, found.bounds.most
        at = ", ".join(f"{name} = {size}" for name, size in report.sizes.items())
        where = f"at {at}, " if at else ""
        rows = f"{least} (row {found.bounds.least_row}) to {most} (row {found.bounds.most_row})"
        rows = f"{least} in every row" if least == most else rows
        yield f"{where}cut off at the borders: {rows}"


def _axis(report: Report, along: AxisField, interior: Interior | None, rank: int) -> Iterator[str]:
    place = f"centre of row 0 at {_shown(along.offset)}, padding {along.padding}"
    yield f"{along.size} {_unit(rank, along.size)}, stride {_shown(along.stride)}, {place}"
    if along.period > 1:
        yield from _phases(along)
    if along.holes:
        widest = max((phase for phase in along.phases if phase is not None), key=lambda phase: phase.holes)
        read = widest.size - widest.holes
        more = ""
        if read <= PIXELS_SHOWN:
            more = f": {', '.join(str(pixel - widest.first) for pixel in widest.pixels)} from its first"
        yield f"gridding: reads {read} of the {widest.size} {_unit(rank, widest.size)}{more}"
    if interior is not None:
        yield from _interior(report, interior)


def _interior(report: Report, interior: Interior) -> Iterator[str]:
    """The rows that no border cuts off: for every size, and at the given ones."""
    fixed = all(isinstance(dim, int) for dim in interior.lasts)
    if not fixed:
        least = interior.least_size()
        yield f"interior rows {interior}" + ("" if least is None else f"; there is one from an input of {least} on")
    try:
        last = interior.last(Evaluation(report.sizes))
    except ValueError:
        return
    here = "" if fixed else "here: "
    if last < interior.first:
        yield f"{here}no interior rows; every row is cut off at a border"
    elif str(interior) != f"{interior.first} … {last}" or fixed:
        yield f"{here}interior rows {interior.first} … {last}"


def _phases(along: AxisField) -> Iterator[str]:
    """Sizes by output row: ``rows 0–3 of every 16: 188``."""
    sizes = [0 if phase is None else phase.size for phase in along.phases]
    runs = [(size, [row for row, _ in group]) for size, group in groupby(enumerate(sizes), key=lambda pair: pair[1])]
    if len(runs) == 1:
        yield f"the same size for each of {along.period} kinds of rows, at different offsets"
        return
    parts = []
    for size, rows in runs[:PHASES_SHOWN]:
        which = f"{rows[0]}" if len(rows) == 1 else f"{rows[0]}–{rows[-1]}"
        parts.append(f"{which}: {size or 'nothing'}")
    more = f" … {len(runs) - PHASES_SHOWN} more" if len(runs) > PHASES_SHOWN else ""
    yield f"by row, of every {along.period}: {', '.join(parts)}{more}"


def _axis_json(report: Report, along: AxisField, interior: Interior | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "size": along.size,
        "stride": _number(along.stride),
        "offset": _number(along.offset),
        "padding": along.padding,
        "period": along.period,
        "phases": [
            None if phase is None else {"first": phase.first, "last": phase.last, "holes": phase.holes}
            for phase in along.phases
        ],
    }
    if interior is not None:
        found["interior"] = {"first": interior.first, "last": str(interior), "least_size": interior.least_size()}
    return found


def _varied_json(found: Varied) -> dict[str, Any]:
    bounds = found.bounds
    return {
        "size": None,
        "step": found.step,
        "reason": found.reason,
        "before": found.before,
        "rows": None
        if bounds is None
        else {
            "least": bounds.least,
            "least_row": bounds.least_row,
            "most": bounds.most,
            "most_row": bounds.most_row,
        },
    }


def sight_json(report: Report, sight: Sight) -> dict[str, Any]:
    """What an output sees, as data."""
    return {
        "of": sight.step,
        "whole_axes": sorted(sight.whole_axes),
        "axes": {
            axis: _varied_json(along) if isinstance(along, Varied) else _axis_json(report, along, None)
            for axis, along in sight.axes.items()
        },
    }


def _number(value: Fraction) -> int | str:
    return value.numerator if value.denominator == 1 else str(value)


def _shown(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"
