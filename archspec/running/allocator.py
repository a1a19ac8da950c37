"""The memory that torch's allocator hands out for a network, measured on a device and compared with the analysis.

The measured value is larger where a backend needs workspace and where the allocator rounds up: the analysis counts
tensors only.  On CUDA the caching allocator keeps the statistics; on the CPU torch's profiler records each allocation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from archspec.analyses.report import Report
from archspec.diagnostics import SpecError
from archspec.records import record
from archspec.running import devices, room
from archspec.running.runtime import compiled
from archspec.sizes import Evaluation

if TYPE_CHECKING:
    from archspec.spec import Spec


SMALLER = "use a smaller batch, or a smaller data type"


@record
class Allocated:
    """The peak number of bytes allocated at once; weights are excluded, inputs included."""

    device: str
    inference: int
    training: int


def measure(
    spec: Spec, sizes: Mapping[str, int], batch: int = 1, dtype: str = "float32", device: str = "cpu"
) -> Allocated:
    """Run a network once in evaluation and once in training, forward and backward, on random images.

    Raises :class:`archspec.SpecError` if the device does not exist or has too little memory, and if torch refuses
    to run the network at these sizes and this batch.
    """
    place = devices.find(device)
    report = Report(spec.graph, {**spec.graph.sizes, **sizes})
    if refused := report.refused(training=False, batch=batch) or report.refused(training=True, batch=batch):
        raise SpecError(refused)
    needed = report.memory(batch, dtype).training_total
    if place.type == "cpu" and needed is not None:
        room.check_fits(needed, f"a batch of {batch}", SMALLER)
    kind: torch.dtype = getattr(torch, dtype)
    model = compiled(spec.graph).to(place, kind)
    evaluation = Evaluation(dict(sizes))
    shapes = [spec.graph.nodes[index].shape.dims for index in spec.graph.inputs.values()]

    def inputs() -> list[Tensor]:
        return [torch.randn(batch, *map(evaluation.of, dims), device=place, dtype=kind) for dims in shapes]

    def infer() -> None:
        with torch.no_grad():
            model(*inputs())

    def train() -> None:
        found = model(*inputs())
        outputs = [found] if isinstance(found, Tensor) else [output for output in found if output is not None]
        means = [output.float().mean() for output in outputs if output.requires_grad]
        if means:
            torch.stack(means).sum().backward()
        model.zero_grad(set_to_none=True)

    peak = _on_cuda if place.type == "cuda" else _on_cpu
    with room.refusals_told(f"{place} has too little memory for a batch of {batch}", SMALLER):
        model.eval()
        inference = peak(infer, place)
        model.train()
        return Allocated(str(place), inference, peak(train, place))


def _on_cuda(run: Callable[[], None], place: torch.device) -> int:
    run()  # libraries allocate their workspaces at the first call and keep them
    torch.cuda.synchronize(place)
    before = torch.cuda.memory_allocated(place)
    torch.cuda.reset_peak_memory_stats(place)
    run()
    torch.cuda.synchronize(place)
    return torch.cuda.max_memory_allocated(place) - before


def _on_cpu(run: Callable[[], None], place: torch.device) -> int:
    from torch.profiler import ProfilerActivity, profile

    run()
    with _quiet(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    found = profiler.profiler
    assert found is not None
    assert found.kineto_results is not None
    events: list[Any] = [event for event in found.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress what the profiler's library writes to the terminal."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
