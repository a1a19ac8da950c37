"""The text of statements that initialise tensors: logical lines, nested ones indented by four columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archspec.backends.torch_source.layout import inside
from archspec.backends.torch_source.names import quoted
from archspec.ops import Module
from archspec.records import record

Statements = dict[tuple[int, str], str]
"""Statements with the placeholder ``{tensor}``, by the node of the layer and the tensor's name."""
FEWEST = 3
"""The fewest tensors with the same initialisation for which a loop is written."""


@record
class Way:
    """The initialisation of one tensor in a kind of layer; ``optional`` where a layer may lack the tensor.

    ``apart`` has the statements of exceptional layers, as (expression of the layer, statement).  Each tensor is drawn
    once.
    """

    tensor: str
    statement: str
    optional: bool
    apart: tuple[tuple[str, str], ...] = ()

    def lines(self, module: str) -> list[str]:
        """The statements for a ``module`` that is known to have the tensor."""
        usual = [self.statement.format(tensor=f"{module}.{self.tensor}")]
        layers: dict[str, list[str]] = {}
        for layer, statement in self.apart:
            layers.setdefault(statement, []).append(layer)
        found: list[str] = []
        for position, (statement, alike) in enumerate(layers.items()):
            test = f"{module} is {alike[0]}" if len(alike) == 1 else f"{module} in ({', '.join(alike)})"
            found.append(f"{'elif' if position else 'if'} {test}:")
            found += inside([statement.format(tensor=f"{module}.{self.tensor}")])
        return [*found, "else:", *inside(usual)] if found else usual


@record
class Tensor:
    """A tensor: its path, the expression of its layer where a type checker knows it, and whether it may be None."""

    path: str
    layer: str = ""
    optional: bool = False

    @property
    def name(self) -> str:
        """The tensor's name in its layer; empty where it has no ``layer``."""
        return self.path.rpartition(".")[2] if self.layer else ""

    def lines(self, statement: str) -> list[str]:
        """The statement that initialises it."""
        if not self.layer:
            return [statement.format(tensor=f"self.get_parameter({quoted(self.path)})")]
        text = f"{self.layer}.{self.name}"
        own = [statement.format(tensor=text)]
        return [f"if {text} is not None:", *inside(own)] if self.optional else own


def loop(over: str, kinds: dict[str, list[Way]], module: str = "module") -> list[str]:
    """One loop over modules that initialises each kind of layer in its own way."""
    return [f"for {module} in {over}:", *inside(_branches(kinds, module))] if kinds else []


def _branches(kinds: dict[str, list[Way]], module: str) -> list[str]:
    """A branch for each kind of layer; kinds with the same initialisation share one."""
    alike: dict[tuple[Way, ...], list[str]] = {}
    for kind, ways in kinds.items():
        alike.setdefault(tuple(ways), []).append(kind)
    lines: list[str] = []
    for position, (ways, names) in enumerate(alike.items()):
        test = f"{'elif' if position else 'if'} isinstance({module}, {' | '.join(names)})"
        if len(ways) == 1 and ways[0].optional:
            lines += [f"{test} and {module}.{ways[0].tensor} is not None:", *inside(ways[0].lines(module))]
            continue
        lines.append(f"{test}:")
        for way in ways:
            own = way.lines(module)
            lines += inside([f"if {module}.{way.tensor} is not None:", *inside(own)] if way.optional else own)
    return lines


def named(ways: Sequence[tuple[Tensor, str]]) -> list[str]:
    """A statement for each tensor, or a loop over many with the same initialisation."""
    layers: dict[str, list[tuple[Tensor, str]]] = {}
    paths: dict[str, list[Tensor]] = {}
    for tensor, statement in ways:
        if tensor.layer:
            layers.setdefault(tensor.layer, []).append((tensor, statement))
        else:
            paths.setdefault(statement, []).append(tensor)
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for layer, tensors in layers.items():
        alike.setdefault(tuple((tensor.name, statement) for tensor, statement in tensors), []).append(layer)
    lines: list[str] = []
    for same in alike.values():
        tensors = [(layer, tensor, statement) for layer in same for tensor, statement in layers[layer]]
        if len(same) > 1 and len(tensors) >= FEWEST:
            optional = {tensor.name for _, tensor, _ in tensors if tensor.optional}
            lines.append(f"for layer in ({', '.join(same)}):")
            for tensor, statement in layers[same[0]]:
                lines += inside(Tensor(tensor.path, "layer", tensor.name in optional).lines(statement))
        else:
            lines += [line for _, tensor, statement in tensors for line in tensor.lines(statement)]
    for statement, some in paths.items():
        if len(some) < FEWEST:
            lines += [line for tensor in some for line in tensor.lines(statement)]
            continue
        lines.append(f"for name in ({', '.join(quoted(tensor.path) for tensor in some)}):")
        lines += inside([statement.format(tensor="self.get_parameter(name)")])
    return lines


def joined(path: str, name: str) -> str:
    """A path followed by a name; either may be empty."""
    return f"{path}.{name}" if path and name else path or name


def is_whole(kind: str, modules: Iterable[Module]) -> bool:
    """Whether ``isinstance`` matches the layers of a kind and no others."""
    helpers = {module.helper for module in modules if module.helper is not None}
    return kind.startswith("nn.") and not any(f"({kind})" in helper for helper in helpers)


def may_lack(kind: str, tensor: str) -> bool:
    """Whether torch's type declarations allow a tensor of a kind of layer to be None."""
    return tensor == "bias" and "Conv" in kind
