"""Parameters and multiply-adds, as numbers at a size and as formulas.

Convention: a multiply-add is one multiplication with its addition in a convolution, transposed convolution or matrix
product, for one sample; biases, normalisation, pooling and activations are not counted.  A transposed convolution is
counted by its input size.  The result is half of what torch's ``FlopCounterMode`` reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

from archspec.analyses.alike import Alike
from archspec.graph import Graph, Scope
from archspec.ops import Op, Product, Shape
from archspec.records import record
from archspec.sizes import Dim, Evaluation, Size, factor


@record
class Formula:
    """A sum of products of sizes, with like terms collected: ``118,013,952·⌊(H+1)/2⌋·⌊(W+1)/2⌋ + 512,000``."""

    terms: tuple[Product, ...]

    @classmethod
    def of(cls, products: Iterable[Product]) -> Formula:
        """Collect like terms; constant sizes are multiplied into the coefficient."""
        gathered: dict[tuple[Dim, ...], int] = {}
        for coefficient, dims in products:
            constant = prod(dim for dim in dims if not isinstance(dim, Size))
            key = tuple(dim for dim in dims if isinstance(dim, Size))
            gathered[key] = gathered.get(key, 0) + coefficient * constant
        return cls(tuple((coefficient, key) for key, coefficient in gathered.items() if coefficient))

    def __add__(self, other: Formula | int) -> Formula:
        return Formula.of([*self.terms, *(other.terms if isinstance(other, Formula) else [(other, ())])])

    __radd__ = __add__

    def __sub__(self, other: Formula) -> Formula:
        return Formula.of([*self.terms, *((-coefficient, dims) for coefficient, dims in other.terms)])

    def __bool__(self) -> bool:
        return bool(self.terms)

    def at(self, evaluation: Evaluation) -> int:
        """The value at given sizes."""
        return sum(coefficient * prod(evaluation.of(dim) for dim in dims) for coefficient, dims in self.terms)

    def __str__(self) -> str:
        parts = ["·".join([f"{coefficient:,}", *(factor(dim) for dim in dims)]) for coefficient, dims in self.terms]
        return " + ".join(parts) or "0"


NOTHING = Formula(())


@record
class Cost:
    """Cost of a step, a block or a network for one sample.

    ``multiply_adds`` and ``activations`` (elements written) are None if a symbol has no number.
    """

    parameters: int
    multiply_adds: int | None
    activations: int | None
    formula: Formula
    activation_formula: Formula


def _owned(op: Op, inputs: Sequence[Shape], output: Shape) -> int:
    """Trainable parameters of an op."""
    if type(op).weights is Op.weights:
        return 0
    return sum(prod(weight.shape) for weight in op.weights(inputs) if weight.trainable)


def _formulas(op: Op, inputs: Sequence[Shape], output: Shape) -> tuple[Formula, Formula]:
    """The multiply-adds of an op, and the elements it writes."""
    plain = type(op).multiply_adds is Op.multiply_adds
    return NOTHING if plain else Formula.of(op.multiply_adds(inputs, output)), Formula.of([(1, output.dims)])


_OWNED, _FORMULAS = Alike(_owned), Alike(_formulas)


def parameters(graph: Graph) -> list[int]:
    """Trainable parameters of every node, by index; shared parameters count at their first use only."""
    return [
        0 if node.reuse is not None else owned or 0 for node, owned in zip(graph.nodes, _OWNED.of(graph), strict=True)
    ]


def of_nodes(graph: Graph, sizes: Mapping[str, int]) -> dict[int, Cost]:
    """Cost of every node, by index."""
    evaluation = Evaluation(sizes)
    alike: dict[tuple[int, int, bool], Cost] = {}
    found: dict[int, Cost] = {}
    each = zip(graph.nodes, graph.firsts, parameters(graph), _FORMULAS.of(graph), strict=True)
    for node, first, owned, formulas in each:
        key = (first, owned, node.dead)
        known = alike.get(key)
        if known is None:
            work, written = formulas or (NOTHING, Formula.of([(1, node.shape.dims)]))
            work = NOTHING if node.dead else work
            known = alike[key] = Cost(owned, _at(work, evaluation), _at(written, evaluation), work, written)
        found[node.index] = known
    return found


def total(costs: Iterable[Cost], sizes: Mapping[str, int]) -> Cost:
    """The sum of costs."""
    costs = list(costs)
    evaluation = Evaluation(sizes)
    times = Counter(map(id, costs))  # steps alike share a Cost, and are multiplied
    distinct = {id(cost): cost for cost in costs}
    formula = Formula.of(_multiplied((times[at], cost.formula) for at, cost in distinct.items()))
    activations = Formula.of(_multiplied((times[at], cost.activation_formula) for at, cost in distinct.items()))
    return Cost(
        sum(cost.parameters for cost in costs),
        _at(formula, evaluation),
        _at(activations, evaluation),
        formula,
        activations,
    )


def of_scopes(graph: Graph, costs: Mapping[int, Cost], sizes: Mapping[str, int]) -> dict[str, Cost]:
    """Cost of every block use and sequence, by path; the whole network under the empty path."""
    found: dict[str, Cost] = {}

    def visit(scope: Scope) -> list[Cost]:
        inside: list[Cost] = []
        for item in scope.items:
            inside += visit(item) if isinstance(item, Scope) else [costs[item.index]]
        found[scope.path] = total(inside, sizes)
        return inside

    visit(graph.root)
    return found


def _multiplied(formulas: Iterable[tuple[int, Formula]]) -> Iterator[Product]:
    return ((times * coefficient, dims) for times, formula in formulas for coefficient, dims in formula.terms)


def _at(formula: Formula, evaluation: Evaluation) -> int | None:
    try:
        return formula.at(evaluation)
    except ValueError:
        return None
