"""A thousand random networks: what archspec says of them, held against what torch does with them.

Sizes it accepts are those at which torch runs, save for the rules that are stricter on purpose; shapes, parameters,
multiply-adds and the emitted module's values are torch's; receptive fields are what gradients measure, row by row,
borders included, and the periodic tables are those of the interior rows.  ``python -m tests.helpers.soak`` runs 20,000.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.helpers.agreement import Outcome, agree

EVERY_DAY = 300
GRAPHS = 1000
WIDER = 100
TOKENS = 25
MORE_TOKENS = 200
CHUNK = 25
REGRESSIONS = [2_014_705]
"""Seeds at which archspec and torch once disagreed."""
WIDER_REGRESSIONS = [1, 52, 1886]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The maps are tiny: threads would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "start",
    [pytest.param(start, marks=[pytest.mark.slow] if start >= EVERY_DAY else []) for start in range(0, GRAPHS, CHUNK)],
)
def test_archspec_agrees_with_torch(start: int) -> None:
    outcomes = [agree(seed, sizes_tried=10) for seed in range(start, start + CHUNK)]
    assert sum(outcome.loads for outcome in outcomes) > CHUNK // 2, "most random networks are valid"
    assert _total(outcomes, "sizes") > _total(outcomes, "valid") > 0
    assert _total(outcomes, "rows") > 100
    assert _total(outcomes, "interior") > 100
    assert sum(outcome.partial for outcome in outcomes) <= CHUNK // 2


def _total(outcomes: list[Outcome], what: str) -> int:
    return sum(getattr(outcome, what) for outcome in outcomes)


@pytest.mark.parametrize("start", range(0, WIDER, CHUNK))
def test_wider_networks_agree_with_torch(start: int) -> None:
    """Shortcuts, loops, weights used again, two inputs, rarer ops."""
    outcomes = [agree(seed, sizes_tried=6, kind="wider") for seed in range(start, start + CHUNK)]
    assert sum(outcome.loads for outcome in outcomes) > CHUNK // 2
    assert _total(outcomes, "sizes") > _total(outcomes, "valid") > 0
    assert _total(outcomes, "rows") > 100


@pytest.mark.parametrize(
    "start",
    [pytest.param(start, marks=[pytest.mark.slow] * (start >= TOKENS)) for start in range(0, MORE_TOKENS, CHUNK)],
)
def test_networks_with_tokens_agree_with_torch(start: int) -> None:
    """Attention, matrix products, patches, grids, recurrences, unpooling, shuffled pixels, weights made of others."""
    outcomes = [agree(seed, sizes_tried=6, kind="tokens") for seed in range(start, start + CHUNK)]
    assert sum(outcome.loads for outcome in outcomes) > CHUNK // 2
    assert _total(outcomes, "sizes") > _total(outcomes, "valid") > 0
    assert _total(outcomes, "rows") > 100


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_regressions(seed: int) -> None:
    agree(seed)


@pytest.mark.parametrize("seed", WIDER_REGRESSIONS)
def test_wider_regressions(seed: int) -> None:
    agree(seed, kind="wider")
