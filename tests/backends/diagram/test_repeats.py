"""What repeats together is found as it would be by hand; pictures of networks with two paths."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

import archspec
from archspec.backends.diagram import draw
from archspec.backends.diagram.repeats import LONGEST_PERIOD, repeats

PAIRS = """
archspec: 1
name: Pairs
inputs: {image: [64, H, W]}
sizes: {H: 32, W: 32}
steps:
  - steps:
      - conv: {channels: 32, kernel: 1}
      - conv: {channels: 64, kernel: 3, padding: 1}
    repeat: 4
  - conv: {channels: 64, kernel: 3, padding: 1}
  - flatten
  - steps:
      - linear: {features: 512}
      - dropout
    repeat: 2
"""

TWO_PATHS = """
archspec: 1
name: TwoPaths
inputs: {image: [3, H, W]}
sizes: {H: 64, W: 64}
steps:
  - conv as near1: {channels: 8, kernel: 3, stride: 2, padding: 1}
  - conv as near2: {channels: 16, kernel: 3, stride: 2, padding: 1}
  - conv as near3: {channels: 16, kernel: 1}
  - conv as far1: {channels: 8, kernel: 7, stride: 2, padding: 3}
    from: image
  - conv as far2: {channels: 24, kernel: 5, stride: 2, padding: 2}
  - conv as far3: {channels: 32, kernel: 5, stride: 2, padding: 2}
  - conv as far4: {channels: 40, kernel: 5, padding: 2}
  - conv as far5: {channels: 48, kernel: 5, padding: 2}
  - conv as far6: {channels: 12, kernel: 1}
  - upsample as coarse: {scale: 2}
  - concat:
    from: [near3, coarse]
"""


@given(st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=14))
def test_repeats_are_those_that_are_there(signatures: list[str | None]) -> None:
    """No copy differs from the first, none overlaps another, and no repeat of a pair or more is left over."""
    found = repeats(signatures)
    covered: set[int] = set()
    for each in found:
        places = range(each.start, each.end)
        assert each.count > 1
        assert not covered.intersection(places)
        covered.update(places)
        pattern = signatures[each.start : each.start + each.period]
        assert None not in pattern
        assert len(set(pattern)) > 1
        assert signatures[each.start : each.end] == pattern * each.count
    for period in range(2, LONGEST_PERIOD + 1):
        for start in range(len(signatures) - 2 * period + 1):
            here, there = signatures[start : start + period], signatures[start + period : start + 2 * period]
            if here == there and None not in here and len(set(here)) > 1:
                assert covered.intersection(range(start, start + 2 * period))


def test_a_pair_of_convolutions_folds_and_one_of_dense_layers_of_two_sizes_does_not() -> None:
    source = draw(archspec.loads(PAIRS).graph).source
    assert source.count("1×1 conv, 32") == 1
    assert source.count("3×3 conv, 64") == 2
    assert '"×4"' in source
    assert '"×2"' not in source
    assert source.count("fc, 512") == 2


def test_the_short_path_stands_at_the_top() -> None:
    """The first boxes of both paths are in one row, and the short one's last is above the long one's."""
    figure = draw(archspec.loads(TWO_PATHS).graph)
    found = re.findall(r'label="?([^"]*?)"? color.* pos="[-.0-9]+,([-.0-9]+)', figure.source)
    rows = {words: float(y) for words, y in found}
    assert rows["3×3 conv, 8, /2"] == rows["7×7 conv, 8, /2"]
    assert rows["1×1 conv, 16"] > rows["1×1 conv, 12"] + 100
