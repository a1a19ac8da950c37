"""Lowers a graph of ONNX to ops: nodes in order, each by the rule for its operator.

Computations on sizes (``Shape``, ``Gather``, ``Concat``) are known before the network runs and leave no step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from archspec.diagnostics import Diagnostic, Diagnostics, Fault, did_you_mean, printable
from archspec.importers.assembly import Assembly
from archspec.importers.naming import legal
from archspec.importers.network import Layer
from archspec.importers.onnx.messages import Input, Model, Node, Stored
from archspec.importers.onnx.numbers import MOST_KNOWN, known
from archspec.importers.onnx.places import Place, parts
from archspec.importers.onnx.values import BATCH, Extent, Known, Origin, Step, Value, count
from archspec.records import record

USUAL = 224
"""The image size if a file leaves it open."""

SHARING = ("Conv", "ConvTranspose", "Gemm", "Linear", "MatMul")
"""Operators that become steps which may share the weights of an earlier one."""

Rule = Callable[["Lowering", Node], "Value | Sequence[Value] | None"]


@record
class Filling:
    """One tensor of a step, from a tensor of the file; ``transposed`` for a matrix of inputs by outputs."""

    key: str
    tensor: str
    transposed: bool = False


class Lowering:
    """The steps made so far, and what is known of each value of the graph."""

    def __init__(
        self, model: Model, folder: Path, diagnostics: Diagnostics, name: str, size: Sequence[int] | None,
        keep: Rule | None = None,
    ) -> None:  # fmt: skip
        self.model = model
        self.keep = keep
        """What makes opaque steps of nodes without counterpart; None if they are refused."""
        self.folder = folder
        self.diagnostics = diagnostics
        self.assembly = Assembly(name)
        self.opset = model.opset
        self.values: dict[str, Value | None] = dict(model.stored)
        self.fillings: list[Filling] = []
        self.made: dict[int, Layer] = {}
        self.batches: set[int] = set()
        """The batch sizes that the file was written for, if it does not leave them open."""
        self.fixed: dict[int, set[str]] = {}
        """By value, the axes whose size does not depend on the image's."""
        self.place = Place(self.assembly.root, ())
        self._shared: dict[tuple[Any, ...], tuple[Layer, dict[str, Any]]] = {}
        self._taken: set[str] = set()
        for each in model.inputs:
            self._input(each, size)

    def _input(self, given: Input, size: Sequence[int] | None) -> None:
        shown = printable(given.name, 60)
        if not given.dims:
            raise Fault("bad-input", f"the input `{shown}` has no batch and no channels")
        batch, *dims = given.dims
        if batch is not None:
            self.batches.add(batch)
        if size is not None and not self.assembly.shapes:
            if len(size) != len(dims):
                raise Fault("bad-input", f"the input `{shown}` has {len(dims)} axes besides the batch, not {len(size)}")
            if any(dim is not None and dim != own for dim, own in zip(dims, size, strict=True)):
                fixed = "×".join("?" if dim is None else str(dim) for dim in dims)
                raise Fault("bad-input", f"the input `{shown}` is {fixed} in the file")
            dims = list(size)
        if dims and dims[0] is None:
            raise Fault("bad-input", f"the input `{shown}` has no channels", hint="give them: --input 3x224x224")
        shape = [USUAL if dim is None else dim for dim in dims]
        word = legal(given.name, "input")
        self.values[given.name] = Step(self.assembly.input(word if word != "input_" else "image", shape))

    # -- running -------------------------------------------------------------------------------------------------------

    def run(self, nodes: Sequence[Node], places: Sequence[Place], rules: dict[str, Rule]) -> list[tuple[str, int]]:
        """Assemble the network; returns its outputs by name.  Nodes without a counterpart become diagnostics."""
        self.readers = Counter(name for node in nodes for name in node.inputs)
        self.readers.update(self.model.outputs)
        for node, place in zip(nodes, places, strict=True):
            self._node(node, place, rules)
        return self._outputs()

    def _node(self, node: Node, place: Place, rules: dict[str, Rule]) -> None:
        self.place = place
        results: Value | Sequence[Value] | None = None
        rule = rules.get(node.op) if node.domain in ("", "ai.onnx", "archspec") else None
        mark, filled = self.assembly.mark(), len(self.fillings)
        try:
            if rule is None:
                raise _unknown(node, rules)
            if self._ready(node):
                results = rule(self, node)
        except Fault as fault:
            if self.keep is not None and fault.diagnostic.code == "not-importable":
                self.assembly.back(mark)
                del self.fillings[filled:]
                while self.made and next(reversed(self.made)) >= mark[1]:
                    self.made.popitem()
            results = self._refused(node, fault.diagnostic)
        given: list[Any] = list(results) if isinstance(results, list | tuple) else [results]
        for at, name in enumerate(node.outputs):
            if name and name in self.values:
                said = f"{node.shown}: the value `{printable(name, 60)}` is made twice"
                self.diagnostics.error("not-importable", said)
            self.values[name] = given[at] if at < len(given) else None

    def _refused(self, node: Node, found: Diagnostic) -> Value | Sequence[Value] | None:
        """An opaque step in place of a node; or None, and a diagnostic."""
        if self.keep is not None and found.code == "not-importable":
            if not self._ready(node):
                return None
            try:
                return self.keep(self, node)
            except Fault as fault:
                found = Diagnostic(found.code, found.message, None, f"--opaque: {fault.diagnostic.message}")
        self.diagnostics.add(Diagnostic(found.code, f"{node.shown}: {found.message}", None, found.hint))
        return None

    def _ready(self, node: Node) -> bool:
        """Whether all inputs of a node have values; an input that no node gives is reported once."""
        for name in node.inputs:
            if name and name not in self.values:
                said = f"{node.shown}: no node before makes the value `{printable(name, 60)}`"
                self.diagnostics.error("not-importable", said, None, did_you_mean(name, list(self.values)[-200:]))
                self.values[name] = None
        return all(not name or self.values[name] is not None for name in node.inputs)

    def _outputs(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        used = {legal(each.name, "input") for each in self.model.inputs}
        for name in self.model.outputs:
            value = self.values.get(name)
            word = legal(name, "output")
            while word in used:
                word += "_"
            used.add(word)
            if isinstance(value, Step):
                found.append((word, value.number))
            elif not self.diagnostics.errors:
                said = f"the output `{printable(name, 60)}` is not computed from the input by a node"
                self.diagnostics.error("no-outputs", said)
        if not found and not self.diagnostics.errors:
            raise Fault("no-outputs", "the network has no output")
        return found

    # -- what rules ask ------------------------------------------------------------------------------------------------

    def value(self, node: Node, at: int) -> Value | None:
        """An input of a node; None if it is missing."""
        name = node.inputs[at] if at < len(node.inputs) else ""
        return self.values[name] if name else None

    def given(self, node: Node, at: int = 0) -> Value:
        """An input that a node must have; raises :class:`Fault`."""
        found = self.value(node, at)
        if found is None:
            raise Fault("wrong-value", f"it has no input {at + 1}")
        return found

    def step(self, node: Node, at: int = 0) -> int:
        """The number of an input that is a step's output; raises :class:`Fault`."""
        found = self.value(node, at)
        if not isinstance(found, Step):
            raise refuse("it reads a constant where a tensor of the network is needed")
        return found.number

    def numbers(self, node: Node, at: int) -> Known | None:
        """The known numbers of an input, None if it is missing; raises :class:`Fault` if they are not known."""
        return self.known(self.value(node, at))

    def constant(self, node: Node, at: int) -> Known:
        """The known numbers of an input that a node must have; raises :class:`Fault`."""
        found = self.numbers(node, at)
        if found is None:
            raise Fault("wrong-value", f"it has no input {at + 1}")
        return found

    def known(self, found: Value | None) -> Known | None:
        """The known numbers of a value, None for None; raises :class:`Fault` if they are not known."""
        if isinstance(found, Step):
            raise refuse("it reads computed numbers where the language needs constants")
        if isinstance(found, Stored):
            if count(found.dims) > MOST_KNOWN:
                raise refuse(f"a constant of {count(found.dims):,} numbers is not supported")
            return Known(found.dims, known(found, self.folder), found)
        return found

    def weight(self, node: Node, at: int) -> Stored:
        """A tensor of the file; raises :class:`Fault`."""
        found = self.value(node, at)
        if isinstance(found, Known) and found.stored is not None:
            found = found.stored
        if not isinstance(found, Stored):
            raise refuse("its weights are not a tensor of the file")
        return found

    def rank(self, value: int) -> int:
        """The number of axes of a value besides batch and channels."""
        return len(self.assembly.shapes[value].dims) - 1

    def dims(self, value: int) -> list[Extent]:
        """The sizes of a value, the batch first, each with its origin."""
        found = [Extent(min(self.batches, default=1), BATCH)]
        return found + [
            Extent(int(str(dim)), Origin(value, axis)) for axis, dim in enumerate(self.assembly.shapes[value].dims, 1)
        ]

    # -- what rules make -----------------------------------------------------------------------------------------------

    def add(self, op: str, reads: Sequence[int], refers: dict[str, int] | None = None, **arguments: Any) -> Step:
        """Add one op without weights, in the place of the node."""
        number = self.assembly.add(op, reads, arguments, frame=self.place.frame, refers=refers)
        self.made[number] = self.assembly.layers[-1]
        return Step(number)

    def learnt(
        self, op: str, reads: Sequence[int], tensors: dict[str, Stored], transposed: Sequence[str] = (), **more: Any
    ) -> Step:
        """Add one op with weights, at the path of the node; the same op with the same tensors shares weights.

        A parameter by itself is named after its tensor, if that lies in the node's module.
        """
        key = (op, *sorted((name, tensor.name) for name, tensor in tensors.items()))
        lender, given = self._shared.get(key, (None, {}))
        there = lender is not None and self.made.get(lender.gives) is lender  # else its node was refused
        if op in ("conv", "conv_transpose", "linear") and there and given == more:
            number = self.assembly.add(op, reads, more, frame=self.place.frame, again=lender)
        else:
            path = self.path(op, tensors[""].name if "" in tensors else "")
            number = self.assembly.add(op, reads, more, frame=self.place.frame, path=path)
            at = ".".join(path)
            self.fillings += [
                Filling(f"{at}.{name}" if name else at, tensor.name, name in transposed)
                for name, tensor in tensors.items()
            ]
            self._shared[key] = (self.assembly.layers[-1], more)
        self.made[number] = self.assembly.layers[-1]
        return Step(number)

    def path(self, op: str, own: str = "") -> tuple[str, ...]:
        """The path of the node, or of its own tensor, made distinct from paths already used."""
        around = tuple(self.place.frame.path.split(".")) if self.place.frame.path else ()
        named = parts(own)
        inside = own and named[:-1] == around and not named[-1].isdecimal()
        path = base = named if inside else self.place.path or (*around, op)
        number = 1
        while ".".join(path) in self._taken:
            number += 1
            last = f"{base[-1]}_{number}" if not base[-1].isdecimal() else f"{op}_{number}"
            path = (*base[:-1], last)
        self._taken.add(".".join(path))
        return path


def _unknown(node: Node, rules: Mapping[str, Rule]) -> Fault:
    what = node.op if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op}"
    return refuse(f"there is nothing for the operator `{printable(what, 60)}`", did_you_mean(node.op, rules))


def refuse(message: str, hint: str | None = None) -> Fault:
    """The fault for a node that the language cannot express."""
    return Fault("not-importable", message, None, hint)
