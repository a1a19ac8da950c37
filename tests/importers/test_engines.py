"""Files of other tools against the engines that read them: what was kept of them, and they themselves if installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

import archspec
from tests.helpers import engines
from tests.helpers.differences import note, relative
from tests.helpers.foreign import weights_for

NETS = engines.paths()


def module(path: Path, folder: Path) -> nn.Module:
    """A file's network with the weights of its file."""
    spec, state = archspec.from_files(path, weights_for(path, folder))
    made = archspec.compile(spec)
    made.load_state_dict(dict(state), strict=True)
    return made.eval()


def outputs(made: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """By name what a network gives; a single output has none of its own."""
    with torch.inference_mode():
        found: Any = made(image)
    return {"output": found} if isinstance(found, Tensor) else found._asdict()


@pytest.mark.parametrize("path", NETS, ids=lambda path: path.name)
def test_what_the_engine_gave(path: Path, tmp_path: Path) -> None:
    kept = yaml.safe_load(path.with_suffix(f"{path.suffix}.yaml").read_text(encoding="utf-8"))
    made = module(path, tmp_path)
    for size in engines.SIZES[path.name]:
        found = outputs(made, engines.image(size))
        wanted = kept["outputs"][engines.key(size)]
        assert sorted(found) == sorted(wanted) or len(found) == len(wanted) == 1
        for name, values in found.items():
            kept_values = wanted[name] if len(wanted) > 1 else next(iter(wanted.values()))
            # Darknet's epsilon stands outside of the root in OpenCV
            torch.testing.assert_close(engines.some(values), kept_values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("path", NETS, ids=lambda path: path.name)
def test_the_engine_itself(path: Path, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless 4 is not installed: make engines")
    made = module(path, tmp_path)
    differences: dict[str, float] = {}
    for size in engines.SIZES[path.name]:
        answers = engines.answers(path, tmp_path / f"{path.stem}{_WEIGHTS[path.suffix]}", size)
        found = outputs(made, engines.image(size))
        assert len(found) == len(answers)
        for name, mine in found.items():
            theirs = answers[name] if name in answers else next(v for key, v in answers.items() if key not in found)
            wanted = torch.from_numpy(theirs)
            torch.testing.assert_close(mine.flatten(), wanted.flatten(), rtol=1e-3, atol=1e-4)
            at = "×".join(map(str, size[1:]))
            differences[at] = max(differences.get(at, 0.0), relative(mine, wanted))
    note("Caffe and Darknet", path.name, f"OpenCV {cv2.__version__}", differences)


_WEIGHTS = {".prototxt": ".caffemodel", ".cfg": ".weights"}
