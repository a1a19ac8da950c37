"""Everything that `archspec check` knows about a network, in one object with tables keyed by step path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from archspec.analyses import cost as costs
from archspec.analyses import shapes as sized
from archspec.analyses import whole_sizes as whole
from archspec.analyses.cost import Cost
from archspec.diagnostics import Diagnostic
from archspec.graph import Graph
from archspec.ops import Shape
from archspec.ops.common.runs import TRAINING, Run
from archspec.sizes import Solution, text

if TYPE_CHECKING:
    import pandas

    from archspec.analyses.alignment import AlignedSizes, Misalignment
    from archspec.analyses.conditions import ReadableCondition, SizeNote
    from archspec.analyses.memory import Memory, Peak
    from archspec.analyses.receptive_field import ReceptiveField
    from archspec.analyses.sight import Sight


@dataclass(eq=False)
class Report:
    """Everything known about a network before a tensor exists.

    Tables are computed when first needed.  ``sizes`` are the numbers of the symbols.
    """

    graph: Graph = field(repr=False)
    sizes: dict[str, int]
    diagnostics: tuple[Diagnostic, ...] = ()

    _repr_html_: ClassVar[Callable[..., str]]
    """How a notebook shows it; :mod:`archspec.notebooks` knows."""

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Shape of every step's output, exact in the symbols; the batch is left out."""
        return sized.shapes(self.graph)

    @cached_property
    def shapes_at(self) -> dict[str, tuple[int, ...]]:
        """The same as numbers, at ``sizes``; empty if a symbol has no number."""
        try:
            return sized.shapes_at(self.graph, self.sizes)
        except ValueError:
            return {}

    @cached_property
    def valid_sizes(self) -> dict[str, Solution]:
        """For each symbol, the sizes at which the network runs in evaluation, with the steps that impose them."""
        return sized.valid_sizes(self.graph)

    @cached_property
    def valid_sizes_training(self) -> dict[str, Solution]:
        """The same in training, auxiliary outputs included."""
        return sized.valid_sizes(self.graph, TRAINING) if sized.differs(self.graph, TRAINING) else self.valid_sizes

    @cached_property
    def whole_sizes(self) -> dict[str, Solution]:
        """For each symbol, the valid sizes at which no window drops rows of its input."""
        return whole.whole_sizes(self.graph)

    @cached_property
    def parameters(self) -> int:
        """Trainable parameters of the whole network."""
        return sum(costs.parameters(self.graph))

    @cached_property
    def node_costs(self) -> dict[int, Cost]:
        """Cost of every node by index."""
        return costs.of_nodes(self.graph, self.sizes)

    @cached_property
    def cost(self) -> dict[str, Cost]:
        """Cost of every step, by path."""
        return {node.path: self.node_costs[node.index] for node in self.graph.nodes}

    @cached_property
    def block_costs(self) -> dict[str, Cost]:
        """Cost of every block use and sequence, by path; the empty path is the network with training-only parts."""
        return costs.of_scopes(self.graph, self.node_costs, self.sizes)

    @cached_property
    def total(self) -> Cost:
        """Cost of the network: all parameters, and the multiply-adds and activations of one evaluation."""
        runs = [self.node_costs[node.index] for node in self.graph.nodes if not node.training_only and not node.dead]
        run = costs.total(runs, self.sizes)
        return Cost(self.parameters, run.multiply_adds, run.activations, run.formula, run.activation_formula)

    @cached_property
    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """Receptive field of every step with respect to the first input, by path."""
        from archspec.analyses import receptive_field

        return receptive_field.table(self.graph, self.sizes)

    @cached_property
    def sights(self) -> dict[str, Sight]:
        """The receptive field of each output on the first input, by the output's name."""
        from archspec.analyses.sight import sights

        return sights(self.graph, self.sizes)

    def fields(self, wrt: int) -> dict[str, ReceptiveField]:
        """Receptive field of every later step with respect to the step of an index, by path."""
        from archspec.analyses import receptive_field

        return receptive_field.table(self.graph, self.sizes, wrt)

    @cached_property
    def conditions(self) -> list[ReadableCondition]:
        """The conditions that determine the valid sizes, each with its step and, at merges, both paths."""
        from archspec.analyses.conditions import readable

        return readable(self.graph, self.valid_sizes)

    @cached_property
    def size_notes(self) -> list[SizeNote]:
        """Notes on conditions over several symbols, and on steps that refuse a batch of one image."""
        from archspec.analyses.conditions import notes

        return notes(self.graph, self.valid_sizes, self.valid_sizes_training)

    @cached_property
    def misalignments(self) -> list[Misalignment]:
        """Merges whose paths look at different places of the first input, at ``sizes``."""
        from archspec.analyses.alignment import misalignments

        return misalignments(self.graph, self.sizes)

    @cached_property
    def aligned_sizes(self) -> dict[str, AlignedSizes | None]:
        """For each symbol, the sizes at which every merge is aligned; None if they have no short description."""
        from archspec.analyses.alignment import aligned_sizes

        return {name: aligned_sizes(self.graph, found, self.sizes) for name, found in self.valid_sizes.items()}

    def refused(self, training: bool = False, batch: int = 1) -> list[Diagnostic]:
        """Why the network does not run at ``sizes`` on a batch, in training or evaluation; empty if it runs."""
        from archspec.analyses.run_refusals import refused

        solutions = self.valid_sizes_training if training else self.valid_sizes
        return refused(self.graph, Run(training, alone=batch == 1), self.sizes, solutions)

    def memory(self, batch: int = 1, dtype: str = "float32") -> Memory:
        """Bytes of weights and activations, and the peaks of inference and training, at ``sizes``.

        A peak is None if torch refuses the run; :meth:`refused` says why.
        """
        from archspec.analyses.memory import memory

        return memory(self.graph, self.sizes, batch, dtype)

    def memory_peaks(self, batch: int = 1, dtype: str = "float32") -> tuple[Peak | None, Peak | None]:
        """The peaks of inference and training at ``sizes``, as formulas, with the tensors alive at each.

        None for a run that torch refuses; :meth:`refused` says why.
        """
        from archspec.analyses.memory import peaks

        return peaks(self.graph, self.sizes, batch, dtype)

    def to_pandas(self) -> pandas.DataFrame:
        """The steps as a table of pandas, by path: what each is, gives, costs and sees, and where it is written.

        ``shape`` and ``receptive_field`` are tuples; a number that needs the size of a symbol without one is missing.
        Raises ``ImportError`` where pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("a table needs pandas: pip install 'archspec-nn[notebook]'") from None
        rows = []
        for node in self.graph.nodes:
            cost, seen = self.node_costs[node.index], self.receptive_fields.get(node.path)
            shape = self.shapes_at.get(node.path, tuple(map(str, map(text, node.shape.dims))))
            rows.append({
                "step": node.path,
                "op": "input" if node.op is None else node.op.keyword,
                "shape": shape,
                "parameters": cost.parameters,
                "multiply_adds": cost.multiply_adds,
                "activations": cost.activations,
                "receptive_field": seen.sizes if seen is not None else None,
                "whole_input": seen is not None and seen.whole,
                "training_only": node.training_only,
                "place": f"{node.span.source.name}:{node.span.line}",
            })  # fmt: skip
        return pandas.DataFrame(rows).set_index("step")

    def sized(self, sizes: Mapping[str, int]) -> Report:
        """The same network reported at other sizes."""
        return Report(self.graph, {**self.sizes, **sizes}, self.diagnostics)
