"""The JSON Schema of specs: current, true of every spec that ships, and strict where it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from archspec import ops
from archspec.elaborate.shipped import library_folder, library_names, specs_folder
from archspec.language import json_schema
from archspec.schema import BlockModel, SpecModel
from archspec.syntax import Items, Mapping, Node, Scalar, parse

SHIPPED = specs_folder() / "archspec.schema.json"
SPECS = sorted([*specs_folder().glob("*.yaml"), *specs_folder().glob("more/*.yaml"), *library_folder().glob("*.yaml")])


@pytest.fixture(scope="session")
def validator() -> jsonschema.Draft7Validator:
    schema = json_schema.json_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def as_editors_read(node: Node) -> Any:
    """A file as a YAML 1.2 parser gives it: `11_689_512` is text there."""
    if isinstance(node, Mapping):
        return {key.text: as_editors_read(value) for key, value in node.entries}
    if isinstance(node, Items):
        return [as_editors_read(item) for item in node.items]
    assert isinstance(node, Scalar)
    return node.text if node.plain and isinstance(node.value, int) and "_" in node.text else node.value


def errors(validator: jsonschema.Draft7Validator, text: str) -> list[str]:
    """Every place and message in a spec."""
    found = validator.iter_errors(as_editors_read(parse(text, "spec.yaml")))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def test_shipped_schema_is_current(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        SHIPPED.write_text(json_schema.text(), encoding="utf-8")
    assert SHIPPED.read_text(encoding="utf-8") == json_schema.text(), "`archspec schema -o specs/archspec.schema.json`"


def test_text_is_the_schema() -> None:
    text = json_schema.text()
    assert json.loads(text) == json_schema.json_schema()
    assert max(map(len, text.splitlines())) < 400


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_shipped_spec_fits(path: Path, validator: jsonschema.Draft7Validator) -> None:
    assert errors(validator, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted(specs_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_spec_begins_with_the_modeline(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=archspec.schema.json\n")


def test_every_key_has_a_description() -> None:
    schema = json_schema.json_schema()
    keys = {field.alias or name: field for name, field in SpecModel.model_fields.items()}
    assert schema["properties"].keys() == keys.keys()
    assert all(schema["properties"][name]["description"] for name in keys)
    block = schema["definitions"]["block"]["anyOf"][0]
    assert block["properties"].keys() == BlockModel.model_fields.keys()


def test_every_op_and_library_block_can_be_completed() -> None:
    schema = json_schema.json_schema()
    keys = schema["definitions"]["full-step"]["properties"].keys()
    words = schema["definitions"]["bare-step"]["anyOf"][0]["enum"]
    assert {*ops.names(), *library_names(), "sequence", "steps", "reuse", "from", "when"} <= keys | {*words}
    assert not keys & {*words}, "an editor would offer these twice"
    assert len(words) == len({*words})
    assert {"relu", "dropout", "batch_norm"} <= {*words}
    assert {"conv", "linear", "add", "conv_bn_relu"} <= keys
    for name in ops.names():
        arguments = schema["definitions"][f"op.{name}"]["properties"]
        assert all(argument["description"] for argument in arguments.values()), name


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(inner)


def test_an_editor_begins_a_number_and_not_a_list() -> None:
    definitions = json_schema.json_schema()["definitions"]
    for name in ops.names():
        for argument in definitions[f"op.{name}"]["properties"].values():
            kinds = [option.get("type") for option in argument.get("anyOf", [])]
            assert "array" not in kinds[:-1], (name, kinds)
    kernel = definitions["op.conv"]["properties"]["kernel"]
    assert [option["type"] for option in kernel["anyOf"]] == [["integer", "string"], "array"]


def test_no_pattern_is_shown_raw() -> None:
    for part in parts(json_schema.json_schema()):
        if isinstance(part.get("pattern"), str):
            assert part["patternErrorMessage"].startswith("this ")


HEAD = "archspec: 1\ninputs: {image: [3, H, W]}\n"


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{conv: {channels: 8, kernel: 3}}]",
        "steps: [{conv as conv1: {channels: $width, kernel: [3, $k], padding: same}}]",
        "steps: [{conv: {channels: 1_024, kernel: 3, bias: $bias}, when: deep, repeat: $n}]",
        "steps: [{max_pool: {kernel: 2}, label: pool1, from: [previous, input]}]",
        "steps: [relu, batch_norm as bn1, $norm, my_block as one]",
        "steps: [{my_block as one: {anything: [1, {two: 3}]}}]",
        "steps: [{$block as layer$i: {channels: 8}, for: 'i in range(3)'}]",
        "steps: [{backbone.features: }, {vgg16: {classes: 10}}]",
        "steps: [{add: [[relu], [], {conv: {channels: 8, kernel: 1}}, identity]}]",
        "steps: [{concat: {axis: height, branch1: [relu], branch2: {conv: {channels: 8, kernel: 1}}}}]",
        "steps: [{sequence as features: [{steps: [relu, relu], repeat: 2}]}, {reuse: features}]",
        "steps: [{conv: {channels: 8, kernel: 3}, init: {kaiming_normal: {mode: fan_out}}}]",
        "steps: [{conv: {channels: 8, kernel: 3, init: {weight: xavier_uniform, bias: {constant: 0.1}}}}]",
        "defaults: {conv: {bias: false}, fire: {s1x1: 16}, mine: {a: 1}}\nsteps: [max_pool]",
        "blocks: {mine: {params: {channels, stride: 1}, steps: [relu]}, other: [relu]}\nsteps: [mine]",
        "outputs: {logits: fc, aux: {from: aux1, training: true, loss_weight: 0.3, when: aux}}\nsteps: [relu]",
        "expect: {parameters: 11_689_512, multiply_adds: {is: 1.8e9, within: 0.02}}\nsteps: [relu]",
        "import: {a: resnet18, b: {spec: vgg16, rewrite: [dense_to_conv]}}\nsteps: [relu]",
        "loss: cross_entropy\nsteps: [relu]",
        "loss: {cross_entropy: {label_smoothing: 0.1, ignore: 255, weights: [1, $w]}}\nsteps: [relu]",
        "steps: [{dropout: {p: 0.3}}, {dropout as drop: {p: 0.3}}, {relu: , label: here}]",
        "extends: resnet\nparams: {depths: [1, 1, 1, 1]}",
        "extends: vgg16\nrewrite: dense_to_conv",
        "extends: vgg16\nrewrite: [{cut: pool4}, {cut: {after: pool3}}, {remove: [a, b.c]}, remove_dropout]",
        "extends: vgg16\nrewrite: [{set: {step: features.0, padding: 100}}, {width_multiplier: {by: 0.5}}]",
        "extends: vgg16\nrewrite: [{factorise_conv: {within: layer1, into: asymmetric}}, {fold_batch_norm: }]",
    ],
)
def test_what_the_language_allows_fits(text: str, validator: jsonschema.Draft7Validator) -> None:
    assert errors(validator, HEAD + text) == []


@pytest.mark.parametrize(
    "text",
    [
        "loss: {cross_entropy: {smoothing: 0.1}}\nsteps: [relu]",
        "loss: hinge\nsteps: [relu]",
        "steps: [{dropout: {q: 0.3}}]",
        "steps: [{dropout as drop: {q: 0.3}}]",
        "steps: [{conv: {chanels: 8, kernel: 3}}]",
        "steps: [{conv as conv1: {channels: 8, kernels: 3}}]",
        "steps: [{sequence: [{add: [[{conv: {channels: 8, kernel: 3, strid: 2}}], []]}]}]",
        "steps: [{concat: {a: [{max_pool: {kernel: 2, sride: 2}}], b: []}}]",
        "steps: [{conv: {channels: 0, kernel: 3}}]",
        "steps: [{conv: {channels: many, kernel: 3}}]",
        "steps: [{conv: {channels: 8, kernel: 3, padding: valid}}]",
        "steps: [{conv: {channels: 8, kernel: 3, bias: 1}}]",
        "steps: [{conv: 3}]",
        "steps: [{fire: {squeeze: 16}}]",
        "steps: [{relu: , wen: deep}]",
        "steps: [{relu: , aside: maybe}]",
        "steps: [{relu: , for: range(3)}]",
        "steps: [{conv: {channels: 8, kernel: 3}, init: kaimin_normal}]",
        "steps: [3]",
        "steps: {conv: {channels: 8, kernel: 3}}",
        "blocks: {mine: {param: {a: 1}, steps: [relu]}}\nsteps: [mine]",
        "defaults: {conv: {bais: false}}\nsteps: [relu]",
        "expect: {parameter: 3}\nsteps: [relu]",
        "sizes: {H: big}\nsteps: [relu]",
        "stesp: [relu]",
        "task: clasification\nsteps: [relu]",
        "extends: vgg16\nrewrite: [dense_to_con]",
        "extends: vgg16\nrewrite: [cut]",
        "extends: vgg16\nrewrite: [{cut: {befor: pool4}}]",
        "extends: vgg16\nrewrite: [{cut: pool4, remove: pool5}]",
        "import: {a: {spec: vgg16, rewrite: [{factorise_conv: {into: stakced}}]}}\nsteps: [relu]",
    ],
)
def test_mistakes_do_not_fit(text: str, validator: jsonschema.Draft7Validator) -> None:
    assert errors(validator, HEAD + text) != []


def test_language_version_is_required(validator: jsonschema.Draft7Validator) -> None:
    assert errors(validator, "steps: [relu]")
    assert errors(validator, "archspec: 2\nsteps: [relu]")
