"""The summary: what a row counts, what is folded, and how it looks at different widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import archspec
from archspec.backends.reports.summary import Row, Summary, summarise, to_json
from archspec.backends.reports.summary_table import AMPLE, short, size_in_bytes, suitable_depth, text


def summary_of(spec: str, **sizes: int) -> Summary:
    return summarise(archspec.check(archspec.load(spec), sizes or None))


def written(steps: str, inputs: str = "image: [3, H, W]", sizes: str = "{H: 32, W: 32}", more: str = "") -> Summary:
    """The summary of a spec given by its steps."""
    spec = f"archspec: 1\nname: Net\ninputs: {{{inputs}}}\nsizes: {sizes}\n{more}\nsteps:\n{steps}"
    return summarise(archspec.check(archspec.loads(spec)))


def every(rows: tuple[Row, ...]) -> Iterator[Row]:
    for row in rows:
        yield row
        yield from every(row.rows)


@pytest.mark.parametrize("width", [50, 80, 120])
def test_resnet18(golden: Callable[..., None], width: int) -> None:
    golden(text(summary_of("resnet18"), None, width))


def test_googlenet_with_auxiliary_classifiers(golden: Callable[..., None]) -> None:
    golden(text(summary_of("googlenet"), 2, 100))


def test_squeezenet_opened(golden: Callable[..., None]) -> None:
    golden(text(summary_of("squeezenet1_0"), 3, 100))


def test_equal_copies_are_one_row() -> None:
    rows = {row.path: row for row in every(summary_of("resnet152").rows)}
    first, rest = rows["layer3"].rows
    assert (first.name, first.count) == ("0", 1)
    assert (rest.name, rest.count, rest.last_path) == ("1–35", 35, rows["layer3"].last_path)
    assert rest.parameters == 1_117_184
    assert rest.receptive_field == (1291, 1291)


def test_copies_that_differ_stay_apart() -> None:
    layers = next(row for row in every(summary_of("densenet121").rows) if row.name == "denseblock1")
    assert [row.count for row in layers.rows] == [1] * 6


def test_parallel_copies_stay_apart() -> None:
    steps = (
        "  - conv as start: {channels: 8, kernel: 1}\n"
        "  - conv as one: {channels: 8, kernel: 1}\n"
        "    from: start\n"
        "  - conv as two: {channels: 8, kernel: 1}\n"
        "    from: start\n"
        "  - add:\n    from: [one, two]\n"
    )
    assert [row.count for row in written(steps).rows] == [1, 1, 1, 1]
    chained = "  - conv: {channels: 3, kernel: 1}\n    repeat: 3\n"
    assert [(row.name, row.count) for row in written(chained).rows] == [("0–2", 3)]


@pytest.mark.parametrize("spec", ["resnet18", "resnet152", "squeezenet1_0", "densenet121", "mobilenet_v2", "vgg16"])
def test_rows_add_up_to_the_network(spec: str) -> None:
    summary = summary_of(spec)
    for counted in ("parameters", "multiply_adds"):
        assert sum(row.count * getattr(row, counted) for row in summary.rows) == getattr(summary, counted)
    assert sum(row.share or 0 for row in summary.rows) == pytest.approx(1)
    for row in every(summary.rows):
        if row.rows:
            assert sum(inner.count * inner.parameters for inner in row.rows) == row.parameters
            assert sum(inner.share or 0 for inner in row.rows) == pytest.approx(row.share or 0)


def test_parts_that_only_training_runs_have_no_share() -> None:
    summary = summary_of("googlenet")
    auxiliary = [row for row in summary.rows if row.runs == "in training"]
    assert [row.name for row in auxiliary] == ["aux1", "aux2"]
    assert all(row.share is None and row.parameters for row in auxiliary)


def test_activations_join_the_step_they_follow() -> None:
    steps = "  - conv as conv1: {channels: 8, kernel: 3}\n  - relu\n  - dropout\n  - batch_norm\n  - relu\n"
    rows = written(steps).rows
    assert [row.what for row in rows] == ["3×3 conv, 8 · ReLU · dropout, 0.5", "batch norm · ReLU"]
    assert [(row.path, row.last_path) for row in rows] == [("conv1", "2"), ("3", "4")]


def test_shapes_without_numbers_are_formulas() -> None:
    summary = written("  - conv as conv1: {channels: 8, kernel: 3, stride: 2}\n", sizes="{}")
    assert summary.rows[0].shape == (8, "⌊(H−1)/2⌋", "⌊(W−1)/2⌋")
    assert summary.multiply_adds is None
    assert [line.split()[0] for line in text(summary).splitlines() if "float32" in line] == ["parameters"]


def test_other_sizes_are_other_numbers() -> None:
    assert summary_of("resnet18", H=448, W=448).rows[0].shape == (64, 224, 224)


def test_json_has_the_same_rows_nested() -> None:
    summary = summary_of("resnet18")
    whole, cut = to_json(summary), to_json(summary, 1)
    assert [row["name"] for row in whole["rows"]] == [row.name for row in summary.rows]
    layer = next(row for row in whole["rows"] if row["name"] == "layer1")
    assert layer["rows"][0]["count"] == 2
    assert layer["rows"][0]["rows"][0]["what"] == "3×3 conv, 64"
    assert [row["name"] for row in cut["rows"]] == [row.name for row in summary.rows]
    assert all(not row["rows"] for row in cut["rows"])


def test_depth_is_chosen_to_be_readable() -> None:
    for spec in ("resnet18", "densenet121", "vgg16", "inception_v3"):
        rows = summary_of(spec).rows
        depth = suitable_depth(rows)
        lines = len(text(summarise(archspec.check(archspec.load(spec)))).splitlines())
        assert depth >= 1
        assert lines <= AMPLE + 12


@pytest.mark.parametrize("width", range(20, 140, 7))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = text(summary_of("mobilenet_v2"), None, width).splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (9994, "9.99 k"),
        (9996, "10.0 k"),
        (999_600, "1.00 M"),
        (118_013_952, "118 M"),
        (1_814_073_344, "1.81 G"),
        (3.2e12, "3.20 T"),
    ],
)
def test_short_numbers(number: float, shown: str) -> None:
    assert short(number) == shown


def test_bytes() -> None:
    assert [size_in_bytes(number) for number in (4, 46_758_048)] == ["4 B", "46.8 MB"]
