"""Folders as `archspec train` leaves them, made without a training: random weights of small networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import torch
from PIL import Image

import archspec

CLASSIFIER = """
archspec: 1
name: Small
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
steps:
  - conv_bn_relu: {channels: 8, kernel: 3, stride: 2}
  - global_avg_pool
  - flatten
  - linear as fc: {features: 6}
"""

SEGMENTER = """
archspec: 1
name: Small
task: segmentation
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
steps:
  - conv_bn_relu: {channels: 8, kernel: 3, padding: 1}
  - conv as score: {channels: 3, kernel: 1}
"""

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def a_run(folder: Path, text: str = CLASSIFIER, classes: tuple[str, ...] = tuple("abcdef")) -> torch.nn.Module:
    """Write a run's folder; returns its network."""
    folder.mkdir(parents=True)
    (folder / "spec.yaml").write_text(text, encoding="utf-8")
    torch.manual_seed(0)
    network = archspec.compile(archspec.load(folder / "spec.yaml")).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)  # so that predictions differ
    torch.save(network.state_dict(), folder / "weights.pt")
    told = {"classes": list(classes), "channels": 3, "size": [12, 10], "mean": list(MEAN), "std": list(STD)}
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
    return network


def an_image(path: Path, seed: int, size: tuple[int, int] = (12, 10)) -> torch.Tensor:
    """Write an image of noise; returns it as the network of :func:`a_run` takes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = numpy.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=numpy.uint8)
    Image.fromarray(pixels).save(path)
    image = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    return (image - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
