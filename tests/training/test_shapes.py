"""The coloured shapes: the same every time, of the classes they say, and told apart by what the class names alone."""

from __future__ import annotations

import colorsys
import hashlib
from pathlib import Path

import numpy
import pytest

from archspec.training.images import load_images
from archspec.training.shapes import CLASSES, COLOURS, image, shapes


def test_shapes_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    def contents(folder: Path, seed: int) -> dict[str, str]:
        paths = sorted(shapes(folder, count=180, seed=seed).rglob("*.png"))
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    first = contents(tmp_path / "first", 0)
    assert first == contents(tmp_path / "second", 0)
    assert not set(first.values()) & set(contents(tmp_path / "other", 1).values())
    assert len(set(first.values())) == 180  # no image of the training is held out too
    found = load_images(tmp_path / "first", (32, 32), 3)
    assert found.classes == tuple(sorted(CLASSES))
    assert (len(found.training), len(found.validation)) == (36 * 4, 36)


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_the_object_has_the_colour_of_its_class(colour: str) -> None:
    """Of the strongly coloured pixels that differ between two images of one random state, most have the class's hue."""
    others = [name for name in COLOURS if name != colour]
    share = []
    for seed in range(20):
        drawn, other = (
            image(numpy.random.default_rng(seed), name, "striped", "disc", 32) for name in (colour, others[0])
        )
        changed = drawn[(drawn != other).any(-1)] / 255
        hues = numpy.array([colorsys.rgb_to_hsv(*pixel)[0] for pixel in changed if pixel.max() > 0.3])
        away = abs((hues - COLOURS[colour] + 0.5) % 1 - 0.5)
        share.append((away < 1 / 6).mean())
    assert numpy.mean(share) > 0.9
