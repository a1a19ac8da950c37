"""What every test may use: golden texts, torchvision as the oracle, one thread for each process, repeatable chance.

Nothing here imports torch before a test does: most of the suite, like most of the package, has no need of it.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

GOLDEN = Path(__file__).parent / "golden"

if "PYTEST_XDIST_WORKER" in os.environ:  # a thread each: processes are what runs side by side
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)

os.environ["MPLBACKEND"] = "Agg"
os.environ["COLUMNS"] = "120"  # what rich and argument parsers wrap at, here and in child processes
for variable in ("FORCE_COLOR", "PY_COLORS", "CLICOLOR_FORCE", "GITHUB_ACTIONS"):  # each would colour captured output
    os.environ.pop(variable, None)

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what the tests give as the new golden texts")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip ``cuda`` tests where there is no such device; let no test's random numbers hang on those before it."""
    if item.get_closest_marker("cuda"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[..., None]:
    """``golden(text, suffix="txt", name=None)``: the text is what ``tests/golden`` has for this test.

    ``tests/backends/test_source.py::test_emitted[fire]`` is held against
    ``tests/golden/backends/source/emitted-fire.txt``; ``name`` takes the place of ``emitted-fire`` where one test has
    several.  ``--update-golden`` writes the file.
    """
    module = request.path.relative_to(Path(__file__).parent).with_suffix("")
    folder = GOLDEN / module.parent / module.name.removeprefix("test_")

    def compare(text: str, suffix: str = "txt", name: str | None = None) -> None:
        stem = re.sub(r"[^\w.]+", "-", name or request.node.name.removeprefix("test_")).strip("-")
        path = folder / f"{stem}.{suffix}"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        shown = path.relative_to(GOLDEN.parent.parent)
        if not path.exists():
            pytest.fail(f"there is no {shown}: `make golden` writes it", pytrace=False)
        wanted = path.read_text(encoding="utf-8")
        if text != wanted:
            lines = difflib.unified_diff(
                wanted.splitlines(), text.splitlines(), str(shown), "what the test gives", lineterm="", n=3
            )
            difference = "\n".join(lines) or "the ends of lines differ"
            pytest.fail(f"{difference}\n\n`make golden` makes this the golden text", pytrace=False)

    return compare


@pytest.fixture(scope="session")
def torchvision() -> ModuleType:
    """torchvision, the oracle."""
    from archspec.running import torchvision_library

    return torchvision_library.torchvision()


def pytest_configure(config: Any) -> None:
    """Say once, and not in each process, that golden texts are being written."""
    if config.getoption("--update-golden") and not hasattr(config, "workerinput"):
        print(f"writing golden texts to {GOLDEN.name}/")
