"""archspec beside torchinfo, torch.export and TorchLens: ``python benchmarks/analysis_peers.py [SPEC [ROUNDS]]``.

What each is asked for: shapes, parameters and multiply-adds of the whole network.  archspec starts from the spec's text
and adds valid sizes, receptive fields and cost as formulas; torchinfo and torch.export (dynamic height and width) start
from a module on the meta device, TorchLens from one on the CPU; making it is not counted.  One interleaved run:
each round measures all of them one after the other, and the ratio is of the best times.  Peers that are not installed
are left out (``pip install torchinfo torchlens safetensors``).
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import archspec

SIZE = 224


def ours(name: str) -> Callable[[], object]:
    """Everything archspec says of a spec, from its text on."""

    def run() -> object:
        report = archspec.check(archspec.load(name))
        return report.valid_sizes, report.receptive_fields, report.total, report.shapes_at

    return run


def peers(name: str) -> dict[str, Callable[[], object]]:
    """The others, over the emitted module."""
    import torch

    module = archspec.compile(archspec.load(name)).eval()
    with torch.device("meta"):
        meta = archspec.compile(archspec.load(name)).eval()
    found: dict[str, Callable[[], object]] = {}
    if importlib.util.find_spec("torchinfo"):
        import torchinfo

        def info() -> object:
            return torchinfo.summary(meta, input_size=(1, 3, SIZE, SIZE), device="meta", verbose=0)

        found["torchinfo (meta)"] = info

    def export() -> object:
        symbols: Any = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
        return torch.export.export(meta, (torch.empty(2, 3, SIZE, SIZE, device="meta"),), dynamic_shapes=(symbols,))

    found["torch.export"] = export
    if importlib.util.find_spec("torchlens"):
        import torchlens

        def lens() -> object:
            return torchlens.trace(module, torch.zeros(1, 3, SIZE, SIZE))

        found["TorchLens"] = lens
    return found


def process(spec: Path) -> Callable[[], object]:
    """The whole command, interpreter included."""
    command = [str(Path(sys.executable).parent / "archspec"), "check", str(spec)]
    return lambda: subprocess.run(command, check=True, capture_output=True)


def main(name: str = "densenet201", rounds: int = 5) -> None:
    """Print the best time of each, and how many times archspec's it is."""
    warnings.simplefilter("ignore")
    works = {"archspec": ours(name), **peers(name)}
    best = dict.fromkeys(works, float("inf"))
    failed: dict[str, str] = {}
    for _ in range(rounds):
        for peer, work in works.items():
            if peer in failed:
                continue
            start = perf_counter()
            try:
                work()
            except Exception as error:  # a peer that cannot do it is a result too
                failed[peer] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            best[peer] = min(best[peer], perf_counter() - start)
    print(f"{name}, best of {rounds} interleaved rounds")
    for peer, seconds in best.items():
        said = failed.get(peer) or f"{1e3 * seconds:9.1f} ms   ×{seconds / best['archspec']:.1f}"
        print(f"  {peer:<18} {said}")
    spec = Path(__file__).parent.parent / "specs" / "resnet152.yaml"
    whole = min(_seconds(process(spec)) for _ in range(rounds))
    bare = min(
        _seconds(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True)) for _ in range(rounds)
    )
    print(f"  archspec check specs/resnet152.yaml, whole process: {1e3 * whole:.0f} ms")
    print(f"  for comparison, `import torch` alone: {1e3 * bare:.0f} ms, ×{bare / whole:.1f}")


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
