"""What `archspec memory` says: weights, activations and peaks, what is alive at them, in words or as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from archspec.analyses.memory import Peak
from archspec.analyses.report import Report
from archspec.diagnostics import Diagnostic, SpecError

HELD_SHOWN = 6


def to_json(report: Report, batch: int = 1, dtype: str = "float32") -> dict[str, Any]:
    """Bytes at the report's sizes, and the peaks as formulas; nulls, and why, for a run that torch refuses."""
    found = asdict(report.memory(batch, dtype)) | {"batch": batch, "dtype": dtype}
    for name, peak, refused in _peaks(report, batch, dtype):
        found[f"{name}_refused"] = refused
        found[f"{name}_formula"] = None if peak is None else str(peak.formula)
        found[f"{name}_held"] = [
            {"what": one.what.replace("`", ""), "bytes": one.bytes, "formula": str(one.formula)}
            for one in (peak.held if peak is not None else ())
        ]
    return found


def text(report: Report, batch: int, dtype: str) -> str:
    """The same for people."""
    return "\n".join(_lines(report, batch, dtype))


def need_sizes(report: Report) -> None:
    """Raises :class:`SpecError` where a symbol has no number."""
    if not report.shapes_at:
        hint = "give `sizes` in the spec, or --size H=224 --size W=224"
        raise SpecError([Diagnostic("no-size", "memory is counted at a size, and the spec gives none", hint=hint)])


def _lines(report: Report, batch: int, dtype: str) -> Iterator[str]:
    memory = report.memory(batch, dtype)
    sizes = "".join(f", {name} = {size}" for name, size in report.sizes.items())
    yield f"{report.graph.name}: a batch of {batch} in {dtype}{sizes}"
    yield f"  parameters   {megabytes(memory.parameters)}"
    if memory.buffers:
        yield f"  buffers      {megabytes(memory.buffers)}"
    yield f"  activations  {megabytes(memory.activations)} in all, if nothing were let go"
    for name, peak, refused in _peaks(report, batch, dtype):
        if peak is None:
            yield f"  {name:<11}  cannot be: {refused}"
        else:
            yield f"  {name:<11}  {megabytes(peak.bytes)} peak, weights excluded, at `{peak.step}`:"
            yield from _peak(peak)


def _peaks(report: Report, batch: int, dtype: str) -> Iterator[tuple[str, Peak | None, str | None]]:
    """Inference and training, each with its peak, or with why it cannot be."""
    for training, peak in enumerate(report.memory_peaks(batch, dtype)):
        refused = None if peak is not None else report.refused(bool(training), batch)[0].message
        yield ("training" if training else "inference"), peak, refused


def _peak(peak: Peak) -> Iterator[str]:
    yield f"    {peak.formula} bytes"
    for one in peak.held[:HELD_SHOWN]:
        yield f"    {megabytes(one.bytes):>10}  {one.what}"
    rest = peak.held[HELD_SHOWN:]
    if rest:
        yield f"    {megabytes(sum(one.bytes for one in rest)):>10}  {len(rest)} more"


def megabytes(size: int) -> str:
    """``12.3 MB``, a megabyte being a million bytes."""
    return f"{size / 1e6:,.1f} MB"
