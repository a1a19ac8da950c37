"""`archspec diff`: numbers side by side, steps that differ, a file of a revision, and the weights that go with it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import archspec
from archspec.backends.diagram.plan import Plan
from archspec.backends.diagram.series_parallel import mark_differing, units_of
from archspec.syntax import is_revision
from tests.helpers.command_line import run

SMALL = """\
archspec: 1
name: Small
params: {channels: 8}
inputs: {image: [1, H, W]}
sizes: {H: 16, W: 16}
steps:
  - conv as first: {channels: $channels, kernel: 3, padding: 1}
  - relu
  - conv as second: {channels: 4, kernel: 3, padding: 1}
  - global_avg_pool
  - flatten
"""
RENAMED = SMALL.replace("first", "a").replace("second", "b").replace("name: Small", "name: Other")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "renamed.yaml").write_text(RENAMED)
    return tmp_path


@pytest.fixture
def repository(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.chdir(small)
    (small / "nets").mkdir()
    (small / "nets" / "base.yaml").write_text(SMALL)
    (small / "nets" / "wide.yaml").write_text("archspec: 1\nname: Wide\nextends: base\nparams: {channels: 16}\n")
    for words in (("init", "-q"), ("add", "-A"), ("-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "one")):
        subprocess.run(["git", *words], check=True)
    (small / "nets" / "base.yaml").write_text(SMALL.replace("kernel: 3, padding: 1", "kernel: 5, padding: 2", 1))
    return small


def test_names_do_not_count(small: Path) -> None:
    status, said, _ = run("diff", str(small / "small.yaml"), str(small / "renamed.yaml"), "--exit-code")
    assert status == 0
    assert said.endswith("the same network, up to names\n")


def test_a_setting_is_compared_with_the_spec_itself(small: Path) -> None:
    status, said, _ = run("diff", str(small / "small.yaml"), "--set", "channels=6")
    assert status == 0
    assert "~ first: `channels` 8 → 6" in said
    narrow, wide = (archspec.check(archspec.load(small / "small.yaml", channels=count)).total for count in (6, 8))
    row = next(line for line in said.splitlines() if line.startswith("parameters"))
    assert row.split()[1:4] == [str(wide.parameters), str(narrow.parameters), f"−{wide.parameters - narrow.parameters}"]
    assert run("diff", str(small / "small.yaml"), "--set", "channels=6", "--exit-code")[0] == 1


def test_there_has_to_be_a_second(small: Path) -> None:
    status, _, said = run("diff", str(small / "small.yaml"))
    assert status == 2
    assert "nothing to compare with" in said
    assert run("diff", str(small / "small.yaml"), "--set", "channels=6", "-o", str(small / "x.jpg"))[0] == 2
    assert not (small / "x.jpg").exists()


def test_long_lists_are_counted() -> None:
    short, long = (run("diff", "vgg16", "resnet50", *more)[1] for more in ((), ("--all",)))
    hidden = len(long.splitlines()) - len(short.splitlines()) + 1
    assert hidden > 1
    assert short.endswith(f"… and {hidden} more; --all shows them\n")


def test_a_picture_frames_what_differs(small: Path, tmp_path: Path) -> None:
    from archspec.backends.diagram.palette import PALETTES

    red = PALETTES["light"].differs
    picture = tmp_path / "both.dot"
    assert run("diff", str(small / "small.yaml"), "--set", "channels=6", "-o", str(picture))[0] == 0
    framed = [line for line in picture.read_text().splitlines() if f'color="{red}"' in line]
    assert len(framed) == 2
    assert all("first" in line for line in framed)
    assert run("diff", str(small / "small.yaml"), str(small / "renamed.yaml"), "-o", str(picture))[0] == 0
    assert red not in picture.read_text()


@pytest.mark.parametrize("name", ["resnet50", "inception_v3", "unet_same", "densenet121"])
def test_every_step_marks_a_box(name: str) -> None:
    """A step that differs is seen in whatever box it is folded into, be it in a copy that is not drawn."""
    graph = archspec.load(name).graph
    weighted = [node for node in graph.nodes if node.op is not None and node.op.weights(graph.shapes_in(node))]
    for node in weighted[::9]:
        items = Plan(graph, graph.sizes).overview(None)
        mark_differing(items, {node.index})
        assert any(unit.differs for unit in units_of(items)), node.path


def test_weights_follow_the_steps(small: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    one, other = (archspec.compile(archspec.load(small / f"{name}.yaml")) for name in ("small", "renamed"))
    torch.save(one.state_dict(), tmp_path / "one.pt")
    words = ("convert-weights", str(small / "small.yaml"), str(small / "renamed.yaml"), str(tmp_path / "one.pt"))
    status, _, said = run(*words, "-o", str(tmp_path / "other.pt"))
    assert status == 1
    assert "--by-steps" in said
    assert run(*words, "--by-steps", "-o", str(tmp_path / "other.pt"))[0] == 0
    other.load_state_dict(torch.load(tmp_path / "other.pt", weights_only=True), strict=True)
    image = torch.rand(2, 1, 16, 16)
    assert torch.equal(one(image), other(image))
    answer = json.loads(run("diff", *words[1:3], "--format", "json")[1])
    assert answer["equal"] is True
    assert answer["keys"] == {
        f"{first}.{name}": f"{second}.{name}" for first, second in (("first", "a"), ("second", "b"))
        for name in ("weight", "bias")
    }  # fmt: skip


# -- revisions ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("repository")
def test_a_revision_brings_the_files_it_names() -> None:
    status, said, _ = run("diff", "HEAD:nets/wide.yaml", "nets/wide.yaml")
    assert status == 0
    assert "~ first: `kernel` 3 → 5; `padding` 1 → 2" in said


@pytest.mark.usefixtures("repository")
def test_a_path_may_start_at_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("nets")
    for path in ("HEAD:./wide.yaml", "HEAD:nets/wide.yaml", "HEAD:../nets/wide.yaml"):
        assert run("check", path)[0] == 0, path
    assert "leads out of the repository" in run("check", "HEAD:../../x.yaml")[2]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        ("nowhere:nets/base.yaml", "unknown-revision", "no revision `nowhere`"),
        ("HEAD:nets/none.yaml", "file-not-found", "has no file `nets/none.yaml`"),
        ("--upload-pack=x:nets/base.yaml", "unknown-revision", "starts with a dash"),
    ],
)
def test_what_git_does_not_have(spec: str, code: str, words: str) -> None:
    _, _, said = run("check", "--", spec)
    assert code in said
    assert words in said


def test_outside_of_a_repository(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(small.parent))
    assert "error[no-git]" in run("check", "HEAD:small.yaml")[2]


@pytest.mark.usefixtures("repository")
def test_links_are_not_followed(repository: Path) -> None:
    (repository / "nets" / "link.yaml").symlink_to("/etc/hosts")
    for words in (("add", "-A"), ("-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "two")):
        subprocess.run(["git", *words], check=True)
    assert "has no file" in run("check", "HEAD:nets/link.yaml")[2]


def test_a_file_here_is_no_revision(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small)
    (small / "a:b.yaml").write_text(SMALL)
    assert not is_revision("a:b.yaml")
    assert run("check", "a:b.yaml")[0] == 0
