"""A colour data set that needs no download: shapes with a texture and a colour, over a background that has both too.

A class is a colour, a texture and a shape: "red striped disc".  Colour shows in one pixel and texture in a few; the
shape shows only when the whole object is seen.  So a network needs colour channels, small filters and a large
receptive field at once.  Needs NumPy and Pillow.
"""

from __future__ import annotations

import colorsys
import math
from pathlib import Path

import numpy
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[numpy.float64]
Random = numpy.random.Generator

COLOURS = {"red": 0.0, "green": 1 / 3, "blue": 2 / 3}
"""Each colour's hue, from 0 to 1."""

TEXTURES = ("checked", "dotted", "striped")

SHAPES = ("cross", "disc", "square", "triangle")

CLASSES = tuple(f"{colour} {texture} {shape}" for colour in COLOURS for texture in TEXTURES for shape in SHAPES)
"""The 36 classes; each is a folder of images."""

JUDGED = 0.2
"""The fraction of each class that is held out for validation."""


def shapes(folder: Path | str, count: int = 5400, size: int = 32, seed: int = 0) -> Path:
    """Write images of one object each, in a folder for each class, split into ``train`` and ``val``.

    ``count`` is the number of images, equally many for each class (rounded down); ``size`` is their side in pixels.
    A fifth is for validation.  ``seed`` determines everything.  Returns ``folder``.
    """
    folder = Path(folder)
    random = numpy.random.default_rng(seed)
    each = max(2, count // len(CLASSES))
    judged = max(1, round(each * JUDGED))
    for name in CLASSES:
        colour, texture, shape = name.split()
        for part, number in (("train", each - judged), ("val", judged)):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for index in range(number):
                pixels = image(random, colour, texture, shape, size)
                Image.fromarray(pixels).save(folder / part / name / f"{index:04}.png")
    return folder


def image(random: Random, colour: str, texture: str, shape: str, size: int) -> NDArray[numpy.uint8]:
    """One image of a class, ``[size, size, 3]`` from 0 to 255.

    The object has any orientation, and about a third to two thirds of the image's side.  Hue and brightness vary, and
    the background has a texture and two colours of its own.
    """
    radius = size * random.uniform(0.2, 0.34)
    centre = random.uniform(radius, size - radius, 2)
    x, y = _turned(random, size, centre)
    cover = (_inside(shape, x / radius, y / radius) * radius + 0.5).clip(0, 1)[..., None]  # the edge is one pixel wide
    hue = COLOURS[colour] + random.uniform(-0.07, 0.07)
    drawn = _painted(random, texture, size, hue, hue, (0.45, 0.95), 0.4)
    other = TEXTURES[random.integers(len(TEXTURES))]
    behind = _painted(random, other, size, random.random(), random.random(), (0.1, 0.6), 0.75)
    pixels = behind + cover * (drawn - behind) + random.normal(0, 0.04, (size, size, 3))
    return numpy.rint(pixels.clip(0, 1) * 255).astype(numpy.uint8)


def _turned(random: Random, size: int, centre: Plane) -> tuple[Plane, Plane]:
    """Coordinates of every pixel from a centre, in pixels, along axes that are turned at random."""
    angle = random.uniform(0, 2 * math.pi)
    down, right = numpy.mgrid[:size, :size] + 0.5 - centre[:, None, None]
    return math.cos(angle) * right + math.sin(angle) * down, math.cos(angle) * down - math.sin(angle) * right


def _inside(shape: str, x: Plane, y: Plane) -> Plane:
    """A function of coordinates that is positive inside a shape of radius about 1 and 0 on its edge."""
    if shape == "disc":
        return 0.9 - numpy.hypot(x, y)
    if shape == "square":
        return 0.8 - numpy.maximum(abs(x), abs(y))
    if shape == "triangle":
        slanted = math.sqrt(3) / 2 * abs(x) - y / 2
        return 0.6 - numpy.maximum(y, slanted)
    return numpy.maximum(_bar(x, y), _bar(y, x))


def _bar(along: Plane, across: Plane) -> Plane:
    return numpy.minimum(1 - abs(along), 0.33 - abs(across))


def _painted(
    random: Random, texture: str, size: int, hue: float, other: float, values: tuple[float, float], saturation: float
) -> Plane:
    """A texture over a whole image, ``[size, size, 3]`` from 0 to 1: two hues, their brightness near ``values``."""
    x, y = (part * 2 * math.pi / random.uniform(4, 6) for part in _turned(random, size, numpy.full(2, size / 2)))
    wave = {
        "checked": 2 * numpy.sin(x) * numpy.sin(y),
        "dotted": numpy.cos(x) + numpy.cos(y) - 0.7,
        "striped": numpy.sin(x),
    }[texture]
    share = (1.5 * wave + 0.5).clip(0, 1)[..., None]
    first, second = (_tone(random, *tone, saturation) for tone in zip((hue, other), values, strict=True))
    return first + share * (second - first)


def _tone(random: Random, hue: float, value: float, saturation: float) -> Plane:
    """A colour near one of a hue, a brightness and a saturation: ``[3]`` from 0 to 1."""
    saturation += random.uniform(0, 0.2)
    return numpy.array(colorsys.hsv_to_rgb(hue % 1, saturation, value + random.uniform(-0.1, 0.05)))
