"""The base class of all ops: one class for everything about one op.

An op is a frozen pydantic model; its fields are its arguments in a spec, named as in torch without ``_size`` and
``out_``.  It knows its shapes, windows, weights, cost and torch source.  It knows nothing of YAML, files or graphs: it
raises a short :class:`ShapeError`, and the caller adds node, place and stack.  It returns torch source as text and
never imports torch.
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
from archspec.ops.common.init import Init
from archspec.ops.common.memory import INPUT, Layout, Numbers, Saved, laid, lies
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
"""How a picture shows an op: as a box of its own, as text in the box before it, or not at all."""


class Op(BaseModel):
    """Base of all ops.  A subclass lives in the file of its name: ``max_pool`` in ``ops/max_pool.py``."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, strict=False)

    keyword: ClassVar[str]
    kind: ClassVar[Kind]
    examples: ClassVar[tuple[Example, ...]]
    merges: ClassVar[bool] = False
    """Whether the op takes any number of inputs, so that a spec can give it branches."""
    sources: ClassVar[int] = 1
    """Number of inputs of an op that is not a merge; 0 for a parameter."""
    several: ClassVar[bool] = False
    """Whether an op that is not a merge takes any number of inputs, which `from` names."""
    references: ClassVar[tuple[str, ...]] = ()
    """Fields that name another step (``upsample: {to: skip}``): the step becomes one more input, after the others."""

    prelude: ClassVar[str] = ""
    """The steps that stand before the op in its example, because it names one of them."""
    wants_second: ClassVar[tuple[str, ...]] = ()
    """The references that mean the second value of a step's call, such as the indices of a pool."""

    @property
    def referred(self) -> int:
        """Number of inputs, at the end, that are references."""
        return sum(getattr(self, name) is not None for name in self.references)

    @property
    def borrows(self) -> int:
        """Number of inputs, at the end, of which only the size is used."""
        return self.referred

    pins: ClassVar[bool] = False
    """Whether it may need numbers where its input has symbolic sizes (``flatten``), :meth:`pinned` says which: the
    boundary then hands it the sizes the spec is written for, and the network is valid only where the formulas give
    those same numbers."""

    tensors: ClassVar[tuple[str, ...]] = ()
    """Names of the tensors that ``init`` can initialise, the main one first; without any, ``init`` is an error."""

    drawn: ClassVar[Drawn | None] = None
    """How papers draw the op, if it differs from its kind."""
    switch: ClassVar[str | None] = None
    """The name of a flag that says whether the op is there, if that is not ``use_`` and its keyword."""
    circle: ClassVar[str | None] = None
    """The sign in the circle of a merge."""
    titled_by_size: ClassVar[bool] = False
    """Whether a picture labels the op with its output size, if that is a number: ``crop to 56×56``."""
    transparent: ClassVar[bool] = False
    """Whether the output is the input itself, so that readers can use the input instead."""
    works_on_any_map: ClassVar[bool] = False
    """Whether it does the same to a map as to the flattened map."""
    acts_per_channel: ClassVar[bool] = False
    """Whether it does so only if each element of the vector is a channel of its own."""
    commutes: ClassVar[bool] = False
    """Whether the order of a merge's inputs makes no difference."""
    hidden: ClassVar[bool] = False
    """Whether what it computes is not known, so that it can be drawn and counted and nothing else."""
    output_axis: ClassVar[int | None] = None
    """The output axis of a linear layer's weight."""

    init: Init | None = Field(None, description="how the weights are initialised. Default: as in torch")

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
        """Conditions on the sizes in a run, besides the one of every op: output sizes of at least 1.

        Every run has at least the conditions of an evaluation on several images.
        """
        return []

    def pinned(self, inputs: Sequence[Shape]) -> tuple[tuple[int, str], ...]:
        """(input, axis) of each symbolic size that must be a number, as all of flatten's must."""
        return ()

    def numbered(self, inputs: Sequence[Shape], number: Callable[[Dim], int]) -> tuple[Shape, ...]:
        """The inputs, with the sizes listed by :meth:`pinned` replaced by numbers from ``number``."""
        dims = [list(shape.dims) for shape in inputs]
        for position, axis in self.pinned(inputs):
            at = inputs[position].axes.index(axis)
            dims[position][at] = number(dims[position][at])
        return tuple(replace(shape, dims=tuple(sizes)) for sizes, shape in zip(dims, inputs, strict=True))

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The rows of input ``index`` that an output row reads, along one spatial axis of the output."""
        return POINTWISE

    def rows_added(self, inputs: Sequence[Shape], axis: str) -> int | None:
        """Number of rows that a padding op adds at the end of an axis; None for any other op."""
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
        """Index of the input that the output is, or is a view of; None if the output has its own memory."""
        return None

    layout: ClassVar[Layout] = "plain"
    """Memory layout of an output that is not a view."""
    permutes: ClassVar[bool] = False
    """Whether the output may be non-contiguous even for a contiguous input."""
    reorders: ClassVar[bool] = False
    """Whether its axes are then in another order, and not only with gaps."""
    regroups: ClassVar[bool] = False
    """Whether the output is a view for a contiguous input and a copy for any other."""
    gathers: ClassVar[Layout | None] = None
    """The layout that the input is copied to if it has another: contiguous, or contiguous or channels last."""

    def gathered(
        self, inputs: Sequence[Shape], position: int, sizes: Sequence[int], strides: Sequence[int], training: bool
    ) -> bool:
        """Whether an input with these sizes and strides, the batch first, is copied before the op runs."""
        return position == 0 and self.gathers is not None and not lies(self.gathers, sizes, strides)

    def view(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...] | None:
        """Strides of an output that is a view, from the input's strides; None if it has to be a copy.

        ``sizes`` and ``output`` are the sizes of input and output, with the batch.
        """
        return tuple(strides)

    def lay(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...]:
        """Strides of an output that is not a view, from the sizes and strides of the inputs."""
        return laid(self.layout, sizes, strides, output)

    def prepared(self, inputs: Sequence[Shape]) -> tuple[Numbers, ...]:
        """Tensors made from the first input before the op runs, such as a padded map; alive until it has run."""
        return ()

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Temporary tensors, alive while the op runs; allocations inside a backend's kernels are not counted."""
        return ()

    def hands_on(self, inputs: Sequence[Shape]) -> bool:
        """Whether the op returns its input tensor itself in training."""
        same = type(self).view is Op.view and not self.permutes and not self.merges
        return same and self.aliases(inputs, True) == 0

    saves_for_others: ClassVar[bool] = False
    """Whether an input is saved only for the gradients of the other inputs."""

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """Whether an input's gradient is ``new`` memory, the ``same`` as the output's gradient (or a view), or None.

        An op that reads a part of its input pads the gradient with zeros, in new memory.
        """
        if position >= self.sources and not self.merges:  # another step, of which only the size is used
            return None
        part = self.permutes and not self.reorders
        return "same" if self.aliases(inputs, True) is not None and not part else "new"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Tensors that autograd saves for the backward step."""
        return INPUT

    # -- torch ---------------------------------------------------------------------------------------------------------

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """The op as an ``nn.Module``; None if it has no such form."""
        return None

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """The op as an expression; None if it has weights or state and must be a module."""
        return None

    def explicit(self, inputs: Sequence[Shape]) -> Op:
        """The same op with numbers for values that torch derives, so that equal ops have equal arguments."""
        return self

    def initial(self, inputs: Sequence[Shape]) -> dict[str, str]:
        """Statements over ``{tensor}``, by name, for the tensors that ``init`` names and this use has."""
        if self.init is None:
            return {}
        there = {weight.name for weight in self.weights(inputs)}
        statements = self.init.statements(self.tensors[0])
        return {name: statement for name, statement in statements.items() if name in there}

    @property
    def second(self) -> Op | None:
        """The op of a second value that the call gives besides the output; None if there is one value."""
        return None

    follows: ClassVar[bool] = False
    """Whether it is the second value of the call before it, and no step of its own."""

    @property
    def random(self) -> bool:
        """Whether the op draws random numbers in training."""
        return False

    # -- words ---------------------------------------------------------------------------------------------------------

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """The op as papers write it: ``3×3 conv, 64, /2``."""
        return self.title()


def per_axis(value: int | Sequence[int], rank: int, argument: str) -> tuple[int, ...]:
    """One number for each spatial axis; a single number is repeated."""
    if isinstance(value, int):
        return (value,) * rank
    if len(value) != rank:
        raise ShapeError(f"`{argument}` has {len(value)} numbers for {counted(rank)}", argument=argument)
    return tuple(value)


def counted(rank: int) -> str:
    """``2 spatial axes``."""
    return f"{rank} spatial {'axis' if rank == 1 else 'axes'}"


def only(op: Op, inputs: Sequence[Shape]) -> Shape:
    """The only input of an op, which must have a batch; raises :class:`ShapeError` otherwise."""
    shape = any_one(op, inputs)
    if not shape.batched:
        raise ShapeError(f"{op.title()} cannot take a parameter, which has no batch", "add or multiply it onto a map")
    return shape


def any_one(op: Op, inputs: Sequence[Shape]) -> Shape:
    """The only input of an op that also takes a parameter; raises :class:`ShapeError` for more inputs."""
    if len(inputs) != 1:
        raise ShapeError(f"{op.title()} takes one input, not {len(inputs)}")
    if inputs[0].pooled is not None:
        raise ShapeError(f"{op.title()} cannot take the indices of a pool", "only `max_unpool` reads them")
    return inputs[0]
