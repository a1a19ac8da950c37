"""Ultralytics' networks: the published totals, and the modules themselves if they are installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import archspec
from tests.helpers.differences import note, relative
from tests.helpers.ultralytics_nets import saved, yolo11, yolov8

TOTALS: dict[str, dict[str, dict[str, int]]] = {
    "yolov8": {
        "": {"n": 3_157_200, "s": 11_166_560, "m": 25_902_640, "l": 43_691_520, "x": 68_229_648},
        "-obb": {"n": 3_228_867, "s": 11_452_739, "m": 26_463_235, "l": 44_540_355, "x": 69_555_651},
        "-seg": {"n": 3_409_968},
        "-pose": {"n": 3_295_470},
        "-cls": {"n": 2_719_288},
    },
    "yolo11": {
        "": {"n": 2_624_080, "s": 9_458_752, "m": 20_114_688, "l": 25_372_160, "x": 56_966_176},
        "-seg": {"n": 2_876_848, "s": 10_113_248, "m": 22_420_896, "l": 27_678_368, "x": 62_142_656},
        "-pose": {"n": 2_908_507, "s": 9_948_811, "m": 20_973_273, "l": 26_230_745, "x": 58_889_881},
        "-obb": {"n": 2_695_747, "s": 9_744_931, "m": 20_963_523, "l": 26_220_995, "x": 58_875_331},
        "-cls": {"n": 1_633_584, "s": 5_545_488, "m": 10_455_696, "l": 12_937_104, "x": 28_458_544},
    },
}
"""As published; a head's 16 fixed numbers among them, which make distances of bins and are no step."""

FAMILIES: dict[str, Callable[..., str]] = {"yolov8": yolov8, "yolo11": yolo11}

EACH = [
    pytest.param(family, kind, scale, marks=[] if scale == "n" else [pytest.mark.slow])
    for family, kinds in TOTALS.items()
    for kind, totals in kinds.items()
    for scale in totals
]


@pytest.mark.parametrize(("family", "kind", "scale"), EACH)
def test_the_published_totals(family: str, kind: str, scale: str, tmp_path: Path) -> None:
    totals = TOTALS[family][kind]
    spec = archspec.from_file(saved(FAMILIES[family](totals, kind), tmp_path, f"{family}{scale}{kind}.yaml"))
    assert archspec.check(spec).total.parameters == totals[scale] - 16 * (kind != "-cls")
    assert [each.code for each in spec.diagnostics] == ["version-chosen"]
    assert "8.4" in spec.diagnostics[0].message


MORE = {
    "-seg": ["p3_coefficients", "p4_coefficients", "p5_coefficients", "prototypes"],
    "-pose": ["p3_points", "p4_points", "p5_points"],
    "-obb": ["p3_angles", "p4_angles", "p5_angles"],
}


@pytest.mark.parametrize("kind", MORE)
def test_outputs_are_named_by_their_level_and_what_they_are(kind: str, tmp_path: Path) -> None:
    spec = archspec.from_file(saved(yolov8({"n": 0}, kind), tmp_path), version="8.4")
    assert [output.name for output in spec.graph.outputs] == ["p3", "p4", "p5", *MORE[kind]]


# -- Ultralytics itself -----------------------------------------------------------------------------------------------

MODELS = {"": "Detection", "-seg": "Segmentation", "-pose": "Pose", "-obb": "OBB", "-cls": "Classification"}
SIZES = ((64, 96), (128, 160))
WORDS = {"mask_coefficient": "coefficients", "proto": "prototypes", "angle": "angles", "kpts": "points"}


def joined(found: Any) -> dict[str, Tensor]:
    """Our outputs: maps side by side, as Ultralytics gives them."""
    if isinstance(found, Tensor):
        return {"": found}
    kinds: dict[str, list[Tensor]] = {}
    for name, values in found._asdict().items():
        kinds.setdefault(name.rpartition("_")[2] if "_" in name else name.rstrip("0123456789"), []).append(values)
    return {
        kind: maps[0] if kind == "prototypes" else torch.cat([one.flatten(2) for one in maps], 2)
        for kind, maps in kinds.items()
    }


def told(found: Any, kind: str) -> dict[str, Tensor]:
    """Ultralytics' outputs in training: a mapping in 8.4, lists before."""
    if kind == "-cls":
        return {"": found}
    if isinstance(found, dict):
        own = {WORDS[name]: values for name, values in found.items() if name in WORDS}
        return {"p": torch.cat([found["boxes"], found["scores"]], 1), **own}
    maps, *more = found if isinstance(found, tuple) else (found,)
    names = {"-seg": ["coefficients", "prototypes"], "-pose": ["points"], "-obb": ["angles"]}.get(kind, [])
    own = dict(zip(names, more, strict=True))
    return {"p": torch.cat([one.flatten(2) for one in maps], 2), **own}


PEERS = [(family, kind) for family, kinds in TOTALS.items() for kind in kinds]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("family", "kind"), PEERS)
def test_ultralytics_own_modules(
    family: str, kind: str, torchvision: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "YOLO_CONFIG_DIR", str(tmp_path))
    monkeypatch.setitem(os.environ, "YOLO_OFFLINE", "1")
    pytest.importorskip("ultralytics", reason="ultralytics is not installed: make engines")
    from ultralytics import __version__  # type: ignore[import-not-found]
    from ultralytics.nn import tasks  # type: ignore[import-not-found]

    path = saved(FAMILIES[family]({"n": 0}, kind), tmp_path, f"{family}n{kind}.yaml")
    theirs = getattr(tasks, f"{MODELS[kind]}Model")(str(path), verbose=False).eval()
    theirs.model[-1].training = True  # the head alone: it gives maps, not boxes
    made = archspec.compile(archspec.from_file(path, scale="n", version=__version__)).eval()
    state = theirs.state_dict()
    for values in state.values():
        if values.dim() == 1 and values.is_floating_point() and (values == 1).all():
            values.uniform_(0.5, 1.5)  # variances and weights of batch normalisation
    made.load_state_dict({key: value for key, value in state.items() if ".dfl." not in key}, strict=True)
    differences: dict[str, float] = {}
    for size in SIZES:
        image = torch.randn(1, 3, *size)
        with torch.inference_mode():
            found, wanted = joined(made(image)), told(theirs(image), kind)
        assert sorted(found) == sorted(wanted)
        for name, values in found.items():
            torch.testing.assert_close(values, wanted[name])
        differences["×".join(map(str, size))] = max(relative(found[name], wanted[name]) for name in found)
    note("Ultralytics", f"{family}n{kind}", f"Ultralytics {__version__}", differences)
