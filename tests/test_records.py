"""Records against the dataclasses that they are quicker than."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archspec.records import record


@record
class Pair:
    """Two values, and one that is not compared."""

    first: Any
    second: Any = 2
    aside: Any = field(default=None, compare=False, repr=False)


@record
class More(Pair):
    """One more."""

    third: Any = 3


@record
class One:
    """A single value."""

    only: Any


@record
class Own:
    """An equality of its own."""

    value: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own) and self.value % 2 == other.value % 2

    def __hash__(self) -> int:
        return self.value % 2


@dataclass(unsafe_hash=True)
class _Pair:
    first: Any
    second: Any = 2
    aside: Any = field(default=None, compare=False, repr=False)


VALUES = st.one_of(st.integers(0, 2), st.text("ab", max_size=1), st.tuples(st.integers(0, 1)))


@given(one=st.tuples(VALUES, VALUES, VALUES), other=st.tuples(VALUES, VALUES, VALUES))
def test_records_are_equal_as_dataclasses_are(one: Any, other: Any) -> None:
    assert (Pair(*one) == Pair(*other)) == (_Pair(*one) == _Pair(*other))
    if Pair(*one) == Pair(*other):
        assert hash(Pair(*one)) == hash(Pair(*other))
    assert repr(Pair(*one)) == repr(_Pair(*one)).replace("_Pair", "Pair")
    assert Pair(*one) != More(*one)
    assert (One(one) == One(other)) == (one == other)


def test_a_record_has_slots_and_what_is_its_own() -> None:
    assert not hasattr(Pair(1), "__dict__")
    assert replace(More(1), third=4) == More(1, 2, None, 4)
    assert Own(1) == Own(3)
    assert len({Own(1), Own(3), Own(2)}) == 2
    assert repr(One("a")) == "One(only='a')"
    with pytest.raises(TypeError, match="unhashable"):
        hash(One([]))
