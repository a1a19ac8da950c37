"""Files of weights with random numbers, as other tools would have written them, and their engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archspec.diagnostics import Diagnostics
from archspec.importers.caffe.network import Reading
from archspec.importers.caffe.weights import message_classes
from archspec.importers.darknet.network import assembled


def _random(shape: tuple[int, ...], tensor: str, generator: torch.Generator) -> Tensor:
    """Numbers that keep the outputs of a deep network in range: He for kernels, near 1 for scales, else above 0."""
    values = torch.randn(shape, generator=generator)
    if tensor == "running_var" or (tensor == "weight" and len(shape) == 1):
        return 0.5 + values.abs()
    if len(shape) > 1:
        return values * (2 / values[0].numel()) ** 0.5
    return values * 0.1


def caffemodel(text: str, path: Path, seed: int = 0, old: bool = False) -> None:
    """A ``.caffemodel`` for a prototxt; ``old`` writes the messages of the old syntax, with blobs of four sizes."""
    generator = torch.Generator().manual_seed(seed)
    reading = Reading(text, "net.prototxt", Diagnostics())
    reading.run()
    made = message_classes()["Net"]()
    for filling in reading.fillings:
        layer = (made.layers if old else made.layer).add(name=filling.layer)
        shapes = [reading.assembly.weights[f"{filling.path}.{tensor}"] for tensor in filling.tensors]
        blobs = [_random(shape, tensor, generator) for shape, tensor in zip(shapes, filling.tensors, strict=True)]
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
    generator = torch.Generator().manual_seed(seed)
    network, _ = assembled(text, "net.cfg", Diagnostics())
    values: list[Tensor] = []
    for layer in network.stored:
        shape = network.assembly.weights[f"{layer.path}.weight"]
        bias, weight = _random(shape[:1], "bias", generator), _random(shape, "weight", generator)
        scales = [_random(shape[:1], name, generator) for name in ("running_var", "running_mean", "running_var")]
        norm = scales if layer.norm is not None else []
        values += [bias, weight, *norm] if len(shape) == 2 else [bias, *norm, weight]
    flat = torch.cat([value.flatten() for value in values])
    if numbers is not None:
        flat = torch.cat([flat, flat])[:numbers]
    head = b"".join(number.to_bytes(4, "little") for number in (0, 2, 0)) + (0).to_bytes(8, "little")
    path.write_bytes(head + flat.numpy().tobytes())
