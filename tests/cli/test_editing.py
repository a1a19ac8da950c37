"""`archspec format` as a shell calls it, and what is said without the extra."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.helpers.command_line import run

UGLY = "archspec: 1\nname:  X\ninputs: {image: [3,8,8]}\nsteps:\n- relu   # here\n"
PRETTY = "archspec: 1\nname: X\ninputs: {image: [3, 8, 8]}\nsteps:\n  - relu  # here\n"


def test_a_file_is_written_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(UGLY, encoding="utf-8")
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    status, _, said = run("format", str(link))
    assert (status, said) == (0, f"changed {link}\n")
    assert path.read_text(encoding="utf-8") == PRETTY
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.yaml", "x.yaml"]
    assert run("format", str(path)) == (0, "", "")


def test_check_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(UGLY, encoding="utf-8")
    assert run("format", "--check", str(path)) == (1, "", f"would change {path}\n")
    assert path.read_text(encoding="utf-8") == UGLY
    status, out, _ = run("format", "--check", "--format", "json", str(path))
    assert status == 1
    assert json.loads(out) == {"changed": [str(path)], "diagnostics": []}


def test_a_file_with_errors_is_left(tmp_path: Path) -> None:
    wrong, good = tmp_path / "wrong.yaml", tmp_path / "good.yaml"
    wrong.write_text(UGLY.replace("relu", "rellu"), encoding="utf-8")
    good.write_text(UGLY, encoding="utf-8")
    status, _, said = run("format", str(wrong), str(good))
    assert status == 1
    assert "error[unknown-op]" in said
    assert wrong.read_text(encoding="utf-8") == UGLY.replace("relu", "rellu")
    assert good.read_text(encoding="utf-8") == PRETTY


def test_standard_input_is_answered() -> None:
    command = [sys.executable, "-m", "archspec", "format", "-"]
    found = subprocess.run(command, input=UGLY, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, PRETTY, "")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert run("format", str(tmp_path / "no.yaml"))[0] == 2


def test_without_the_extra_the_command_names_it() -> None:
    program = (
        "import sys; sys.modules['pygls'] = None; sys.argv = ['archspec', 'lsp']; from archspec.cli import main; main()"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "pip install 'archspec-nn[editor]'" in found.stderr
