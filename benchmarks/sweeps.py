"""10,000 variants measured, and one of them beside torchinfo: ``python benchmarks/sweeps.py [JOBS]``.

Spaces: widths and resolutions of MobileNet v1, its two multipliers; depths, block and resolutions of ResNet; and 1,000
variants of each that differ in parameters alone, so that none shares its graph with another.  A row has parameters,
multiply-adds, memory of inference and training at a batch of 32, receptive field and valid sizes.  Processor time is
that of all processes.  torchinfo is asked for parameters and multiply-adds of modules on the meta device, which it has
to make first, of the same variants; both take turns, and the ratio is of the medians of one variant.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import torch
import torchinfo

import archspec
from archspec.sweeping.measuring import Measurer, sizes_of
from archspec.sweeping.space import Space, read_space
from archspec.sweeping.sweep import sweep

SPACES = {
    "MobileNet v1, 100 widths at 100 sizes": f"""
spec: mobilenet_v1
space: {{width: {[round(0.25 + 0.0125 * step, 4) for step in range(100)]}}}
sizes: {[32 + 4 * step for step in range(100)]}
batch: 32
""",
    "ResNet, 250 shapes at 40 sizes": f"""
spec: resnet
space:
  block: [residual_basic, residual_bottleneck]
  depths: {[[a, b, c, d] for a in range(1, 6) for b in range(1, 6) for c in range(1, 6) for d in (2,)]}
sizes: {[64 + 8 * step for step in range(40)]}
batch: 32
""",
    "MobileNet v1, 1,000 graphs at one size": f"""
spec: mobilenet_v1
space: {{width: {[round(0.25 + 0.0125 * step, 4) for step in range(100)]}, classes: {list(range(10, 110, 10))}}}
batch: 32
""",
    "ResNet, 1,000 graphs at one size": f"""
spec: resnet
space: {{depths: {[[a, b, c, d] for a in range(1, 6) for b in range(1, 6) for c in range(1, 6) for d in range(1, 9)]}}}
batch: 32
""",
}

COMPARED = 20
"""Variants that torchinfo is asked for."""


def used() -> float:
    """Processor time of this process and of those that have ended, in seconds."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(each.ru_utime + each.ru_stime for each in both)


def whole(title: str, space: Space, jobs: int) -> None:
    """Measure all variants."""
    with tempfile.TemporaryDirectory() as folder:
        before, start = used(), perf_counter()
        rows = sweep(space, Path(folder), jobs=jobs)
        took, seconds = used() - before, perf_counter() - start
    wrong = sum(row.reason is not None for row in rows)
    print(f"{title}: {len(rows):,} variants, {wrong} of them no networks")
    print(f"  {took:.1f} s of processor, {seconds:.1f} s with {jobs} processes, {1000 * took / len(rows):.1f} ms each")


def beside(title: str, space: Space) -> None:
    """The same variants by both, in turns."""
    ours: list[float] = []
    theirs: list[float] = []
    measurer = Measurer(space)
    measurer.rows(0)
    for turn in range(COMPARED):
        point = turn * space.points // COMPARED
        start = process_time()
        rows = measurer.rows(point)
        ours.append((process_time() - start) / len(rows))
        spec = archspec.load(space.spec, **space.point(point))
        sizes = sizes_of(space.sizes[turn] if space.sizes else "", spec.symbols, spec.graph.sizes)
        assert not isinstance(sizes, str)
        program: dict[str, object] = {}
        exec(archspec.source(spec), program)  # our own text, as a module a user would have
        kind = program[archspec.compile(spec).__class__.__name__]
        assert isinstance(kind, type)
        start = process_time()
        with torch.device("meta"):
            module = kind().eval()
        found = torchinfo.summary(module, input_size=(1, 3, *sizes.values()), device="meta", verbose=0)
        theirs.append(process_time() - start)
        row = next(each for each in rows if each.sizes == sizes)
        assert found.total_params == row.parameters
    one, other = 1000 * median(ours), 1000 * median(theirs)
    print(f"{title}: archspec {one:.2f} ms, torchinfo {other:.1f} ms of processor: {other / one:.0f} times")


def main(jobs: int = 2) -> None:
    """Run all of it."""
    torch.set_num_threads(1)
    for title, text in SPACES.items():
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            space = read_space(Path(file.name))
        whole(title, space, jobs)
        beside(title, space)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
