"""The command line: what goes to which stream, with which exit status, and that nothing a user does is a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec import loading, pipeline
from archspec.cli.completion import complete_spec
from archspec.language import json_schema
from tests.helpers.command_line import invoke

COMMANDS = (
    "check", "summary", "render", "compile", "expand", "train", "list", "schema", "rf", "erf", "conv-matrix",
    "convert-weights", "new", "data", "help", "explain", "diff",
)  # fmt: skip

SMALL = """\
archspec: 1
name: Small
params: {channels: 8, classes: 2, deep: false}
inputs: {image: [1, H, W]}
sizes: {H: 8, W: 8}
steps:
  - conv as conv1: {channels: $channels, kernel: 3, padding: 1}
  - relu
  - conv as conv2: {channels: $channels, kernel: 3, padding: 1}
    when: deep
  - global_avg_pool
  - flatten
  - linear as fc: {features: $classes}
"""

PINNED = SMALL.replace("  - global_avg_pool\n", "")

BROKEN = SMALL.replace("kernel: 3", "kernal: 3", 1).replace("linear", "liner")


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    return str(path)


class Run:
    """One run of the command line, in this process."""

    def __init__(self, *arguments: str | Path, text: str | bytes | None = None) -> None:
        result = invoke([str(argument) for argument in arguments], text)
        self.status = result.exit_code
        self.out = result.stdout
        self.err = result.stderr
        assert "Traceback" not in self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def in_process(*arguments: str, more: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own; ``more`` is Python that is run after it."""
    program = (
        "import sys\nfrom archspec.cli import main\n"
        f"sys.argv = ['archspec', *{list(arguments)!r}]\n"
        f"try:\n    main()\nfinally:\n    pass\n    {more or 'pass'}\n"
    )
    found = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=found, check=False)


def shell(words: str) -> subprocess.CompletedProcess[str]:
    """A run by a shell, which does with its streams what the words say."""
    command = f"unset PYTHONUNBUFFERED; {sys.executable} -m archspec {words}"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)


# -- check ------------------------------------------------------------------------------------------------------------


def test_check_says_what_is_known() -> None:
    run = Run("check", "densenet121")
    assert (run.status, run.err) == (0, "")
    assert "DenseNet121 is fine" in run.out
    assert "H ≥ 29, W ≥ 29; for `features.transition3.pool` (library/transition.yaml:" in run.out
    assert "7,978,856" in run.out


def test_every_fault_of_a_spec_on_stderr(broken: str) -> None:
    run = Run("check", broken)
    assert (run.status, run.out) == (1, "")
    assert "error[unknown-argument]: `conv` has no argument `kernal`" in run.err
    assert "error[unknown-op]: `liner` is neither an op nor a block" in run.err
    assert run.err.count("hint: did you mean") == 2


def test_the_same_faults_as_json(broken: str) -> None:
    run = Run("check", broken, "--format", "json")
    assert (run.status, run.err) == (1, "")
    found = run.json["diagnostics"]
    assert [each["code"] for each in found] == ["unknown-argument", "unknown-op"]
    assert found[0]["place"]["line"] == 7


def test_warnings_do_not_fail(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL.replace("classes: 2", "classes: 2, unused: 3"))
    run = Run("check", path)
    assert run.status == 0
    assert "warning[unused]" in run.err
    assert "Small is fine" in run.out
    assert [each["severity"] for each in Run("check", path, "--format", "json").json["diagnostics"]] == ["warning"]


def test_json_has_the_keys_of_the_report(small: str) -> None:
    found = Run("check", small, "--format", "json").json
    report = archspec.check(archspec.load(small))
    for key in ("shapes", "shapes_at", "valid_sizes", "receptive_fields", "cost", "block_costs", "total", "sizes"):
        assert hasattr(report, key)
        assert key in found
    assert found["shapes"].keys() == report.shapes.keys()
    assert found["shapes"]["conv1"] == {"axes": ["channels", "height", "width"], "dims": [8, "H", "W"]}
    assert found["shapes_at"]["conv1"] == [8, 8, 8]
    assert found["cost"]["conv1"]["parameters"] == 80
    assert found["valid_sizes"]["H"]["text"] == "H ≥ 1"
    assert found["receptive_fields"]["conv1"]["axes"]["height"]["size"] == 3
    assert found["diagnostics"] == []


@pytest.mark.parametrize("spec", ["resnet18", "googlenet", "vgg11", "squeezenet1_1", "inception_v3"])
def test_json_of_shipped_specs(spec: str) -> None:
    run = Run("check", spec, "--format", "json")
    assert (run.status, run.err) == (0, "")
    assert run.json["total"]["parameters"] > 1_000_000


def test_claims_that_fail(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL + "expect: {parameters: 99}\n")
    run = Run("check", path)
    assert run.status == 1
    assert "error[claim-failed]: parameters: 99 expected, 98 found" in run.err


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (("summary",), "conv1"),
        (("rf", "--of", "conv2"), "height"),
        (("erf", "--paths", "--of", "conv2"), "95%"),
        (("memory",), "parameters"),
        (("compile",), "class Small"),
        (("expand",), 'name: "Small"'),
        (("render", "-o", "small.dot"), ""),
    ],
)
def test_a_claim_that_fails_keeps_no_command_from_answering(
    command: tuple[str, ...], answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = SMALL.replace("deep: false", "deep: true") + "expect: {parameters: 99}\n"
    Path("spec.yaml").write_text(text)
    name, *options = command
    run = Run(name, "spec.yaml", *options)
    assert run.status == 1
    assert "error[claim-failed]: parameters: 99 expected, 682 found" in run.err
    assert answer in run.out
    assert (name == "render") == Path("small.dot").exists()
    structured = Run(name, "spec.yaml", *options, "--format", "json")
    assert (structured.status, structured.err) == (1, "")
    assert [each["code"] for each in structured.json["diagnostics"]] == ["claim-failed"]
    Path("spec.yaml").write_text(text.replace("99", "682"))
    assert Run(name, "spec.yaml", *options).status == 0


def test_claims_that_hold_and_claims_that_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL + "expect: {parameters: 98}\n")
    assert "expect         parameters: as claimed" in Run("check", path).out
    run = Run("check", path, "--set", "channels=4")
    assert run.status == 0
    assert "note[expect-skipped]" in run.err
    assert "as claimed" not in run.out


def test_standard_input() -> None:
    run = Run("check", "-", text=SMALL)
    assert run.status == 0
    run = Run("check", "-", text=BROKEN)
    assert run.status == 1
    assert "<stdin>:7:" in run.err


def test_standard_input_is_read_as_a_file_is(tmp_path: Path) -> None:
    """The same answer to the same bytes, but for the name; no more is read than a file may have."""
    for content in (SMALL.encode() + b"# \xff\n", b"# " + b"a" * loading.BOUNDS.text_bytes, b"\xff\xfea\x00"):
        path = tmp_path / "spec.yaml"
        path.write_bytes(content)
        read, piped = Run("check", path), Run("check", "-", text=content)
        assert read.status == piped.status == 1
        assert read.err.replace(str(path), "<stdin>") == piped.err
    run = shell("check - < /dev/zero")
    assert (run.returncode, run.stderr) == (1, "error[too-large]: <stdin> is larger than 1,000,000 bytes\n")
    run = shell("check - <&-")
    assert (run.returncode, run.stderr.splitlines()[0]) == (2, "error[bad-call]: standard input is closed")


# -- --set and --size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        (["channels=16"], 194),
        (["channels=16", "classes=3"], 211),
        (["channels=1_6"], 194),
        (["deep=true"], 682),
        (["channels= 4.0"], 50),
    ],
)
def test_set_gives_parameters(small: str, given: list[str], parameters: int) -> None:
    options = [part for each in given for part in ("--set", each)]
    assert Run("check", small, *options, "--format", "json").json["total"]["parameters"] == parameters


def test_set_takes_lists_and_blocks() -> None:
    for block, parameters in (
        ("block=residual_bottleneck", 25_557_032),
        ("block={residual_bottleneck: {groups: 32, width: 4}}", 25_028_904),
    ):
        run = Run("check", "resnet", "--set", "depths=[3, 4, 6, 3]", "--set", block, "--format", "json")
        assert run.json["total"]["parameters"] == parameters


def test_size_evaluates(small: str) -> None:
    run = Run("check", small, "--size", "H=16", "--size", "W=32", "--format", "json")
    assert run.json["shapes_at"]["conv1"] == [8, 16, 32]


def test_a_pinned_spec_refuses_another_size_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "pinned.yaml"
    path.write_text(PINNED)
    for command in (["check"], ["summary"], ["compile"], ["expand"], ["render", "-o", str(tmp_path / "x.svg")]):
        run = Run(command[0], path, *command[1:], "--size", "H=16")
        assert (run.status, run.out) == (1, "")
        assert "error[size-refused]" in run.err
        assert "global_avg_pool" in run.err
        assert "sizes:" in run.err
    assert not (tmp_path / "x.svg").exists()


# -- wrong calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["nonsense"],
        ["check", "resnet18", "--nonsense"],
        ["check", "no_such_spec"],
        ["check", "no/such/spec.yaml"],
        ["check", "."],
        ["check", "resnet18", "--set", "classes"],
        ["check", "resnet18", "--set", "=3"],
        ["check", "resnet18", "--set", "classes="],
        ["check", "resnet18", "--set", "a-b=3"],
        ["check", "resnet18", "--set", "depths=[1, 2"],
        ["check", "resnet18", "--set", "classes=!!python/object:os.system x"],
        ["check", "resnet18", "--set", "classes=1", "--set", "classes=2"],
        ["check", "resnet18", "--set", "sizes=3"],
        ["check", "resnet18", "--size", "H"],
        ["check", "resnet18", "--size", "0"],
        ["check", "resnet18", "--size", "256x"],
        ["check", "resnet18", "--size", "256x256x256"],
        ["check", "resnet18", "--size", "256", "--size", "H=128"],
        ["compile", "resnet18", "-o", "model.onnx"],
        ["compile", "resnet18", "-o", "model.pt"],
        ["expand", "resnet18", "-o", "model.py"],
        ["check", "resnet18", "--size", "H=big"],
        ["check", "resnet18", "--size", "H=0"],
        ["check", "resnet18", "--size", "H=-3"],
        ["check", "resnet18", "--size", "H=99999999"],
        ["check", "resnet18", "--size", "Q=3"],
        ["check", "resnet18", "--format", "xml"],
        ["check", "resnet18", "-o", "no/such/folder/file.txt"],
        ["summary", "resnet18", "--depth", "0"],
        ["summary", "resnet18", "-o", "."],
        ["render", "resnet18"],
        ["render", "resnet18", "-o", "picture"],
        ["render", "resnet18", "-o", "picture.gif"],
        ["render", "resnet18", "-o", "no/such/folder/picture.svg"],
        ["train", "resnet18"],
        ["train", "resnet18", "--data", "no/such/folder"],
        ["train", "resnet18", "--data", ".", "--epochs", "0"],
        ["train", "resnet18", "--data", ".", "--lr", "0"],
        ["list", "nonsense"],
        ["list", "resnet18", "ops"],
        ["schema", "resnet18"],
    ],
    ids=" ".join,
)
def test_wrong_calls(arguments: list[str]) -> None:
    run = Run(*arguments)
    assert run.status == 2
    assert run.out == ""
    assert run.err.strip()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["list", "foo"], "error[bad-call]: invalid value for 'kind': 'foo' is not one of"),
        (
            ["summary", "resnet18", "--depth", "x"],
            "error[bad-call]: invalid value for '--depth': should be a valid integer",
        ),
        (["train", "resnet18", "--data", "no/folder"], "error[bad-call]: invalid value for '--data': "),
        (["train", "resnet18"], "error[bad-call]: missing option '--data'"),
        (["check", "resnet18", "--set", "clases=3"], "--set clases=3: error[unknown-argument]"),
        (["check", "digit.yaml"], "did you mean `digits.yaml`?"),
        (["check", "digit"], "did you mean `digits.yaml`?"),
        (["check", "unet_digit"], "did you mean `unet_digits`?"),
        (["compile", "digits.yaml", "-o", "digits.onnx"], "use a name that ends in .py"),
    ],
)
def test_what_is_said_of_a_wrong_call(
    arguments: list[str], wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits.yaml").write_text(SMALL)
    run = Run(*arguments)
    assert run.status in (1, 2)
    assert wanted in run.err
    assert "Value error" not in run.err
    assert "Input should" not in run.err
    assert not Path("digits.onnx").exists()


def test_sizes_without_symbols_are_those_of_the_inputs_in_order(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        "archspec: 1\nname: Two\ninputs: {a: [1, W, H], b: [1, W, 7], c: [1, L]}\nsizes: {H: 8, W: 8, L: 8}\n"
        "steps: [{relu: , from: b}]\n"
    )
    for given, sizes in (("16", [16, 16, 16]), ("4x5x6", [4, 5, 6]), ("4X5×6", [4, 5, 6])):
        run = Run("check", path, "--size", given, "--format", "json")
        assert run.status == 0
        assert [run.json["sizes"][name] for name in "WHL"] == sizes


def test_a_wrong_call_in_python_is_told_in_its_words() -> None:
    with pytest.raises(archspec.SpecError, match=r"load\(clases=3\): error\[unknown-argument\]"):
        archspec.load("resnet18", clases=3)
    with pytest.raises(archspec.SpecError, match=r"loads\(classes='x'\): error\[wrong-type\]"):
        archspec.loads(SMALL, classes="x")
    spec = archspec.load("resnet18")
    assert repr(spec) == "<Spec ResNet18: specs/resnet18.yaml, 69 steps>"
    options: dict[str, Any] = {"dpeth": 3}
    with pytest.raises(TypeError, match=r"^render\(\) got an unexpected keyword argument 'dpeth'"):
        archspec.render(spec, **options)
    with pytest.raises(TypeError, match=r"^compare\(\) got an unexpected keyword argument 'dpeth'"):
        archspec.compare(spec, spec, **options)


def test_a_wrong_call_in_json() -> None:
    run = Run("check", "resnet18", "--set", "classes", "--format", "json")
    assert (run.status, run.err) == (2, "")
    assert run.json["diagnostics"][0]["code"] == "bad-call"


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x01\xff\xfe", b"steps: [", b"a: &a [*a]", b"\t- x", bytes(range(256)), b"- \xf0\x9f\x92\xa9", b"3"],
    ids=str,
)
def test_files_that_are_no_specs(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    run = Run("check", path)
    assert run.status == 1
    assert "error[" in run.err
    assert Run("check", "-", text=content).status == 1


# -- the other commands -----------------------------------------------------------------------------------------------


def test_summary(small: str, tmp_path: Path) -> None:
    run = Run("summary", small)
    assert (run.status, run.err) == (0, "")
    assert "3×3 conv, 8 · ReLU" in run.out
    Run("summary", small, "-o", tmp_path / "summary.txt")
    assert "3×3 conv, 8 · ReLU" in (tmp_path / "summary.txt").read_text(encoding="utf-8")


def test_summary_as_json() -> None:
    found = Run("summary", "resnet18", "--format", "json", "--depth", "2").json
    layer = next(row for row in found["rows"] if row["name"] == "layer1")
    assert layer["rows"][0]["count"] == 2
    assert layer["rows"][0]["rows"] == []
    assert found["parameters"] == 11_689_512
    assert found["diagnostics"] == []


def test_compile_prints_python(small: str, tmp_path: Path) -> None:
    run = Run("compile", small)
    assert (run.status, run.err) == (0, "")
    assert run.out == pipeline.source(archspec.load(small))
    compile(run.out, "small.py", "exec")
    assert Run("compile", small, "-o", tmp_path / "small.py").out == ""
    assert (tmp_path / "small.py").read_text(encoding="utf-8") == run.out
    found = Run("compile", small, "--format", "json").json
    assert found == {"name": "Small", "source": run.out, "diagnostics": []}


def test_expand_gives_a_spec(small: str, tmp_path: Path) -> None:
    path = tmp_path / "expanded.yaml"
    assert Run("expand", small, "--set", "deep=true", "-o", path).status == 0
    assert Run("check", path, "--format", "json").json["total"]["parameters"] == 682
    assert Run("expand", small, "--format", "json").json["spec"].startswith("archspec: 1")


@pytest.mark.parametrize(
    ("name", "begins"), [("x.svg", b"<?xml"), ("x.png", b"\x89PNG"), ("x.dot", b"digraph"), ("x.PDF", b"%PDF")]
)
def test_render_by_suffix(small: str, tmp_path: Path, name: str, begins: bytes) -> None:
    run = Run("render", small, "-o", tmp_path / name)
    assert (run.status, run.out, run.err) == (0, "", "")
    assert begins in (tmp_path / name).read_bytes()[:200]


def test_render_beside_one_another(tmp_path: Path) -> None:
    picture = tmp_path / "both.svg"
    run = Run("render", "squeezenet1_0", "--beside", "squeezenet_simple_bypass", "-o", picture)
    assert run.status == 0
    assert "SqueezeNetSimpleBypass" in picture.read_text()
    run = Run("render", "squeezenet1_0", "--beside", "squeezenet_simple_bypas", "-o", picture)
    assert run.status == 2
    assert "did you mean `squeezenet_simple_bypass`" in run.err
    run = Run("render", "squeezenet1_0", "--beside", "squeezenet1_1", "--focus", "fire", "-o", picture)
    assert run.status == 2


def test_a_png_of_other_dots(tmp_path: Path) -> None:
    widths = []
    for dpi in ("96", "192"):
        picture = tmp_path / f"{dpi}.png"
        assert Run("render", "squeezenet_digits", "-o", picture, "--dpi", dpi).status == 0
        widths.append(int.from_bytes(picture.read_bytes()[16:20], "big"))
    assert abs(widths[1] - 2 * widths[0]) <= 2
    assert Run("render", "squeezenet_digits", "-o", tmp_path / "2.png", "--scale", "2").status == 0
    assert (tmp_path / "2.png").read_bytes() == (tmp_path / "192.png").read_bytes()
    for words in (("x.svg", "--scale", "2"), ("x.png", "--scale", "2", "--dpi", "96"), ("x.png", "--scale", "0.1")):
        assert Run("render", "squeezenet_digits", "-o", tmp_path / words[0], *words[1:]).status == 2
    run = Run("render", "squeezenet_digits", "-o", tmp_path / "x.svg", "--dpi", "192")
    assert (run.status, "use a name that ends in .png" in run.err) == (2, True)


def test_boxes_say_what_is_asked_for(tmp_path: Path) -> None:
    picture = tmp_path / "vgg.dot"
    assert Run("render", "vgg11_bn", "-o", picture, "--show", "normalisation").status == 0
    assert "batch norm" in picture.read_text()
    assert Run("render", "vgg11_bn", "-o", picture, "--show", "weights").status == 2


def test_render_options(tmp_path: Path) -> None:
    out = tmp_path / "x.dot"
    run = Run("render", "resnet18", "-o", out, "--focus", "layer2.0", "--theme", "dark", "--format", "json")
    assert run.json == {"name": "ResNet18", "written": str(out), "diagnostics": []}
    for wrong in (["--theme", "purple"], ["--focus", "nothing"], ["--engine", "crayon"]):
        run = Run("render", "resnet18", "-o", tmp_path / "y.svg", *wrong)
        assert run.status in (1, 2)
        assert "error[" in run.err
        assert not (tmp_path / "y.svg").exists()


def test_list() -> None:
    run = Run("list")
    assert (run.status, run.err) == (0, "")
    for word in ("ops", "blocks", "specs", "conv", "fire", "resnet18", "Fire module"):
        assert word in run.out
    assert "resnet18" not in Run("list", "ops").out


def test_list_as_json() -> None:
    found = Run("list", "--format", "json").json
    assert found.keys() == {"ops", "blocks", "rewrites", "specs"}
    assert all(entry["doc"] for entries in found.values() for entry in entries)
    conv = next(entry for entry in found["ops"] if entry["name"] == "conv")
    assert {"name", "description", "required", "default"} <= conv["arguments"][0].keys()
    fire = next(entry for entry in found["blocks"] if entry["name"] == "fire")
    assert fire["params"] == {"s1x1": None, "e1x1": None, "e3x3": None}
    assert list(Run("list", "blocks", "--format", "json").json) == ["blocks"]


def test_schema(tmp_path: Path) -> None:
    assert Run("schema").out == json_schema.text()
    Run("schema", "-o", tmp_path / "schema.json")
    assert (tmp_path / "schema.json").read_text(encoding="utf-8") == json_schema.text()


def test_train(small: str, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for name, grey in (("dark", 10), ("light", 240)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(6):
            image.new("L", (8, 8), grey + index).save(tmp_path / "data" / name / f"{index}.png")
    out = tmp_path / "out"
    arguments = ["train", small, "--data", str(tmp_path / "data"), "--epochs", "1", "--device", "cpu", "-o", str(out)]
    run = Run(*arguments, "--format", "json")
    assert run.status == 0
    assert run.json.keys() == {
        "name",
        "epoch",
        "accuracy",
        "checkpoint",
        "weights",
        "metrics",
        "predictions",
        "diagnostics",
    }
    assert Path(run.json["weights"]).is_file()
    assert (out / "metrics.csv").is_file()
    run = Run(*arguments, "--set", "classes=3")
    assert run.status == 1
    assert "class-count" in run.err


@pytest.mark.parametrize(
    "words",
    [
        ["erf", "SPEC", "--of", "wide"],
        ["memory", "SPEC", "--measure", "cpu"],
        ["convert-weights", "SPEC", "SPEC", "FOLDER/weights.pt", "-o", "FOLDER/other.pt"],
        ["train", "SPEC", "--data", "FOLDER/data", "-o", "FOLDER/out", "--device", "cpu"],
    ],
    ids=" ".join,
)
def test_more_weights_than_a_machine_has_memory_for(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever makes a module says so before it makes one, and leaves nothing."""
    import torch

    from archspec.running import room

    monkeypatch.setattr(room, "memory_there", lambda: 8_000_000_000)
    image = pytest.importorskip("PIL.Image")
    begins = "archspec: 1\nname: Wide\ninputs: {image: [1, 8, 8]}\nsteps:\n"
    steps = (
        "conv as wide: {channels: 2147483647, kernel: 5}",
        "conv as last: {channels: 2, kernel: 1}",
        "global_avg_pool",
    )
    (tmp_path / "spec.yaml").write_text(begins + "".join(f"  - {step}\n" for step in (*steps, "flatten")))
    torch.save({"last.bias": torch.zeros(2)}, tmp_path / "weights.pt")
    for index in range(4):
        path = tmp_path / "data" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.new("L", (8, 8)).save(path)
    there = {path.name for path in tmp_path.iterdir()}
    given = [word.replace("SPEC", str(tmp_path / "spec.yaml")).replace("FOLDER", str(tmp_path)) for word in words]
    run = Run(*given)
    assert run.status == 1
    assert "error[no-memory]: " in run.err
    assert " GB, and this machine has 8.0\n" in run.err
    if words[0] != "memory":  # which speaks of weights and all else together
        assert "spec.yaml:5:5: error[no-memory]: the weights of `Wide` need 240.5 GB" in run.err
    assert {path.name for path in tmp_path.iterdir()} == there


# -- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str) -> None:
    for flag in ("--help", "-h"):
        run = Run(command, flag)
        assert run.status == 0
        assert "Examples:" in run.out
        assert f"archspec {command}" in run.out.partition("Examples:")[2]


def test_options_without_a_value_have_no_kind() -> None:
    for arguments in (["--help"], ["train", "--help"], ["erf", "--help"]):
        assert "<bool>" not in Run(*arguments).out


def test_help_lists_the_commands() -> None:
    out = Run("--help").out
    assert all(f" {command} " in out for command in COMMANDS)
    assert "--install-completion" in out


def test_version() -> None:
    assert Run("--version").out.startswith("archspec 0.")


def test_specs_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert complete_spec("resnet1") == sorted(complete_spec("resnet1"))
    assert {"resnet18", "resnet101", "resnet152"} <= set(complete_spec("resnet1"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "other.yaml").touch()
    assert complete_spec("mi") == ["mine.yaml"]
    assert complete_spec("fo") == ["folder/"]
    assert complete_spec("folder/") == ["folder/other.yaml"]
    assert complete_spec("no/such/") == []


def test_the_shell_asks_for_completion() -> None:
    words = {"COMP_WORDS": "archspec check resnet1", "COMP_CWORD": "2", "_ARCHSPEC_COMPLETE": "complete_bash"}
    run = in_process(**words)
    assert "resnet18" in run.stdout.split()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("check resnet18 --set c|", ["classes="]),
        ("check vgg16 --set b|", ["batch_norm=true", "batch_norm=false"]),
        ("check vgg16 --rewrite c|", ["checkpoint", "conv_to_depthwise_separable", "cut(after="]),
        ("check vgg16 --rewrite cut(after=pool|", [f"cut(after=pool{level})" for level in range(1, 6)]),
        ("render mobilenet_v3_large --focus bneck15|", ["bneck15"]),
        ("rf --wrt layer1 resnet18 --of layer4.1.b|", ["layer4.1.bn1", "layer4.1.bn2"]),
        ("rf no_such_spec --of |", []),
        ("check - --set |", []),
        ("help max_p|", ["max_pool"]),
        ("explain unknown-at|", ["unknown-attribute"]),
        ("new unet_|", ["unet_digits", "unet_same"]),
    ],
)
def test_what_a_spec_holds_completes(words: str, wanted: list[str]) -> None:
    """As bash asks: the words so far, and the number of the one that the cursor (``|``) is in."""
    line = f"archspec {words.removesuffix('|')}"
    environment = {"COMP_WORDS": line, "COMP_CWORD": str(len(words.split())), "_ARCHSPEC_COMPLETE": "complete_bash"}
    found = invoke([], environment=environment)
    assert found.stdout.split() == wanted
    assert found.stderr == ""


# -- processes --------------------------------------------------------------------------------------------------------


def test_only_training_imports_torch() -> None:
    """No command of these imports it: they run one after another in one process."""
    commands = ["check resnet18", "summary resnet18", "compile resnet18", "expand resnet18", "list", "schema"]
    commands += ["train --help", "check no_such_spec"]
    program = (
        "import sys\nfrom archspec.cli import main\n"
        f"for words in {commands!r}:\n"
        "    sys.argv = ['archspec', *words.split()]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        status = end.code\n"
        "    print(f'ENDED {words}: {status}, {\"torch\" in sys.modules}')\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ended = [line.removeprefix("ENDED ") for line in run.stdout.splitlines() if line.startswith("ENDED ")]
    assert ended == [f"{words}: {2 if 'no_such' in words else 0}, False" for words in commands], run.stderr


def test_check_imports_little() -> None:
    heavy = "('torch', 'rich', 'graphviz', 'numpy', 'lightning')"
    run = in_process("check", "resnet18", more=f"print([name for name in {heavy} if name in sys.modules])")
    assert run.stdout.splitlines()[-1] == "[]"


def test_module_can_be_run() -> None:
    run = subprocess.run([sys.executable, "-m", "archspec", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("archspec ")


def test_a_terminal_without_unicode(small: str) -> None:
    for command in ("check", "summary"):
        run = in_process(command, small, PYTHONIOENCODING="ascii")
        assert (run.returncode, run.stderr) == (0, "")
        assert "Small" in run.stdout


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")
    assert Run("check", name).status == 2
    Path(name).write_text(BROKEN)
    run = Run("check", name)
    assert run.status == 1
    assert "unknown-op" in run.err


def test_colours_only_when_wanted(broken: str) -> None:
    assert "\x1b[" not in in_process("check", broken).stderr
    assert "\x1b[" in in_process("check", broken, FORCE_COLOR="1").stderr
    assert "\x1b[" not in in_process("check", broken, FORCE_COLOR="1", NO_COLOR="1").stderr


@pytest.mark.parametrize(
    "arguments", [["check", "resnet152", "--format", "json"], ["summary", "resnet152", "--depth", "9"]]
)
def test_nobody_reads(arguments: list[str]) -> None:
    program = f"{sys.executable} -m archspec {' '.join(arguments)}"
    # With PYTHONUNBUFFERED Python itself hides that a pipe broke in the midst of a write.
    script = f"unset PYTHONUNBUFFERED; {program} | true; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("141\n", "")


@pytest.mark.parametrize(
    "words",
    ["schema", "check resnet18 --format json", "check no_such --format json", "--version",
     *(pytest.param(words, marks=pytest.mark.slow) for words in ("list", "check resnet18", "check --help"))],
)  # fmt: skip
def test_a_full_disk(words: str) -> None:
    run = shell(f"{words} > /dev/full")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.splitlines()[-1].endswith("cannot write to standard output: No space left on device")
    assert "Traceback" not in run.stderr


def test_streams_that_nobody_gets(broken: str) -> None:
    """The exit status is what is left."""
    for stream in ("2> /dev/full", "2>&-"):
        assert shell(f"check {broken} {stream}").returncode == 1
    assert shell("check resnet18 >&-").returncode == 0


def test_interrupted(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "opened", interrupt)
    assert Run("check", small).status == 130


def test_a_bug_is_called_one(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the moon is full")

    monkeypatch.setattr(loading, "opened", fail)
    run = Run("check", small)
    assert (run.status, run.out) == (70, "")
    assert "this is a bug in archspec: RuntimeError: the moon is full" in run.err
    assert "--debug" in run.err
    result = invoke(["--debug", "check", small])
    assert result.exit_code == 70
    assert "Traceback" in result.stderr
    assert "in fail" in result.stderr
