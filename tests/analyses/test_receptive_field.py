"""Receptive fields against published numbers, and what is said of phases, holes, borders, interiors and alignment."""

from __future__ import annotations

from fractions import Fraction

import pytest

import archspec
from archspec.analyses.alignment import aligned_sizes, misalignments
from archspec.analyses.borders import rows_read
from archspec.analyses.interior import interior_rows
from archspec.analyses.receptive_field import AxisField, ReceptiveField, table
from archspec.analyses.step_names import values as step_values
from archspec.graph import Graph

UNET = """
archspec: 1
name: UNet
inputs: {image: [1, H, W]}
sizes: {H: 572, W: 572}
blocks:
  double:
    params: {channels}
    steps:
      - conv: {channels: $channels, kernel: 3}
      - relu
      - conv: {channels: $channels, kernel: 3}
      - relu
  up:
    params: {channels}
    inputs: {x, skip}
    steps:
      - conv_transpose as upward: {channels: $channels, kernel: 2, stride: 2}
        from: x
      - concat as join:
          - - crop as cut: {to: upward}
              from: skip
          - - identity
      - double: {channels: $channels}
steps:
  - double as down1: {channels: 4}
  - max_pool: {kernel: 2}
  - double as down2: {channels: 4}
  - max_pool: {kernel: 2}
  - double as down3: {channels: 4}
  - max_pool: {kernel: 2}
  - double as down4: {channels: 4}
  - max_pool: {kernel: 2}
  - double as bottom: {channels: 4}
  - up as up4: {channels: 4}
    from: [previous, down4]
  - up as up3: {channels: 4}
    from: [previous, down3]
  - up as up2: {channels: 4}
    from: [previous, down2]
  - up as up1: {channels: 4}
    from: [previous, down1]
  - conv as last: {channels: 2, kernel: 1}
"""


def spec(steps: str, inputs: str = "[1, L]", sizes: str = "{L: 40}") -> Graph:
    text = f"archspec: 1\nname: N\ninputs: {{image: {inputs}}}\nsizes: {sizes}\nsteps:\n{steps}"
    return archspec.loads(text).graph


def fields(graph: Graph) -> dict[str, ReceptiveField]:
    """Fields by path, label and scope."""
    found = table(graph, graph.sizes)
    return {name: found[graph.nodes[index].path] for name, index in step_values(graph).found.items()}


def along(graph: Graph, name: str, axis: str = "length", wrt: str | None = None) -> AxisField:
    names = step_values(graph).found
    found = table(graph, graph.sizes, None if wrt is None else names[wrt])[graph.nodes[names[name]].path].axes[axis]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def unet() -> archspec.Spec:
    return archspec.loads(UNET)


# -- what is published --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size", "stride"),
    [
        # Araujo et al., "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019
        ("alexnet", 195, 32),
        ("vgg16", 212, 32),
        ("inception_v2", 699, 32),
        ("inception_v3", 1311, 32),
        ("resnet50_paper", 483, 32),
        ("resnet101_paper", 1027, 32),
        ("resnet152_paper", 1507, 32),
        ("mobilenet_v1", 315, 32),
        # torchvision strides in the 3×3 convolution, where the paper has it in the 1×1 before
        ("resnet50", 427, 32),
        ("googlenet", 379, 32),
        ("densenet121", 2071, 32),
    ],
)
def test_published_sizes(name: str, size: int, stride: int) -> None:
    graph = archspec.load(name).graph
    maps = [field for field in table(graph, graph.sizes).values() if not field.whole]
    assert maps[-1].sizes == (size, size)
    assert maps[-1].strides == (stride, stride)


def test_vgg16_pools() -> None:
    found = fields(archspec.load("vgg16").graph)
    assert [found[f"pool{i}"].sizes[0] for i in range(1, 6)] == [6, 16, 44, 100, 212]


def test_context_module() -> None:
    """Table 1 of https://arxiv.org/abs/1511.07122."""
    steps = [
        f"  - conv as c{i}: {{channels: 1, kernel: 3, padding: {d}, dilation: {d}}}\n"
        for i, d in enumerate((1, 1, 2, 4, 8, 16, 1))
    ]
    graph = spec("".join(steps) + "  - conv as c7: {channels: 1, kernel: 1}\n", "[1, H, W]", "{H: 90, W: 90}")
    found = fields(graph)
    assert [found[f"c{i}"].sizes[0] for i in range(8)] == [3, 5, 9, 17, 33, 65, 67, 67]


@pytest.mark.parametrize(("name", "size"), [("fcn32s_alexnet", 355), ("fcn32s_vgg16", 404), ("fcn32s_googlenet", 907)])
def test_fully_convolutional_networks(name: str, size: int) -> None:
    """Table 1 of https://arxiv.org/abs/1411.4038: the field of the coarse prediction, of stride 32."""
    found = table((graph := archspec.load(name).graph), graph.sizes)
    coarse = [field for field in found.values() if field.strides == (32, 32)]
    assert coarse[-1].sizes == (size, size)


def test_the_papers_unet(unet: archspec.Spec) -> None:
    """188 for output rows 0 to 3 of every 16, 204 for the others, at every size."""
    for size in (188, 203, 572):
        field = table(unet.graph, {"H": size, "W": 572})["last"].axes["height"]
        assert field is not None
        assert field.period == 16
        assert [phase.size for phase in field.phases if phase is not None] == [188] * 4 + [204] * 12
        assert (field.size, field.smallest, field.stride) == (204, 188, 1)


# -- phases, holes, other sources --------------------------------------------------------------------------------


def test_gridding() -> None:
    """Three convolutions of dilation 2 sample 7 of 13 pixels (https://arxiv.org/abs/1702.08502)."""
    conv = "  - conv as c{}: {{channels: 1, kernel: 3, dilation: 2}}\n"
    field = along(spec("".join(map(conv.format, range(3)))), "c2")
    (phase,) = field.phases
    assert phase is not None
    assert (field.size, field.holes) == (13, 6)
    assert phase.pixels == (0, 2, 4, 6, 8, 10, 12)


def test_phases_that_see_nothing() -> None:
    field = along(spec("  - conv_transpose as up: {channels: 1, kernel: 1, stride: 3}\n"), "up")
    assert [phase and phase.pixels for phase in field.phases] == [(0,), None, None]
    assert (field.size, field.smallest, field.stride) == (1, 0, Fraction(1, 3))
    assert field.at(4) is None
    third = field.at(3)
    assert third is not None
    assert third.pixels == (1,)


def test_transposed_convolution_phases() -> None:
    field = along(spec("  - conv_transpose as up: {channels: 1, kernel: 3, stride: 2, padding: 1}\n"), "up")
    assert [phase and phase.pixels for phase in field.phases] == [(0,), (0, 1)]
    assert (field.offset, field.padding) == (0, 0)


def test_with_respect_to_an_earlier_step() -> None:
    graph = archspec.load("resnet50_paper").graph
    names = step_values(graph).found
    found = table(graph, graph.sizes, names["layer3"])
    assert found[graph.nodes[names["layer3"]].path].sizes == (1, 1)
    last = found[graph.nodes[names["layer4"]].path]
    assert last.sizes == (13, 13)  # a 1×1 of stride 2, then 3×3 three times at that stride
    assert last.strides == (2, 2)
    assert "conv1" not in found


def test_asymmetric_kernels() -> None:
    graph = spec(
        "  - conv as a: {channels: 1, kernel: [1, 7], padding: [0, 3]}\n  - conv as b: {channels: 1, kernel: [3, 1]}\n",
        "[1, H, W]", "{H: 9, W: 9}",
    )  # fmt: skip
    assert fields(graph)["b"].sizes == (3, 7)
    assert [along(graph, "b", axis).padding for axis in ("height", "width")] == [0, 3]


def test_two_conventions() -> None:
    """A squeeze-and-excite gate sees the whole image, and adds nothing to the convolution-like field."""
    graph = archspec.load("mobilenet_v3_large").graph
    found = fields(graph)
    whole = next(field for field in found.values() if field.whole)
    assert whole.whole_axes == {"height", "width"}
    plain = spec(
        "  - conv as c: {channels: 2, kernel: 3}\n  - multiply as gated:\n      - []\n"
        "      - - global_avg_pool\n        - conv as gate: {channels: 2, kernel: 1}\n"
        "  - conv as d: {channels: 1, kernel: 3}\n"
    )
    assert along(plain, "d").size == 5
    assert fields(plain)["d"].whole
    rows = rows_read(plain, {"L": 12}, step_values(plain).found["d"], 0)["length"]
    assert set(rows) == {(1 << 12) - 1}
    rows = rows_read(plain, {"L": 12}, step_values(plain).found["d"], 0, whole_image=False)["length"]
    assert rows[2] == 0b11111 << 2


def test_unknown_in_general_and_exact_at_a_size() -> None:
    graph = spec("  - upsample as up: {scale: 2, mode: linear, align_corners: true}\n", sizes="{L: 3}")
    assert fields(graph)["up"].axes["length"] is None
    assert rows_read(graph, {"L": 3}, 1, 0)["length"] == (0b1, 0b11, 0b11, 0b110, 0b110, 0b100)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_a_given_size_is_the_scale_that_leads_to_it(mode: str) -> None:
    size, scale = (
        spec(
            f"  - upsample as up: {{{how}, mode: {mode}}}\n  - conv as c: {{channels: 1, kernel: 3}}\n", sizes="{L: 6}"
        )
        for how in ("size: 12", "scale: 2")
    )
    for name in ("up", "c"):
        one, other = along(size, name), along(scale, name)
        assert [one.at(row) for row in range(6)] == [other.at(row) for row in range(6)]


@pytest.mark.parametrize(
    ("mode", "rows"),
    [
        ("constant", (0b0, 0b1, 0b10, 0b100, 0b0)),
        ("reflect", (0b10, 0b1, 0b10, 0b100, 0b10)),
        ("replicate", (0b1, 0b1, 0b10, 0b100, 0b100)),
        ("circular", (0b100, 0b1, 0b10, 0b100, 0b1)),
    ],
)
def test_what_padding_shows(mode: str, rows: tuple[int, ...]) -> None:
    graph = spec(f"  - pad as p: {{amount: 1, mode: {mode}}}\n", sizes="{L: 3}")
    assert rows_read(graph, {"L": 3}, 1, 0)["length"] == rows


# -- interior and borders --------------------------------------------------------------------------------


def test_resnet50_has_an_interior_row_from_438() -> None:
    graph = archspec.load("resnet50").graph
    interior = interior_rows(graph, 0)[step_values(graph).found["layer4"]]["height"]
    assert interior is not None
    assert interior.least_size() == 438
    assert interior.first == 7
    assert str(interior) == "7 … ⌊(H−214)/32⌋"


def test_every_row_of_the_papers_unet_is_interior(unet: archspec.Spec) -> None:
    graph = unet.graph
    interior = interior_rows(graph, 0)[graph.node("last").index]["height"]
    assert interior is not None
    assert interior.first == 0
    assert interior.least_size() == 188


def test_border_rows() -> None:
    graph = spec("  - conv as a: {channels: 1, kernel: 3, padding: 1}\n  - max_pool as b: {kernel: 2, ceil: true}\n")
    assert rows_read(graph, {"L": 5}, 2, 0)["length"] == (0b111, 0b11110, 0b11000)


# -- alignment --------------------------------------------------------------------------------


def test_the_papers_unet_is_aligned_at_some_sizes_only(unet: archspec.Spec) -> None:
    report = archspec.check(unet)
    found = aligned_sizes(unet.graph, report.valid_sizes["H"], unet.graph.sizes)
    assert found is not None
    assert (found.modulus, found.residues) == (16, (12, 13))
    assert str(found) == "H mod 16 ∈ {12, 13}"
    assert not misalignments(unet.graph, {"H": 572, "W": 572})
    assert not [one for one in misalignments(unet.graph, {"H": 203, "W": 572}) if one.axis == "width"]


def test_misalignment_is_explained(unet: archspec.Spec) -> None:
    apart = [one for one in misalignments(unet.graph, {"H": 203, "W": 572}) if one.apart is not None]
    worst = max(apart, key=lambda one: one.apart or 0)
    assert worst.apart == 7
    assert worst.path.startswith("up1")
    said = str(worst)
    assert "up1.join" in said
    assert "7 pixels apart" in said
    assert "`down1" in said


def test_padding_that_misaligns() -> None:
    graph = spec(
        "  - add as sum:\n      - - conv as a: {channels: 1, kernel: 3, padding: 1}\n"
        "      - - conv as b: {channels: 1, kernel: 3, padding: [[2, 0]]}\n"
    )
    (found,) = misalignments(graph, graph.sizes)
    assert found.apart == 1
    assert found.parted == "image"


def test_paths_part_before_an_upsampling_by_a_factor() -> None:
    """What only lends its size is no part of a path; an upsampling that follows no other step has no such input."""
    graph = spec(
        "  - conv as stem: {channels: 1, kernel: 3, padding: 1}\n  - max_pool: {kernel: 2}\n"
        "  - conv as deep: {channels: 1, kernel: 2, padding: [[0, 1]]}\n  - upsample as up: {scale: 2}\n"
        "  - add as sum:\n    from: [up, stem]\n"
    )
    (found,) = misalignments(graph, graph.sizes)
    assert found.parted == "stem"


def test_the_shipped_unets() -> None:
    paper, same = (archspec.check(archspec.load(name)) for name in ("unet", "unet_same"))
    assert paper.valid_sizes["H"].describe() == "H ≥ 188"
    assert str(paper.aligned_sizes["H"]) == "H mod 16 ∈ {12, 13}"
    assert [size for size in range(188, 300) if paper.whole_sizes["H"].contains(size)] == list(range(188, 300, 16))
    assert same.valid_sizes["H"].describe() == "H a multiple of 16"
    assert str(same.aligned_sizes["H"]) == "every H"


def test_aligned_everywhere() -> None:
    report = archspec.check(archspec.load("resnet18"))
    found = aligned_sizes(report.graph, report.valid_sizes["H"], report.sizes)
    assert str(found) == "every H"
