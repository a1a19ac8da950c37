"""Files of weights with random numbers, as other tools would have written them, and their engines."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archspec.diagnostics import Diagnostics
from archspec.importers.caffe.network import Reading
from archspec.importers.caffe.weights import message_classes
from archspec.importers.darknet.network import assembled


def noise(shape: tuple[int, ...], seed: int) -> Tensor:
    """Numbers of mean 0 and variance 1, by a formula that gives the same everywhere."""
    places = torch.arange(prod(shape), dtype=torch.float64)
    parts = ((places * 12.9898 + (seed + 1) * 78.233).sin() * 43758.5453) % 1
    return ((parts - 0.5) * 12**0.5).float().reshape(shape)


def _random(shape: tuple[int, ...], tensor: str, seed: list[int]) -> Tensor:
    """Numbers that keep a deep network's outputs of a size: He's for kernels, above 0 for scales and variances."""
    seed[0] += 1
    values = noise(shape, seed[0])
    if tensor == "running_var" or (tensor == "weight" and len(shape) == 1):
        return 0.5 + values.abs()
    if len(shape) > 1:
        return values * (2 / values[0].numel()) ** 0.5
    return values * 0.1


def caffemodel(text: str, path: Path, seed: int = 0, old: bool = False) -> None:
    """A ``.caffemodel`` for a prototxt; ``old`` writes the messages of the old syntax, with blobs of four sizes."""
    counter = [1000 * seed]
    reading = Reading(text, "net.prototxt", Diagnostics())
    reading.run()
    made = message_classes()["Net"]()
    for filling in reading.fillings:
        layer = (made.layers if old else made.layer).add(name=filling.layer.encode())
        shapes = [reading.assembly.weights[f"{filling.path}.{tensor}"] for tensor in filling.tensors]
        blobs = [_random(shape, tensor, counter) for shape, tensor in zip(shapes, filling.tensors, strict=True)]
        if filling.how == "transposed":
            blobs[0] = blobs[0].T.contiguous()
        if filling.how == "statistics":
            blobs = [blob * 3.5 for blob in blobs] + [torch.tensor([3.5])]
        for blob in blobs:
            _blob(layer.blobs.add(), blob, old)
    path.write_bytes(made.SerializeToString())


def _blob(message: Any, values: Tensor, old: bool) -> None:
    message.data.append(values.numpy().tobytes())
    if old:
        sizes = [1] * (4 - values.dim()) + list(values.shape)
        message.num, message.channels, message.height, message.width = sizes
    else:
        message.shape.dim.extend(values.shape)


def darknet_weights(text: str, path: Path, seed: int = 0, numbers: int | None = None) -> None:
    """A ``.weights`` for a cfg, of version 0.2, cut to so many numbers or with as many more."""
    counter = [1000 * seed]
    network, _ = assembled(text, "net.cfg", Diagnostics())
    values: list[Tensor] = []
    for layer in network.stored:
        shape = network.assembly.weights[f"{layer.path}.weight"]
        bias, weight = _random(shape[:1], "bias", counter), _random(shape, "weight", counter)
        scales = [_random(shape[:1], name, counter) for name in ("running_var", "running_mean", "running_var")]
        norm = scales if layer.norm is not None else []
        values += [bias, weight, *norm] if len(shape) == 2 else [bias, *norm, weight]
    flat = torch.cat([value.flatten() for value in values])
    if numbers is not None:
        flat = torch.cat([flat, flat])[:numbers]
    head = b"".join(number.to_bytes(4, "little") for number in (0, 2, 0)) + (0).to_bytes(8, "little")
    path.write_bytes(head + flat.numpy().tobytes())


def weights_for(path: Path, folder: Path, seed: int = 0) -> Path:
    """A file of weights in a folder, for a network of either kind."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".prototxt":
        made = folder / f"{path.stem}.caffemodel"
        caffemodel(text, made, seed, old="layers {" in text)
    else:
        made = folder / f"{path.stem}.weights"
        darknet_weights(text, made, seed)
    return made
