"""What every op is: one class that holds all there is to know about one primitive.

An op is a frozen pydantic model; its fields are the arguments a spec may give, named by torch's words without ``_size``
and ``out_``.  It knows shapes, windows, weights, cost and the torch text it stands for.  It knows no YAML, no places in
files and no graph: it raises a short :class:`ShapeError`, and one boundary adds node, place and stack.  It gives torch
as text and never imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from archspec.ops.common.arguments import refuse
from archspec.ops.common.forms import Argument, Example, Function, Module, Product, Weight
from archspec.ops.common.initialisers import Init
from archspec.ops.common.memory import INPUT, Layout, Numbers, Saved, laid
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.shape import SPATIAL, D, H, L, Shape, ShapeError, W
from archspec.ops.common.windows import POINTWISE, Window
from archspec.sizes import Condition, Dim

__all__ = [
    "Argument",
    "D",
    "Drawn",
    "Example",
    "Function",
    "H",
    "Kind",
    "L",
    "Module",
    "Op",
    "Product",
    "SPATIAL",
    "Shape",
    "ShapeError",
    "W",
    "Weight",
    "any_one",
    "counted",
    "only",
    "per_axis",
]

Kind = Literal[
    "convolution",
    "pooling",
    "upsampling",
    "dense",
    "normalisation",
    "activation",
    "dropout",
    "reshape",
    "merge",
    "parameter",
]

Drawn = Literal["box", "beside", "never"]
"""How a picture shows an op: as a box of its own, in words beside the box before it, or not at all."""


class Op(BaseModel):
    """Base of all ops.  A subclass lives in the file of its name: ``max_pool`` in ``ops/max_pool.py``."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, strict=False)

    keyword: ClassVar[str]
    kind: ClassVar[Kind]
    examples: ClassVar[tuple[Example, ...]]
    merges: ClassVar[bool] = False
    """Whether it takes any number of inputs, so that a spec may give it branches."""
    sources: ClassVar[int] = 1
    """How many inputs it takes when it is no merge; 0 for a parameter."""
    references: ClassVar[tuple[str, ...]] = ()
    """Fields that name another step (``upsample: {to: skip}``): the step becomes one more input, after the others."""

    @property
    def borrows(self) -> int:
        """How many of its inputs, the last ones, it only takes a size from."""
        return sum(getattr(self, name) is not None for name in self.references)

    pins: ClassVar[bool] = False
    """Whether it may need numbers where its input has symbolic sizes (``flatten``), :meth:`pinned` says which: the
    boundary then hands it the sizes the spec is written for, and the network is valid only where the formulas give
    those same numbers."""

    tensors: ClassVar[tuple[str, ...]] = ()
    """Tensors that ``init`` may speak of, the main one first; an op without any refuses ``init``."""

    drawn: ClassVar[Drawn | None] = None
    """How papers draw it, where that is not how its kind is drawn."""
    switch: ClassVar[str | None] = None
    """What a flag is called that says whether it is there, where ``use_`` and its keyword would not be the word."""
    circle: ClassVar[str | None] = None
    """Of a merge that is drawn as a circle: the sign in it."""
    titled_by_size: ClassVar[bool] = False
    """Whether a picture names it by the size it gives, where the spec's sizes make that a number: ``crop to 56×56``."""
    transparent: ClassVar[bool] = False
    """Whether it gives its input as it is, so that readers may look through it."""
    works_on_any_map: ClassVar[bool] = False
    """Whether it does the same to a map as to the flattened map."""
    acts_per_channel: ClassVar[bool] = False
    """Whether it does so only where each number of the vector is a channel of its own."""
    commutes: ClassVar[bool] = False
    """Of a merge: whether the order of what it reads makes no difference."""
    output_axis: ClassVar[int | None] = None
    """Of a linear layer: the axis of its weight that counts its outputs."""

    init: Init | None = Field(None, description="how the weights start; torch's own default when left out")

    @field_validator("init")
    @classmethod
    def _has_weights(cls, init: Init | None) -> Init | None:
        if init is None:
            return None
        if not cls.tensors:
            refuse(f"{cls.title()} has no weights to initialise")
        for tensor in init.statements(cls.tensors[0]):
            if tensor not in cls.tensors:
                refuse(f"{cls.title()} has no tensor `{tensor}`")
        return init

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Give the schema of the fields; ``init`` is left out where there is nothing to initialise."""
        found = handler.resolve_ref_schema(handler(schema))
        if not cls.tensors:
            found.get("properties", {}).pop("init", None)
        return found

    @classmethod
    def title(cls) -> str:
        """The keyword as words: ``max pool``."""
        return cls.keyword.replace("_", " ")

    # -- shapes -----------------------------------------------------------------------------------------------------

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The output's shape.  Raises :class:`ShapeError` when the inputs do not fit."""
        raise NotImplementedError

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """What the sizes must satisfy in a run, beside every output size being at least 1 (which holds for every op).

        What evaluation asks of a batch of several images, every run asks.
        """
        return []

    def pinned(self, inputs: Sequence[Shape]) -> tuple[tuple[int, str], ...]:
        """(input, axis) of each symbolic size that must be a number, as all of flatten's must."""
        return ()

    def numbered(self, inputs: Sequence[Shape], number: Callable[[Dim], int]) -> tuple[Shape, ...]:
        """The inputs with the sizes of :meth:`pinned` as the numbers that ``number`` gives."""
        dims = [list(shape.dims) for shape in inputs]
        for position, axis in self.pinned(inputs):
            at = inputs[position].axes.index(axis)
            dims[position][at] = number(dims[position][at])
        return tuple(replace(shape, dims=tuple(sizes)) for sizes, shape in zip(dims, inputs, strict=True))

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """Which rows of input ``index`` an output row reads, along one spatial axis of the output."""
        return POINTWISE

    def rows_added(self, inputs: Sequence[Shape], axis: str) -> int | None:
        """How many rows a padding op adds at the end of an axis; None for any other op."""
        return None

    # -- weights and cost ----------------------------------------------------------------------------------------------

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """The tensors of its ``state_dict``, in torch's order."""
        return ()

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """Multiply-adds for one sample, as a sum of products; convolutions and matrix products count, nothing else."""
        return ()

    # -- memory --------------------------------------------------------------------------------------------------------

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """The input whose memory the output shares, a view of it or itself; None for memory of its own."""
        return None

    layout: ClassVar[Layout] = "plain"
    """The memory layout of its output, when that is no view."""
    permutes: ClassVar[bool] = False
    """Whether the output may be non-contiguous even for a contiguous input."""
    reorders: ClassVar[bool] = False
    """Whether it is then in another order of axes, and not merely with gaps."""
    regroups: ClassVar[bool] = False
    """Whether it is a view only of a contiguous input, and a copy otherwise."""
    gathers: ClassVar[Layout | None] = None
    """The layout its input must have, or is copied to first: contiguous, or either that or channels last."""

    def view(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...] | None:
        """Of an op that gives a view: its strides, given those of its input; None where it has to be a copy.

        ``sizes`` and ``output`` are those of the input and the output, the batch with them.
        """
        return tuple(strides)

    def lay(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...]:
        """Of an op that gives no view: the strides of its output, given the sizes and strides of what it reads."""
        return laid(self.layout, sizes, strides, output)

    def prepared(self, inputs: Sequence[Shape]) -> tuple[Numbers, ...]:
        """Tensors made from the first input beforehand, alive until it has run: a padded map."""
        return ()

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Temporary tensors, alive while it runs; what a backend allocates inside is not counted."""
        return ()

    def hands_on(self, inputs: Sequence[Shape]) -> bool:
        """Whether it returns its input tensor itself, in training."""
        same = type(self).view is Op.view and not self.permutes and not self.merges
        return same and self.aliases(inputs, True) == 0

    saves_for_others: ClassVar[bool] = False
    """Whether an input is kept for the gradients of the others alone."""

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """What an input's gradient is: ``new`` memory, the ``same`` as the output's gradient (or a view), or none.

        An op that reads a part of its input pads the gradient with zeros, in new memory.
        """
        if position >= self.sources and not self.merges:  # another step, whose size alone it asks for
            return None
        part = self.permutes and not self.reorders
        return "same" if self.aliases(inputs, True) is not None and not part else "new"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """What training keeps for its backward step."""
        return INPUT

    # -- torch ---------------------------------------------------------------------------------------------------------

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """The op as an ``nn.Module``; None when it has no such form."""
        return None

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """The op as an expression; None when it holds weights or state and must be a module."""
        return None

    def explicit(self, inputs: Sequence[Shape]) -> Op:
        """The same op with numbers for what torch would work out, so that equal ops have equal arguments."""
        return self

    def initial(self, inputs: Sequence[Shape]) -> dict[str, str]:
        """The statement over ``{tensor}`` for each tensor that ``init`` speaks of and this use has."""
        if self.init is None:
            return {}
        there = {weight.name for weight in self.weights(inputs)}
        statements = self.init.statements(self.tensors[0])
        return {name: statement for name, statement in statements.items() if name in there}

    @property
    def random(self) -> bool:
        """Whether it draws random numbers in training."""
        return False

    # -- words ---------------------------------------------------------------------------------------------------------

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """The op as papers write it: ``3×3 conv, 64, /2``."""
        return self.title()


def per_axis(value: int | Sequence[int], rank: int, argument: str) -> tuple[int, ...]:
    """One number for each spatial axis; a single number serves all of them."""
    if isinstance(value, int):
        return (value,) * rank
    if len(value) != rank:
        raise ShapeError(f"`{argument}` gives {len(value)} numbers for {counted(rank)}", argument=argument)
    return tuple(value)


def counted(rank: int) -> str:
    """``2 spatial axes``."""
    return f"{rank} spatial {'axis' if rank == 1 else 'axes'}"


def only(op: Op, inputs: Sequence[Shape]) -> Shape:
    """The one input of an op that wants a batch; raises :class:`ShapeError` when there are more or it has none."""
    shape = any_one(op, inputs)
    if not shape.batched:
        raise ShapeError(f"{op.title()} cannot take a parameter, which has no batch", "add or multiply it onto a map")
    return shape


def any_one(op: Op, inputs: Sequence[Shape]) -> Shape:
    """The one input of an op that takes anything, a parameter included."""
    if len(inputs) != 1:
        raise ShapeError(f"{op.title()} takes one input, not {len(inputs)}")
    return inputs[0]
