"""A network asked about images: labels with their probabilities, or masks; pictures of either."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from archspec.characters import printable
from archspec.diagnostics import Diagnostic
from archspec.records import record
from archspec.trained.network import Network
from archspec.training.images import image_files
from archspec.training.pictures import UnreadableImage
from archspec.training.prediction_picture import palette

TOP = 5
"""So many classes are told of each image."""
OPACITY = 0.5
"""Of a mask over its image."""
_BAND = 22
"""Height in pixels of the label under an image."""


@record
class Prediction:
    """What a network says of one image.

    ``labels`` are the likeliest classes with their probabilities; for a map, the classes with their shares of its
    pixels, and ``mask`` has the class of each pixel, ``[height, width]``.
    """

    image: Path
    labels: tuple[tuple[str, float], ...]
    mask: Tensor | None = None


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files of a call: a folder stands for the images in it."""
    return [file for path in paths for file in (image_files(path.rglob("*")) if path.is_dir() else [path])]


def predict(network: Network, files: Sequence[Path], batch_size: int) -> Iterator[Prediction | Diagnostic]:
    """What a network says of each file, in their order; for a file that cannot be read, why."""
    for start in range(0, len(files), batch_size):
        found: list[Path | Diagnostic] = []
        images: list[Tensor] = []
        for file in files[start : start + batch_size]:
            try:
                images.append(network.read(file))
                found.append(file)
            except UnreadableImage as error:
                found.append(error.diagnostic)
        scores = iter(network.scores(torch.stack(images))) if images else iter(())
        for each in found:
            yield each if isinstance(each, Diagnostic) else _said(network, each, next(scores))


def _said(network: Network, file: Path, scores: Tensor) -> Prediction:
    if network.answer is None:
        chances, classes = scores.softmax(0).topk(min(TOP, network.count))
        pairs = zip(classes.tolist(), chances.tolist(), strict=True)
        return Prediction(file, tuple((network.name(index), chance) for index, chance in pairs))
    mask = scores.argmax(0)
    counts = torch.bincount(mask.flatten(), minlength=network.count)
    order = counts.argsort(descending=True, stable=True).tolist()
    shares = tuple((network.name(index), float(counts[index] / mask.numel())) for index in order if counts[index])
    return Prediction(file, shares, mask)


def mask_file(mask: Tensor, count: int) -> bytes:
    """A mask as PNG: a pixel's value is its class, in a palette's colours; 16 bits grey above 256 classes."""
    written = io.BytesIO()
    if count > 256:
        Image.fromarray(mask.numpy().astype(numpy.uint16)).save(written, "PNG")
        return written.getvalue()
    image = Image.fromarray(mask.byte().numpy())
    image.putpalette([part for colour in palette(count) for part in colour])
    image.save(written, "PNG")
    return written.getvalue()


def overlay(network: Network, said: Prediction) -> bytes:
    """The image as the network saw it, in a format for viewing: its mask laid over it, or its label below it."""
    pixels = network.read(said.image).expand(3, -1, -1)
    image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    written = io.BytesIO()
    if said.mask is not None:
        height, width = said.mask.shape
        top, left = (network.size[0] - height) // 2, (network.size[1] - width) // 2
        part = image.crop((left, top, left + width, top + height))
        colours = numpy.array(palette(network.count), numpy.uint8)
        over = Image.fromarray(colours[said.mask.numpy()])
        Image.blend(part, over, OPACITY).save(written, "PNG")
        return written.getvalue()
    factor = max(1, 192 // max(image.size))
    large = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    sheet = Image.new("RGB", (max(large.width, 160), large.height + _BAND), (255, 255, 255))
    sheet.paste(large, (0, 0))
    name, chance = said.labels[0]
    font = ImageFont.load_default(size=13)
    ImageDraw.Draw(sheet).text((4, large.height + 3), f"{printable(name, 20)} {chance:.0%}", (0, 0, 0), font)
    sheet.save(written, "PNG")
    return written.getvalue()
