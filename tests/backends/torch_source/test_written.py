"""Emitted source as an engineer would have written it: a small spec for each habit, its text and what it computes."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch.nn import functional

import archspec
from archspec.analyses.memory import memory
from archspec.backends.torch_source import emit
from tests.helpers.emission import hold_against_graph
from tests.helpers.live_storages import inference, inputs_of
from tests.helpers.loop_specs import loop_spec, nested_spec

HEAD = "archspec: 1\nname: Net\ninputs: {image: [3, H, W]}\nsizes: {H: 16, W: 16}\n"

WRITTEN = {
    "outputs_of_a_block": """
blocks:
  backbone:
    steps:
      - sequence as layer1: [{conv: {channels: 4, kernel: 3, padding: 1}}, relu]
      - sequence as layer2: [{conv: {channels: 8, kernel: 3, padding: 1}}, relu]
        label: c3
      - conv as layer3: {channels: 12, kernel: 3, padding: 1}
  inception:
    steps:
      - sequence as left: [{conv: {channels: 4, kernel: 1}}]
      - sequence as right: [{conv: {channels: 6, kernel: 1}}]
        from: input
      - relu:
        label: rectified
steps:
  - backbone as body
  - inception as mixed
  - concat as all:
    from: [mixed.left, mixed.rectified, mixed.right]
  - conv as p4: {channels: 4, kernel: 1}
  - conv as p3: {channels: 4, kernel: 1}
    from: body.c3
  - conv as p2: {channels: 4, kernel: 1}
    from: body.layer1
  - add:
    from: [p4, p3, p2]
""",
    "loops_of_varying_length": """
blocks:
  unit:
    params: {growth}
    steps: [{batch_norm as norm: {}}, relu, {conv as conv: {channels: $growth, kernel: 3, padding: 1}}]
  dense:
    params: {layers, growth: 4}
    steps:
      - concat:
          - []
          - - unit as layer$i: {growth: $growth}
        for: i in range(1, layers + 1)
  stage:
    params: {convs, channels}
    steps:
      - conv as before: {channels: $channels, kernel: 1}
      - add:
          - []
          - - steps:
                - conv as conv$i: {channels: $channels, kernel: 5, padding: 2}
                - batch_norm as norm$i
                - relu
              for: i in range(convs)
      - relu
  widening:
    params: {turns, channels}
    steps:
      - steps:
          - conv as conv$i: {channels: $channels, kernel: 1}
          - add:
              - [{conv as left$i: {channels: $channels, kernel: 1}}, relu]
              - - conv as right$i: {channels: $channels, kernel: 1}
                  from: input
        for: i in range(turns)
steps:
  - dense as d1: {layers: 2}
  - dense as d2: {layers: 3, growth: 2}
  - dense as d3: {layers: 4}
  - stage as s1: {convs: 1, channels: 4}
  - stage as s2: {convs: 3, channels: 6}
  - widening as w1: {turns: 1, channels: 4}
  - widening as w2: {turns: 3, channels: 5}
""",
    "a_group_that_repeats": """
steps:
  - conv: {channels: 8, kernel: 3, padding: 1}
  - relu
  - steps:
      - conv: {channels: 8, kernel: 3, padding: 1, bias: false}
      - batch_norm
      - relu
    repeat: 6
  - conv: {channels: 3, kernel: 3, padding: 1}
""",
    "conditions": """
blocks:
  normed:
    params: {channels, bn: true}
    steps:
      - conv as conv: {channels: $channels, kernel: 3, padding: 1}
      - steps: [{batch_norm as bn: {}}, relu]
        when: bn
  gated:
    params: {channels, gate: true}
    steps:
      - conv as conv: {channels: $channels, kernel: 3, padding: 1}
      - multiply:
          - []
          - - global_avg_pool
            - conv as excite: {channels: $channels, kernel: 1}
            - sigmoid
        when: gate
  either:
    params: {channels, wide: true}
    steps:
      - conv as conv_a: {channels: $channels, kernel: 3, padding: 1}
        when: wide
      - concat:
          - []
          - - conv as more: {channels: 2, kernel: 1}
        when: wide
      - conv as conv_b: {channels: $channels, kernel: 1}
        when: not wide
steps:
  - normed as normed1: {channels: 4}
  - normed as normed2: {channels: 6, bn: false}
  - gated as gated1: {channels: 4}
  - gated as gated2: {channels: 6, gate: false}
  - either as either1: {channels: 4}
  - either as either2: {channels: 6, wide: false}
""",
    "formulas": """
blocks:
  causal:
    params: {channels, dilation, kernel: 3}
    let: {past: "$([[(kernel - 1) * dilation, 0], [0, 0]])"}
    steps:
      - conv as conv1: {channels: $channels, kernel: [$kernel, 1], dilation: [$dilation, 1], padding: $past}
      - relu
      - conv as conv2: {channels: $channels, kernel: [$kernel, 1], dilation: [$dilation, 1], padding: $past}
  factored:
    params: {channels, kernels}
    steps:
      - conv as c$i: {channels: $channels, kernel: $kernel, padding: same}
        for: i, kernel in enumerate(kernels)
      - relu
  stack:
    params: {widths, dilations}
    steps:
      - steps:
          - conv as conv$i: {channels: $width, kernel: 3, dilation: $dilation, padding: $dilation}
          - relu
        for: i, (width, dilation) in enumerate(zip(widths, dilations))
  strided:
    params: {channels, stride: 1}
    steps:
      - conv as conv: {channels: $channels, kernel: [3, 1], stride: [$stride, 1], padding: [1, 0]}
      - conv as across: {channels: $channels, kernel: [1, 3], stride: [1, $stride], padding: [0, 1]}
  unit:
    params: {channels, drop}
    steps:
      - add:
          - []
          - - conv as conv: {channels: $channels, kernel: 3, padding: 1}
            - stochastic_depth: {p: $drop}
steps:
  - causal as causal$i: {channels: 4, dilation: $(2**i)}
    for: i in range(3)
  - factored as tall: {channels: 4, kernels: [[1, 7], [7, 1]]}
  - factored as wide: {channels: 6, kernels: [[5, 1], [1, 5]]}
  - stack as stack1: {widths: [4, 4, 6], dilations: [1, 2, 1]}
  - stack as stack2: {widths: [6, 5], dilations: [1, 2]}
  - strided as strided1: {channels: 4}
  - strided as strided2: {channels: 6, stride: 2}
  - sequence as stage$i:
      - unit: {channels: 6, drop: $(0.2 * (3 * i + j) / 11)}
        for: j in range(4)
    for: i in range(3)
""",
    "loops_in_the_network": """
steps:
  - conv as first: {channels: 4, kernel: 3, padding: 1}
  - relu
  - steps:
      - conv as conv$i: {channels: 4, kernel: 3, padding: 1}
      - batch_norm as norm$i
      - relu
    for: i in range(1, 8)
  - conv as last: {channels: 3, kernel: 3, padding: 1}
  - add:
    from: [previous, input]
""",
    "lists_of_the_network": """
params: {widths: [4, 6, 8, 5], equal: [7, 7, 7, 7]}
blocks:
  unit:
    params: {channels, dilation}
    steps:
      - conv as conv: {channels: $channels, kernel: 3, dilation: $dilation, padding: $dilation}
      - relu
steps:
  - unit as unit$i: {channels: $c, dilation: $(2**i)}
    for: i, c in enumerate(widths)
  - unit as even$i: {channels: $c, dilation: $(i + 1)}
    for: i, c in enumerate(equal)
""",
    "loops_inside_loops": """
blocks:
  unit:
    params: {channels, norm: true}
    steps:
      - conv: {channels: $channels, kernel: 3, padding: 1}
      - batch_norm:
        when: norm
      - relu
  denoising:
    params: {channels, depth: 5}
    steps:
      - conv: {channels: $channels, kernel: 3, padding: 1}
      - unit: {channels: $channels}
        inline: true
        for: i in range(depth)
      - conv: {channels: 3, kernel: 3, padding: 1}
      - unit: {channels: $(4 * i + 4), norm: false}
        inline: true
        for: i in range(6)
  one_inside:
    params: {channels, turns: 4}
    steps:
      - steps:
          - conv as conv$i: {channels: $channels, kernel: 3, padding: 1}
            for: j in range(1)
          - relu
        for: i in range(turns)
      - add: [[], [{conv as out: {channels: $channels, kernel: 1}}]]
  varied_inside:
    params: {channels, turns: 4, inner: 1}
    steps:
      - steps:
          - conv: {channels: $channels, kernel: 3, padding: 1}
          - batch_norm:
            for: j in range(inner)
        for: i in range(turns)
  two_inside:
    params: {channels, turns: 4}
    steps:
      - steps:
          - conv as conv$(i)_$j: {channels: $channels, kernel: $(2 * i + 1), padding: $i}
            for: j in range(2)
          - relu
        for: i in range(turns)
      - add: [[], [{conv as out: {channels: $channels, kernel: 1}}]]
  at_most_one:
    params: {channels, turns: 0}
    steps:
      - conv as first: {channels: $channels, kernel: 1}
      - conv as more$i: {channels: $channels, kernel: 3, padding: 1}
        for: i in range(turns)
  refined:
    params: {turns}
    steps:
      - conv as features: {channels: 4, kernel: 3, padding: 1}
        label: known
      - steps:
          - conv as conv$i: {channels: 4, kernel: 3, padding: 1}
          - relu
          - add:
            from: [previous, known]
        for: i in range(turns)
      - conv as out: {channels: 3, kernel: 1}
steps:
  - denoising as denoised1: {channels: 8}
  - denoising as denoised2: {channels: 12, depth: 7}
  - one_inside as one1: {channels: 4}
  - one_inside as one2: {channels: 6, turns: 5}
  - varied_inside as varied1: {channels: 6, turns: 5}
  - varied_inside as varied2: {channels: 6, turns: 3}
  - varied_inside as varied3: {channels: 6, turns: 3, inner: 2}
  - two_inside as two1: {channels: 4}
  - two_inside as two2: {channels: 4, turns: 2}
  - at_most_one as most1: {channels: 4}
  - at_most_one as most2: {channels: 6, turns: 1}
  - refined as refined1: {turns: 2}
  - refined as refined2: {turns: 5}
""",
    "numbers_as_engineers_write_them": """
blocks:
  layer:
    let: {c: $(input.channels)}
    steps:
      - add:
          - []
          - - batch_norm as norm: {eps: 1e-6}
            - sequence as mix:
                - conv as wide: {channels: $(3 * c), kernel: 1}
                - softmax: {axis: channels}
                - conv as narrow: {channels: $c, kernel: 1}
  fusion:
    let: {c: $(input.channels)}
    steps:
      - conv as first: {channels: $c, kernel: 1}
      - concat:
        from: [input, previous]
      - conv as fused: {channels: $c, kernel: 3, padding: 1}
  scaled:
    params: {channels, beta}
    steps:
      - scale: {by: $beta}
      - conv as conv: {channels: $channels, kernel: 3, padding: 1}
      - scale: {by: 0.2}
  sums:
    steps:
      - conv as a: {channels: 4, kernel: 1}
      - conv as b: {channels: 4, kernel: 1}
        from: input
      - conv as c: {channels: 4, kernel: 1}
        from: input
      - add:
          - [{conv as way.0: {channels: 4, kernel: 1}, from: a}]
          - [{conv as way.1: {channels: 4, kernel: 1}, from: b}]
          - [{conv as way.2: {channels: 4, kernel: 1}, from: c}]
        label: first
      - add:
          - [{conv as way.3: {channels: 4, kernel: 1}, from: a}]
          - [{conv as way.4: {channels: 4, kernel: 1}, from: b}]
          - [{conv as way.5: {channels: 4, kernel: 1}, from: c}]
      - add:
        from: [previous, first]
steps:
  - conv as stem: {channels: 8, kernel: 1}
  - layer as layer1
  - fusion as fusion1
  - scaled as scaled1: {channels: 12, beta: 0.5}
  - scaled as scaled2: {channels: 12, beta: 1.0}
  - layer as layer2
  - fusion as fusion2
  - sums as sums
""",
    "named_groups_in_place": """
steps:
  - sequence as body:
      - conv as first: {channels: 4, kernel: 3, padding: 1}
      - steps:
          - conv as conv$i: {channels: 4, kernel: 3, padding: 1, bias: false}
          - batch_norm as norm$i
          - relu as relu$i
        for: i in range(1, 7)
      - conv as last: {channels: 3, kernel: 3, padding: 1}
  - sequence as tail:
      - conv as conv$i: {channels: 3, kernel: 3, padding: 1}
        for: i in range(2, 7)
""",
    "lists_by_comprehension": """
blocks:
  unit:
    params: {channels, kernel: [3, 3], dilation: [1, 1]}
    steps:
      - conv:
          channels: $channels
          kernel: $kernel
          dilation: $dilation
          padding: "$([(k - 1) // 2 * d for k, d in zip(kernel, dilation)])"
      - relu
  chain:
    params: {layers}
    steps:
      - conv: {channels: $c, kernel: $k, padding: $(k // 2)}
        for: c, k in layers
      - batch_norm
steps:
  - unit: {channels: 4}
  - unit: {channels: 4, kernel: [1, 7]}
  - unit: {channels: 6, kernel: [5, 1], dilation: [2, 1]}
  - chain as short: {layers: [[8, 1]]}
  - chain as long: {layers: [[8, 1], [9, 3], [5, 3]]}
""",
    "two_steps_of_one_name": """
blocks:
  unit:
    params: {channels, stride: 1}
    steps:
      - concat:
          - - conv as conv1: {channels: $(channels - input.channels), kernel: 3, stride: 2, padding: 1}
            - relu
            - conv as conv2: {channels: $(previous.channels), kernel: 1}
          - avg_pool: {kernel: 3, stride: 2, padding: 1}
        when: stride == 2
      - add:
          - - conv as conv1: {channels: $channels, kernel: 1}
            - relu
            - conv as conv2: {channels: $channels, kernel: 3, padding: 1}
          - []
        when: stride == 1
      - relu
  either:
    params: {channels, wide: true}
    steps:
      - conv as conv: {channels: $channels, kernel: 3, padding: 1}
        when: wide
      - conv as conv: {channels: $channels, kernel: 1, bias: false}
        when: not wide
steps:
  - unit as unit1: {channels: 8, stride: 2}
  - unit as unit2: {channels: 8}
  - unit as unit3: {channels: 12, stride: 2}
  - unit as unit4: {channels: 12}
  - either as either1: {channels: 4}
  - either as either2: {channels: 6, wide: false}
""",
    "what_follows_from_what": """
blocks:
  unit:
    params: {channels, stride: 1}
    steps:
      - add:
          - conv as conv: {channels: $channels, kernel: 3, stride: $stride, padding: 1}
          - conv as shortcut: {channels: $channels, kernel: 1, stride: $stride}
            when: stride != 1 or input.channels != channels
  dilated:
    params: {channels, dilation, ways: [1, $channels]}
    steps:
      - conv as conv: {channels: $channels, kernel: 3, dilation: $(2 * dilation), padding: $(2 * dilation)}
  level:
    inputs: {x, skip}
    params: {channels}
    steps:
      - conv_transpose as up: {channels: $(channels // 2), kernel: 2, stride: 2}
        from: x
      - concat:
        from: [previous, skip]
      - conv as conv: {channels: $channels, kernel: 3, padding: 1}
  pooled:
    params: {size}
    steps: [{adaptive_avg_pool: {size: $size}}, {conv as conv: {channels: 3, kernel: 1}}, {upsample: {to: input}}]
steps:
  - unit as unit1: {channels: 8}
  - unit as unit2: {channels: 8}
  - unit as unit3: {channels: 16, stride: 2}
  - dilated as dilated1: {channels: 16, dilation: 1}
  - dilated as dilated2: {channels: 32, dilation: 2}
  - conv as deep: {channels: 32, kernel: 3, stride: 2, padding: 1}
  - level as up1: {channels: 32}
    from: [deep, unit3]
  - conv_transpose as up: {channels: 16, kernel: 2, stride: 2}
  - level as up2: {channels: 16}
    from: [unit3, unit2]
  - concat:
      - []
      - pooled as pooled$i: {size: $size}
        for: i, size in enumerate([1, 2, 3, 6])
  - conv as score: {channels: 3, kernel: 1}
""",
    "loops_that_some_uses_lack": """
blocks:
  chained:
    params: {channels, extra: false}
    steps:
      - conv: {channels: $channels, kernel: 3, padding: 1}
      - sequence: [{conv: {channels: $channels, kernel: $(2 * i + 1), padding: $i}}, relu]
        for: i in range(3)
        when: extra
      - relu
  varied:
    params: {channels, extra: false}
    steps:
      - conv as first: {channels: $channels, kernel: 3, padding: 1}
      - sequence as part$i: [{conv: {channels: $channels, kernel: 3, padding: 1}}, $kind]
        for: (i, kind) in enumerate(['relu', 'gelu', 'relu'])
        when: extra
      - add: [[{conv as out: {channels: $channels, kernel: 1}}], []]
  scaled:
    params: {channels, extra: false, by: 2}
    steps:
      - conv as first: {channels: $channels, kernel: 3, padding: 1}
      - conv as more: {channels: $channels, kernel: 3, padding: 1}
        when: extra
      - upsample: {scale: $by}
        when: extra
      - upsample: {scale: $by}
      - conv as last: {channels: $channels, kernel: 3, padding: 1}
steps:
  - chained as chained1: {channels: 4, extra: true}
  - chained as chained2: {channels: 4}
  - varied as varied1: {channels: 4}
  - varied as varied2: {channels: 4, extra: true}
  - scaled as scaled1: {channels: 4, extra: true}
  - scaled as scaled2: {channels: 4, by: 3}
  - scaled as scaled3: {channels: 4, by: 1, extra: true}
""",
    "chains_in_loops": """
blocks:
  unit:
    params: {channels, norm: true, depth: 4}
    steps:
      - sequence as part$i:
          - conv: {channels: $channels, kernel: $(2 * i + 1), padding: $i}
          - batch_norm:
            when: norm
          - relu
        for: i in range(depth)
      - add: [[{conv as out: {channels: $channels, kernel: 1}}], []]
  first_alone:
    params: {channels, count: 3}
    steps:
      - sequence as part$i:
          - conv: {channels: $channels, kernel: 3, padding: 1}
          - batch_norm:
            when: i > 0
          - relu
        for: i in range(count)
      - add: [[{conv as out: {channels: $channels, kernel: 1}}], []]
steps:
  - unit as unit1: {channels: 8, norm: false}
  - unit as unit2: {channels: 8}
  - unit as unit3: {channels: 16, depth: 2}
  - first_alone as alone1: {channels: 8, count: 2}
  - first_alone as alone2: {channels: 8}
""",
}


def spec(name: str) -> archspec.Spec:
    return archspec.loads(HEAD + WRITTEN[name])


@pytest.mark.parametrize("name", WRITTEN)
def test_text(name: str, golden: Callable[..., None]) -> None:
    golden(emit(spec(name).graph), suffix="py")


@pytest.mark.parametrize("name", WRITTEN)
def test_is_its_graph(name: str) -> None:
    hold_against_graph(spec(name), 16)


@pytest.mark.parametrize("name", WRITTEN)
def test_memory_is_what_is_said(name: str) -> None:
    graph = spec(name).graph
    found = inference(archspec.compile(spec(name)).eval(), inputs_of(graph, graph.sizes, 2))
    assert memory(graph, dict(graph.sizes), 2).inference == found


def test_random_loops_are_their_graphs() -> None:
    """Some turns none, one or many times; what they read and hand on differs."""
    loops = 0
    for seed in (*range(12), 123, 214):
        made = archspec.loads(loop_spec(seed))
        loops += re.search(r"in range\((\d+, )?self\.", emit(made.graph)) is not None
        hold_against_graph(made, 8)
        found = inference(archspec.compile(made).eval(), inputs_of(made.graph, made.graph.sizes, 2))
        assert memory(made.graph, dict(made.graph.sizes), 2).inference == found
    assert loops > 3


def test_random_loops_inside_loops_are_their_graphs() -> None:
    for seed in (0, 12, 31, 51, 78):
        made = archspec.loads(nested_spec(seed))
        hold_against_graph(made, 8)
        found = inference(archspec.compile(made).eval(), inputs_of(made.graph, made.graph.sizes, 2))
        assert memory(made.graph, dict(made.graph.sizes), 2).inference == found


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
def test_each_weight_is_drawn_once(name: str, torchvision: ModuleType) -> None:
    """Under one seed, torchvision's own weights."""
    torch.manual_seed(0)
    mine = archspec.compile(archspec.load(name)).state_dict()
    torch.manual_seed(0)
    other = torchvision.models.get_model(name).state_dict()
    assert all(torch.equal(mine[key], other[key]) for key in other)


def test_shapes_beside_the_networks_lines() -> None:
    """Every comment has the shape that torch gives the value in its line."""
    text = emit(archspec.load("resnet18").graph)
    said = re.findall(r"^ {8}(?:x = |return )(.*)  # (.*)$", text, re.MULTILINE)
    values: dict[str, object] = {"H": 64, "W": 48, "F": functional, "torch": torch}
    values |= {"self": archspec.compile(archspec.load("resnet18")).eval(), "image": torch.zeros(2, 3, 64, 48)}
    assert len(said) > 5
    for expression, shape in said:
        values["x"] = x = eval(expression, values)
        wanted = [
            eval(re.sub(r"⌊(.*)/(\d+)⌋", r"(\1)//\2", dim).replace("−", "-"), values) for dim in shape.split(" × ")
        ]
        assert list(x.shape[1:]) == wanted
