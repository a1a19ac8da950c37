"""The language: names, scopes, flow, values, loops, blocks, outputs.  Each rule on the smallest spec that shows it."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec.backends.spec_text import expand
from archspec.graph import Graph, Node
from tests.helpers.work import calls

HEAD = """\
archspec: 1
name: Net
inputs: {image: [3, H, W]}
sizes: {H: 32, W: 32}
"""


def load(text: str, head: str = HEAD, **params: Any) -> Graph:
    return archspec.loads(head + text, **params).graph


def refused(text: str, head: str = HEAD, **params: Any) -> list[str]:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(head + text, **params)
    return [d.code for d in caught.value.diagnostics if d.severity == "error"]


def keys(graph: Graph) -> list[str]:
    """The state_dict keys a graph stands for."""
    found = []
    for node in graph.nodes:
        if node.op is not None and node.reuse is None:
            for weight in node.op.weights(graph.shapes_in(node)):
                found.append(f"{node.path}.{weight.name}" if weight.name else node.path)
    return found


def flow(graph: Graph) -> list[tuple[str, tuple[str, ...]]]:
    """Every node with what it reads, by path."""
    return [(node.path, tuple(graph.nodes[i].path for i in node.inputs)) for node in graph.nodes if node.op]


def named(graph: Graph, path: str) -> Node:
    return next(node for node in graph.nodes if node.path == path)


# -- names and scopes -------------------------------------------------------------------------------------------------


def test_unnamed_steps_are_called_by_their_position_parameterless_ones_counted() -> None:
    graph = load("steps: [conv: {channels: 4, kernel: 1}, relu, conv as b: {channels: 4, kernel: 1}, batch_norm]")
    assert [node.path for node in graph.nodes] == ["image", "0", "1", "b", "3"]


def test_merges_groups_and_labels_change_no_key() -> None:
    plain = "steps: [conv as a: {channels: 4, kernel: 1}, relu, conv: {channels: 4, kernel: 1}]"
    dressed = """
steps:
  - steps:
      - add:
          - - conv as a: {channels: 4, kernel: 1}
              label: there
          - - conv as other: {channels: 4, kernel: 1}
              when: false
      - relu
    label: group
  - conv: {channels: 4, kernel: 1}
"""
    graph = load(
        dressed.replace("          - - conv as other: {channels: 4, kernel: 1}\n              when: false\n", "")
    )
    assert keys(graph) == keys(load(plain))


def test_inserting_an_unnamed_step_shifts_only_later_unnamed_steps_of_its_scope() -> None:
    before = "steps: [conv as a: {channels: 4, kernel: 1}, sequence as s: [conv: {channels: 4, kernel: 1}], batch_norm]"
    after = before.replace("sequence", "relu, sequence", 1)
    assert keys(load(before))[:4] == ["a.weight", "a.bias", "s.0.weight", "s.0.bias"]
    assert [key.replace("3.", "2.") for key in keys(load(after))] == keys(load(before))


def test_named_merge_numbers_its_branches_and_unnamed_makes_no_scope() -> None:
    graph = load("""
steps:
  - concat as mix:
      - conv: {channels: 2, kernel: 1}
      - - relu
        - conv: {channels: 2, kernel: 1}
  - concat:
      - - conv as left: {channels: 2, kernel: 1}
      - []
""")
    assert [key for key in keys(graph) if key.endswith("weight")] == ["mix.0.weight", "mix.1.1.weight", "left.weight"]


def test_keyed_branches_are_scopes_and_a_single_step_takes_the_key() -> None:
    graph = load("""
steps:
  - concat:
      branch1: {conv_bn_relu: {channels: 2, kernel: 1}}
      branch2:
        - conv_bn_relu: {channels: 2, kernel: 1}
        - conv_bn_relu: {channels: 2, kernel: 1}
""")
    weights = [key for key in keys(graph) if key.endswith("conv.weight")]
    assert weights == ["branch1.conv.weight", "branch2.0.conv.weight", "branch2.1.conv.weight"]


def test_dotted_names_fill_containers_from_anywhere() -> None:
    text = """
blocks:
  scales:
    params: {count: 3}
    steps:
      - conv as convs.$i: {channels: 4, kernel: $(2 * i + 1), padding: $i}
        for: i in range(count)
      - batch_norm as norms.0
      - relu
      - batch_norm as norms.1:
        from: convs.0
      - sequence as heads.last:
          - conv: {channels: 2, kernel: 1}
      - add:
          - conv as at.0: {channels: 2, kernel: 1}
          - conv as at.1: {channels: 2, kernel: 1}
steps: [scales as body, {conv as a.b.c: {channels: 4, kernel: 1}}, {scales as more.0: {count: 1}}]
"""
    graph = load(text)
    convs = [key for key in keys(graph) if key.endswith("weight")]
    body = [f"convs.{index}" for index in range(3)] + ["norms.0", "norms.1", "heads.last.0", "at.0", "at.1"]
    more = [name for name in body if name not in ("convs.1", "convs.2")]
    assert convs == [
        f"{path}.weight" for path in [*(f"body.{name}" for name in body), "a.b.c", *(f"more.0.{name}" for name in more)]
    ]
    assert dict(flow(graph))["body.norms.1"] == ("body.convs.0",)
    again = archspec.loads(expand(graph)).graph
    assert (keys(again), flow(again)) == (keys(graph), flow(graph))
    for spec in (graph, again):
        module = archspec.compile(archspec.loads(expand(spec)))
        assert sorted(module.state_dict()) == sorted(keys(graph))


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("[{conv as a.0: {channels: 4, kernel: 1}}, {conv as a.0: {channels: 4, kernel: 1}}]", "name-twice"),
        ("[{conv as a: {channels: 4, kernel: 1}}, {conv as a.0: {channels: 4, kernel: 1}}]", "name-twice"),
        ("[{conv as a.0: {channels: 4, kernel: 1}}, {conv as a: {channels: 4, kernel: 1}}]", "name-twice"),
        (
            "[{sequence as a: [{conv: {channels: 4, kernel: 1}}]}, {conv as a.1: {channels: 4, kernel: 1}}]",
            "name-twice",
        ),
        ("[{conv as a.01: {channels: 4, kernel: 1}}]", "bad-name"),
        ("[{conv as a..b: {channels: 4, kernel: 1}}]", "bad-name"),
        ("[{conv as 0.a: {channels: 4, kernel: 1}}]", "bad-name"),
        ("[{conv as a.forward: {channels: 4, kernel: 1}}]", "bad-name"),
        ("[{conv as a.0: {channels: 4, kernel: 1}}, {relu: , from: a.1}]", "unknown-name"),
    ],
)
def test_dotted_names_that_clash_or_mislead_are_refused(steps: str, code: str) -> None:
    assert refused(f"steps: {steps}") == [code]


def test_a_copied_step_must_vary_its_name() -> None:
    assert refused("steps: [{conv as c: {channels: 4, kernel: 1}, repeat: 2}]") == ["name-twice"]
    graph = load("steps: [{conv as c$(i): {channels: 4, kernel: 1}, for: i in range(2)}]")
    assert keys(graph) == ["c0.weight", "c0.bias", "c1.weight", "c1.bias"]


@pytest.mark.parametrize(
    "name", ["train", "forward", "state_dict", "class", "0", "a.", "__init__", "input", "_x_hooks", "code"]
)
def test_names_that_shadow_or_mislead_are_refused(name: str) -> None:
    assert refused(f"steps: [relu as {name}]") == ["bad-name"]


def test_parameterised_steps_in_an_unnamed_merge_need_a_name() -> None:
    assert refused("steps: [add: [[conv: {channels: 3, kernel: 1}], []]]") == ["unnamed-in-merge"]
    assert refused("steps: [add: [[conv_bn_relu: {channels: 3, kernel: 1}], []]]") == ["unnamed-in-merge"]


# -- flow -------------------------------------------------------------------------------------------------------------


def test_branches_start_from_what_the_merge_reads_and_an_empty_one_is_the_identity() -> None:
    graph = load("steps: [relu as a, add: [[sigmoid as b, tanh as c], []], relu as d]")
    assert flow(graph) == [("a", ("image",)), ("b", ("a",)), ("c", ("b",)), ("add()", ("c", "a")), ("d", ("add()",))]


def test_a_bare_step_that_when_drops_drops_its_branch_and_for_multiplies_it() -> None:
    graph = load("""
steps:
  - concat:
      - {conv as c$(i): {channels: $(i + 1), kernel: 1}, for: i in range(3)}
      - {relu as r: {}, when: 1 > 2}
      - - {sigmoid as s: {}, when: false}
""")
    assert flow(graph)[-1] == ("concat()", ("c0", "c1", "c2", "image"))
    assert named(graph, "concat()").shape.channels == 1 + 2 + 3 + 3


def test_a_merge_left_with_one_branch_is_that_branch() -> None:
    graph = load("steps: [add: [[relu as a], {identity: {}, when: false}], relu as b]")
    assert flow(graph) == [("a", ("image",)), ("b", ("a",))]


def test_after_an_aside_the_chain_goes_on_from_what_it_read() -> None:
    graph = load("""
steps: [relu as a, {sigmoid as side: {}, aside: true}, tanh as b]
outputs: {main: b, side: {from: side, training: true, loss_weight: 0.3}}
""")
    assert flow(graph)[-1] == ("b", ("a",))
    assert named(graph, "side").training_only
    assert not named(graph, "a").training_only
    assert [(o.name, o.training, o.loss_weight) for o in graph.outputs] == [("main", False, 1.0), ("side", True, 0.3)]


def test_after_an_aside_with_a_source_of_its_own_the_chain_goes_on_as_before() -> None:
    graph = load("steps: [relu as a, tanh as b, {sigmoid as side: {}, from: a, aside: true}, {mish as c: {}}]")
    assert flow(graph)[-1] == ("c", ("b",))


def test_input_in_a_sequence_is_the_blocks_and_a_warning_says_so() -> None:
    text = """
blocks:
  wide: {steps: [{sequence as body: [{conv as c: {channels: $(2 * input.channels), kernel: 1}}]}]}
steps:
  - conv as stem: {channels: 48, kernel: 1}
  - wide as ok
  - sequence as s:
      - conv as d: {channels: $(input.channels), kernel: 1}
      - add as e: {}
        from: [previous, input]
"""
    graph = load(text)
    assert named(graph, "ok.body.c").shape.channels == 96
    assert named(graph, "s.d").shape.channels == 3
    said = [each for each in archspec.loads(HEAD + text).diagnostics if each.code == "input-of-block"]
    assert [each.span.line for each in said if each.span is not None] == [12, 14]
    assert "the network, 3 × H × W, but this sequence reads 96 × H × W" in said[0].message


def test_from_reads_names_paths_labels_input_and_previous() -> None:
    graph = load("""
blocks:
  pair: {steps: [relu as first, sigmoid as second]}
steps:
  - pair as p
  - {tanh as t: {}, from: input, label: side}
  - sequence as s: [{relu as r: {}, from: side}]
  - {concat: {}, from: [previous, p.first, p, s.r, side, image]}
""")
    assert flow(graph)[-1] == ("concat()", ("s.r", "p.first", "p.second", "s.r", "t", "image"))


def test_from_sees_earlier_steps_only_and_never_a_callers_names() -> None:
    assert refused("steps: [{relu as a: {}, from: b}, relu as b]") == ["unknown-name"]
    assert refused("blocks: {inner: {steps: [{relu: {}, from: a}]}}\nsteps: [relu as a, inner]") == ["unknown-name"]
    assert refused("steps: [relu, {relu: {}, from: '0'}]") == ["unknown-name"]


# -- values -----------------------------------------------------------------------------------------------------------


def test_a_scope_that_is_open_is_read_inside_but_not_as_a_whole() -> None:
    text = """
        steps:
          - sequence as st:
              - sequence: [{conv as x: {channels: 2, kernel: 1}}, relu]
              - sigmoid: {}
                from: %s
    """
    text = textwrap.dedent(text)
    assert load(text % "st.0.x").nodes[-1].inputs == (1,)
    with pytest.raises(archspec.SpecError, match="`st` is not finished here: this step is inside it"):
        load(text % "st")


def test_kinds_come_from_defaults() -> None:
    text = (
        "params: {n: 4, rate: 0.5, on: true}\nsteps: [{conv: {channels: $n, kernel: 1}, when: on}, dropout: {p: $rate}]"
    )
    assert load(text, n=6.0).nodes[1].shape.channels == 6
    assert load(text, rate=0).nodes[2].op.p == 0.0  # type: ignore[union-attr]
    wrongs: tuple[dict[str, Any], ...] = ({"n": 2.5}, {"n": True}, {"n": "4"}, {"rate": "x"}, {"on": 1})
    for wrong in wrongs:
        assert refused(text, **wrong) == ["wrong-type"]


def test_required_parameters_and_let_in_order() -> None:
    text = """
params: {n}
let: {half: $(n // 2), quarter: $(half // 2), wide: $(input.channels * 2)}
steps: [conv: {channels: $quarter, kernel: 1}, conv: {channels: $wide, kernel: 1}]
"""
    graph = load(text, n=16)
    assert [graph.nodes[i].shape.channels for i in (1, 2)] == [4, 6]
    assert refused(text) == ["missing-argument"]
    assert refused(text, n=16, m=1) == ["unknown-argument"]


def test_defaults_see_the_steps_other_arguments() -> None:
    text = """
params: {dilation: 7}
defaults:
  conv: {dilation: 2, padding: $(dilation * (kernel // 2)), channels: 4}
  unit: {wide: $(2 * kernel)}
blocks:
  unit:
    params: {kernel: 3, wide}
    steps: [conv: {channels: $wide, kernel: $kernel}]
steps:
  - conv: {kernel: 3}
  - conv: {kernel: 5, dilation: 1}
  - conv: {kernel: [3, 1], padding: 0, dilation: 1}
  - unit
  - unit: {kernel: 1}
"""
    made = [node.op for node in load(text).nodes[1:]]
    assert [op.padding for op in made] == [2, 2, 0, 2, 0]  # type: ignore[union-attr]
    assert [op.channels for op in made] == [4, 4, 4, 6, 2]  # type: ignore[union-attr]


def test_a_default_means_the_files_parameter_by_the_arguments_own_name() -> None:
    text = "params: {bias: false}\ndefaults: {conv: {bias: $bias}}\nsteps: [conv: {channels: 2, kernel: 1}]"
    assert keys(load(text)) == ["0.weight"]
    assert keys(load(text, bias=True)) == ["0.weight", "0.bias"]


def test_sources_are_computed() -> None:
    text = """
params: {n: 3}
steps:
  - conv as f$i: {channels: $(i + 1), kernel: 1}
    for: i in range(n)
  - concat:
    from: [{step: f$j, for: j in range(n), when: j != 1}, previous]
  - concat:
    from: $(['f' + str(i) for i in range(n)] + ['input'])
  - add: {}
    from: [previous, {step: f$j, for: j in range(n), when: false}, previous]
"""
    assert [node.shape.channels for node in load(text).nodes[-3:]] == [1 + 3 + 3, 1 + 2 + 3 + 3, 9]
    for wrong, code in (
        ("{step: f$j, for: j in range(0)}", "bad-from"),
        ("{steps: f0}", "bad-from"),
        ("{for: j in range(n)}", "bad-from"),
        ("{step: g$j, for: j in range(n)}", "unknown-name"),
        ("{step: f$j, for: j in range(n), when: j}", "not-a-condition"),
        ("'$([1])'", "bad-from"),
    ):
        assert refused(f"params: {{n: 2}}\nsteps:\n  - relu as f0\n  - concat:\n    from: [{wrong}]") == [code], wrong


def test_a_block_of_as_many_inputs_as_a_parameter_says() -> None:
    text = """
blocks:
  node:
    params: {n, channels}
    inputs: {maps: n, skip}
    let: {wide: "$(sum([map.channels for map in maps]))"}
    steps:
      - concat: {}
        from: [maps, skip, maps.0]
      - conv as mix: {channels: $(channels if len(maps) == n else 1), kernel: 1, groups: "$(1 if wide else 2)"}
      - multiply: {}
        from: ["maps.$(n - 1)", previous]
steps:
  - conv as a: {channels: 4, kernel: 1}
  - conv as b: {channels: 6, kernel: 1}
  - node as two: {n: 2, channels: 6}
    from: [a, b, input]
  - node as three: {n: 3, channels: 3}
    from: [{step: $name, for: "name in ['a', 'b', 'input']"}, two]
"""
    graph = load(text)
    assert [node.shape.channels for node in graph.nodes if node.name == "mix"] == [6, 3]
    assert [graph.nodes[i].shape.channels for i in graph.node("two.mix").inputs] == [4 + 6 + 3 + 4]
    source = archspec.source(archspec.loads(HEAD + text))
    assert "def forward(self, maps_0: Tensor, maps_1: Tensor, skip: Tensor)" in source
    assert refused(text.replace("{n: 2, c", "{n: 3, c")) == ["wrong-inputs"]
    assert refused(text.replace("{n: 2, c", "{n: 0, c")) == ["bad-input"]
    assert refused(text.replace("maps.0]", "maps.9]")) == ["unknown-name"]
    assert refused(text.replace("- concat: {}", "- relu: {}")) == ["wrong-inputs"]


def test_null_is_a_default() -> None:
    text = """
blocks:
  unit:
    params: {kernel: 3, padding: null}
    steps: [conv: {channels: 4, kernel: $kernel, padding: "$(kernel // 2 if padding is None else padding)"}]
steps: [unit: {kernel: 5}, unit: {padding: 0}, unit: {kernel: 3, padding: null}]
"""
    graph = load(text)
    assert [graph.nodes[i].op.padding for i in (1, 2, 3)] == [2, 0, 1]  # type: ignore[union-attr]


def test_a_null_parameter_takes_any_kind_and_null_is_seen() -> None:
    text = "params: {act: null}\nsteps: [{$(act if act is not None else 'relu'): }]"
    assert [load(text, act=given).nodes[1].op.keyword for given in (None, "sigmoid")] == ["relu", "sigmoid"]  # type: ignore[union-attr]


def test_defaults_are_lexical_to_their_file() -> None:
    graph = load(
        "defaults: {conv: {bias: false}}\nsteps: [conv: {channels: 4, kernel: 1}, conv_relu: {channels: 4, kernel: 1}]"
    )
    assert keys(graph) == ["0.weight", "1.conv.weight", "1.conv.bias"]


def test_loops_nest_chain_and_destructure() -> None:
    graph = load("""
params: {plan: [[1, 2], [2, 1]]}
steps:
  - sequence as s$(i):
      - {conv as c$(j): {channels: $(width + j), kernel: 1}, for: j in range(count)}
    for: i, (width, count) in enumerate(plan)
  - {relu as r$(a)$(b): {}, for: a in range(3) for b in range(a) if b != 1}
""")
    assert [n.path for n in graph.nodes[1:]] == ["s0.c0", "s0.c1", "s1.c0", "r10", "r20"]
    assert [n.shape.channels for n in graph.nodes[1:4]] == [1, 2, 2]


def test_when_decides_each_copy_and_sees_previous() -> None:
    graph = load("""
steps:
  - {conv as c$(i): {channels: $(previous.channels * 2), kernel: 1}, for: i in range(4), when: previous.channels < 10}
""")
    assert [n.shape.channels for n in graph.nodes] == [3, 6, 12]


def test_when_must_be_a_truth_value_and_must_not_depend_on_sizes() -> None:
    assert refused("steps: [{relu: {}, when: 1}]") == ["not-a-condition"]
    assert refused("steps: [{relu: {}, when: 'input.size[0] > 3'}]") == ["size-dependent"]


# -- blocks -----------------------------------------------------------------------------------------------------------


def test_blocks_take_several_inputs_by_name() -> None:
    block = "blocks: {join: {inputs: {x: null, skip: null}, steps: [{concat: {}, from: [x, skip]}]}}\n"
    graph = load(block + "steps: [relu as a, sigmoid as b, {join as j: {}, from: [previous, a]}]")
    assert flow(graph)[-1] == ("j.concat()", ("b", "a"))
    assert refused(block + "steps: [join]") == ["wrong-inputs"]


def test_blocks_may_recurse_within_a_bound() -> None:
    block = "blocks: {tree: {params: {n: null}, steps: [relu as here, {tree as sub: {n: $(n - 1)}, when: n > 0}]}}\n"
    assert [n.path for n in load(block + "steps: [tree as t: {n: 2}]").nodes[1:]] == [
        "t.here",
        "t.sub.here",
        "t.sub.sub.here",
    ]
    assert refused(block.replace("n > 0", "true") + "steps: [tree: {n: 2}]") == ["block-depth"]


def test_blocks_are_values_with_arguments_bound() -> None:
    text = """
params: {unit: {thin: {n: 2}}}
blocks:
  thin: {params: {n: null, k: 1}, steps: [conv: {channels: $n, kernel: $k}]}
  wide: {params: {k: 3}, steps: [conv: {channels: 9, kernel: $k}]}
steps: [$unit: {k: 3}]
"""
    assert load(text).nodes[1].shape.channels == 2
    assert load(text, unit="wide").nodes[1].shape.channels == 9
    assert refused(text, unit="narrow") == ["unknown-op"]
    assert load("params: {norm: {batch_norm: {eps: 0.1}}}\nsteps: [$norm]").nodes[1].op.eps == 0.1  # type: ignore[union-attr]


def test_reuse_applies_a_steps_weights_again() -> None:
    graph = load("""
steps:
  - conv as c: {channels: 3, kernel: 1}
  - reuse: c
  - sequence as s: [conv: {channels: 3, kernel: 1}, relu]
  - reuse: s
""")
    assert keys(graph) == ["c.weight", "c.bias", "s.0.weight", "s.0.bias"]
    assert graph.nodes[2].reuse is graph.nodes[1]
    assert refused("steps: [conv as c: {channels: 4, kernel: 1}, reuse: c]") == ["shape-mismatch"]


def test_a_spec_and_a_path_into_it_are_blocks() -> None:
    graph = load("import: {net: squeezenet1_1}\nsteps: [net as whole: {classes: 7}]", HEAD.replace("32", "64"))
    assert graph.nodes[-1].shape.dims == (7,)
    graph = load("steps: [squeezenet1_1.features as backbone]", HEAD.replace("32", "64"))
    assert keys(graph)[0] == "backbone.0.weight"


def test_imports_stay_in_their_folder(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.yaml").write_text("archspec: 1\nsteps: [relu]\n")
    (tmp_path / "inside" / "unit.yaml").write_text(
        "archspec: 1\nparams: {n: 3}\nsteps: [conv: {channels: $n, kernel: 1}]\n"
    )
    (tmp_path / "inside" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    spec = tmp_path / "inside" / "net.yaml"

    def codes(name: str) -> list[str]:
        spec.write_text(HEAD + f"import: {{u: '{name}'}}\nsteps: [u as block]\n")
        try:
            archspec.load(spec)
        except archspec.SpecError as error:
            return [d.code for d in error.diagnostics if d.severity == "error"]
        return []

    assert codes("unit.yaml") == []
    for name in (
        "../secret.yaml",
        "link.yaml",
        str(tmp_path / "secret.yaml"),
        "a/../../secret.yaml",
        "~/x.yaml",
        "..\\\\secret.yaml",
    ):
        assert "bad-path" in codes(name), name


def test_extends_gives_other_params_sizes_and_name(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        HEAD + "params: {n: 4, m: 2}\nexpect: {parameters: 1}\nsteps: [conv: {channels: $n, kernel: $m}]\n"
    )
    (tmp_path / "a.yaml").write_text("archspec: 1\nextends: base.yaml\nname: A\nparams: {n: 5, m: 3}\nsizes: {H: 40}\n")
    (tmp_path / "b.yaml").write_text("archspec: 1\nextends: a.yaml\nparams: {n: 6}\n")
    spec = archspec.load(tmp_path / "b.yaml")
    assert (spec.name, spec.graph.sizes, spec.graph.nodes[1].shape.channels) == ("b", {"H": 40, "W": 32}, 6)
    assert spec.graph.nodes[1].op.kernel == 3  # type: ignore[union-attr]
    assert archspec.check(spec).total.parameters == 3 * 6 * 9 + 6
    assert archspec.load(tmp_path / "b.yaml", n=7).graph.nodes[1].shape.channels == 7


# -- expand -----------------------------------------------------------------------------------------------------------

NAMES = (
    "squeezenet1_0",
    "squeezenet_complex_bypass",
    "googlenet",
    "inception_v3",
    "densenet121",
    "mobilenet_v2",
    "resnet50",
)


@pytest.mark.parametrize("name", NAMES)
def test_expand_prints_a_spec_that_means_the_same(name: str) -> None:
    graph = archspec.load(name).graph
    again = archspec.loads(expand(graph)).graph
    assert keys(again) == keys(graph)
    assert [(n.op, n.inputs, n.shape) for n in again.nodes] == [(n.op, n.inputs, n.shape) for n in graph.nodes]
    assert [(o.node, o.training, o.loss_weight) for o in again.outputs] == [
        (o.node, o.training, o.loss_weight) for o in graph.outputs
    ]


# -- what was meant ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("branch", "key"),
    [
        ("- parameter as gamma: {shape: [3, 1, 1]}", "gamma"),
        ("- - parameter as gamma: {shape: [3, 1, 1]}", "gamma"),
        ("- steps: [parameter as gamma: {shape: [3, 1, 1]}]", "gamma"),
        ("- - sequence as inner: [parameter as gamma: {shape: [3, 1, 1]}]", "inner.gamma"),
        ("- - gamma as inner", "inner.gamma"),
        ("- - gamma as inner\n        - identity:\n          from: inner", "inner.gamma"),
    ],
)
def test_a_branch_that_ends_with_a_parameter_is_that_parameter(branch: str, key: str) -> None:
    import torch

    blocks = "blocks: {gamma: [parameter as gamma: {shape: [3, 1, 1]}]}\n" if "gamma as inner" in branch else ""
    spec = archspec.loads(f"{HEAD}{blocks}steps:\n  - multiply:\n      {branch}\n      - []\n")
    assert archspec.check(spec).diagnostics == ()
    model = archspec.compile(spec)
    weights = dict(model.named_parameters())
    assert list(weights) == [key]
    torch.nn.init.normal_(weights[key])
    image = torch.randn(2, 3, 8, 8)
    assert torch.equal(model(image), weights[key] * image)
    again = archspec.compile(archspec.loads(expand(spec.graph)))
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(image), model(image))


def test_a_chain_passes_a_parameter_by() -> None:
    text = "steps: [relu, parameter as gamma: {shape: [3, 1, 1]}, sigmoid, {multiply: , from: [previous, gamma]}]"
    assert flow(load(text))[2:] == [("2", ("0",)), ("multiply()", ("2", "gamma"))]
    group = (
        "steps: [steps: [relu, parameter as gamma: {shape: [3, 1, 1]}], tanh, {multiply: , from: [previous, gamma]}]"
    )
    assert flow(load(group))[2:] == [("2", ("0",)), ("multiply()", ("2", "gamma"))]


@pytest.mark.parametrize(
    "merge",
    ["{dim: 1, left: [relu], right: []}", "{axes: height, left: [relu], right: []}", "{from: [previous, image]}"],
)
def test_an_argument_is_not_taken_for_a_branch(merge: str) -> None:
    assert refused(f"steps: [concat: {merge}]") == ["unknown-argument"]


def test_branches_may_be_called_what_ops_are_called_elsewhere() -> None:
    assert load("steps: [add: {norm: batch_norm, act: relu, bias: []}]").nodes[-1].path == "add()"


# -- defaults ---------------------------------------------------------------------------------------------------------


def eps(text: str, head: str = HEAD, **params: Any) -> list[float]:
    """The ``eps`` of each batch normalisation that torch makes."""
    import torch

    modules = archspec.compile(archspec.loads(head + text, **params)).modules()
    return [module.eps for module in modules if isinstance(module, torch.nn.BatchNorm2d)]


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        ("batch_norm", 0.5),
        ("{batch_norm: {momentum: 0.3}}", 0.5),
        ("{batch_norm: {eps: 0.25}}", 0.25),
        ("\"$('batch_norm' if classes > 1 else 'none')\"", 0.5),
        ("\"$(['none', 'batch_norm'][1])\"", 0.5),
        ("$norm", 0.5),
    ],
)
def test_defaults_hold_where_an_op_is_named_as_a_value(norm: str, expected: float) -> None:
    params = "params: {classes: 2, norm: batch_norm}\ndefaults: {batch_norm: {eps: $(1 / classes)}}\n"
    assert eps(f"{params}steps: [conv_norm_act: {{channels: 8, norm: {norm}}}]") == [expected]


def test_defaults_do_not_reach_into_the_files_of_others() -> None:
    text = "defaults: {batch_norm: {eps: 0.5}}\nsteps: [conv_norm_act: {channels: 8}, batch_norm]"
    assert eps(text) == [1e-5, 0.5]


def test_defaults_hold_for_own_blocks_given_as_values() -> None:
    text = (
        "defaults: {scaled: {eps: 0.5}}\n"
        "blocks: {scaled: {params: {eps: 0.1}, steps: [batch_norm as bn: {eps: $eps}]}}\n"
        "steps: [conv_norm_act: {channels: 8, norm: scaled}, conv_norm_act: {channels: 8, norm: {scaled: {eps: 0.25}}}]"
    )
    assert eps(text) == [0.5, 0.25]


def test_defaults_of_a_spec_hold_for_its_variants_and_for_values_from_outside(tmp_path: Path) -> None:
    body = (
        "params: {norm: none}\ndefaults: {batch_norm: {eps: 0.5}}\nsteps: [conv_norm_act: {channels: 8, norm: $norm}]"
    )
    (tmp_path / "base.yaml").write_text(HEAD + body)
    variant = tmp_path / "variant.yaml"
    variant.write_text("archspec: 1\nname: Variant\nextends: base\nparams: {norm: batch_norm}\n")
    for spec in (
        archspec.load(variant),
        archspec.load(tmp_path / "base.yaml", norm="batch_norm"),
        archspec.load(tmp_path / "base.yaml", norm={"batch_norm": {"momentum": 0.3}}),
    ):
        assert "eps=0.5" in archspec.source(spec)


_WORK = [
    "  - relu:\n    for: i in range(5000)\n    when: sum([j for j in range(4000)]) < 0\n",
    "  - relu as r$(i + 0 * sum([j for j in range(4000)])):\n    for: i in range(5000)\n",
    "  - relu:\n    when: sum([j for j in range(4000)]) < 0\n" * 500,
]


@pytest.mark.parametrize("steps", _WORK, ids=["for", "names", "written"])
def test_all_expressions_together_have_a_bound(steps: str) -> None:
    """The first expressions reach the bound, however many follow: a quarter of an hour's work ends in a second's."""
    text = f"archspec: 1\nname: X\ninputs: {{x: [3]}}\nsteps:\n{steps}"
    bounds = archspec.Bounds(evaluation=60_000)
    found: list[str] = []

    def load() -> None:
        with pytest.raises(archspec.SpecError) as error:
            archspec.loads(text, bounds=bounds)
        found.extend(each.code for each in error.value.diagnostics)
        assert "bounds=Bounds(evaluation=…)" in str(error.value)

    assert calls(load) < 1_500_000
    assert found == ["expression-limit"]


def test_the_hundredth_error_ends_the_run() -> None:
    """Each unknown step costs a search for what was meant; nobody reads a thousand of them."""

    def work(count: int) -> int:
        steps = "".join(f"  - rlu{i}\n" for i in range(count))
        found: list[archspec.Diagnostic] = []

        def load() -> None:
            with pytest.raises(archspec.SpecError) as error:
                archspec.loads(f"archspec: 1\nname: X\ninputs: {{x: [3]}}\nsteps:\n{steps}")
            found.extend(error.value.diagnostics)

        made = calls(load)
        assert [each.code for each in found] == ["unknown-op"] * 100 + ["too-many-errors"]
        return made

    few, many = work(200), work(400)
    assert many - few < 200 * 500  # what reading two hundred lines takes; a search takes thousands of calls


def test_many_warnings_hide_no_error() -> None:
    steps = "".join(f"  - sequence as s{i}:\n      - relu\n" for i in range(3))
    params = ", ".join(f"p{i}: 1" for i in range(150))  # each unused: a warning
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads(f"archspec: 1\nname: X\nparams: {{{params}}}\ninputs: {{x: [3]}}\nsteps:\n{steps}  - nothing\n")
    assert "unknown-op" in [each.code for each in error.value.diagnostics]


def test_a_block_written_inline_stands_in_the_scope_around() -> None:
    text = """
        blocks:
          unit:
            params: {channels}
            steps:
              - conv: {channels: $channels, kernel: 1}
              - batch_norm as bn$channels
              - relu
        steps:
          - sequence as features:
              - unit: {channels: $(2 * i)}
                inline: true
                label: out$i
                for: i in [1, 2]
              - conv as last: {channels: 1, kernel: 1}
                from: out1
    """
    graph = archspec.loads(HEAD + textwrap.dedent(text)).graph
    paths = [node.path.removeprefix("features.") for node in graph.nodes[1:]]
    assert paths == ["0", "bn2", "2", "3", "bn4", "5", "last"]
    assert graph.nodes[-1].inputs == (3,)
    source = archspec.source(archspec.loads(HEAD + textwrap.dedent(text)))
    assert "class Unit" not in source


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("- unit as one: {}\n  inline: true", "a block written inline makes no scope, so it has no name"),
        ("- relu: {}\n  inline: true", "`relu` is an op; only a block can be inline"),
        ("- vgg11: {}\n  inline: true", "is a whole spec; only a block can be inline"),
        ("- unit: {}\n  inline: true\n- conv as inner: {channels: 1, kernel: 1}", "`inner` is used twice in one scope"),
        ("- unit: {}\n  inline: true\n- unit: {}\n  inline: true", "`inner` is used twice in one scope"),
        ("- relu as out\n- wrong: {}\n  inline: true", "no earlier step or label is called `out`"),
        ("- unit: {}\n  inline: yes", "`inline` must be true or false"),
    ],
)
def test_what_inline_refuses(step: str, said: str) -> None:
    blocks = "blocks:\n  unit: [{conv as inner: {channels: 2, kernel: 1}}]\n  wrong: [{relu: {}, from: out}]\n"
    with pytest.raises(archspec.SpecError) as raised:
        archspec.loads(HEAD + blocks + "steps:\n" + textwrap.indent(step, "  ") + "\n")
    assert said in str(raised.value)
    if "`out`" in said:
        assert "in block `wrong`" in str(raised.value)


def test_alternatives_need_not_use_what_the_others_take() -> None:
    text = """
        params: {block: plain}
        blocks:
          plain:
            params: {channels, stride}
            steps: [{conv as conv: {channels: $channels, kernel: 1}}]
          strided:
            params: {channels, stride}
            steps: [{conv as conv: {channels: $channels, kernel: 1, stride: $stride}}]
        steps:
          - $block: {channels: 2, stride: 1}
    """
    spec = archspec.loads(HEAD + textwrap.dedent(text))
    assert not any("parameter `stride`" in str(found) for found in spec.diagnostics)


def test_a_variant_brings_blocks_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "archspec: 1\nname: Mine\nextends: resnet18\nparams: {block: unit}\ndefaults: {conv: {bias: true}}\n"
        "blocks:\n  unit:\n    params: {channels, stride}\n"
        "    steps: [{conv as only: {channels: $channels, kernel: 1, stride: $stride}}]\n"
        "  idle: [relu]\n"
    )
    spec = archspec.load(tmp_path / "mine.yaml")
    assert spec.graph.state["layer2.0.only.weight"] == (128, 64, 1, 1)
    assert "layer2.0.only.bias" in spec.graph.state
    assert "conv1.bias" not in spec.graph.state
    assert ["block `idle` is never used" in str(found) for found in spec.diagnostics] == [True]


def test_what_is_computed_from_a_refused_argument_is_not_reported_too() -> None:
    """The `stem` of a DenseNet follows from its `growth`."""
    with pytest.raises(archspec.SpecError) as raised:
        archspec.load("densenet121", growth="big")
    assert [found.code for found in raised.value.diagnostics] == ["wrong-type"]
