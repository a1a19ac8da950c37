"""Sweeps: rows against the analyses of each variant, limits and fronts by brute force, killed drivers, wrong files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archspec
from archspec.diagnostics import SpecError
from archspec.elaborate import Loader
from archspec.sweeping import limits
from archspec.sweeping.front import Axis, axes, front
from archspec.sweeping.ledger import LEDGER, read_ledger
from archspec.sweeping.measuring import Measurer
from archspec.sweeping.rows import MEASURES, Row
from archspec.sweeping.space import read_space
from archspec.sweeping.space_schema import space_schema
from archspec.sweeping.sweep import some_variant, sweep
from tests.helpers.command_line import run

SPEC = """
archspec: 1
name: Small
params: {width: 8, classes: 10}
inputs: {image: [3, H, W]}
sizes: {H: 32, W: 32}
steps:
  - conv_bn_relu: {channels: $width, kernel: 3, stride: 2, padding: 1}
  - max_pool: {kernel: 3, stride: 2}
  - conv_bn_relu: {channels: $(2 * width), kernel: 3}
  - global_avg_pool
  - flatten
  - linear as fc: {features: $classes}
"""

SPACE = """
spec: small.yaml
space:
  width: [8, 16]
  classes: [10, 7.5]
sizes: [32, 64x48]
batch: 2
limits: {macs: 300e3}
"""


def written(folder: Path, text: str) -> Path:
    """A space file, beside the spec that it names."""
    (folder / "small.yaml").write_text(SPEC, encoding="utf-8")
    path = folder / "space.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_has_what_check_says(tmp_path: Path) -> None:
    rows = sweep(read_space(written(tmp_path, SPACE)), tmp_path / "out", jobs=1)
    assert [row.number for row in rows] == list(range(8))
    for row in rows:
        if row.values["classes"] == 7.5:
            assert row.reason is not None
            assert "7.5" in row.reason
            assert row.parameters is None
            continue
        report = archspec.check(archspec.load(tmp_path / "small.yaml", **row.values), dict(row.sizes))
        memory = report.memory(2)
        assert row.parameters == report.total.parameters
        assert row.multiply_adds == report.total.multiply_adds
        assert (row.inference, row.training) == (memory.inference_total, memory.training_total)
        assert row.receptive_field == 15
    assert rows[1].sizes == {"H": 64, "W": 48}


SPACES = {
    "mobilenet_v1": "width: [0.25, 0.5], classes: [10, 20], dropout: [0.0, 0.5]",
    "resnet": "block: [residual_basic, residual_bottleneck], depths: [[1, 1, 1, 1], [2, 1, 1, 1], [2, 1, 1, 2]]",
    "densenet": "growth: [8, 12], depths: [[2, 3], [2, 4]]",
    "unet": "classes: [2, 3], padding: [0, 1]",
}


@pytest.mark.parametrize("name", SPACES)
def test_what_is_kept_between_variants_changes_no_row(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each variant by itself, every step walked, has the row that it has among the others, forwards and backwards."""
    path = tmp_path / "space.yaml"
    path.write_text(f"spec: {name}\nspace: {{{SPACES[name]}}}\nbatch: 3\n", encoding="utf-8")
    space = read_space(path)
    shared = Measurer(space)
    rows = [shared.rows(point) for point in range(space.points)]
    assert any(row.reason is None for some in rows for row in some)
    assert [shared.rows(point) for point in reversed(range(space.points))] == rows[::-1]
    monkeypatch.setattr(Loader, "stamped", False)
    assert [Measurer(space).rows(point) for point in range(space.points)] == rows


def test_a_size_that_does_not_fit_is_a_row_with_its_reason(tmp_path: Path) -> None:
    path = written(tmp_path, "spec: small.yaml\nspace: {classes: [2]}\nsizes: [32, 32x3, 32x32x3]\n")
    good, wrong, other = sweep(read_space(path), tmp_path / "out", jobs=1)
    assert good.reason is None
    assert "W" in (wrong.reason or "")
    assert "has 3 sizes" in (other.reason or "")


def test_the_command_writes_table_and_picture_and_keeps_within_limits(tmp_path: Path) -> None:
    path = written(tmp_path, SPACE)
    status, out, error = run("sweep", str(path), "-o", str(tmp_path / "out"), "--jobs", "1", "--format", "json")
    assert status == 0, error
    told = json.loads(out)
    small = [row["number"] for row in told["rows"] if row["multiply_adds"] and row["multiply_adds"] <= 3e5]
    assert told["within_limits"] == small
    with (tmp_path / "out" / "table.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [int(line["number"]) for line in table if line["within_limits"] == "1"] == small
    assert (tmp_path / "out" / "pareto.svg").read_bytes().startswith(b"<?xml")
    assert run("sweep", str(path), "-o", str(tmp_path / "out"))[0] == 1  # there is a sweep already
    status, text, _ = run("sweep", str(path), "-o", str(tmp_path / "out"), "--resume", "--limit", "macs=2e5")
    assert status == 0
    assert "8 variants, 4 networks, 1 within the limits" in text


ROW = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))


@given(st.lists(ROW, max_size=12), st.lists(st.booleans(), min_size=3, max_size=3))
def test_the_front_is_what_no_row_beats(values: list[tuple[int, int, int]], most: list[bool]) -> None:
    names = ("parameters", "macs", "weights")
    by = [Axis(MEASURES[name], way) for name, way in zip(names, most, strict=True)]
    rows = [Row(at, {}, {}, None, a, b, c) for at, (a, b, c) in enumerate(values)]

    def better(one: int, other: int, more: bool) -> bool:
        return one > other if more else one < other

    def beats(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        pairs = list(zip(one, other, most, strict=True))
        return any(better(*each) for each in pairs) and not any(better(b, a, way) for a, b, way in pairs)

    wanted = {at for at, value in enumerate(values) if not any(beats(other, value) for other in values)}
    assert {row.number for row in front(rows, by)} == wanted


@pytest.mark.parametrize(
    ("text", "value"),
    [("macs=300e6", 3e8), ("memory=2GB", 2e9), ("memory=1.5 GiB", 1.5 * 2**30), ("parameters=4.2M", 4.2e6),
     ("weights=10k", 1e4), ("multiply_adds=5_000", 5e3)],
)  # fmt: skip
def test_limits_as_people_write_them(text: str, value: float) -> None:
    assert limits.written(text).value == value


@pytest.mark.parametrize("text", ["macs", "macs=", "macs=-1", "macs=1e99999", "memory=2 apples", "maks=3", "=3"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(SpecError):
        limits.written(text)


def test_a_limit_on_the_field_is_the_least() -> None:
    row = Row(0, {}, {}, None, 1, 1, 1, 1, 1, 100)
    assert limits.within(row, [limits.written("field=100")])
    assert not limits.within(row, [limits.written("field=101")])


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("space: {width: [1]}", "missing-key", (1, 1)),
        ("spec: mobilenet_v1\nspace: {width: 1}", "wrong-type", (2, 9)),
        ("spec: mobilenet_v1\nspace: {width: [1]}\nbatch: none", "wrong-type", (3, 8)),
        ("spec: mobilenet_v1\nspace: {width: [1]}\nsizes: [64y64]", "wrong-type", (3, 9)),
        ("spec: mobilenet_v1\nspace: {width: [1]}\nlimit: {macs: 3}", "unknown-key", (3, 1)),
        ("spec: mobilenet_v1\nspace: {width: [1]}\nlimits: {mac: 3}", "unknown-measure", (3, 10)),
        ("spec: mobilenet_v1\nspace: {width: [1]}\ntraining: {speed: [3]}", "unknown-key", (3, 12)),
        ("spec: mobilenet_v1\nspace: {a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], b: *a, c: *a, d: *a, e: *a, f: *a, g: *a}",
         "too-many-variants", (2, 1)),
        ("- 3", "structure", (1, 1)),
    ],
)  # fmt: skip
def test_a_wrong_space_is_told_at_its_place(tmp_path: Path, text: str, code: str, place: tuple[int, int]) -> None:
    with pytest.raises(SpecError) as error:
        read_space(written(tmp_path, text))
    found = error.value.diagnostics[0]
    assert found.code == code
    assert found.span is not None
    assert (found.span.line, found.span.column) == place


def test_a_parameter_that_the_spec_has_not_is_told_at_the_space(tmp_path: Path) -> None:
    space = read_space(written(tmp_path, "spec: mobilenet_v1\nspace: {widht: [1]}"))
    with pytest.raises(SpecError) as error:
        some_variant(space)
    assert "space.yaml:2:9: error[unknown-argument]" in str(error.value)
    assert "did you mean `width`?" in str(error.value)


def test_another_space_is_not_mixed_with_the_rows_of_a_folder(tmp_path: Path) -> None:
    sweep(read_space(written(tmp_path, SPACE)), tmp_path / "out", jobs=1)
    other = read_space(written(tmp_path, SPACE.replace("batch: 2", "batch: 3")))
    with pytest.raises(SpecError, match="differs from this one in batch"):
        sweep(other, tmp_path / "out", jobs=1, resume=True)


def test_a_torn_last_line_is_measured_again(tmp_path: Path) -> None:
    space = read_space(written(tmp_path, SPACE))
    rows = sweep(space, tmp_path / "out", jobs=1)
    ledger = tmp_path / "out" / LEDGER
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[: -len(whole.splitlines()[-1]) // 2])
    assert sweep(space, tmp_path / "out", jobs=1, resume=True) == rows


@pytest.mark.parametrize(
    "line",
    ["not json", "[1, 2]", "7", "null", "[" * 5000, '{"number": 0}', '{"number": "0", "values": {}, "sizes": {}}',
     '{"number": 0, "values": {}, "sizes": {}, "unknown": 1}', '{"number": 0, "values": [], "sizes": {}}',
     '{"number": true, "values": {}, "sizes": {}}',
     '{"number": 0, "values": {}, "sizes": {}, "trial": {"score": "1"}}'],
)  # fmt: skip
def test_a_line_that_is_no_row(line: str, tmp_path: Path) -> None:
    ledger = tmp_path / LEDGER
    row = '{"number": 0, "values": {}, "sizes": {}, "trial": {"score": 0.5}}'
    ledger.write_text(f'{{"archspec": 1}}\n{row}\n')
    assert read_ledger(ledger)[1] == [Row(0, {}, {}, trial={"score": 0.5})]
    ledger.write_text(f'{{"archspec": 1}}\n{row}\n{line}\n')
    with pytest.raises(SpecError, match="is damaged, or was not written by"):
        read_ledger(ledger)


@pytest.mark.slow
def test_a_killed_driver_loses_no_finished_row(tmp_path: Path) -> None:
    """The driver and its two processes; what it had written is not measured again."""
    text = f"spec: small.yaml\nspace: {{width: {list(range(1, 301))}}}\nsizes: [32, 64, 96]\n"
    path, out = written(tmp_path, text), tmp_path / "out"
    words = [sys.executable, "-m", "archspec", "sweep", str(path), "-o", str(out), "--jobs", "2"]
    driver = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (out / LEDGER).exists() or (out / LEDGER).read_bytes().count(b"\n") < 100:
        assert driver.poll() is None
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    before = (out / LEDGER).read_bytes()
    whole = before[: before.rfind(b"\n") + 1]
    deadline = time.monotonic() + 60
    while True:  # its processes let go of nothing that is locked; the folder is free once the driver is gone
        done = subprocess.run([*words, "--resume"], check=False, capture_output=True, text=True)
        if done.returncode == 0 or time.monotonic() > deadline:
            break
    assert done.returncode == 0, done.stderr
    after = (out / LEDGER).read_bytes()
    assert after.startswith(whole)
    numbers = [json.loads(line)["number"] for line in after.splitlines()[1:]]
    assert sorted(numbers) == list(range(900))


def test_the_ways_to_compare() -> None:
    assert list(map(str, axes("macs,score"))) == ["macs:least", "score:most"]
    assert list(map(str, axes("macs:least, parameters:most"))) == ["macs:least", "parameters:most"]
    for wrong in ("macs", "macs:worst,parameters", "speed,macs"):
        with pytest.raises(SpecError):
            axes(wrong)


def test_the_schema_takes_a_space_and_refuses_another_key() -> None:
    import jsonschema

    schema = space_schema()
    jsonschema.validate({"spec": "resnet18", "space": {"classes": [2]}, "sizes": [32, "32x48"]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"spec": "resnet18", "space": {"classes": 2}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"spec": "resnet18", "space": {"classes": [2]}, "limit": {}}, schema)


def test_the_schemas_of_what_is_beside_a_spec_are_a_commands() -> None:
    status, text, error = run("schema", "--of", "space")
    assert (status, error, json.loads(text)) == (0, "", space_schema())
    assert json.loads(run("schema", "--of", "recipe")[1])["title"] == "A recipe for training"
    assert run("schema", "--of", "nothing")[0] == 2
