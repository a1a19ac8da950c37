"""What OpenCV makes of the small networks in ``tests/importers``, kept beside them by ``python -m`` of this module.

OpenCV 4 reads Caffe and Darknet, 5 neither.  It is no part of the tests' own packages: ``make engines`` installs it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.helpers.foreign import noise, weights_for

NETS = Path(__file__).parent.parent / "importers"
SIZES = {
    "mixed.prototxt": ((3, 33, 30), (3, 46, 51)),
    "old.prototxt": ((2, 14, 17),),
    "mixed.cfg": ((3, 32, 40), (3, 65, 54)),
    "pools.cfg": ((2, 21, 20), (2, 34, 15)),
}
"""Channels and sizes of the images that each network is shown; one size where it takes no other."""

SHOWN = 24
"""Numbers of each output that are kept."""


def paths() -> list[Path]:
    """The small networks."""
    return [path for path in sorted(NETS.glob("*/nets/*")) if path.name in SIZES]


def key(size: tuple[int, ...]) -> str:
    """``3x33x30``."""
    return "x".join(map(str, size))


def image(size: tuple[int, ...]) -> Any:
    """One image of noise, the same everywhere."""
    return noise((1, *size), 7)


def some(values: Any) -> list[float]:
    """Some numbers of an output, from all of it."""
    flat = values.reshape(-1)
    return [float(value) for value in flat[:: max(1, len(flat) // SHOWN)]]


def answers(path: Path, weights: Path, size: tuple[int, ...]) -> dict[str, Any]:
    """OpenCV's outputs by name: what no layer reads, and for Darknet's heads what they read."""
    cv2 = importlib.import_module("cv2")
    caffe = path.suffix == ".prototxt"
    net = cv2.dnn.readNetFromCaffe(str(path), str(weights)) if caffe else cv2.dnn.readNetFromDarknet(
        str(path), str(weights)
    )  # fmt: skip
    net.setInput(image(size).numpy())
    heads = [name for name in net.getUnconnectedOutLayersNames() if name.startswith(("yolo", "region", "detection"))]
    names = {name: name for name in net.getUnconnectedOutLayersNames() if name not in heads}
    for head in heads:
        word, _, number = head.rpartition("_")
        names[f"{word}{number}"] = f"conv_{int(number) - 1}"
    found = net.forward(list(names.values()))
    return dict(zip(names, found, strict=True))


def main() -> None:
    """Write what OpenCV gives."""
    version = importlib.import_module("cv2").__version__
    for path in paths():
        outputs: dict[str, Any] = {}
        with TemporaryDirectory() as folder:
            weights = weights_for(path, Path(folder))
            for size in SIZES[path.name]:
                found = answers(path, weights, size)
                outputs[key(size)] = {
                    name if path.suffix == ".prototxt" or "_" not in name else "output": [
                        float(f"{value:.7g}") for value in some(values)
                    ]
                    for name, values in found.items()
                }
        kept = {"engine": f"opencv {version}", "outputs": outputs}
        text = yaml.safe_dump(kept, default_flow_style=None, width=118, sort_keys=False)
        path.with_suffix(f"{path.suffix}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
