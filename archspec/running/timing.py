"""How long a network takes: torch's own timer, after a warm-up, the median of many runs.

``torch.utils.benchmark`` waits for the device, and repeats until a time has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import quantiles

import torch
from torch.utils.benchmark import Timer

from archspec.analyses.report import Report
from archspec.diagnostics import SpecError
from archspec.records import record
from archspec.running import room
from archspec.running.runtime import compiled
from archspec.sizes import Evaluation
from archspec.spec import Spec

WARM_UP = 3
"""Runs before the first that counts: caches fill, libraries choose their kernels."""


@record
class Timing:
    """How long one batch takes, in seconds."""

    batch: int
    median: float
    lower: float
    """The lower quartile."""
    upper: float
    """The upper quartile."""
    runs: int
    images_per_second: float
    multiply_adds_per_second: float


def measure(
    spec: Spec,
    sizes: Mapping[str, int],
    batch: int,
    device: torch.device,
    dtype: str = "float32",
    seconds: float = 2.0,
    threads: int | None = None,
) -> Timing:
    """Time a spec's network in evaluation, with random weights, on a batch of noise.

    It runs at least three times, and again until ``seconds`` have passed.  Raises :class:`SpecError` if the network
    does not run at the sizes, or if the memory is too small.
    """
    report = Report(spec.graph, {**spec.graph.sizes, **sizes})
    if refused := report.refused():
        raise SpecError(refused)
    kind = getattr(torch, dtype)
    evaluation = Evaluation(report.sizes)
    shapes = [spec.graph.nodes[index].shape for index in spec.graph.inputs.values()]
    needed = report.memory(batch, dtype).inference_total
    smaller = "use a smaller `--batch`, or smaller sizes"
    if device.type == "cpu" and needed is not None:
        room.check_fits(needed, f"a batch of {batch}", smaller)
    with torch.inference_mode(), room.refusals_told(f"{device} has too little memory for a batch of {batch}", smaller):
        model = compiled(spec.graph).eval().to(device, kind)
        inputs = [torch.rand(batch, *map(evaluation.of, shape.dims)).to(device, kind) for shape in shapes]
        timer = Timer(
            "model(*inputs)",
            globals={"model": model, "inputs": inputs},
            num_threads=threads or torch.get_num_threads(),
        )
        timer.timeit(WARM_UP)
        times = timer.blocked_autorange(min_run_time=seconds).times
        while len(times) < 3:
            times = [*times, *timer.blocked_autorange(min_run_time=seconds).times]
    lower, median, upper = quantiles(times, n=4, method="inclusive")
    macs = report.total.multiply_adds or 0
    return Timing(batch, median, lower, upper, len(times), batch / median, batch * macs / median)
