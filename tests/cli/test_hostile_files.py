"""Files that are not what they say, wherever a command reads one: a diagnostic, at once, and nothing in them is run."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.helpers.command_line import run
from tests.helpers.hostile import raw
from tests.helpers.hostile_files import contents, image, special

SPEC = """\
archspec: 1
name: Small
inputs: {image: [1, H, W]}
sizes: {H: 8, W: 8}
steps:
  - conv as c: {channels: 2, kernel: 3}
  - global_avg_pool
  - flatten
"""

PATIENCE = 60
"""Seconds after which a command waits for ever."""


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """A pipe that is waited for fails the test."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("a command waits")

    before = signal.signal(signal.SIGALRM, stop)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SPEC)
    for name, grey in (("dark", 0), ("light", 1)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(3 + grey):
            (tmp_path / "images" / name / f"{index}.png").write_bytes(image("PNG"))
    return tmp_path


def files(folder: Path) -> dict[str, Path]:
    """Everything hostile, by what it is."""
    place = folder / "hostile"
    place.mkdir()
    found = special(place)
    for number, (name, content) in enumerate(contents(folder / "called").items()):
        found[name] = place / str(number)
        found[name].write_bytes(content)
    return found


Slot = Callable[[Path, Path], list[str]]
"""The words of a command that reads a file, given the folder and the file."""


def small(folder: Path) -> str:
    return str(folder / "small.yaml")


def among_images(folder: Path, file: Path) -> list[str]:
    """The file, by whatever name an image has, beside others that are fine."""
    link = folder / "images" / "dark" / "9.png"
    link.unlink(missing_ok=True)
    link.symlink_to(file)
    return ["train", small(folder), "--data", str(folder / "images"), "--epochs", "1", "-o", str(folder / "out")]


def trains(option: str) -> Slot:
    def words(folder: Path, file: Path) -> list[str]:
        (folder / "images" / "dark" / "9.png").unlink(missing_ok=True)
        data = ["--data", str(folder / "images"), "--epochs", "1", "-o", str(folder / "out"), "--overwrite"]
        return ["train", small(folder), *data, option, str(file)]

    return words


def converts(folder: Path, file: Path) -> list[str]:
    return ["convert-weights", small(folder), small(folder), str(file), "-o", str(folder / "new.pt")]


CHECKPOINTS: dict[str, Slot] = {
    "convert-weights": converts,
    "train --weights": trains("--weights"),
    "train --resume-from": trains("--resume"),
    "train --data": among_images,
    "train --data itself": lambda folder, file: ["train", small(folder), "--data", str(file)],
}
SPECS: dict[str, Slot] = {
    "check": lambda folder, file: ["check", str(file)],
    "summary": lambda folder, file: ["summary", str(file)],
    "render": lambda folder, file: ["render", str(file), "-o", str(folder / "x.svg")],
    "render --beside": lambda folder, file: [
        "render",
        small(folder),
        "--beside",
        str(file),
        "-o",
        str(folder / "x.svg"),
    ],
    "compile": lambda folder, file: ["compile", str(file)],
    "expand": lambda folder, file: ["expand", str(file)],
    "rf": lambda folder, file: ["rf", str(file)],
    "erf": lambda folder, file: ["erf", str(file)],
    "memory": lambda folder, file: ["memory", str(file)],
    "conv-matrix": lambda folder, file: ["conv-matrix", str(file), "-o", str(folder / "x.svg")],
    "convert-weights OLD": lambda folder, file: ["convert-weights", str(file), small(folder), "w", "-o", "n.pt"],
    "train SPEC": lambda folder, file: ["train", str(file), "--data", str(folder / "images")],
}
FITTING = {("convert-weights", "a checkpoint"), ("train --weights", "a checkpoint")}
"""What some commands take in good faith."""


FEW = ("pipe", "a huge png", "a checkpoint that calls", "keys that a terminal obeys")


def hold(folder: Path, slots: dict[str, Slot], only: Collection[str] = ()) -> None:
    """Each file in each place: refused in words, nothing called, nothing raw, nothing waited for."""
    every = files(folder)
    assert every.keys() >= set(only)
    for name, file in every.items():
        if only and name not in only:
            continue
        for slot, words in slots.items():
            signal.alarm(PATIENCE)
            status, out, error = run(*words(folder, file))
            signal.alarm(0)
            assert status in (0, 1, 2), (slot, name, error[-600:])
            assert not raw(out + error), (slot, name)
            assert "weights_only" not in out + error, (slot, name)
            assert len(out + error) < 20_000, (slot, name)
            assert not (folder / "called").exists(), (slot, name)
            if status == 0:
                assert (slot, name) in FITTING, (slot, name, out)
    shutil.rmtree(folder / "hostile")


def test_some_checkpoints_and_images(folder: Path) -> None:
    hold(folder, CHECKPOINTS, FEW)


@pytest.mark.slow
def test_checkpoints_and_images(folder: Path) -> None:
    hold(folder, CHECKPOINTS)


def test_specs_in_one_command(folder: Path) -> None:
    hold(folder, {"check": SPECS["check"]})


@pytest.mark.slow
def test_specs_in_every_command(folder: Path) -> None:
    hold(folder, SPECS)
