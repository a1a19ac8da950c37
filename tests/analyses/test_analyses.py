"""Which sizes are valid, who says so and why one is refused; what normalisation refuses; cost as formulas."""

from __future__ import annotations

import itertools
import textwrap

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archspec
from archspec.analyses.conditions import fixed
from archspec.analyses.memory import memory
from archspec.analyses.shapes import runs
from archspec.ops.common.runs import Run

SAME_UNET = """
archspec: 1
name: SameUNet
inputs: {image: [1, H, W]}
sizes: {H: 64, W: 64}
blocks:
  double:
    params: {channels}
    steps:
      - conv: {channels: $channels, kernel: 3, padding: 1}
      - relu
  up:
    params: {channels}
    inputs: {x, skip}
    steps:
      - conv_transpose as upward: {channels: $channels, kernel: 2, stride: 2}
        from: x
      - concat: {}
        from: [skip, previous]
      - double: {channels: $channels}
steps:
  - double as down1: {channels: 4}
  - max_pool as pool1: {kernel: 2}
  - double as down2: {channels: 4}
  - max_pool as pool2: {kernel: 2}
  - double as down3: {channels: 4}
  - max_pool as pool3: {kernel: 2}
  - double as down4: {channels: 4}
  - max_pool as pool4: {kernel: 2}
  - double as bottom: {channels: 4}
  - up as up4: {channels: 4}
    from: [previous, down4]
  - up as up3: {channels: 4}
    from: [previous, down3]
  - up as up2: {channels: 4}
    from: [previous, down2]
  - up as up1: {channels: 4}
    from: [previous, down1]
"""


def spec(steps: str) -> str:
    return f"archspec: 1\nname: N\ninputs: {{image: [4, H, W]}}\nsizes: {{H: 32, W: 32}}\nsteps:\n{steps}"


def report(steps: str) -> archspec.Report:
    return archspec.check(archspec.loads(spec(steps)))


@pytest.mark.parametrize(
    ("name", "least", "step"),
    [
        ("googlenet", 15, "maxpool3"),
        ("inception_v3", 75, "Mixed_7a.branch3x3_2.conv"),
        ("densenet121", 29, "features.transition3.pool"),
        ("resnet50", 1, None),
    ],
)
def test_least_sizes_and_their_authors(name: str, least: int, step: str | None) -> None:
    found = archspec.check(archspec.load(name))
    assert found.valid_sizes["H"].describe() == f"H ≥ {least}"
    conditions = [condition for condition in found.conditions if condition.symbol == "H"]
    assert [condition.step for condition in conditions] == ([] if step is None else [step])
    assert all(condition.text == f"H ≥ {least}" for condition in conditions)


def test_inception_with_its_auxiliary_head() -> None:
    found = archspec.check(archspec.load("inception_v3"))
    assert found.valid_sizes_training["H"].describe() == "H ≥ 299"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("googlenet", "H ≥ 15"),
        ("inception_v3", "H = 75 + 32·k"),
        ("densenet121", "H mod 32 ∈ {0, 29, 30, 31}"),
        ("resnet50", "H ≥ 1"),
    ],
)
def test_sizes_at_which_no_row_is_dropped(name: str, said: str) -> None:
    whole = archspec.check(archspec.load(name)).whole_sizes["H"].valid
    assert whole.describe() == said
    if name == "inception_v3":
        assert [size for size in range(1, 180) if whole.contains(size)] == [75, 107, 139, 171]
    elif name == "densenet121":
        assert [size for size in range(1, 70) if whole.contains(size)] == [29, 30, 31, 32, 61, 62, 63, 64]


def test_both_paths_of_a_merge() -> None:
    found = archspec.check(archspec.loads(SAME_UNET))
    assert found.valid_sizes["H"].describe() == "H a multiple of 16"
    merges = [condition for condition in found.conditions if condition.symbol == "H" and condition.sides]
    assert [condition.text for condition in merges] == ["H mod 16 ≤ 7", "H mod 8 ≤ 3", "H mod 4 ∈ {0, 1}", "H even"]
    deepest = merges[0]
    assert deepest.step == "up4.concat()"
    assert deepest.statement == "⌊H/8⌋ = 2·⌊H/16⌋"
    assert [(side.path, side.size) for side in deepest.sides] == [("down4.1", "⌊H/8⌋"), ("up4.upward", "2·⌊H/16⌋")]
    assert deepest.sides[1].steps == ("pool4", "up4.upward")
    assert deepest.parted == "down4.1"
    assert "via `pool4`, `up4.upward`" in str(deepest)


def test_why_200_is_refused() -> None:
    with pytest.raises(archspec.SpecError) as refused:
        archspec.check(archspec.loads(SAME_UNET), {"H": 200})
    said = str(refused.value)
    assert "H = 200 does not fit `up4.concat()`" in said
    assert "valid: H a multiple of 16" in said
    assert "along the height `down4.1` has ⌊H/8⌋ = 25 and `up4.upward` has 2·⌊H/16⌋ = 24" in said
    assert "nearest valid sizes: H = 192 and H = 208" in said
    assert archspec.check(archspec.loads(SAME_UNET), {"H": 208}).shapes_at["down4.1"] == (4, 26, 8)


def test_a_fixed_size_says_so_with_two_ways_out() -> None:
    steps = "  - conv as c: {channels: 4, kernel: 3}\n  - flatten as flat\n  - linear as fc: {features: 2}\n"
    loaded = archspec.loads(spec(steps))
    found = archspec.check(loaded)
    assert found.valid_sizes["H"].describe() == "H = 32"
    assert [(name, node.path) for name, node in fixed(found.graph, found.valid_sizes)] == [("H", "flat"), ("W", "flat")]
    (note,) = found.size_notes
    assert str(note).startswith("`flat`: fixes H and W to the size in the spec; pool globally before it")
    with pytest.raises(archspec.SpecError) as refused:
        archspec.check(loaded, {"H": 40})
    said = str(refused.value)
    assert "does not fit `flat`" in said
    assert "pool globally before it" in said
    assert "build for another size" in said
    assert "nearest valid sizes: H = 32" in said


def test_a_map_of_one_value_is_no_size_for_instance_norm() -> None:
    steps = "  - conv as c: {channels: 4, kernel: 3, stride: 4, padding: 1}\n  - instance_norm as norm\n"
    (note,) = report(steps).size_notes
    assert str(note) == "`norm`: needs ⌊(H+3)/4⌋·⌊(W+3)/4⌋ ≥ 2"
    with pytest.raises(archspec.SpecError, match=r"`norm` needs .* ≥ 2"):
        archspec.check(archspec.loads(spec(steps)), {"H": 4, "W": 3})
    square = archspec.check(archspec.loads(spec(steps).replace("H, W]", "H, H]").replace(", W: 32", "")))
    assert square.valid_sizes["H"].describe() == "H ≥ 5"


def test_a_batch_of_one_is_noted() -> None:
    (trained,) = report(
        "  - conv: {channels: 4, kernel: 3, stride: 4, padding: 1}\n  - batch_norm as norm\n"
    ).size_notes
    assert (trained.step, trained.when) == ("norm", "training")
    assert str(trained) == "`norm`: in training it needs a batch of at least 2 where H ≤ 4 and W ≤ 4"
    pooled = report("  - global_avg_pool\n  - batch_norm as norm: {track_running_stats: false}\n").size_notes
    assert [note.text for note in pooled] == ["needs a batch of at least 2"]
    assert [note.when for note in pooled] == ["always"]
    assert not report("  - group_norm as norm: {groups: 2}\n").size_notes


def test_only_the_steps_that_refuse_most_are_noted() -> None:
    tall = "  - conv: {channels: 2, kernel: 1, stride: [4, 1]}\n  - batch_norm as tall\n"
    wide = "  - conv: {channels: 2, kernel: 1, stride: [1, 4]}\n  - batch_norm as wide\n"
    last = "  - conv: {channels: 2, kernel: 1, stride: [2, 1]}\n  - batch_norm as last\n"
    assert [note.step for note in report(tall + wide).size_notes] == ["wide"]
    assert [note.step for note in report(tall + wide + last).size_notes] == ["last"]
    never = "  - max_pool: {kernel: 4}\n  - batch_norm\n  - conv: {channels: 2, kernel: 2}\n"
    assert not report(never).size_notes
    apart = tall + "  - global_avg_pool as a\n"
    aside = wide.replace("4]}", "4]}\n    from: image") + "  - global_avg_pool\n"
    both = report(apart + aside + "  - add:\n    from: [a, previous]\n")
    assert [note.step for note in both.size_notes] == ["tall", "wide"]


RUNS = """\
archspec: 1
name: N
inputs: {image: [4, H, W]}
sizes: {H: 12, W: 12}
outputs: {main: main, aux: {from: aux, training: true}}
steps:
  - conv as c: {channels: 4, kernel: 3, stride: 2, padding: 1}
  - NORM as norm
  - conv as aux: {channels: 4, kernel: 3, stride: 2}
  - relu as main:
    from: norm
"""


@pytest.mark.parametrize(
    "norm",
    [
        "batch_norm as norm",
        "batch_norm as norm: {track_running_stats: false}",
        "instance_norm as norm",
        "instance_norm as norm: {track_running_stats: true}",
        "group_norm as norm: {groups: 4}",
        "group_norm as norm: {groups: 2}",
    ],
)
def test_a_network_runs_where_torch_runs_it(norm: str) -> None:
    loaded = archspec.loads(RUNS.replace("NORM as norm", norm))
    model = archspec.compile(loaded)
    for training, batch, height, width in itertools.product((False, True), (1, 2), range(1, 7), range(1, 7)):
        try:
            model.train(training)(torch.zeros(batch, 4, height, width))
            there = True
        except (RuntimeError, ValueError):
            there = False
        run = Run(training, alone=batch == 1)
        sizes = {"H": height, "W": width}
        assert runs(loaded.graph, run, sizes) == there, (run, height, width)
        found = memory(loaded.graph, sizes, batch)
        assert ((found.training if training else found.inference) is not None) == there
        refused = archspec.Report(loaded.graph, sizes).refused(training, batch)
        assert (not refused) == there
        assert {each.code for each in refused} <= {"size-refused", "batch-refused"}


def test_coupled_sizes_are_noted() -> None:
    text = "archspec: 1\nname: N\ninputs: {image: [4, H, W]}\nsizes: {H: 32, W: 32}\nsteps:\n"
    turned = "  - permute as turned: {axes: [channels, width, height]}\n"
    square = archspec.check(
        archspec.loads(text + turned + "  - concat as c: {axis: channels}\n    from: [turned, turned]\n")
    )
    assert not square.size_notes


def test_alignment_in_the_report() -> None:
    found = archspec.check(archspec.loads(SAME_UNET))
    assert not found.misalignments
    assert {name: str(sizes) for name, sizes in found.aligned_sizes.items()} == {"H": "every H", "W": "every W"}


def test_fields_with_respect_to_a_step() -> None:
    found = archspec.check(archspec.load("resnet18"))
    layer = found.graph.node("layer1.0.conv1").index
    assert found.fields(layer)["layer1.0.conv2"].sizes == (3, 3)


def test_what_nothing_reads_costs_no_arithmetic() -> None:
    """Its weights exist; torch counts no operation for it."""
    text = """
        steps:
          - conv as used: {channels: 4, kernel: 3, padding: 1}
          - conv as unused: {channels: 8, kernel: 3, padding: 1}
          - conv as last: {channels: 5, kernel: 1}
            from: used
    """
    spec = archspec.loads(
        "archspec: 1\nname: Net\ninputs: {image: [3, H, W]}\nsizes: {H: 16, W: 16}\n" + textwrap.dedent(text)
    )
    module = archspec.compile(spec).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 3, 16, 16))
    total = archspec.check(spec).total
    assert total.multiply_adds == counter.get_total_flops() // 2
    assert total.parameters == sum(parameter.numel() for parameter in module.parameters())


def test_cost_is_a_formula() -> None:
    found = report("  - conv as c: {channels: 8, kernel: 3, stride: 2, padding: 1}\n")
    assert found.cost["c"].multiply_adds == 4 * 8 * 9 * 16 * 16
    assert str(found.cost["c"].formula) == "288·⌊(H+1)/2⌋·⌊(W+1)/2⌋"
    assert found.sized({"H": 64}).cost["c"].multiply_adds == 4 * 8 * 9 * 32 * 16


@pytest.mark.parametrize(("name", "size"), [("googlenet", 15), ("densenet121", 29), ("unet", 188), ("unet_same", 16)])
def test_emitted_modules_run_from_the_least_size_on(name: str, size: int) -> None:
    torch = pytest.importorskip("torch")
    spec = archspec.load(name)
    found = archspec.check(spec)
    assert found.valid_sizes["H"].next(1) == size
    model = archspec.compile(spec).eval()
    channels = spec.graph.nodes[0].shape.channels
    with torch.no_grad():
        model(torch.zeros(1, channels, size, size))
        with pytest.raises((RuntimeError, ValueError)):
            model(torch.zeros(1, channels, size - 1, size))


def test_two_inputs_of_different_symbols_need_no_numbers() -> None:
    spec = archspec.loads(
        "archspec: 1\nname: Two\ninputs:\n  a: [3, H, W]\n  b: [3, V, W]\nsteps:\n  - add:\n    from: [a, b]\n"
    )
    report = archspec.check(spec)
    assert [len(report.valid_sizes[name].coupled) for name in "HVW"] == [1, 1, 0]
    archspec.check(spec, {"H": 32})  # V is not known, so nothing is refused yet
    model = archspec.compile(spec)
    for height, other in ((32, 32), (32, 30)):
        images = torch.zeros(1, 3, height, 8), torch.zeros(1, 3, other, 8)
        if height == other:
            assert archspec.check(spec, {"H": height, "V": other}).sizes == {"H": height, "V": other}
            assert model(*images).shape == images[0].shape
        else:
            with pytest.raises(archspec.SpecError, match="H = V"):
                archspec.check(spec, {"H": height, "V": other})
            with pytest.raises(RuntimeError, match="size of tensor"):
                model(*images)
