"""Small networks that Keras wrote, kept in ``tests/importers/keras/nets`` with what Keras makes of an image.

Keras is no part of the tests' own packages: ``make engines`` installs it, and ``python -m`` of this module writes the
files anew.
"""

from __future__ import annotations

import importlib
import os
import zipfile
from pathlib import Path
from typing import Any

import torch
import yaml

from tests.helpers.engines import some
from tests.helpers.foreign import noise

NETS = Path(__file__).parent.parent / "importers" / "keras" / "nets"
SIZES = ((21, 18), (34, 27))


def keras() -> Any:
    """Keras on its torch backend."""
    os.environ["KERAS_BACKEND"] = "torch"
    return importlib.import_module("keras")


def mixed(keras: Any) -> Any:
    """Maps of any size: every way of padding, merges, a model within, operations between tensors."""
    layers = keras.layers
    image = keras.Input((None, None, 3), name="image")
    x = layers.Rescaling([0.5, 0.25, 2.0], offset=-0.5, name="rescaling")(image)
    x = layers.Conv2D(6, 3, strides=2, padding="same", name="stem_conv")(x)
    x = layers.BatchNormalization(scale=False, epsilon=0.01, momentum=0.9, name="stem_bn")(x)
    x = layers.Activation("swish", name="stem_act")(x)
    for at in (1, 2):
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, depth_multiplier=2, name=f"block_{at}_dw")(x)
        y = layers.LayerNormalization(name=f"block_{at}_norm")(y)
        y = layers.Conv2D(6, 1, activation="relu", name=f"block_{at}_project")(y)
        x = layers.Add(name=f"block_{at}_add")([x, y])
    inner = keras.Sequential(
        [keras.Input((None, None, 6)), layers.SeparableConv2D(5, 3, name="sep"), layers.PReLU(shared_axes=[1, 2])],
        name="inner",
    )
    inner.build((None, None, None, 6))
    a = layers.ZeroPadding2D(((0, 1), (2, 0)), name="pad")(x)
    a = inner(a)
    b = layers.MaxPooling2D(3, strides=1, padding="same", name="pool")(x)
    b = layers.Cropping2D(((1, 0), (0, 0)), name="crop")(b)
    b = layers.Dense(4, name="matrix")(b)
    x = layers.Concatenate(name="join")([a, b])
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="gate_pool")(x)
    gate = layers.ReLU(6.0)(layers.Conv2D(9, 1, name="gate_conv")(gate) + 3.0) * (1 / 6)
    x = layers.Multiply(name="gated")([x, gate])
    x = layers.AveragePooling2D(2, name="mean")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="up")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="larger")(x)
    return keras.Model(image, x, name="mixed")


def flat(keras: Any) -> Any:
    """A vector of a map, so that a matrix follows the order of the map's axes; a convolution used twice."""
    layers = keras.layers
    image = keras.Input((8, 6, 4), name="image")
    twice = layers.Conv2D(4, 3, padding="same", name="twice")
    x = twice(layers.LeakyReLU(0.1)(twice(image)))
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    x = layers.Dense(7, activation="elu", name="fc")(layers.Dropout(0.2)(x))
    x = layers.BatchNormalization(center=False, name="bn")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="out")(x), name="flat")


def weighted(model: Any) -> Any:
    """A model with numbers by a formula, above 0 for scales and variances."""
    for at, weight in enumerate(model.weights):
        values = noise(tuple(weight.shape), at)
        if weight.name in ("gamma", "moving_variance"):
            values = 0.5 + values.abs()
        fan = weight.shape[0] * weight.shape[1] if len(weight.shape) > 1 else 4
        weight.assign(values * (1 / fan) ** 0.5 if weight.name.endswith(("kernel", "bias")) else values)
    return model


def answer(model: Any, channels: int, size: tuple[int, int]) -> Any:
    """What a model makes of one image, channels first."""
    image = noise((1, channels, *size), 7)
    with torch.inference_mode():
        found = model(image.permute(0, 2, 3, 1))
    return found.permute(0, 3, 1, 2) if found.dim() == 4 else found


def main() -> None:
    """Write the files, and what Keras gives."""
    found = keras()
    kept: dict[str, Any] = {"engine": f"keras {found.__version__}", "outputs": {}}
    for make, sizes in ((mixed, SIZES), (flat, ((8, 6),))):
        model = weighted(make(found))
        name = model.name
        model.save(NETS / f"{name}.keras")
        _smaller(NETS / f"{name}.keras")
        model.save_weights(NETS / f"{name}.weights.h5")
        (NETS / f"{name}.json").write_text(model.to_json(), encoding="utf-8")
        model.save(NETS / f"{name}.h5")
        channels = model.input_shape[-1]
        kept["outputs"][name] = {
            "x".join(map(str, size)): [float(f"{value:.7g}") for value in some(answer(model, channels, size))]
            for size in sizes
        }
    text = yaml.safe_dump(kept, default_flow_style=None, width=118, sort_keys=False)
    (NETS / "outputs.yaml").write_text(text, encoding="utf-8")


def _smaller(path: Path) -> None:
    """The same archive without the day it was written on."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["metadata.json"] = members["metadata.json"].partition(b', "date')[0] + b"}"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)


if __name__ == "__main__":
    main()
