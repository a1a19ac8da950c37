"""Runs as folders: killed and resumed, two at a time, full disks, checkpoints that are not what they say."""

from __future__ import annotations

import copy
import csv
import io
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor, nn

from archspec.diagnostics import SpecError
from archspec.training.fit import Result, fit
from archspec.training.images import ImageData, load_images
from archspec.training.run_folder import alone, whole
from archspec.training.settings import Options
from tests.helpers.command_line import run


class Small(nn.Module):
    """Grey images of 4 pixels each way to two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)
        self.fc = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.bn(self.conv(x)).amax((2, 3)))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark images and light ones, some like the others."""
    where = tmp_path_factory.mktemp("greys")
    for name, grey in (("dark", 60), ("light", 120)):
        (where / name).mkdir()
        for index in range(10):
            Image.new("L", (4, 4), grey + 17 * (index * 7 % 10)).save(where / name / f"{index}.png")
    return where


@pytest.fixture(scope="session")
def data(folder: Path) -> ImageData:
    return load_images(folder, (4, 4), 1)


def trained(data: ImageData, where: Path, **given: Any) -> Result:
    console = given.pop("console", None)
    return fit(Small, data, where, Options(**{"epochs": 2, "batch_size": 8, "device": "cpu", **given}), console=console)


def resumed(data: ImageData, where: Path, **given: Any) -> Result:
    console = given.pop("console", None)
    return fit(Small, data, where, Options(device="cpu", resume=True, **given), console=console)


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(SpecError) as error:
        call()
    return str(error.value).strip()


def epochs_told(where: Path) -> list[str]:
    """The epochs that a run's table has."""
    with (where / "metrics.csv").open(newline="") as file:
        return [row["epoch"] for row in csv.DictReader(file)]


def outcome(where: Path) -> tuple[Any, ...]:
    """All that a run has come to, but for how long it took and which calls it took."""
    with (where / "metrics.csv").open(newline="") as file:
        rows = [{**row, "seconds": ""} for row in csv.DictReader(file)]
    states = [torch.load(where / name, weights_only=True) for name in ("weights.pt", "last.ckpt", "best.ckpt")]
    bits = [{key: value.tolist() for key, value in state.get("state_dict", state).items()} for state in states]
    names = sorted(path.name for path in where.iterdir())
    return names, rows, json.loads((where / "result.json").read_text()), bits


# -- killed ----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """``killing(n)`` ends what runs as the file number ``n`` is about to take its place; gives a list as long as n."""

    def at(number: int) -> list[int]:
        written: list[int] = []
        real = os.fsync

        def sync(handle: int) -> None:
            real(handle)
            written.append(handle)
            if len(written) == number:
                raise Killed

        monkeypatch.setattr(os, "fsync", sync)
        return written

    return at


def test_killed_at_any_file_a_run_goes_on_to_the_same_end(
    data: ImageData, tmp_path: Path, killing: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = killing(0)
    trained(data, tmp_path / "whole")
    monkeypatch.undo()
    wanted = outcome(tmp_path / "whole")
    assert len(written) >= 8
    for number in range(1, len(written) + 1):
        where = tmp_path / str(number)
        killing(number)
        with pytest.raises(Killed):
            trained(data, where)
        monkeypatch.undo()
        assert [path.name for path in where.iterdir() if path.name.endswith(".partial")] == []
        (where / "last.ckpt.partial").write_bytes(b"what a killed process leaves")
        if (where / "last.ckpt").exists():
            resumed(data, where)
        else:
            trained(data, where)
        assert outcome(where) == wanted, number
        assert "has already finished 2 of 2 epochs" in refusal(lambda where=where: resumed(data, where))


@pytest.mark.slow
def test_killed_by_the_system_at_the_end(folder: Path, data: ImageData, tmp_path: Path) -> None:
    """A process that is really gone, its data loader's workers too: its folder is free at once."""
    program = (
        "import os, signal, sys\n"
        "from archspec.training import images\n"
        "from archspec.training.fit import fit\n"
        "from archspec.training.settings import Options\n"
        "from tests.training.test_runs import Small\n"
        "images.PRELOADED_BYTES = 0\n"
        "images.os.cpu_count = lambda: 1\n"
        "real = os.fsync\n"
        "def sync(handle):\n"
        "    real(handle)\n"
        "    if 'weights.pt' in os.readlink(f'/proc/self/fd/{handle}'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.fsync = sync\n"
        "data = images.load_images(sys.argv[1], (4, 4), 1)\n"
        "fit(Small, data, sys.argv[2], Options(epochs=2, batch_size=8, device='cpu'))\n"
    )
    where = tmp_path / "killed"
    done = subprocess.run([sys.executable, "-c", program, str(folder), str(where)], check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL
    assert (where / "weights.pt.partial").exists()
    assert not (where / "result.json").exists()
    resumed(data, where)
    trained(data, tmp_path / "whole")
    assert outcome(where) == outcome(tmp_path / "whole")


KILLED_AT_EACH_POINT = """
import json, os, signal, sys
from pathlib import Path
import torch
from archspec.training.fit import fit
from archspec.training.images import load_images
from archspec.training.settings import Options
from tests.training.test_runs import Small

torch.set_num_threads(1)
folder, out = sys.argv[1], Path(sys.argv[2])

def child(point):
    passed = 0
    def here():
        nonlocal passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)
    def around(real):
        def call(*given, **named):
            here()  # nothing of it is done
            found = real(*given, **named)
            here()  # all of it is done
            return found
        return call
    os.fsync, Path.replace, Path.unlink = around(os.fsync), around(Path.replace), around(Path.unlink)
    fit(Small, load_images(folder, (4, 4), 1), out / str(point), Options(epochs=2, batch_size=8, device="cpu"))
    (out / "points").write_text(str(passed))

point, points = 0, 0
while point <= points:
    pid = os.fork()
    if not pid:
        child(point)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    points = points or int((out / "points").read_text())
    assert os.WIFSIGNALED(status) == bool(point), (point, status)
    point += 1
print(points)
"""


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many as the processes that are killed have, so that sums are added in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_killed_by_the_system_at_each_point(folder: Path, data: ImageData, tmp_path: Path) -> None:
    """Before and after each file is on the disk, is moved into place, is removed: the run goes on to the same end."""
    program = [sys.executable, "-c", KILLED_AT_EACH_POINT, str(folder), str(tmp_path)]
    done = subprocess.run(program, check=True, timeout=900, capture_output=True, text=True)
    wanted = outcome(tmp_path / "0")
    points = int(done.stdout)
    assert points > 40
    left = 0
    for point in range(1, points + 1):
        where = tmp_path / str(point)
        left += any(path.name.endswith(".partial") for path in where.iterdir())
        if (where / "last.ckpt").exists():
            begun = json.loads((where / "result.json").read_text()) if (where / "result.json").exists() else {}
            if begun:
                assert "nothing-to-train" in refusal(lambda where=where: resumed(data, where))
            else:
                resumed(data, where)
        else:
            trained(data, where)
        assert outcome(where) == wanted, point
    assert left > 10


def test_files_of_the_end_that_are_gone_or_broken_are_made_again(data: ImageData, tmp_path: Path) -> None:
    trained(data, tmp_path)
    wanted = outcome(tmp_path)
    for name, content in (
        ("weights.pt", None),
        ("result.json", None),
        ("result.json", b'{"epo'),
        ("result.json", b"[]"),
    ):
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
        resumed(data, tmp_path)
        assert outcome(tmp_path) == wanted
    (tmp_path / "result.json").unlink()
    (tmp_path / "best.ckpt").unlink()
    assert "best.ckpt" in refusal(lambda: resumed(data, tmp_path))


def test_rows_of_a_table_that_is_no_table(data: ImageData, tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfe\x00", b"epoch\n\xc2\xb2\n-1\n", b'"' + b"a" * 200_000):
        trained(data, tmp_path, epochs=1, overwrite=True)
        (tmp_path / "metrics.csv").write_bytes(content)
        resumed(data, tmp_path, epochs=2)
        assert epochs_told(tmp_path) == ["2"]


def test_the_best_so_far_is_remembered(data: ImageData, tmp_path: Path) -> None:
    """An epoch after resuming that does worse than one before has no star, and is not the best."""
    shown = io.StringIO()
    first = trained(data, tmp_path, epochs=3, lr=0.1)
    resumed(data, tmp_path, epochs=8, console=Console(file=shown, width=100))
    with (tmp_path / "metrics.csv").open() as file:
        scores = [float(row["val_accuracy"]) for row in csv.DictReader(file)]
    assert max(scores[:3]) == pytest.approx(first.score)
    starred = [line.endswith(" *") for line in shown.getvalue().splitlines()]
    assert starred == [scores[epoch] > max(scores[:epoch]) for epoch in range(3, 8)]
    assert not all(starred)


# -- the folder ------------------------------------------------------------------------------------------------------


def test_one_training_at_a_time(data: ImageData, tmp_path: Path) -> None:
    with alone(tmp_path / "out"):
        said = refusal(lambda: trained(data, tmp_path / "out"))
        assert said.startswith(f"error[output-folder]: another training is writing to `{tmp_path}/out`")
        assert list((tmp_path / "out").iterdir()) == []
        trained(data, tmp_path / "other")
    trained(data, tmp_path / "out")


def test_a_lock_goes_with_its_process_even_if_a_child_stays(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from archspec.training.run_folder import alone\n"
        "with alone(Path(sys.argv[1])):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        print(os.getpid(), flush=True)\n"  # by the child: it has let go of the lock once it runs
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        with pytest.raises(SpecError, match="another training"), alone(tmp_path):
            pass
        process.kill()
        process.wait()
        with alone(tmp_path):
            pass
    finally:
        process.stdout.close()
        os.kill(child, signal.SIGKILL)


def test_a_run_is_not_overwritten_in_silence(data: ImageData, tmp_path: Path) -> None:
    trained(data, tmp_path)
    before = outcome(tmp_path)
    said = refusal(lambda: trained(data, tmp_path, lr=0.5))
    assert said.startswith(f"error[output-folder]: `{tmp_path}` already has a run\n  hint: continue it with `--resume`")
    assert outcome(tmp_path) == before
    (tmp_path / "predictions.png").write_bytes(b"of the run before")
    (tmp_path / "notes.txt").write_text("the user's own")
    trained(data, tmp_path, lr=0.5, overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {*before[0], "notes.txt"}
    trained(data, tmp_path / "a")
    trained(data, tmp_path / "b")
    into = {"resume": tmp_path / "a" / "last.ckpt", "epochs": 3, "device": "cpu"}
    assert "already has a run" in refusal(lambda: fit(Small, data, tmp_path / "b", Options(**into)))


def test_a_full_disk_is_told_and_nothing_half_written(data: ImageData, tmp_path: Path) -> None:
    """As large a file as is allowed stands for a full disk: the system refuses in the midst of writing."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        said = refusal(lambda: trained(data, tmp_path / "out"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert said == f"error[output-folder]: cannot write to `{tmp_path}/out`: File too large"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"run.json", "metrics.csv"}
    trained(data, tmp_path / "out")


def test_what_is_written_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write() -> None:
        with whole(path) as file:
            file.write(b"new")
            raise Killed

    with pytest.raises(Killed):
        write()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "old")]


# -- what a run is told to be ----------------------------------------------------------------------------------------


def test_resuming_keeps_what_a_run_was_begun_with(data: ImageData, tmp_path: Path) -> None:
    trained(data, tmp_path, lr=0.02, seed=3)
    resumed(data, tmp_path, epochs=3)
    told = json.loads((tmp_path / "result.json").read_text())
    assert {name: told[name] for name in ("epochs", "batch_size", "lr", "seed")} == {
        "epochs": 3, "batch_size": 8, "lr": 0.02, "seed": 3,
    }  # fmt: skip
    resumed(data, tmp_path, epochs=4, lr=0.02, seed=3, batch_size=8)
    before = outcome(tmp_path)
    for given, said in (
        ({"lr": 0.9}, "`--lr` is 0.9, was 0.02"),
        ({"seed": 0}, "`--seed` is 0, was 3"),
        ({"batch_size": 4}, "`--batch-size` is 4, was 8"),
    ):
        found = refusal(lambda given=given: resumed(data, tmp_path, epochs=6, **given))
        assert found.startswith(
            f"error[conflicting-options]: `--resume` keeps the settings of `{tmp_path}/last.ckpt`, "
        )
        assert f"\n  {said}\n" in found
    assert outcome(tmp_path) == before


def test_settings_that_make_no_sense(data: ImageData, tmp_path: Path) -> None:
    for given in ({"epochs": 0}, {"batch_size": -1}, {"lr": float("nan")}, {"lr": float("inf")}, {"seed": -1}):
        said = refusal(lambda given=given: trained(data, tmp_path / "out", **given))
        assert said.startswith(
            "error[bad-setting]: these training settings are not valid\n  `" + next(iter(given)) + "`: "
        )
    assert not (tmp_path / "out").exists()


def test_resuming_with_other_data(data: ImageData, folder: Path, tmp_path: Path) -> None:
    trained(data, tmp_path / "out")
    other = tmp_path / "data"
    for name in ("dark", "lit"):
        (other / name).mkdir(parents=True)
        for path in (folder / "dark").iterdir():
            (other / name / path.name).write_bytes(path.read_bytes())
    found = refusal(lambda: resumed(load_images(other, (4, 4), 1), tmp_path / "out", epochs=3))
    assert "the data's classes are dark, lit, was dark, light" in found
    found = refusal(lambda: resumed(load_images(folder, (5, 4), 1), tmp_path / "out", epochs=3))
    assert "height and width of the input: 5, 4, was 4, 4" in found
    (other / "lit").rename(other / "light")
    (other / "light" / "1.png").unlink()
    found = refusal(lambda: resumed(load_images(other, (4, 4), 1), tmp_path / "out", epochs=3))
    assert "images for training and validation: 15, 4, was 16, 4" in found


SPEC = """\
archspec: 1
name: Greys
params: {channels: 2}
inputs: {image: [1, H, W]}
sizes: {H: 4, W: 4}
steps:
  - conv: {channels: $channels, kernel: 3}
  - dropout: {p: 0.1}
  - global_avg_pool
  - flatten
  - linear: {features: 2}
"""


def test_the_folder_of_a_command_says_what_was_trained(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "greys.yaml").write_text(SPEC)
    out = tmp_path / "out"
    words = ["train", str(tmp_path / "greys.yaml"), "--data", str(folder), "--device", "cpu", "-o", str(out)]
    status, _, said = run(*words, "--epochs", "1", "--set", "channels=3", "--rewrite", "remove_dropout", "--lr", "0.01")
    assert status == 0, said
    told = json.loads((out / "run.json").read_text())
    assert told["name"] == "Greys"
    assert told["spec"] == str(tmp_path / "greys.yaml")
    assert told["parameters"] == {"channels": 3}
    assert told["rewrites"] == ["remove_dropout"]
    assert told["sizes"] == {"H": 4, "W": 4}
    assert (told["lr"], told["batch_size"], told["seed"], told["epochs"]) == (0.01, 32, 0, 1)
    assert told["archspec"]
    assert told["calls"] == [{"words": sys.argv, "epochs": 1}]
    status, answer, _ = run("check", str(out / "spec.yaml"), "--format", "json")
    assert status == 0
    assert json.loads(answer)["total"]["parameters"] == 3 * 9 + 3 + 3 * 2 + 2
    assert "dropout" not in (out / "spec.yaml").read_text()

    status, _, said = run(*words, "--resume", "--epochs", "2", "--set", "channels=3")
    assert (status, "the network is different" in said) == (1, True), said
    (tmp_path / "greys.yaml").write_text("# moved down by a comment\n" + SPEC)
    again = [*words, "--resume", "--set", "channels=3", "--rewrite", "remove_dropout"]
    status, _, said = run(*again, "--epochs", "2", "--lr", "0.9")
    assert (status, "`--lr` is 0.9, was 0.01" in said) == (1, True), said
    status, _, said = run(*again, "--epochs", "2")
    assert status == 0, said
    assert [call["epochs"] for call in json.loads((out / "run.json").read_text())["calls"]] == [1, 2]
    assert json.loads((out / "result.json").read_text())["lr"] == 0.01
    status, _, said = run(*words, "--epochs", "1")
    assert (status, "already has a run" in said) == (1, True)
    assert run(*words, "--resume", "--overwrite")[0] == 2


# -- checkpoints that are not what they say --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def standing(data: ImageData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``last.ckpt`` holds after two epochs."""
    where = tmp_path_factory.mktemp("standing")
    trained(data, where)
    return torch.load(where / "last.ckpt", weights_only=True)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in nested data, outermost first."""
    if path:
        yield path
    if isinstance(value, dict | list | tuple):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Callable[[Any], Any] | None) -> Any:
    """Data with one place made anew, or, without ``new``, taken out."""
    if not path:
        assert new is not None
        return new(value)
    rest = path[1:]
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if key != path[0] or rest or new is not None}
        return kept | ({path[0]: changed(value[path[0]], rest, new)} if rest or new is not None else {})
    kept = list(value)
    if rest or new is not None:
        kept[path[0]] = changed(kept[path[0]], rest, new)
    else:
        del kept[path[0]]
    return type(value)(kept)


OTHER_LOOPS = ("validate_loop", "test_loop", "predict_loop")
"""What Lightning writes of loops that are not gone on with."""


def read(path: tuple[Any, ...]) -> bool:
    return path[0] != "pytorch-lightning_version" and not any(each in OTHER_LOOPS for each in path)


def say_of_missing_fields(data: ImageData, standing: dict[str, Any], tmp_path: Path, every: int) -> None:
    """Leave out one field in so many of a checkpoint, each in its turn, and see that it is named."""
    paths = [path for path in places(standing) if read(path)]
    assert len(paths) > 150
    for path in paths[::every]:
        if path[:2] == ("optimizer_states", 0) and path[2:3] == ("state",) and len(path) == 4:
            continue  # a parameter that no gradient has reached has no state
        torch.save(changed(standing, path, None), tmp_path / "last.ckpt")
        said = refusal(lambda: resumed(data, tmp_path, epochs=4))
        assert "last.ckpt" in said, path
        if path[0] in ("loops", "optimizer_states", "lr_schedulers", "callbacks"):
            assert ".".join(map(str, path)) in said or path[-1] in (0, 1, 2, 3), (path, said)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_field_that_is_missing_is_named(data: ImageData, standing: dict[str, Any], tmp_path: Path) -> None:
    say_of_missing_fields(data, standing, tmp_path, 7)


@pytest.mark.slow
def test_any_field_that_is_missing_is_named(data: ImageData, standing: dict[str, Any], tmp_path: Path) -> None:
    say_of_missing_fields(data, standing, tmp_path, 1)


KINDS: tuple[Callable[[Any], Any], ...] = (
    lambda value: "text" if not isinstance(value, str) else 3,
    lambda value: None if value is not None else 1,
    lambda value: {"a": 1},
    lambda value: [value, value, value],
    lambda value: torch.zeros(7, 7) if not isinstance(value, Tensor) else value.to_sparse(),
    lambda value: -1 if type(value) is int else {3: 4},
)


def say_of_other_kinds(data: ImageData, standing: dict[str, Any], where: Path, kinds: int, every: int = 1) -> None:
    """Put something of another kind at one place in so many, in turn: of that many kinds each, and by turns."""
    for number, path in list(enumerate(places(standing)))[::every]:
        if not read(path) or path in (("loops",), ("callbacks",)):
            continue
        for kind in range(kinds):
            torch.save(changed(standing, path, KINDS[(number + kind) % len(KINDS)]), where / "last.ckpt")
            said = refusal(lambda: resumed(data, where, epochs=4))
            assert "last.ckpt" in said, (path, said)
    assert [path.name for path in where.iterdir()] == ["last.ckpt"]


def test_a_field_of_another_kind_is_refused(data: ImageData, standing: dict[str, Any], tmp_path: Path) -> None:
    say_of_other_kinds(data, standing, tmp_path, 1, every=5)


@pytest.mark.slow
def test_a_field_of_any_other_kind_is_refused(data: ImageData, standing: dict[str, Any], tmp_path: Path) -> None:
    say_of_other_kinds(data, standing, tmp_path, len(KINDS))


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("epoch",), 0, "global_step"),
        (("global_step",), 3, "global_step"),
        (("loops", "fit_loop", "epoch_progress", "current", "processed"), 1, "loops.fit_loop.epoch_progress"),
        (("lr_schedulers", 0, "last_epoch"), 9, "lr_schedulers.0.last_epoch"),
        (("lr_schedulers", 0, "base_lrs"), [0.5, 0.5], "lr_schedulers.0.base_lrs"),
        (("archspec", "lr"), 0.5, "lr_schedulers.0.base_lrs"),
        (("archspec", "batch_size"), 3, "global_step"),
    ],
)
def test_numbers_that_contradict_one_another(
    path: tuple[Any, ...], value: Any, field: str, data: ImageData, standing: dict[str, Any], tmp_path: Path
) -> None:
    torch.save(changed(standing, path, lambda _: value), tmp_path / "last.ckpt")
    said = refusal(lambda: resumed(data, tmp_path, epochs=4))
    assert said.startswith(f"error[bad-checkpoint]: `{tmp_path}/last.ckpt` is not a checkpoint that this training can")
    assert f"`{field}` does not agree with " in said


def test_what_others_have_added_is_left_aside(data: ImageData, standing: dict[str, Any], tmp_path: Path) -> None:
    content = copy.deepcopy(standing)
    content["hyper_parameters"] = {"a": 1}
    content["callbacks"]["Other"] = {"b": 2}
    content["pytorch-lightning_version"] = "0.0.1"
    torch.save(content, tmp_path / "last.ckpt")
    resumed(data, tmp_path, epochs=3)
    assert epochs_told(tmp_path) == ["3"]
