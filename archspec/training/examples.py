"""Data sets that need no download, made from scikit-learn's handwritten digits.

1,797 grey images of 8×8 pixels, from E. Alpaydin and C. Kaynak's "Optical Recognition of Handwritten Digits" (UCI,
1998).  :func:`digits` writes them as they are, for classification; :func:`scenes` renders scenes with several of them,
for segmentation.  Needs NumPy, Pillow and scikit-learn.
"""

from __future__ import annotations

from pathlib import Path

import numpy
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[numpy.float64]

SCENE_CLASSES = ("background", *(f"digit {digit}" for digit in range(10)))
"""The classes of the scenes; the index is the mask's value."""

JUDGED = 0.2
"""The fraction of the scenes, and of the digits in them, that is held out for validation."""


def digits(folder: Path | str) -> Path:
    """Write the digits as PNG files, one folder per class, the same bytes every time.  Returns ``folder``."""
    folder = Path(folder)
    pixels, classes = _digits()
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True, exist_ok=True)
    grey = numpy.rint(pixels * 255).astype(numpy.uint8)
    for index, (image, digit) in enumerate(zip(grey, classes, strict=True)):
        Image.fromarray(image).save(folder / str(digit) / f"{index:04}.png")
    return folder


def scenes(folder: Path | str, count: int = 1000, size: int = 64, seed: int = 0) -> Path:
    """Write scenes with digits and their masks, split into ``train`` and ``val``.  Returns ``folder``.

    A scene is a grey image of ``size`` pixels each way: up to five digits, rotated, of various sizes and intensities,
    over a textured background.  Its mask has the value 1 + digit where a digit's stroke is, 0 elsewhere.  A fifth of
    the ``count`` scenes is for validation; no digit in them is in a training scene.  ``seed`` determines everything.
    """
    folder = Path(folder)
    random = numpy.random.default_rng(seed)
    pixels, classes = _digits()
    border = round(len(pixels) * (1 - JUDGED))
    judged = max(1, round(count * JUDGED))
    parts = (("train", count - judged, numpy.arange(border)), ("val", judged, numpy.arange(border, len(pixels))))
    for name, number, chosen in parts:
        for kind in ("images", "masks"):
            (folder / name / kind).mkdir(parents=True, exist_ok=True)
        for index in range(number):
            image, mask = _scene(random, pixels[chosen], classes[chosen], size)
            image.save(folder / name / "images" / f"{index:04}.png")
            mask.save(folder / name / "masks" / f"{index:04}.png")
    (folder / "classes.txt").write_text("\n".join(SCENE_CLASSES) + "\n", encoding="utf-8")
    return folder


def _digits() -> tuple[Grey, NDArray[numpy.int64]]:
    """The digits, ``[1797, 8, 8]`` from 0 to 1, and their classes."""
    from sklearn.datasets import load_digits

    values, classes = load_digits(return_X_y=True)
    return numpy.asarray(values, numpy.float64).reshape(-1, 8, 8) / 16, numpy.asarray(classes, numpy.int64)


def _scene(
    random: numpy.random.Generator, pixels: Grey, classes: NDArray[numpy.int64], size: int
) -> tuple[Image.Image, Image.Image]:
    """One scene, and its mask as a palette image."""
    scene = _texture(random, size)
    mask = numpy.zeros((size, size), numpy.uint8)
    taken = numpy.zeros((size, size), bool)
    wanted = random.integers(2, 6)
    for _ in range(4 * wanted):
        index = random.integers(len(pixels))
        side = round(size * random.uniform(0.3, 0.55))
        stroke = _turned(pixels[index], side, random.uniform(-20, 20))
        top, left = random.integers(0, size - side + 1, 2)
        place = (slice(top, top + side), slice(left, left + side))
        if (taken[place] & (stroke > 0.1)).any():  # digits do not cover each other
            continue
        taken[place] |= stroke > 0.1
        ink = random.uniform(0.75, 1.0)
        scene[place] += stroke * (ink - scene[place])
        mask[place][stroke > 0.5] = 1 + classes[index]
        wanted -= 1
        if not wanted:
            break
    scene += random.normal(0, 0.02, scene.shape)
    shown = Image.fromarray(numpy.rint(scene.clip(0, 1) * 255).astype(numpy.uint8))
    labels = Image.fromarray(mask)
    labels.putpalette([0, 0, 0, *(part for digit in range(10) for part in _hue(digit))])
    return shown, labels


def _texture(random: numpy.random.Generator, size: int) -> Grey:
    """A background: the sum of noise at several scales, darker than the digits."""
    total = numpy.zeros((size, size))
    for cells, strength in ((2, 0.5), (5, 0.3), (16, 0.2)):
        noise = Image.fromarray((random.random((cells, cells)) * 255).astype(numpy.uint8))
        total += numpy.asarray(noise.resize((size, size), Image.Resampling.BICUBIC)) / 255 * strength
    return 0.6 * total


def _turned(pixels: Grey, side: int, degrees: float) -> Grey:
    """A digit with a margin, enlarged to ``side`` pixels and rotated."""
    image = Image.fromarray(numpy.rint(numpy.pad(pixels, 1) * 255).astype(numpy.uint8))
    large = image.resize((side, side), Image.Resampling.BICUBIC).rotate(degrees, Image.Resampling.BICUBIC)
    return numpy.asarray(large) / 255


def _hue(digit: int) -> tuple[int, int, int]:
    """A colour for a digit, so that any image viewer shows its mask."""
    return (80 + 35 * (digit % 6), 255 - 25 * digit, 60 + 39 * ((3 * digit) % 6))
