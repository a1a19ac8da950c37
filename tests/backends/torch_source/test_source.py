"""Emitted source: its looks, that it is formatted, typed and standalone, and that it is the graph, bit for bit.

Any graph is run op by op beside its emitted classes; specs made of random blocks strain what several uses of a block
have in common.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import archspec
from archspec.backends.torch_source import emit, emitted
from archspec.backends.torch_source.layout import lay_out
from archspec.backends.torch_source.names import class_name, docstring, quoted
from archspec.running.runtime import build
from tests.backends.torch_source import test_written as written
from tests.helpers.block_specs import block_spec
from tests.helpers.emission import hold_against_graph, weights
from tests.helpers.places import ALIKE, EACH_SHIPPED, SHIPPED
from tests.helpers.work import calls

CHUNK = 15
HEAD = "archspec: 1\nname: Net\ninputs: {image: [3, H, W]}\nsizes: {H: 16, W: 16}\n"

FEATURES = {
    "taps": """
steps:
  - sequence as features:
      - conv: {channels: 4, kernel: 3, padding: 1}
      - max_pool: {kernel: 2}
        label: pool1
      - conv: {channels: 8, kernel: 3, padding: 1}
      - relu
      - max_pool: {kernel: 2}
        label: pool2
      - conv: {channels: 8, kernel: 3, padding: 1}
  - conv as score: {channels: 2, kernel: 1}
  - add:
      - []
      - conv as score2: {channels: 2, kernel: 1}
        from: pool2
  - upsample: {scale: 2}
  - add:
      - []
      - conv as score1: {channels: 2, kernel: 1}
        from: pool1
""",
    "auxiliary": """
blocks:
  head:
    steps: [global_avg_pool, flatten, dropout, {linear as fc: {features: 5}}]
steps:
  - conv as conv1: {channels: 4, kernel: 3}
  - batch_norm as bn
  - head as aux1
    : {}
  - relu
  - conv as conv2: {channels: 4, kernel: 3}
  - conv as aux2a: {channels: 4, kernel: 1}
    from: conv1
  - conv as aux2b: {channels: 5, kernel: 1}
  - conv as conv3: {channels: 4, kernel: 1}
    from: conv2
outputs: {main: conv3, first: {from: aux1, training: true}, second: {from: aux2b, training: true}}
""".replace("  - head as aux1\n    : {}\n", "  - head as aux1:\n    aside: true\n"),
    "outputs": """
steps:
  - conv as a: {channels: 4, kernel: 3}
  - relu
  - conv as b: {channels: 4, kernel: 3}
  - conv as c: {channels: 4, kernel: 3}
outputs: {coarse: a, fine: c, aux: {from: b, training: true}}
""",
    "reuse": """
blocks:
  pair:
    steps:
      - conv as conv: {channels: 3, kernel: 3, padding: 1}
      - relu
      - reuse: conv
  odd:
    steps:
      - sequence as inner:
          - conv as first: {channels: 3, kernel: 1}
          - relu
      - sequence as outer:
          - relu
          - reuse: inner
          - conv: {channels: 3, kernel: 1}
      - reuse: inner.first
steps:
  - pair as pair1
  - pair as pair2
  - reuse: pair1
  - sequence as s:
      - conv: {channels: 3, kernel: 1}
      - relu
  - reuse: s
  - odd as odd1
  - odd as odd2
  - reuse: odd1
""",
    "optional_padded": """
blocks:
  block:
    params: {deep: true}
    steps:
      - conv as a: {channels: 3, kernel: 1}
      - conv as c: {channels: 3, kernel: 2, padding: same}
        when: deep
      - relu
steps:
  - block as one
  - block as two: {deep: false}
  - block as three
""",
    "reuse_inside": """
blocks:
  pair:
    steps:
      - conv as a: {channels: 3, kernel: 3, padding: 1}
      - sequence as s:
          - relu
          - conv as z: {channels: 3, kernel: 1}
  deep:
    params: {kernel: 3}
    steps:
      - conv as c: {channels: 3, kernel: $kernel, padding: same}
      - pair as p
      - batch_norm
steps:
  - deep as one
  - deep as two: {kernel: 1}
  - sequence as q:
      - reuse: one.c
      - relu
      - reuse: two.p
      - reuse: one.p.s
  - reuse: two.p.s.z
  - reuse: one.p.a
  - reuse: two
""",
    "inputs": """
blocks:
  join:
    inputs: {x, skip}
    params: {channels}
    steps:
      - conv as up: {channels: $channels, kernel: 1}
        from: x
      - concat:
        from: [up, skip]
      - conv as out: {channels: $channels, kernel: 1}
steps:
  - conv as a: {channels: 4, kernel: 1}
    from: left
  - conv as b: {channels: 6, kernel: 1}
    from: right
  - join as j1: {channels: 7}
    from: [a, b]
  - join as j2: {channels: 3}
    from: [j1, a]
  - join as j3: {channels: 3}
    from: [j2, j2]
""",
    "recursive": """
blocks:
  tree:
    params: {depth, channels: 4}
    steps:
      - conv as conv: {channels: $channels, kernel: 1}
      - add:
          - tree as left: {depth: $(depth - 1)}
            when: depth > 0
          - - tree as right: {depth: $(depth - 1)}
              when: depth > 0
steps:
  - tree as root: {depth: 3}
""",
    "merges": """
steps:
  - add as both:
      - - conv: {channels: 4, kernel: 1}
        - relu
      - - conv: {channels: 4, kernel: 3, padding: 1}
  - concat:
      self: [{conv: {channels: 4, kernel: 1}}, {conv: {channels: 4, kernel: 1}}]
      x: [relu]
      torch: []
  - multiply:
      - parameter as scale: {shape: [12, 1, 1], init: ones}
      - []
  - concat:
      - chunk: {chunks: 2, index: 1}
      - chunk: {chunks: 2, index: 0}
""",
    "names": """
blocks:
  F:
    doc: "A 'doc' with \\\\ and \\n newline \\"\\"\\" quotes \\xe9 and \\u2026 end"
    params: {nn: 4, Tensor: 3, x: 1}
    steps:
      - conv as y: {channels: $nn, kernel: $Tensor, padding: $x}
      - conv as in_channels: {channels: $nn, kernel: 1}
      - relu
      - conv as x: {channels: $(nn + x), kernel: 1}
  Fire:
    params: {i: 2, in_channels: 2}
    steps:
      - conv: {channels: $i, kernel: 1, bias: false}
        for: k in range(in_channels)
steps:
  - F as torch: {nn: 5, Tensor: 1, x: 0}
  - F as nn: {nn: 6}
    label: image
  - Fire as f2
  - Fire as f3: {i: 3, in_channels: 4}
  - conv as z: {channels: 3, kernel: 1}
  - add:
    from: [z, z]
""",
    "empty": """
blocks:
  maybe:
    params: {channels, on: true}
    steps:
      - conv: {channels: $channels, kernel: 1}
        when: on
      - batch_norm:
        when: on
  nothing:
    steps: []
steps:
  - maybe as a: {channels: 4}
  - maybe as b: {channels: 4, on: false}
  - nothing as c
  - sequence as d: []
  - sequence as e:
      - nothing
      - relu
      - maybe: {channels: 3, on: false}
""",
    "optional": """
blocks:
  mixed:
    params: {channels, expand: 2, act: relu, squeeze: false}
    let: {hidden: $(expand * input.channels)}
    steps:
      - add:
          - sequence as body:
              - conv: {channels: $hidden, kernel: 1}
                when: expand != 1
              - $act
              - conv: {channels: $hidden, kernel: 3, padding: 1, groups: $hidden}
              - batch_norm
              - conv: {channels: $channels, kernel: 1}
          - identity:
            when: input.channels == channels
      - squeeze_excite as se: {channels: $(channels // 2)}
        when: squeeze
      - max_pool: {kernel: $(3 if squeeze else 1), stride: 1, padding: $(1 if squeeze else 0)}
steps:
  - mixed as m1: {channels: 4, expand: 1}
  - mixed as m2: {channels: 4, act: hardswish}
  - mixed as m3: {channels: 8, squeeze: true}
  - mixed as m4: {channels: 8, expand: 3, squeeze: true, act: silu}
""",
    "loops": """
blocks:
  layer:
    params: {growth}
    steps:
      - concat:
          - []
          - - batch_norm as norm
            - conv as conv: {channels: $growth, kernel: 3, padding: 1}
  dense:
    params: {layers, growth}
    steps:
      - layer as layer$(i + 1): {growth: $growth}
        for: i in range(layers)
  stage:
    params: {channels, depth, stride: 1}
    steps:
      - conv: {channels: $channels, kernel: 3, padding: 1, stride: $(stride if i == 0 else 1)}
        for: i in range(depth)
steps:
  - dense as d1: {layers: 3, growth: 2}
  - dense as d2: {layers: 5, growth: 4}
  - stage as s1: {channels: 4, depth: 2}
  - stage as s2: {channels: 8, depth: 4, stride: 2}
  - sequence as tail:
      - steps: [{conv: {channels: 8, kernel: 1}}, relu]
        repeat: 3
""",
    "tapped_loops": """
blocks:
  stage:
    params: {channels, depth: 4, extra: false}
    steps:
      - sequence as mid:
          - conv: {channels: $channels, kernel: 3, padding: 1}
            label: mid$i
            for: i in range(depth)
          - relu:
            when: extra
      - add:
        from: [mid0, mid2, mid]
      - sequence as named:
          - conv as c$i: {channels: $channels, kernel: 1}
            label: y$i
            for: i in range(3)
      - add:
        from: [y0, y2, named]
steps:
  - stage as one: {channels: 4}
  - stage as two: {channels: 6, extra: true}
  - stage as three: {channels: 6, depth: 5}
  - sequence as body:
      - conv: {channels: 6, kernel: 3, padding: 1}
        label: value$i
        for: i in range(4)
  - add:
    from: [value0, value1, value3]
""",
    "loop_names": """
blocks:
  bottle:
    params: {channels}
    let: {first: $(input.channels != channels)}
    steps:
      - conv as c$i: {channels: $channels, kernel: 1}
        for: i in range(2)
        label: x$i
      - steps:
          - relu:
            from: x$i
          - add:
            from: [previous, x0]
            when: i > 0 and not first
          - conv as d$i: {channels: $channels, kernel: 1}
        for: i in range(2)
  shadow:
    params: {i, layer}
    steps:
      - conv as c$i: {channels: $(layer * (i + 1)), kernel: 1}
        for: i in range(2)
      - sequence:
          - steps: [{conv: {channels: $layer, kernel: 1}}, relu]
            repeat: $(i + 3)
steps:
  - sequence as layer:
      - bottle: {channels: 16}
        for: i in range(3)
  - shadow as shadow$i: {i: $i, layer: $(4 * (i + 1))}
    for: i in range(2)
  - sequence as s$i:
      - conv as e$j: {channels: $(8 * i + j), kernel: 1}
        for: j in range(1, 3)
      - conv as f$i: {channels: $(8 * i), kernel: 1}
        for: i in range(1, 3)
      - conv as g: {channels: $(input.channels + i), kernel: 1}
    for: i in range(1, 4)
""",
    "identities": """
steps:
  - sequence as s:
      - conv: {channels: 4, kernel: 1}
      - add:
          - identity
          - - conv as c1: {channels: 4, kernel: 1}
            - identity
      - add as named:
          - identity
          - relu
      - concat:
          left: identity
          right: {conv: {channels: 4, kernel: 1}}
      - conv: {channels: 4, kernel: 1}
  - identity as idle
  - identity as last:
    from: s
""",
    "unread": """
blocks:
  unit:
    params: {channels}
    steps:
      - add:
          - [{conv as conv: {channels: $channels, kernel: 3, padding: 1}}, {batch_norm as bn: {}}]
          - - conv as shortcut: {channels: $channels, kernel: 1}
              when: input.channels != channels
      - relu
  backbone:
    steps:
      - sequence as layer1: [{unit: {channels: 4}}, {unit: {channels: 4}}]
      - sequence as layer2: [{unit: {channels: 8}}, {unit: {channels: 8}}]
      - unit as layer3: {channels: 12}
      - sequence as layer4:
          - conv as first: {channels: 4, kernel: 1}
          - conv as beside: {channels: 4, kernel: 1}
            aside: true
      - sequence as holds:
          - conv as only: {channels: 4, kernel: 1}
            aside: true
      - global_avg_pool
      - flatten
      - linear as fc: {features: 5}
steps:
  - backbone as body
  - conv as score: {channels: 2, kernel: 1}
    from: body.layer1
""",
}
FEATURES["optional_ends"] = """
blocks:
  tail:                                # a loop of any length, and a last step that some uses lack
    params: {n: , act: true}
    steps:
      - conv: {channels: 4, kernel: 3, padding: 1}
        repeat: $n
      - relu:
        when: act
  tapped:                              # a value inside a chain is read; the chain's last step is optional
    params: {channels: , act: true}
    steps:
      - sequence as body:
          - conv as c: {channels: $channels, kernel: 3, padding: 1}
          - batch_norm as b
          - relu as r:
            when: act
      - add:
        from: [body.c, body]
  merged:                              # a branch that is the input or a convolution; one with an optional last step
    params: {channels: , stride: 1, act: true}
    steps:
      - add as sum:
          - - conv: {channels: $channels, kernel: 3, padding: 1, stride: $stride}
            - relu:
              when: act
          - - conv: {channels: $channels, kernel: 1, stride: $stride}
              when: stride > 1
            - identity:
              when: stride == 1
      - relu
  perceptron:                          # no activation after the last of the repeated convolutions
    params: {n: }
    steps:
      - steps:
          - conv: {channels: 4, kernel: 1}
          - relu:
            when: i < n - 1
        for: i in range(n)
steps:
  - tail: {n: 3}
  - tail: {n: 4, act: false}
  - tapped: {channels: 5}
  - tapped: {channels: 4, act: false}
  - merged: {channels: 4}
  - merged: {channels: 6, stride: 2, act: false}
  - perceptron: {n: 3}
  - perceptron: {n: 5}
"""
"""What the language has that the shipped networks use little, a spec for each."""


def feature(name: str) -> archspec.Spec:
    head = HEAD.replace("{image: [3, H, W]}", "{left: [3, H, W], right: [5, H, W]}") if name == "inputs" else HEAD
    return archspec.loads(
        head.replace("name: Net", "name: torch") + FEATURES[name] if name == "names" else head + FEATURES[name]
    )


# -- what it looks like ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["squeezenet1_0", "resnet50", "densenet121", "googlenet", "mobilenet_v2", "efficientnet_b0", "unet", "fcn8s_vgg16"],
)
def test_shipped(name: str, golden: Callable[..., None]) -> None:
    golden(emit(archspec.load(name).graph), suffix="py")


@pytest.mark.parametrize("name", FEATURES)
def test_feature(name: str, golden: Callable[..., None]) -> None:
    golden(emit(feature(name).graph), suffix="py")


@pytest.fixture(
    scope="module", params=[pytest.param(ALIKE, id="some"), pytest.param((), id="all", marks=pytest.mark.slow)]
)
def texts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the emitted text of every shipped spec, of the features, and of some random blocks."""
    folder = tmp_path_factory.mktemp("emitted")
    for name in [name for name in SHIPPED if name not in request.param]:
        (folder / f"{name}.py").write_text(emit(archspec.load(name).graph), encoding="utf-8")
    for name in FEATURES:
        (folder / f"feature_{name}.py").write_text(emit(feature(name).graph), encoding="utf-8")
    for name in written.WRITTEN:
        (folder / f"written_{name}.py").write_text(emit(written.spec(name).graph), encoding="utf-8")
    for seed in range(CHUNK):
        (folder / f"random_{seed}.py").write_text(emit(archspec.loads(block_spec(seed)).graph), encoding="utf-8")
    return folder


def run(*command: str) -> tuple[int, str]:
    found = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    return found.returncode, found.stdout + found.stderr


def test_is_formatted(texts: Path) -> None:
    status, said = run("ruff", "format", "--isolated", "--diff", str(texts))
    assert status == 0, said


def test_is_free_of_lint(texts: Path) -> None:
    rules = "B,C4,E4,E501,E7,E9,F,I,N,PIE,RET,SIM,UP,W"
    status, said = run(
        "ruff", "check", "--isolated", "--select", rules, "--ignore", "N801,N803,N812,RET505", str(texts)
    )
    assert status == 0, said


def test_needs_torch_alone(texts: Path) -> None:
    files = list(texts.iterdir())
    assert len(files) >= len(SHIPPED) - len(ALIKE)
    for file in files:
        packages: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                packages |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                packages.add(str(node.module).split(".")[0])
        assert {"torch"} <= packages <= {"torch", "collections", "math", "typing"}, file.name


@pytest.mark.parametrize(
    ("name", "classes"),
    [("squeezenet1_0", ["Fire", "SqueezeNet"]), ("resnet34", ["ResidualBasic", "ResNet34"]),
     ("googlenet", ["GoogLeNetOutput", "ConvBNReLU", "InceptionV1", "Auxiliary", "GoogLeNet"]),
     ("densenet121", ["DenseLayer", "DenseBlock", "Transition", "DenseNet121"]),
     ("mobilenet_v3_large", ["ConvNormAct", "SqueezeExcite", "InvertedResidual", "MobileNetV3Large"])],
)  # fmt: skip
def test_one_class_for_each_block(name: str, classes: list[str]) -> None:
    tree = ast.parse(emit(archspec.load(name).graph))
    assert [node.name for node in tree.body if isinstance(node, ast.ClassDef)] == classes


def test_one_class_where_uses_lack_steps() -> None:
    text = emit(feature("optional_ends").graph)
    classes = [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    assert classes == ["Tail", "Tapped", "Sum", "Merged", "Perceptron", "Net"]
    assert text.count("nn.Identity()") == 1  # in place of the convolution, never for a branch that is the input


# -- what it means -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_weights_are_the_graphs(name: str) -> None:
    spec = archspec.load(name)
    with torch.device("meta"):
        module = archspec.compile(spec)
    assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == weights(spec.graph)


@pytest.mark.parametrize("name", FEATURES)
def test_feature_is_its_graph(name: str) -> None:
    hold_against_graph(feature(name), 16)


@pytest.mark.parametrize("start", [0, CHUNK])
def test_random_blocks_are_their_graphs(start: int) -> None:
    for seed in range(start, start + CHUNK):
        hold_against_graph(archspec.loads(block_spec(seed)), 8)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(2 * CHUNK, 2030, 100))
def test_many_random_blocks_are_their_graphs(start: int) -> None:
    for seed in range(start, start + 100):
        hold_against_graph(archspec.loads(block_spec(seed)), 8)


def test_what_nothing_reads_can_still_be_called() -> None:
    parts = build(emitted(feature("unread").graph)).get_submodule("body")
    given = torch.randn(2, 3, 16, 16)
    for name, channels in (("layer1", 4), ("layer2", 8), ("layer3", 12), ("layer4", 4)):
        given = parts.get_submodule(name)(given)
        assert given.shape == (2, channels, 16, 16)


def test_work_grows_as_the_steps_do() -> None:
    text = (
        HEAD
        + """
blocks:
  unit:
    params: {channels}
    steps:
      - add:
          - - conv as conv: {channels: $channels, kernel: 1}
            - relu
          - - conv as down: {channels: $channels, kernel: 1}
              when: input.channels != channels
steps:
  - unit as unit$i: {channels: $(4 + i % 5)}
    for: i in range(COUNT)
"""
    )
    work: list[float] = []
    for count in (100, 800):
        graph = archspec.loads(text.replace("COUNT", str(count))).graph
        work.append(calls(lambda graph=graph: emit(graph)) / count)
    assert work[1] < 1.3 * work[0]


# -- pieces ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        "x = f(a)",
        "x = f(\n    aaaaaaaaaa, bbbbbbbbbb, cccccccccc\n)",
        "x = f(\n    a(1, 2),\n    b(1111111111, 2222222222),\n    '(',\n    c,\n)",
        "x = f(\n    [aaaaaaaaaa, bbbbbbbbbb], cccccccccc\n)",
        "x = (\n    aaaaaaaaaaaaaaa()\n    if bbbbbbbbbbb\n    else ccccccc\n)",
        "f(\n    *(\n        aaaaaaaaaaaaaaaa(i)\n        for i in range(10000000)\n    ),\n    2,\n)",
    ],
)  # fmt: skip
def test_lines_break_as_ruff_breaks_them(broken: str) -> None:
    joined = re.sub(r"\n *", " ", broken)
    for pattern, text in ((r"([(\[]) ", r"\1"), (r",? ([)\]])", r"\1"), (r"= \((a+\(\).*)\)$", r"= \1")):
        joined = re.sub(pattern, text, joined)
    assert lay_out(joined, width=40) == broken.split("\n")


@pytest.mark.parametrize(
    ("text", "name"),
    [("conv_bn_relu", "ConvBNReLU"), ("fire", "Fire"), ("SqueezeNet 1.0", "SqueezeNet1_0"), ("3-way net", "Net3WayNet"),
     ("ResNet-50", "ResNet50"), ("a.b", "AB")],
)  # fmt: skip
def test_class_names(text: str, name: str) -> None:
    assert class_name(text) == name


@pytest.mark.parametrize("text", ["conv1", "a b", 'a"b', "a\\b", "a\nb", "ä", "\u2028"])
def test_quoted_text_is_that_text(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    assert quoted(text).isascii() or text == "ä"


def test_docstrings_cannot_end_early() -> None:
    lines = docstring(['a """ b \\', "c\nd\u2028e"], 88, 4)
    assert ast.literal_eval("\n".join(lines).strip()) == "a ''' b /\n\n    c d e\n    "


def test_bare_tensors_beside_modules_and_alone() -> None:
    spec = archspec.loads(
        "archspec: 1\nname: Bare\ninputs: {image: [3, 4, 4]}\nsteps:\n"
        "  - parameter as mean: {shape: [3, 1, 1], trainable: false}\n"
        "  - subtract:\n    from: [image, mean]\n"
        "  - conv as a.conv: {channels: 4, kernel: 1}\n    label: map\n"
        "  - parameter as a.scale: {shape: [4, 1, 1], init: {constant: 1.0}}\n"
        "  - parameter as a.times: {shape: [4, 1, 1], trainable: false}\n"
        "  - multiply:\n    from: [map, a.scale, a.times]\n"
        "  - parameter as b.shift: {shape: [4, 1, 1], trainable: false}\n"
        "  - add:\n    from: [previous, b.shift]\n"
    )
    module = archspec.compile(spec)
    assert {name for name, _ in module.named_buffers()} == {"mean", "a.times", "b.shift"}
    assert {name for name, _ in module.named_parameters()} == {"a.conv.weight", "a.conv.bias", "a.scale"}
    state = {name: torch.randn_like(tensor) for name, tensor in module.state_dict().items()}
    module.load_state_dict(state)
    image = torch.randn(2, 3, 4, 4)
    expected = F.conv2d(image - state["mean"], state["a.conv.weight"], state["a.conv.bias"])
    assert torch.equal(module(image), expected * state["a.scale"] * state["a.times"] + state["b.shift"])
