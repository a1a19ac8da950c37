"""Every network of ``keras.applications`` with random weights, imported from its file and run beside Keras.

Each runs in a process of its own, since Keras takes one backend for each: ``python -m`` of this module runs all, or
those named, and notes the largest differences (:mod:`tests.helpers.differences`).
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import archspec
from tests.helpers.differences import note, relative
from tests.helpers.foreign import noise

NETWORKS = (
    "ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge",
    "DenseNet121", "DenseNet169", "DenseNet201",
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
    "EfficientNetB6", "EfficientNetB7",
    "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2S",
    "EfficientNetV2M", "EfficientNetV2L",
    "InceptionResNetV2", "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small",
    "NASNetLarge", "NASNetMobile",
    "ResNet50", "ResNet50V2", "ResNet101", "ResNet101V2", "ResNet152", "ResNet152V2", "VGG16", "VGG19", "Xception",
)  # fmt: skip
"""All of Keras 3.15's."""
ON_JAX = ("NASNetLarge", "NASNetMobile")
"""Those that do not run on Keras's torch backend."""
SECONDS = 1800


def backend(name: str) -> str:
    """The backend of Keras that a network is run on."""
    return "jax" if name in ON_JAX else "torch"


def sides(name: str) -> tuple[int, int]:
    """Two sizes of square images; a network whose classifier takes a map of one size is built anew for the second."""
    return (139, 203) if name in ("InceptionResNetV2", "InceptionV3", "Xception") else (96, 160)


def beside_keras(name: str) -> dict[str, Any]:
    """A network's largest differences, run in a process of its own; raises :class:`AssertionError` if it fails."""
    environment = os.environ | {"KERAS_BACKEND": backend(name), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "tests.helpers.keras_applications", "--here", name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def here(name: str) -> dict[str, Any]:
    """A network's largest differences, in this process."""
    keras = importlib.import_module("keras")
    found: dict[str, Any] = {"backend": keras.config.backend(), "version": keras.__version__, "differences": {}}
    made: Any = None
    for side in sides(name):
        keras.utils.clear_session()
        model = _weighted(_built(keras, name, side))
        if made is None or name.startswith("VGG"):
            made, found["parameters"] = _imported(model, found)
        wanted = _answer(model, side)
        with torch.inference_mode():
            found["differences"][f"{side}×{side}"] = relative(made(noise((1, 3, side, side), 7)), wanted)
    return found


def _built(keras: Any, name: str, side: int) -> Any:
    return getattr(keras.applications, name)(
        weights=None, input_shape=(side, side, 3), classes=11, classifier_activation=None
    )


def _weighted(model: Any) -> Any:
    """Weights by a formula that keep the outputs of a deep network of a size."""
    for at, weight in enumerate(model.weights):
        values = noise(tuple(weight.shape), at).numpy()
        if weight.name in ("gamma", "moving_variance", "variance"):
            weight.assign(0.5 + abs(values) / 2)
        elif len(weight.shape) > 1:
            depthwise = weight.name.startswith("depthwise")
            fan = values.size // (weight.shape[-2] * weight.shape[-1] if depthwise else weight.shape[-1])
            weight.assign(values * fan**-0.5)
        elif weight.name != "count":
            weight.assign(values / 10)
    return model


def _imported(model: Any, found: dict[str, Any]) -> tuple[Any, int]:
    """The spec of a model's file, compiled, with the file's weights."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.keras"
        model.save(path)
        spec, state = archspec.from_files(path, path)
    found["lines"] = len(spec.to_yaml().splitlines())
    made = archspec.compile(spec).eval()
    made.load_state_dict(dict(state), strict=True)
    return made, archspec.check(spec).total.parameters


def _answer(model: Any, side: int) -> torch.Tensor:
    image = noise((1, 3, side, side), 7).permute(0, 2, 3, 1)
    with torch.inference_mode():
        found = model(image.numpy(), training=False)
    keras = importlib.import_module("keras")
    return torch.from_numpy(keras.ops.convert_to_numpy(found).copy())


def main() -> None:
    """Run what is asked for."""
    if sys.argv[1:2] == ["--here"]:
        print(json.dumps(here(sys.argv[2])))
        return
    for name in sys.argv[1:] or NETWORKS:
        try:
            found = beside_keras(name)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            print(f"{name:20} failed: {str(error)[-400:]}", flush=True)
            continue
        note("Keras", name, f"Keras {found['version']} on {found['backend']}", found["differences"])
        print(f"{name:20} {found}", flush=True)


if __name__ == "__main__":
    main()
