"""Folders of images: how they are split and read, and what is said of those that will not do."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

from archspec.diagnostics import SpecError
from archspec.training import images as data
from archspec.training.image_set import Images
from archspec.training.images import digits, load_images
from archspec.training.pictures import MASKS, UnreadableImage, picture

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """``save("cat/1.png", value, mode)`` writes an 8×6 image of one value under ``tmp_path``."""

    def write(name: str, value: int = 128, mode: str = "L") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, (8, 6), (value,) * len(mode) if len(mode) > 1 else value).save(path)
        return path

    return write


def say(error: pytest.ExceptionInfo[SpecError]) -> str:
    return str(error.value).strip()


def test_digits_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    def contents(folder: Path) -> dict[str, str]:
        paths = sorted(digits(folder).rglob("*.png"))
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    first = contents(tmp_path / "first")
    assert len(first) == 1797
    assert first == contents(tmp_path / "second") == contents(tmp_path / "first")
    found = load_images(tmp_path / "first", (32, 32), 1)
    assert found.classes == tuple("0123456789")
    assert (len(found.training), len(found.validation)) == (1438, 359)
    image, target = found.training[0]
    assert (image.shape, image.dtype, target) == ((1, 32, 32), torch.float32, 0)
    assert -1 <= image.min() < image.max() <= 1


def test_classes_and_split_depend_on_names_alone(tmp_path: Path, save: Save) -> None:
    for name in ("dog", "cat", ".hidden"):
        for index in range(10):
            save(f"{name}/{index}.png")
    save("cat/nested/deeper.JPEG")
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    (tmp_path / "cat" / "._1.png").write_text("what another system leaves beside an image")
    found = load_images(tmp_path, (6, 8), 1)
    assert found.classes == ("cat", "dog")
    training, validation = ({path for path, _ in part.samples} for part in (found.training, found.validation))
    assert not training & validation
    assert len(training | validation) == 21
    assert [target for _, target in found.validation.samples] == [0, 0, 1, 1]
    assert load_images(tmp_path, (6, 8), 1).validation.samples == found.validation.samples
    save("dog/10.png")
    assert len({path for path, _ in load_images(tmp_path, (6, 8), 1).validation.samples} ^ validation) <= 2


def test_a_split_of_the_users_own(tmp_path: Path, save: Save) -> None:
    for name in ("train/b/1.png", "train/a/1.png", "train/a/2.png", "val/b/9.png"):
        save(name)
    found = load_images(tmp_path, (6, 8), 1)
    assert found.classes == ("a", "b")
    assert [(path.name, target) for path, target in found.training.samples if isinstance(path, Path)] == [
        ("1.png", 0),
        ("2.png", 0),
        ("1.png", 1),
    ]
    assert [(path.name, target) for path, target in found.validation.samples if isinstance(path, Path)] == [
        ("9.png", 1)
    ]
    save("val/c/1.png")
    with pytest.raises(SpecError, match=r"val` has classes that .*train` lacks: `c`"):
        load_images(tmp_path, (6, 8), 1)


def test_pixels(tmp_path: Path, save: Save) -> None:
    for name in ("a", "b"):
        for index in range(2):
            save(f"{name}/{index}.png", 51)
    grey = load_images(tmp_path, (4, 5), 1)
    torch.testing.assert_close(grey.training[0][0], torch.full((1, 4, 5), (0.2 - 0.5) / 0.5))
    colour = load_images(tmp_path, (4, 5), 3).training[0][0]
    torch.testing.assert_close(colour[2], torch.full((4, 5), (0.2 - 0.406) / 0.225))

    read = grey.training.read
    assert (read(save("c.png", 51, "RGBA")) == 51).all()
    deep = numpy.full((6, 8), 51 * 256 + 7, numpy.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert (read(tmp_path / "deep.png") == 51).all()
    turned = Image.new("L", (8, 6))
    turned.paste(255, (0, 0, 8, 3))  # the upper half, which the tag says is to the right
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    seen = read(tmp_path / "turned.jpg")[0]
    assert seen[:, -1].min() > 200
    assert seen[:, 0].max() < 50


def test_images_that_cannot_be_read(tmp_path: Path, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        for index in range(4):
            save(f"{name}/{index}.png")
    whole = save("a/whole.png").read_bytes()
    (tmp_path / "a" / "1.png").write_bytes(b"no image")
    (tmp_path / "b" / "2.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b" / "3.png").write_bytes(b"")
    with pytest.raises(SpecError) as error:
        load_images(tmp_path, (6, 8), 1)
    assert [diagnostic.code for diagnostic in error.value.diagnostics] == ["unreadable-image"] * 3

    monkeypatch.setattr(data, "PRELOADED_BYTES", 0)  # large sets are read as they are needed
    found = load_images(tmp_path, (6, 8), 1)
    assert not found.training.preloaded
    with pytest.raises(UnreadableImage, match="is not a readable image: its content is not PNG or JPEG"):
        found.training.read(tmp_path / "a" / "1.png")


Image.init()
WRITTEN = sorted(Image.SAVE)
"""Every format that Pillow can write, by its name for it."""


@pytest.mark.parametrize("format", WRITTEN)
def test_a_format_is_told_by_its_bytes_whatever_the_name(format: str, tmp_path: Path) -> None:
    """PNG and JPEG (MPO is JPEG with more of them behind) are read; all else is refused before a decoder sees it."""
    written = tmp_path / f"picture.{format.lower()}"  # SPIDER's writer claims for itself the ending it is given
    for mode in ("RGB", "L", "1", "F"):
        with contextlib.suppress(OSError, ValueError, KeyError), warnings.catch_warnings(action="ignore"):
            Image.new(mode, (32, 32)).save(written, format=format)
            break
    else:
        written.write_bytes(b"Pillow names this format, and has no writer for it here")
    path = written.rename(tmp_path / "picture.png")
    read = Images([(path, 0)], (6, 8), 3).read
    refused = r"picture\.png` is not a readable image: its content is not PNG"
    if format in ("PNG", "JPEG", "MPO"):
        assert read(path).shape == (3, 6, 8)
    else:
        with pytest.raises(UnreadableImage, match=f"{refused} or JPEG$"):
            read(path)
    if format == "PNG":
        with picture(path, MASKS) as mask:
            assert mask.size == (32, 32)
    else:
        with pytest.raises(UnreadableImage, match=f"{refused}$"), picture(path, MASKS):
            pass


def test_a_reader_of_no_other_format_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own readers, watched: not one but the two is asked even whether a file may be its own."""
    asked: list[str] = []

    def watched(name: str, accept: Callable[..., Any]) -> Callable[..., Any]:
        def asking(start: bytes) -> Any:
            asked.append(name)
            return accept(start)

        return asking

    for name, (factory, accept) in list(Image.OPEN.items()):
        monkeypatch.setitem(Image.OPEN, name, (factory, watched(name, accept or (lambda start: True))))
    for format in ("EPS", "TIFF", "PNG", "JPEG"):
        path = tmp_path / f"{format}.png"
        Image.new("RGB", (32, 32)).save(path, format=format)
        with contextlib.suppress(UnreadableImage):
            Images([(path, 0)], (6, 8), 3).read(path)
    assert set(asked) == {"PNG", "JPEG"}


def test_pipes_and_devices_are_refused_and_not_waited_for(tmp_path: Path, save: Save) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        save(name)
    os.mkfifo(tmp_path / "a" / "3.png")
    (tmp_path / "b" / "3.png").symlink_to("/dev/zero")
    with pytest.raises(SpecError) as error:
        load_images(tmp_path, (6, 8), 1)
    assert sorted(each.message for each in error.value.diagnostics) == [
        f"{tmp_path}/a/3.png is not a file",
        f"{tmp_path}/b/3.png is not a file",
    ]
    assert {each.code for each in error.value.diagnostics} == {"unreadable-image"}


def test_folders_that_will_not_do(tmp_path: Path, save: Save) -> None:
    with pytest.raises(SpecError, match="is not a folder"):
        load_images(tmp_path / "nowhere", (6, 8), 1)
    with pytest.raises(SpecError, match="is not a folder"):
        load_images("n" * 300, (6, 8), 1)
    with pytest.raises(SpecError, match="has no folders of images"):
        load_images(tmp_path, (6, 8), 1)
    save("1.png")
    with pytest.raises(SpecError, match="has images, but no folders of classes") as error:
        load_images(tmp_path, (6, 8), 1)
    assert "hint: make a folder for each class" in say(error)
    save("a/1.png")
    with pytest.raises(SpecError, match="one class, `a`: at least two are needed"):
        load_images(tmp_path, (6, 8), 1)
    (tmp_path / "b").mkdir()
    with pytest.raises(SpecError) as error:
        load_images(tmp_path, (6, 8), 1)
    assert [diagnostic.code for diagnostic in error.value.diagnostics] == ["empty-class", "too-few-images"]


@pytest.mark.parametrize(
    ("size", "channels", "shape"), [((8,), 1, "1, 8"), ((8, 8, 8), 3, "3, 8, 8, 8"), ((8, 8), 4, "4")]
)
def test_inputs_that_are_no_images(size: tuple[int, ...], channels: int, shape: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=rf"the network's input is \[{shape}.* images need \[1, H, W\]"):
        load_images(tmp_path, size, channels)
