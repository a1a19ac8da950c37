"""What an import takes beside ``torch.export`` with dynamic sizes: ``python benchmarks/importing.py [MODEL …]``.

Both are given the same module of torchvision without numbers, in turn; the least of a few runs counts.  Our own part is
what comes after the module has been run: from its calls to YAML.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from time import process_time

import torch
from torch import nn

from archspec import from_torch
from archspec.importers.torch_module.capture import capture, on_meta
from archspec.importers.torch_module.importing import ways
from archspec.importers.torch_module.sizing import runs
from archspec.running.sources import bring

RUNS = 3
USUAL = ("resnet50", "efficientnet_v2_s", "mobilenet_v2", "googlenet")


def exported(module: nn.Module, size: tuple[int, ...]) -> None:
    """torch.export of a module at any height and width."""
    image = torch.empty(2, *size, device="meta")
    sides = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.export(module, (image,), dynamic_shapes=(sides,))


def captured(module: nn.Module, size: tuple[int, ...]) -> None:
    """The runs of an import alone."""
    capture(module, [(2, *size)], False)
    next(iter(runs(module, size[0], size[1:])))


def timed(run: Callable[[], object]) -> float:
    """Processor time in seconds."""
    start = process_time()
    run()
    return process_time() - start


def main(names: list[str]) -> None:
    """One row for each model."""
    print(f"{'seconds':<20}{'export':>9}{'import':>9}{'share':>8}{'capture':>10}{'our part':>10}{'of capture':>12}")
    for name in names:
        with torch.device("meta"):
            brought = bring(f"torchvision:{name}")
        module, size = on_meta(brought.module), brought.size
        jobs: dict[str, Callable[[], object]] = {
            "import": lambda module=module, size=size: from_torch(module, size),
            "export": lambda module=module, size=size: exported(module.eval(), size),
            "capture": lambda module=module, size=size: captured(module, size),
            "text": lambda module=module, size=size: next(iter(ways(module, size)))(),
        }
        least = dict.fromkeys(jobs, float("inf"))
        for _ in range(RUNS):
            for job, run in jobs.items():
                least[job] = min(least[job], timed(run))
        own = least["text"] - least["capture"]
        share = least["import"] / least["export"]
        print(
            f"{name:<20}{least['export']:>9.2f}{least['import']:>9.2f}{share:>8.2f}"
            f"{least['capture']:>10.2f}{own:>10.2f}{own / least['capture']:>12.2f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:] or list(USUAL))
