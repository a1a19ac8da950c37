"""Pictures: every shipped network and any small graph gives one, laid out cleanly, the same bytes each time."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import graphviz
import pytest
from graphviz.backend import dot_command

import archspec
from archspec.backends.diagram import Figure, compare, draw, find_program, palette, text
from archspec.backends.diagram import figure as figures
from archspec.graph import Graph, Scope
from tests.helpers.places import EACH_SHIPPED

UNET = """
archspec: 1
name: UNet
inputs: {image: [1, H, W]}
sizes: {H: 572, W: 572}
blocks:
  double:
    params: {channels}
    steps:
      - conv as conv1: {channels: $channels, kernel: 3}
      - relu
      - conv as conv2: {channels: $channels, kernel: 3}
      - relu
  level:
    params: {channels, depth}
    steps:
      - double as down: {channels: $channels}
      - concat:
          - - max_pool: {kernel: 2}
            - level as inner: {channels: $(2 * channels), depth: $(depth - 1)}
            - conv_transpose as up: {channels: $channels, kernel: 2, stride: 2}
          - - crop: {to: up}
        when: depth > 0
      - double as final: {channels: $channels}
        when: depth > 0
steps:
  - level: {channels: 64, depth: 4}
  - conv as classify: {channels: 2, kernel: 1}
outputs: {segmentation: classify}
"""


@dataclass(frozen=True)
class Rectangle:
    """A place on the page, in points."""

    name: str
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Rectangle, slack: float = 0.1) -> bool:
        """Whether two rectangles share more than an edge."""
        across = self.left < other.right - slack and other.left < self.right - slack
        return across and self.bottom < other.top - slack and other.bottom < self.top - slack


@dataclass(frozen=True)
class Layout:
    """What the engine made of a figure."""

    boxes: dict[int, Rectangle]
    labels: dict[int, str]
    groups: dict[str, set[float]]
    lines: list[tuple[str, list[Rectangle]]]
    notes: list[Rectangle]
    width: float

    def words(self) -> list[str]:
        """The words of every box and circle."""
        return list(self.labels.values())

    def faults(self) -> list[str]:
        """What is wrong with it: things on top of one another, skew lines, a path that is not straight."""
        found = [
            f"{a.name} lies on {b.name}"
            for a in self.boxes.values()
            for b in self.boxes.values()
            if a.name < b.name and a.meets(b)
        ]
        found += [
            f"label {note.name} lies on {box.name}"
            for note in self.notes
            for box in self.boxes.values()
            if note.meets(box)
        ]
        for name, stretches in self.lines:
            for stretch in stretches:
                if min(stretch.right - stretch.left, stretch.top - stretch.bottom) > 0.1:
                    found.append(f"{name} is skew")
                found += [f"{name} runs through {box.name}" for box in self.boxes.values() if stretch.meets(box, 0.6)]
        found += [
            f"group {group} stands on {sorted(places)}" for group, places in self.groups.items() if len(places) > 1
        ]
        return found


def laid_out(figure: Figure) -> Layout:
    """The positions that the engine reports."""
    drawn = json.loads(figure.pipe("json"))
    boxes: dict[int, Rectangle] = {}
    labels: dict[int, str] = {}
    groups: dict[str, set[float]] = {}
    for thing in drawn.get("objects", []):
        if "pos" not in thing or "width" not in thing:
            continue
        x, y = map(float, thing["pos"].split(","))
        half, tall = float(thing["width"]) * 36, float(thing["height"]) * 36
        boxes[thing["_gvid"]] = Rectangle(thing["name"], x - half, y - tall, x + half, y + tall)
        labels[thing["_gvid"]] = thing["label"]
        if "group" in thing:
            groups.setdefault(thing["group"], set()).add(x)
    lines, notes = [], []
    for line in drawn.get("edges", []):
        name = f"{boxes[line['tail']].name} → {boxes[line['head']].name}"
        points = [tuple(map(float, point.split(","))) for point in line["pos"].split() if point[0] not in "es"][::3]
        lines.append((name, [_around(name, *ends) for ends in pairwise(points)]))
        if "lp" in line:
            x, y = map(float, line["lp"].split(","))
            half = max(mark["width"] for mark in line["_ldraw_"] if mark["op"] == "T") / 2
            notes.append(Rectangle(line["label"], x - half, y - 4, x + half, y + 4))
    left, _, right, _ = map(float, drawn["bb"].split(","))
    return Layout(boxes, labels, groups, lines, notes, (right - left) * 96 / 72)


def _around(name: str, start: tuple[float, ...], end: tuple[float, ...]) -> Rectangle:
    return Rectangle(name, min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1]))


def graph_of(name: str) -> Graph:
    return archspec.load(name).graph


def blocks_of(graph: Graph) -> list[str]:
    """The names of the blocks a network uses."""
    found: dict[str, None] = {}
    stack = [graph.root]
    while stack:
        for item in stack.pop().items:
            if isinstance(item, Scope):
                stack.append(item)
                if item.block is not None:
                    found[item.block.name] = None
    return sorted(found)


# -- every network ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_overview(name: str) -> None:
    """Clean, on a page, and no wall of boxes."""
    layout = laid_out(draw(graph_of(name)))
    assert layout.faults() == []
    assert layout.width < 960
    boxes = [word for word in layout.words() if word not in ("+", "||", "×") and not word.startswith("×")]
    assert 4 <= len(boxes) <= 40


@pytest.mark.parametrize("depth", [0, 1, 2, 9])
@pytest.mark.parametrize("name", ["resnet50", "inception_v3", "densenet121", "mobilenet_v3_large", "convnext_tiny"])
def test_depth(name: str, depth: int) -> None:
    assert laid_out(draw(graph_of(name), depth=depth)).faults() == []


@pytest.mark.parametrize(
    "name", ["resnet50", "googlenet", "inception_v3", "densenet121", "shufflenet_v2_x1_0", "squeezenet_complex_bypass"]
)
def test_every_block_alone(name: str) -> None:
    graph = graph_of(name)
    blocks = blocks_of(graph)
    assert blocks
    for block in blocks:
        layout = laid_out(draw(graph, focus=block))
        assert layout.faults() == [], block
        assert {"previous layer", "next layer"} <= set(layout.words())


@pytest.mark.parametrize("name", ["resnet34", "squeezenet1_0", "densenet121", "inception_v3", "mobilenet_v1", "vgg16"])
def test_source(name: str, golden: Callable[..., None]) -> None:
    golden(draw(graph_of(name)).source, "dot")


def test_source_of_a_block(golden: Callable[..., None]) -> None:
    golden(draw(graph_of("googlenet"), focus="inception3a", theme="dark").source, "dot")


def test_source_of_an_hourglass(golden: Callable[..., None]) -> None:
    figure = draw(archspec.loads(UNET).graph)
    assert laid_out(figure).faults() == []
    golden(figure.source, "dot")


# -- what pictures say -----------------------------------------------------------------------------------------------


def test_resizing_says_which_way_it_goes() -> None:
    """A resize to half the size is no upsampling by a half, and no way back up of an hourglass."""
    text = """
archspec: 1
name: Pyramid
inputs: {image: [3, H, W]}
sizes: {H: 64, W: 64}
steps:
  - add:
    - [upsample: {scale: 0.5, mode: bilinear}, conv as small: {channels: 3, kernel: 1}]
    - [conv as strided: {channels: 3, kernel: 2, stride: 2}]
  - upsample: {scale: [4, 2]}
"""
    words = laid_out(draw(archspec.loads(text).graph)).words()
    assert {"bilinear, /2", "nearest ↑4×2"} <= set(words)


def test_resnet34_is_drawn_as_in_its_paper() -> None:
    """Two convolutions in every block, repeats folded, the three size-decreasing blocks dotted."""
    figure = draw(graph_of("resnet34"))
    words = laid_out(figure).words()
    assert [word for word in words if word.startswith("×")] == ["×3", "×3", "×5", "×2"]
    assert [words.count(f"3×3 conv, {channels}, /2") for channels in (64, 128, 256, 512)] == [0, 1, 1, 1]
    assert [words.count(f"3×3 conv, {channels}") for channels in (64, 128, 256, 512)] == [2, 3, 3, 3]
    assert figure.source.count("style=dotted") == 3
    assert "halves the size" in figure.source
    for shape in ("3×224×224", "64×112×112", "64×56×56", "128×28×28", "256×14×14", "512×7×7"):
        assert figure.source.count(f'"{shape}\\l"') == 1


def test_fire_modules_say_their_channels() -> None:
    words = laid_out(draw(graph_of("squeezenet1_0"))).words()
    assert "fire2  16 → 64 + 64" in words
    assert "fire9  64 → 256 + 256" in words


def test_repeats_tell_what_differs() -> None:
    source = draw(graph_of("inception_v3")).source
    assert "inception B  ×4" in source
    assert "channels 128, 160, 160, 192" in source
    assert "grid reduction A, /2" in source


def test_auxiliary_classifiers_hang_dashed_at_the_side() -> None:
    source = draw(graph_of("googlenet")).source
    assert source.count("auxiliary classifier") == 2
    assert source.count("training only, loss × 0.3") == 2
    assert source.count("style=dashed") == 2


def test_branches_stand_in_the_order_written() -> None:
    layout = laid_out(draw(graph_of("googlenet"), focus="inception3a"))
    rows = {round(box.bottom): [] for box in layout.boxes.values()}
    for key, box in layout.boxes.items():
        rows[round(box.bottom)].append((box.left, layout.labels[key].split("<")[0]))
    last = max((sorted(row) for row in rows.values() if len(row) == 4), key=len)
    assert [label for _, label in last] == ["1×1 conv, 64", "3×3 conv, 128", "3×3 conv, 32", "1×1 conv, 32"]


def test_hourglass_has_its_skips_straight_across() -> None:
    layout = laid_out(draw(archspec.loads(UNET).graph))
    for size in (392, 200, 104, 56):
        place = next(key for key, label in layout.labels.items() if label == f"crop to {size}×{size}")
        row = layout.boxes[place]
        merges = [
            key
            for key, label in layout.labels.items()
            if label == "||" and layout.boxes[key].meets(Rectangle("", 0, row.bottom, 9999, row.top))
        ]
        assert len(merges) == 1
    assert "3×3 conv, 1024  ×2" in layout.words()


def test_sizes_are_shown_as_numbers_or_formulas() -> None:
    conv = "conv: {channels: 8, kernel: 3, stride: 2, padding: 1}"
    spec = f"archspec: 1\nname: Plain\ninputs: {{image: [3, H, W]}}\nsteps:\n  - {conv}\n  - softmax\n"
    graph = archspec.loads(spec).graph
    assert r'"8 × H/2 × W/2\l"' in draw(graph).source
    assert r'"8×16×20\l"' in draw(graph, sizes={"H": 32, "W": 40}).source


def test_every_colour_is_the_theme_s() -> None:
    for theme, colours in palette.PALETTES.items():
        source = draw(graph_of("resnet34"), theme=theme).source
        assert all(colour in source for colour in (colours.background, *colours.boxes["conv"], *colours.cluster))


# -- side by side ----------------------------------------------------------------------------------------------------


VARIANTS = ("squeezenet1_0", "squeezenet_simple_bypass", "squeezenet_complex_bypass")


def heights(layout: Layout, words: str) -> list[float]:
    """Where boxes of some words stand."""
    return [round(layout.boxes[key].top, 1) for key, label in layout.labels.items() if label == words]


def test_variants_stand_beside_one_another(golden: Callable[..., None]) -> None:
    """What they have in common in one row each, with one shape in the margin."""
    figure = compare([graph_of(name) for name in VARIANTS])
    layout = laid_out(figure)
    assert layout.faults() == []
    assert layout.width < 960
    for number in range(2, 10):
        words = next(label for label in layout.words() if label.startswith(f"fire{number} "))
        assert len(heights(layout, words)) == 3
        assert len(set(heights(layout, words))) == 1
    for shape in ("3×224×224", "96×109×109", "256×27×27", "1000"):
        assert layout.words().count(shape) == 1
    assert layout.words().count("+") == 4 + 8
    golden(figure.source, "dot")


@pytest.mark.parametrize(
    "names", [("vgg11", "vgg16", "vgg19"), ("resnet18", "resnet34"), ("googlenet", "alexnet"), ("unet",)]
)
def test_any_networks_stand_beside_one_another(names: tuple[str, ...]) -> None:
    layout = laid_out(compare([graph_of(name) for name in names], theme="dark"))
    assert layout.faults() == []
    assert {graph_of(name).name for name in names} <= set(layout.words())


def test_each_network_beside_another_is_shown_at_sizes_it_runs_at() -> None:
    """At 224 AlexNet's paper has no whole windows; at its own 227 its last pooling gives 256×6×6, as it claims."""
    graphs = [graph_of("alexnet"), graph_of("alexnet_paper")]
    for sizes in ({}, {"H": 224, "W": 224}):
        source = compare(graphs, sizes=sizes).source
        assert "AlexNet at 224 × 224" in source
        assert "AlexNetPaper at 227 × 227" in source
        assert "256×6×6" in source
        assert "256×5×5" not in source
    both = compare(graphs, sizes={"H": 240, "W": 240}).source
    assert " at 2" not in both
    assert "3×240×240" in both


def test_the_margin_says_what_the_boxes_give() -> None:
    """A flatten that goes with a pooling, undrawn, does not stand beside it."""
    source = compare([graph_of("vgg11"), graph_of("vgg16")]).source
    assert "512×7×7" in source
    assert "25088" not in source


def test_random_networks_stand_beside_one_another() -> None:
    for seed in range(0, 40, 2):
        graphs = [archspec.loads(a_network(seed + at)).graph for at in range(2)]
        assert laid_out(compare(graphs)).faults() == [], seed


# -- any graph -------------------------------------------------------------------------------------------------------


STEPS = (
    "conv as {}: {{channels: 8, kernel: 3, padding: 1}}",
    "conv as {}: {{channels: 8, kernel: 1}}",
    "relu as {}: {{}}",
    "batch_norm as {}: {{}}",
    "dropout as {}: {{p: 0.5}}",
    "max_pool as {}: {{kernel: 3, stride: 1, padding: 1}}",
)


def a_network(seed: int) -> str:
    """A spec of up to 14 steps that read any earlier ones, with up to three outputs."""
    chance = random.Random(seed)
    names, steps = ["image"], []
    for at in range(chance.randint(1, 14)):
        reads = list(
            dict.fromkeys(
                names[-1 - int(chance.random() ** 2 * len(names))] for _ in range(chance.choice((1, 1, 1, 2, 2, 3)))
            )
        )
        if len(reads) == 1:
            step = chance.choice(STEPS)
            steps.append(f"  - {step.format(f's{at}')}\n    from: {reads[0]}")
        else:
            steps.append(f"  - {chance.choice(('add', 'multiply'))} as s{at}:\n    from: [{', '.join(reads)}]")
        names.append(f"s{at}")
    outputs = chance.sample(names[1:], min(len(names) - 1, chance.choice((1, 1, 2, 3))))
    outputs = outputs if names[-1] in outputs else [names[-1], *outputs[1:]]
    shown = ", ".join(f"out{at}: {name}" for at, name in enumerate(outputs))
    head = "archspec: 1\nname: Chance\ninputs: {image: [8, H, W]}\nsizes: {H: 32, W: 32}\nsteps:\n"
    return head + "\n".join(steps) + f"\noutputs: {{{shown}}}\n"


@pytest.mark.parametrize("start", range(0, 80, 10))
def test_any_graph(start: int) -> None:
    """No layout fails and none is unclean, whatever reads what; every output is there."""
    for seed in range(start, start + 10):
        graph = archspec.loads(a_network(seed)).graph
        layout = laid_out(draw(graph))
        assert layout.faults() == [], seed
        names = {output.name for output in graph.outputs}
        assert len(names) == 1 or names <= {word.replace(" ", "") for word in layout.words()}, seed


HOSTILE = [
    '"',
    "\\",
    "\\N\\G",
    "<b>",
    "<table>",
    "a -> b",
    "a:b:c",
    "]; }",
    "\n\r\t",
    "\x00\x1b[31m",
    "&amp;",
    "图\u202e",
    "x" * 9999,
    "",
    "node",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: str) -> None:
    """Whatever a graph's names hold, the engine draws it, and nothing of it is taken for DOT."""
    graph = archspec.load("squeezenet_complex_bypass").graph
    graph.name = name
    for node in graph.nodes:
        node.name, node.path, node.label = name, f"{name}.{node.index}", name
    stack = [graph.root]
    while stack:
        scope = stack.pop()
        scope.name, scope.path = name, f"{scope.path}{name}"
        stack += [item for item in scope.items if isinstance(item, Scope)]
    for figure in (draw(graph), draw(graph, depth=0), draw(graph, focus="fire_bypass")):
        assert laid_out(figure).faults() == []
        svg = figure.pipe("svg", encoding="utf-8")
        assert svg.rstrip().endswith("</svg>")
        assert max(map(len, svg.splitlines())) < 4000


@pytest.mark.parametrize(
    "step",
    [
        "conv as c$i: {channels: 8, kernel: 3, padding: 1}",
        "conv as c$i: {channels: $(i + 1), kernel: 3, padding: 1}",
    ],
)
def test_large_graphs_are_folded(step: str) -> None:
    """2,000 steps, equal or not, give a picture of a page or two, with a note on what is left out."""
    spec = f"archspec: 1\nname: Long\ninputs: {{image: [8, H, W]}}\nsteps:\n  - {step}\n    for: i in range(2000)\n"
    figure = draw(archspec.loads(spec).graph)
    assert figure.source.count("pos=") < 400
    assert "×2000" in figure.source or "more boxes" in figure.source


def test_a_depth_of_too_many_boxes_is_refused_with_one_that_can_be_read() -> None:
    conv = "conv as c$i: {channels: $(i + 1), kernel: 1}\n        for: i in range(300)"
    spec = f"archspec: 1\nname: Deep\ninputs: {{image: [8, H, W]}}\nsteps:\n  - sequence as all:\n      - {conv}\n"
    graph = archspec.loads(spec).graph
    with pytest.raises(archspec.SpecError) as error:
        draw(graph, depth=1)
    (said,) = error.value.diagnostics
    assert said.code == "too-many-boxes"
    assert "the picture has 302 boxes" in said.message  # the input, 300 steps, the output
    assert said.hint is not None
    assert "`--depth 0`" in said.hint
    assert draw(graph, depth=0).source.count("pos=") < 10


def test_boxes_of_one_block_say_in_what_they_differ() -> None:
    """A stage of CSPDarknet folded says how deep it is."""
    unit = "conv as {}: {{channels: $channels, kernel: 3, padding: 1}}"
    spec = (
        "archspec: 1\nname: Stages\ninputs: {image: [8, H, W]}\nblocks:\n  stage:\n"
        "    params: {channels, depth}\n    steps:\n"
        f"      - {unit.format('first')}\n      - add as sum:\n          - - {unit.format('body.$i')}\n"
        f"              for: i in range(depth)\n          - - {unit.format('side')}\n"
        "steps:\n  - stage as stage$i: {channels: $(8 * 2**i), depth: $d}\n    for: i, d in [[0, 1], [1, 2], [2, 20]]\n"
    )
    source = draw(archspec.loads(spec).graph, depth=0).source
    for words in ("channels 8, depth 1", "channels 16, depth 2", "channels 32, depth 20"):
        assert words in source


def test_many_branches_are_folded() -> None:
    conv = "conv as c$i: {channels: $(i + 1), kernel: 1}\n        for: i in range(300)"
    spec = f"archspec: 1\nname: Wide\ninputs: {{image: [8, H, W]}}\nsteps:\n  - concat:\n      - {conv}\n"
    figure = draw(archspec.loads(spec).graph)
    assert "more branches" in figure.source
    assert laid_out(figure).faults() == []


# -- engines and formats ---------------------------------------------------------------------------------------------


def test_formats() -> None:
    """svg, png and pdf, each the same bytes again."""
    for format, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        first, second = (draw(graph_of("squeezenet_digits")).pipe(format) for _ in range(2))
        assert first.startswith(start)
        assert first == second
    svg = draw(graph_of("squeezenet_digits")).pipe("svg", encoding="utf-8")
    assert 'font-family="Arial,Helvetica' in svg
    assert 'font-family="Arial"' not in svg


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_render(format: str, tmp_path: Path) -> None:
    figure = draw(graph_of("squeezenet_digits"))
    written = Path(figure.render(outfile=tmp_path / f"picture.{format}"))
    assert written == tmp_path / f"picture.{format}"
    assert written.read_bytes() == figure.pipe(format)
    named = Path(figure.render("named", directory=tmp_path, format=format, cleanup=True))
    assert named.read_bytes() == figure.pipe(format)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".gv") == [
        f"named.{format}",
        f"picture.{format}",
    ]


def test_the_package_s_own_program_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other users of graphviz in the process keep their `dot`, also when drawing fails and from several threads."""
    monkeypatch.setattr(dot_command, "DOT_BINARY", Path("their-dot"))
    figure = draw(graph_of("squeezenet_digits"))
    drawn: list[bytes] = []
    threads = [threading.Thread(target=lambda: drawn.append(figure.pipe("svg"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == 1
    assert Path("their-dot") == dot_command.DOT_BINARY
    with pytest.raises(ValueError, match="unknown format"):
        figure.pipe("nonsense")
    broken = Figure(body=["graph [layout=nonsense]\n", "a -> b\n"])
    with pytest.raises(archspec.SpecError, match="engine-failed"):
        broken.pipe("svg")
    assert Path("their-dot") == dot_command.DOT_BINARY


def test_copies_and_notebooks_draw_the_same_way() -> None:
    figure = draw(graph_of("squeezenet_digits"))
    assert figure.copy().pipe("svg") == figure.pipe("svg")
    assert figure._repr_mimebundle_()["image/svg+xml"] == figure.pipe("svg", encoding="utf-8")
    assert isinstance(figure, graphviz.Digraph)


@pytest.mark.skipif(shutil.which("dot") is None, reason="no system Graphviz here")
def test_system_engine() -> None:
    assert draw(graph_of("resnet34"), engine="dot").pipe("svg").startswith(b"<?xml")


def test_without_any_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = draw(graph_of("squeezenet_digits"))
    monkeypatch.setattr(figures, "find_bundled", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(archspec.SpecError, match="nothing here can draw"):
        figure.pipe("svg")
    figure.drawn_by = "dot"
    with pytest.raises(archspec.SpecError, match="no `dot` on this machine"):
        figure.render("never-written")


def test_without_the_pdf_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "svglib.svglib", None)
    with pytest.raises(archspec.SpecError, match=r"archspec-nn\[pdf\]"):
        draw(graph_of("squeezenet_digits")).pipe("pdf")


def test_the_bundled_engine_paints_what_we_placed() -> None:
    """The DOT text alone, by the program alone, is the picture: it needs nothing of this package."""
    figure = draw(graph_of("resnet34"))
    plain = subprocess.run(
        [find_program(None), "-Tjson"], input=figure.source.encode(), capture_output=True, check=True
    )
    assert json.loads(plain.stdout) == json.loads(figure.pipe("json"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"theme": "lihgt"}, "did you mean `light`"),
        ({"depth": -1}, "is not a depth"),
        ({"show": ["activations"]}, "did you mean `activation`"),
        ({"focus": "fier"}, "did you mean `fire`"),
        ({"focus": "\x00" * 500}, "there is no block"),
    ],
)
def test_wrong_options(options: dict[str, object], words: str) -> None:
    with pytest.raises(archspec.SpecError, match=words):
        draw(graph_of("squeezenet_digits"), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("focus", ["bneck4", "Bneck 4", "features.4"])
def test_focus_takes_what_the_picture_shows(focus: str) -> None:
    graph = graph_of("mobilenet_v3_large")
    assert "bneck4" in draw(graph).source
    assert draw(graph, focus=focus).source == draw(graph, focus="features.4").source


@pytest.mark.parametrize("name", ["resnet18", "unet_same", "googlenet", "inception_v3"])
def test_no_font_lets_a_label_run_over_its_arrow(name: str) -> None:
    """Words beside a line begin right of it and are anchored there: a wider font has them end later, no more."""
    svg = draw(graph_of(name)).pipe("svg", encoding="utf-8")
    edges = re.findall(r'<g id="edge\d+" class="edge">.*?</g>', svg, re.DOTALL)
    labels = 0
    for edge in edges:
        words = re.search(r'<text [^>]*text-anchor="(\w+)" x="([-\d.]+)" y="([-\d.]+)"', edge)
        if words is None:
            continue
        labels += 1
        assert words[1] == "start"
        path = re.search(r'<path [^>]*d="([^"]+)"', edge)
        assert path is not None
        points = re.findall(r"([-\d.]+),([-\d.]+)", path[1])
        tall = [(float(x), float(y)) for x, y in points]
        for (x, top), (other, foot) in pairwise(tall):
            if abs(x - other) < 0.1 and min(top, foot) - 8 < float(words[3]) < max(top, foot) + 8:
                assert float(words[2]) > x + 3 or float(words[2]) < x - 20
    assert labels > 3


def test_folded_blocks_say_their_layers() -> None:
    """As the papers' tables have them: table 1 of GoogLeNet, table 1 of MobileNet v3."""
    googlenet = draw(graph_of("googlenet")).source
    for widths in ("64 + 128 + 32 + 32", "128 + 192 + 96 + 64", "192 + 208 + 48 + 64", "384 + 384 + 128 + 128"):
        assert widths in googlenet
    mobilenet = draw(graph_of("mobilenet_v3_large")).source
    for layers in ("64 → 3×3 dw → 24", "72 → 5×5 dw → 40", "200 → 3×3 dw → 80", "672 → 3×3 dw → 112"):
        assert layers in mobilenet


def test_a_picture_says_what_it_does_not_draw() -> None:
    """VGG with and without batch normalisation are not one picture."""
    assert "not drawn: ReLU" in draw(graph_of("vgg11")).source
    assert "not drawn: batch norm, ReLU" in draw(graph_of("vgg11_bn")).source
    beside = compare([graph_of("vgg11"), graph_of("vgg11_bn")]).source
    assert "VGG11: not drawn: ReLU" in beside
    assert "VGG11BN: not drawn: batch norm, ReLU" in beside


def test_boxes_say_what_is_to_be_shown() -> None:
    """The first convolution of VGG11-BN has 64·(3·3·3 + 1) weights, and 128 of its normalisation."""
    graph = graph_of("vgg11_bn")
    source = draw(graph, show=["normalisation", "activation", "parameters"]).source
    assert "batch norm, ReLU, 1,920 parameters" in source
    assert "not drawn" not in source
    source = draw(graph, show=["activation"]).source
    assert "not drawn: batch norm" in source
    assert "parameters" not in source


def test_boxes_that_differ_in_what_is_not_drawn_do_not_fold() -> None:
    head = "archspec: 1\nname: Net\ninputs: {image: [8, H, W]}\nsizes: {H: 8, W: 8}\nsteps:\n"
    conv = "  - conv: {channels: 8, kernel: 3, padding: 1}\n"
    same = archspec.loads(head + 2 * (conv + "  - relu\n")).graph
    other = archspec.loads(head + conv + "  - relu\n" + conv + "  - sigmoid\n").graph
    assert "×2" in draw(same).source
    assert "×2" not in draw(other).source


def test_a_dense_layer_on_a_map_is_pointwise() -> None:
    source = draw(graph_of("convnext_tiny")).source
    assert "pointwise linear, 384" in source
    assert "fc, 384" not in source
    assert "fc, 1000" in source


def test_widths_are_arial_s() -> None:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    for words in ("3×3 conv, 64, /2", "global avg pool", "fc, 1000 ~{|}", "depthwise 3×3 conv"):
        assert text.width(words, 10.5) == pytest.approx(stringWidth(words, "Helvetica", 10.5), abs=0.01)
