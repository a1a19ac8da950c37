"""Recognises the library's blocks: a module whose layers are those of a library block under some parameters is a use
of that block.

The layers, their weights' names, their arguments and what they read must be the same; how weights begin counts where it
is known.  All modules of one class become the same block, or none of them does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product
from typing import Any

from pydantic import ValidationError

from archspec import ops
from archspec.analyses.equal import doing
from archspec.elaborate.shelf import Shelf
from archspec.elaborate.shipped import library_folder, library_names
from archspec.graph import Graph, Node
from archspec.importers.scopes import Group, Item, Leaf, Use, has_weights, leaves, lists
from archspec.loading import attempt
from archspec.syntax import flow, parse, plain, read

MOST_TRIED = 12
"""The most values of a parameter that a module is tried with."""
WINDOWS = ("kernel", "stride", "padding", "dilation", "groups")
"""Parameters that are what the ops' arguments of the same name are."""
UNMADE = -(10**9)
"""The value of a node that no layer is."""
LONGEST = 512
"""The most layers of a module that is compared with the library."""


@dataclass(slots=True, eq=False)
class Candidate:
    """A block of the library as its file says it."""

    name: str
    params: dict[str, Any]
    """The default of each parameter; ``...`` without one."""
    ops: frozenset[str]
    """The ops that each use has."""
    others: frozenset[str] | None
    """The ops that a use may have; None if a parameter or another block names some."""
    names: frozenset[str]
    """The names of what has weights in each use."""
    further: tuple[str, ...]
    """All names; what follows on ``$`` may vary."""
    counts: frozenset[str]
    """The parameters that say how often something is repeated."""


@dataclass(slots=True, eq=False)
class Said:
    """A step of a library file."""

    op: str
    """The word before its arguments; empty for a sequence."""
    name: str
    always: bool
    """Whether each use has it."""
    outer: bool
    """Whether its name is one of the block's own, and not of a sequence in it."""
    holds: bool
    """Whether there may be weights in it."""
    turns: str = ""
    """How often it is repeated."""


def recognise(groups: Sequence[Group], channels: Mapping[int, int], initial: bool) -> dict[Item, Use]:
    """The uses of library blocks that stand for some of the groups, the outermost; ``initial`` is whether it is known
    how weights begin.
    """
    kinds: dict[str, list[Group]] = {}
    for group in groups:
        kinds.setdefault(group.frame.kind, []).append(group)
    found: dict[Group, Use] = {}
    trials = Trials()
    for alike in kinds.values():
        if len(alike[0].reads()) == 1 and channels.get(alike[0].reads()[0]):
            found |= _all(alike, channels, initial, trials)
    inside = {id(inner) for group in found for items in lists(group.items) for inner in items}
    return {group: use for group, use in found.items() if id(group) not in inside}


def _all(groups: Sequence[Group], channels: Mapping[int, int], initial: bool, trials: Trials) -> dict[Group, Use]:
    """Uses of one library block for all groups of a class; none if no block has them all."""
    layers = {group: list(leaves(group.items)) for group in groups}
    if any(not 2 <= len(own) <= LONGEST for own in layers.values()) or any(map(_checkpoints, groups)):
        return {}
    for name in sorted(library_names()):
        candidate = _candidate(name)
        if candidate is None:
            continue
        found: dict[Group, Use] = {}
        before: dict[str, Any] = {}
        for group in groups:
            given = _given(candidate, group, layers[group], channels, initial, trials, before)
            if given is None:
                break
            before = given
            arguments = {key: value for key, value in given.items() if value != candidate.params[key]}
            source = group.reads()[0]
            readings = [sum(value == source for leaf in layers[group] for value in _reads(leaf))]
            found[group] = Use(
                name, group.name, [source], group.gives, arguments, candidate.params,
                readings=readings, checkpoint=group.frame.checkpoint,
            )  # fmt: skip
        else:
            return found
    return {}


def _checkpoints(group: Group) -> bool:
    """Whether values inside a module, and not in all of it, are computed again in training."""
    inner = (item for items in lists(group.items) for item in items)
    return any(isinstance(item, Group) and item.frame.checkpoint for item in inner)


@cache
def _candidate(name: str) -> Candidate | None:
    """A block of the library that has one input and one output."""
    model = plain(parse(read(library_folder() / f"{name}.yaml"), name))
    if len(model.get("inputs") or ()) > 1 or "outputs" in model:
        return None
    params = {key: ... if value is None else value for key, value in (model.get("params") or {}).items()}
    said = list(_said(model["steps"], True, True))
    return Candidate(
        name,
        params,
        ops=frozenset(op for one in said if one.always for op in _ops(one.op)),
        others=None if any(one.op not in ops.names() for one in said if one.op) else frozenset(one.op for one in said),
        names=frozenset(one.name for one in said if one.outer and one.always and one.name and one.holds),
        further=tuple(one.name for one in said if one.outer and one.name),
        counts=frozenset(name for name in params for one in said if re.search(rf"\b{name}\b", one.turns)),
    )


def _ops(word: str) -> frozenset[str]:
    """The ops that a step has for sure: itself, or what is in the library's block."""
    inner = _candidate(word) if word in library_names() else None
    return frozenset({word} & ops.names()) if inner is None else inner.ops


def _said(steps: Any, always: bool, outer: bool) -> Iterator[Said]:
    """Every step of a library file."""
    if isinstance(steps, dict):  # branches with names
        for name, branch in steps.items():
            yield Said("", name, always, outer, True)
            yield from _said(branch if isinstance(branch, list) else [branch], always, False)
        return
    for step in steps:
        if isinstance(step, list):
            yield from _said(step, always, outer)
            continue
        head, body = (step, None) if isinstance(step, str) else next(iter(step.items()))
        word, _, name = head.partition(" as ")
        here = always and not (isinstance(step, dict) and step.keys() & {"when", "for", "repeat"})
        inside = word in ("sequence", "steps") or (word in ops.names() and ops.find(word).merges)
        holds = word not in ops.names() or ops.find(word).weights is not ops.Op.weights
        turns = "".join(str(step.get(key, "")) for key in ("for", "repeat")) if isinstance(step, dict) else ""
        yield Said("" if word in ("sequence", "steps") else word, name, here, outer, holds, turns)
        if isinstance(body, list | dict) and inside:
            yield from _said(body, here, outer and word != "sequence")


def _given(
    candidate: Candidate,
    group: Group,
    layers: Sequence[Leaf],
    channels: Mapping[int, int],
    initial: bool,
    trials: Trials,
    before: Mapping[str, Any],
) -> dict[str, Any] | None:
    """The parameters under which a block is a group; None if there are none."""
    there = {leaf.layer.op for leaf in layers}
    if not candidate.ops <= there or (candidate.others is not None and not there <= candidate.others):
        return None
    paths = [leaf.layer.path.removeprefix(f"{group.frame.path}.") for leaf in layers if has_weights(leaf.layer)]
    first = {path.partition(".")[0] for path in paths}
    named = {name for name in first if not name.isdigit()}
    if not {name for name in candidate.names if "$" not in name} <= first or any(
        not any(_may_be(name, known) for known in candidate.further) for name in named
    ):
        return None
    columns = {
        name: [len(first)] if name in candidate.counts else _values(name, default, layers)
        for name, default in candidate.params.items()
    }
    heads = {name: column[0] for name, column in columns.items()}

    def reach(tried: dict[str, Any]) -> int:
        graph = trials.graph(candidate.name, flow(tried), channels[group.reads()[0]])
        return 0 if graph is None else _common(graph, group, layers, initial)

    given, far = heads, 0
    for start in ({**heads, **before}, heads) if before else (heads,):  # what another of the class has is likely
        given, far = start, reach(start)
        for name, column in [*columns.items(), *columns.items()]:
            for value in column:
                if far <= len(layers) and value != given[name] and (further := reach(given | {name: value})) > far:
                    given, far = given | {name: value}, further
        if far > len(layers):
            return given
    if trials.alike(candidate.name, flow(heads), channels[group.reads()[0]], layers):
        for one, two in combinations(columns, 2):  # numbers that are right only together
            for pair in product(columns[one], columns[two]):
                tried = heads | dict(zip((one, two), pair, strict=True))
                if far <= len(layers) and (further := reach(tried)) > far:
                    given, far = tried, further
    return given if far > len(layers) else None


def _may_be(name: str, known: str) -> bool:
    """Whether a name is one of a library file, or begins like one that varies."""
    start, varies, _ = known.partition("$")
    return name.startswith(start) if varies else name == known


def _values(name: str, default: Any, layers: Sequence[Leaf]) -> list[Any]:
    """The values that a parameter may have in a use, the likeliest first."""
    arguments = [(key, value) for leaf in layers for key, value in leaf.layer.arguments.items()]
    found: list[Any] = []
    if isinstance(default, bool):
        return [default, not default]
    if isinstance(default, str):
        acts = [leaf.layer.op for leaf in layers if ops.find(leaf.layer.op).kind == "activation"]
        own = default in ops.names() and ops.find(default).kind == "activation"
        found = [*acts, default, "none"] if own else [default, *acts, "none"]
    elif isinstance(default, int) or default is ...:
        own = [value for key, value in arguments if key == name and isinstance(value, int | list | tuple)]
        widths = [value for key, value in arguments if key in ("channels", "features") and isinstance(value, int)]
        steps = [value for key, value in arguments if key == "stride" and isinstance(value, int)]
        if default is ...:
            found = [*(own if name != "channels" else ()), *widths, *(width // 4 for width in widths)]
        else:
            found = [*own, default]
            if "stride" in name:
                found += [*steps, 1]
            elif name not in WINDOWS:
                found += [*widths, *(2**power for power in range(8))]
    else:
        found = [default, *(value for key, value in arguments if key == "p")]
    return [value for at, value in enumerate(found) if value not in found[:at]][:MOST_TRIED] or [default]


class Trials:
    """Uses of library blocks that were elaborated, each once; the library's files are read once."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._found: dict[tuple[str, str, int], Graph | None] = {}

    def alike(self, name: str, given: str, channels: int, layers: Sequence[Leaf]) -> bool:
        """Whether a use has the ops of some layers, whatever their arguments."""
        graph = self.graph(name, given, channels)
        found = [] if graph is None else [node.op.keyword for node in _steps(graph) if node.op is not None]
        return found == [leaf.layer.op for leaf in layers]

    def graph(self, name: str, given: str, channels: int) -> Graph | None:
        """The graph of one use of a block; None if it refuses the parameters."""
        key = (name, given, channels)
        if key not in self._found:
            text = f"archspec: 1\nname: use\ninputs: {{x: [{channels}, H, W]}}\nsizes: {{H: 224, W: 224}}\nsteps:\n"
            spec = attempt(None, f"{text}  - {name} as use: {given}\n", name, self._shelf).spec
            self._found[key] = None if spec is None else spec.graph
        return self._found[key]


def _common(graph: Graph, group: Group, layers: Sequence[Leaf], initial: bool) -> int:
    """How many of a group's layers the nodes of a use are, in the same order; one more if it gives the same value."""
    nodes = _steps(graph)
    values = {0: group.reads()[0]}
    for node in graph.nodes[1:]:  # identities give what they read
        if node.op is not None and node.op.transparent:
            values[node.index] = -1 - node.inputs[0]
    for count, (node, leaf) in enumerate(zip(nodes, layers, strict=False)):
        reads = [_resolved(index, values) for index in node.inputs]
        own = _reads(leaf)
        same = reads == own or (ops.find(leaf.layer.op).commutes and reads[::-1] == own and len(own) == 2)
        if (
            not same
            or leaf.layer.again is not None
            or leaf.layer.aside
            or not _alike(graph, node, group, leaf, initial)
        ):
            return count
        values[node.index] = leaf.gives
    whole = len(nodes) == len(layers) and _resolved(graph.outputs[0].node, values) == group.gives
    return len(layers) + whole


def _steps(graph: Graph) -> list[Node]:
    """The nodes of a use, without its input and without identities."""
    return [node for node in graph.nodes if node.op is not None and not node.op.transparent]


def _resolved(index: int, values: Mapping[int, int]) -> int:
    """The group's value for a node of the use."""
    found = values.get(index, UNMADE)
    while found < 0 and found != UNMADE:
        found = values[-1 - found]
    return found


def _reads(leaf: Leaf) -> list[int]:
    return [*leaf.layer.reads, *leaf.layer.refers.values()]


def _alike(graph: Graph, node: Node, group: Group, leaf: Leaf, initial: bool) -> bool:
    """Whether a node does what a layer does, with weights under the same names."""
    layer, op = leaf.layer, node.op
    if op is None or op.keyword != layer.op:
        return False
    if layer.named or op.weights(graph.shapes_in(node)):
        path = layer.path.removeprefix(f"{group.frame.path}.")
        if node.path.removeprefix("use.") != path:
            return False
    try:
        other = type(op).model_validate(layer.arguments | {name: getattr(op, name) for name in layer.refers})
    except ValidationError:
        return False
    own, its = doing(graph, node), doing(graph, replace(node, op=other))
    return (own.what, own.arguments) == (its.what, its.arguments) and (not initial or own.initial == its.initial)
