"""An op as torch source: modules with their arguments, functions, weights."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from archspec.ops.common.arguments import literal
from archspec.ops.common.shape import Shape
from archspec.records import record
from archspec.sizes import Dim


@record
class Argument:
    """One argument of a torch constructor.

    ``slot`` is the source of the value: a field of the op (``channels``), or ``in_channels`` for a value from shape
    inference.  If the uses of a block differ in it, it becomes an argument of the emitted class.  ``keyword`` is None
    for a positional argument.  An argument equal to torch's own ``default`` is left out.  ``each`` has the value for
    each axis, if ``value`` is one number for all axes.
    """

    slot: str
    value: Any
    keyword: str | None = None
    default: Any = ...
    each: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The argument as written in a call: ``64`` or ``stride=2``."""
        value = literal(self.value)
        return value if self.keyword is None else f"{self.keyword}={value}"

    @property
    def inferred(self) -> bool:
        """Whether the value comes from shape inference and not from the spec."""
        return self.slot in ("in_channels", "in_features")

    @property
    def needless(self) -> bool:
        """Whether the value is torch's default."""
        return self.default is not ... and self.value == self.default


@record
class Module:
    """A torch module as text: ``nn.Conv2d`` and its arguments, and how its forward calls it.

    ``call`` is a template over ``{module}`` and the inputs ``{0}``, ``{1}`` …, each a name or an expression that binds
    as tightly as a call; ``prepare`` is the expression applied to the first input beforehand; ``helper`` is the source
    of a class that the emitted file must define first, if torch has none of that name.  Text may use ``torch``, ``nn``,
    ``F`` (torch.nn.functional) and ``Tensor``.
    """

    target: str
    arguments: tuple[Argument, ...] = ()
    call: str = "{module}({0})"
    helper: str | None = None
    wrap: str = "{0}"
    """A template around the constructor call: ``nn.Parameter({0})``."""
    prepare: str = "{0}"

    @property
    def whole(self) -> str:
        """The call with ``prepare`` inserted: ``{module}(F.pad({0}, (0, 1)))``."""
        return self.call.replace("{0}", self.prepare)


@record
class Function:
    """A torch expression over the inputs ``{0}``, ``{1}`` …: ``F.relu({0})``.

    An input may occur more than once; ``prepare`` is the expression applied to the first input beforehand; ``helper``
    is the source of a function that the emitted file must define first. ``atomic`` says whether the text binds as
    tightly as a call; if not, it needs parentheses inside a larger expression.
    """

    text: str
    helper: str | None = None
    atomic: bool = True
    prepare: str = "{0}"

    @property
    def whole(self) -> str:
        """The expression with ``prepare`` inserted."""
        return self.text.replace("{0}", self.prepare)


@record
class Weight:
    """One tensor of an op's ``state_dict``: its name (empty for a bare parameter), shape, and whether it is trained."""

    name: str
    shape: tuple[int, ...]
    trainable: bool = True
    dtype: str = "float32"


Product = tuple[int, tuple[Dim, ...]]
"""A coefficient times sizes: 9·64·H·W is ``(576, (H, W))``."""


@record
class Example:
    """A use of the op that documentation shows and one test runs against torch."""

    inputs: tuple[Shape, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    output: Shape | None = None
