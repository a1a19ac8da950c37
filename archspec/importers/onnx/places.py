"""Finds the modules and paths of a file's nodes from the names that its writer recorded.

torch's exporter records every module with its class (``namespace``), or writes modules into the names of nodes
(``/layer1/layer1.0/conv1/Conv``).  Without either, the names of tensors tell (``layer1.0.conv1.weight``); without
these, nodes get their own names or numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from archspec.importers.naming import Frames, legal, paths
from archspec.importers.network import Frame
from archspec.importers.onnx.messages import Model, Node

_OWN = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)\.(?:weight|bias|running_mean|running_var)\Z", re.ASCII)
"""The pattern of a tensor's name as torch writes it."""

_CONTAINER = "torch.nn.modules.container."
_LAYER = "torch.nn.modules."

WORDS = {
    "BatchNormalization": "bn", "Conv": "conv", "ConvTranspose": "deconv", "Gemm": "fc", "MatMul": "fc", "Linear": "fc",
    "InstanceNormalization": "norm", "LayerNormalization": "norm", "PRelu": "prelu",
}  # fmt: skip
"""The names of unnamed nodes with weights, by operator."""


@dataclass(slots=True, eq=False)
class Place:
    """The module of a node's layers, and the path of the layer with weights."""

    frame: Frame
    path: tuple[str, ...]


class Modules:
    """Frames by module path, so that each module has one frame."""

    def __init__(self, root: Frame) -> None:
        self.root = root
        self._found: dict[tuple[str, ...], Frame] = {(): root}

    def of(self, path: tuple[str, ...], kinds: Mapping[tuple[str, ...], str] | None = None) -> Frame:
        """The frame of a module; its class is the recorded one, or else a word of its name."""
        if path in self._found:
            return self._found[path]
        around = self.of(path[:-1], kinds)
        noted = (kinds or {}).get(path)
        word = re.match(r"[A-Za-z]+", path[-1])
        kind = noted or (word[0] if word else "block")
        self._found[path] = made = Frame(".".join(path), kind, around, chain=kind == "Sequential")
        return made


def places(model: Model, nodes: Sequence[Node], owners: Callable[[Node], str], root: Frame) -> list[Place]:
    """The place of every node; ``owners`` gives the name of a node's weight tensor, empty for none."""
    tensors = [owners(node) for node in nodes]
    if any(node.namespace for node in nodes):
        return _by_namespace(nodes, tensors, root)
    if sum(node.name.startswith("/") for node in nodes) * 2 > len(nodes):
        return _by_name(nodes, tensors, root)
    weighted = [tensor for tensor in tensors if tensor]
    if weighted and all(_OWN.match(tensor) for tensor in weighted):
        return _by_tensor(nodes, tensors, root)
    return _by_word(model, nodes, tensors, root)


def parts(path: str) -> tuple[str, ...]:
    """A module's path as valid names of steps; numbers are kept."""
    return tuple(part if part.isdecimal() and part.isascii() else legal(part, "m") for part in path.split(".") if part)


def _own(tensor: str) -> tuple[str, ...]:
    found = _OWN.match(tensor)
    return parts(found[1]) if found else ()


def _by_namespace(nodes: Sequence[Node], tensors: Sequence[str], root: Frame) -> list[Place]:
    kinds: dict[tuple[str, ...], str] = {}
    chains: list[tuple[list[tuple[str, ...]], tuple[str, ...]]] = []
    before: list[tuple[str, ...]] = []
    for node in nodes:
        modules: list[tuple[tuple[str, ...], str]] = []
        for each in re.split(r"/(?=[^/:]*: )", node.namespace):
            path, _, kind = each.partition(": ")
            if path and not kind.startswith("aten.") and kind.rpartition(".")[2]:
                modules.append((parts(path), kind))
            elif not path and kind:
                root.kind = kind.rpartition(".")[2]
        if modules and not re.search(r"[A-Z]", modules[-1][1].rpartition(".")[2]):
            modules.pop()  # a function
        leaf: tuple[str, ...] = ()
        if modules and modules[-1][1].startswith(_LAYER) and not modules[-1][1].startswith(_CONTAINER):
            leaf = modules.pop()[0]
        kinds |= {path: kind.rpartition(".")[2] for path, kind in modules}
        before = [path for path, _ in modules] if node.namespace else before
        chains.append((before, leaf))
    frames = Modules(root)
    found: list[Place] = []
    for (around, leaf), tensor in zip(chains, tensors, strict=True):
        frame = root
        for path in around:
            frame = frames.of(path, kinds)
        found.append(Place(frame, _own(tensor) or leaf))
    return found


def _by_name(nodes: Sequence[Node], tensors: Sequence[str], root: Frame) -> list[Place]:
    """Places by names such as ``/layer1/layer1.0/conv1/Conv``, where a list's member is prefixed by the list's name."""
    modules: list[tuple[str, ...]] = []
    for node in nodes:
        named: tuple[str, ...] = ()
        before = ""
        for part in node.name.split("/")[1:-1]:
            named += parts(part.removeprefix(f"{before}.") if before else part)
            before = part
        modules.append(named if node.name.startswith("/") else modules[-1] if modules else ())
    direct = {path for path, tensor in zip(modules, tensors, strict=True) if not tensor}
    within: dict[tuple[str, ...], set[str]] = {}
    for path in modules:
        for depth in range(len(path)):
            within.setdefault(path[:depth], set()).add(path[depth])
    kinds = {
        path: "Sequential"
        for path, names in within.items()
        if path and path not in direct and all(name.isdecimal() for name in names)
    }
    frames = Modules(root)
    found: list[Place] = []
    for path, tensor in zip(modules, tensors, strict=True):
        own = _own(tensor)
        if tensor and path:
            inside = own if own[: len(path) - 1] == path[:-1] and own else path
            found.append(Place(frames.of(inside[:-1], kinds), inside))
        elif tensor:
            found.append(Place(root, own))
        else:
            found.append(Place(frames.of(path, kinds), ()))
    return found


def _by_tensor(nodes: Sequence[Node], tensors: Sequence[str], root: Frame) -> list[Place]:
    """Places by tensor names: a node without weights is in the module of the one before, unless that list has ended."""
    own = [_own(tensor) for tensor in tensors]
    within: dict[tuple[str, ...], set[str]] = {}
    for path in own:
        for depth in range(len(path)):
            within.setdefault(path[:depth], set()).add(path[depth])
    kinds = {path: "Sequential" for path, names in within.items() if path and all(name.isdecimal() for name in names)}
    after: list[tuple[str, ...]] = [()] * len(own)
    following: tuple[str, ...] = ()
    for at in range(len(own) - 1, -1, -1):
        after[at] = following
        following = own[at][:-1] if own[at] else following
    frames = Modules(root)
    found: list[Place] = []
    current: tuple[str, ...] = ()
    for path, then in zip(own, after, strict=True):
        if path:
            current = path[:-1]
            found.append(Place(frames.of(current, kinds), path))
            continue
        where = current
        while where in kinds and then[: len(where)] != where:
            where = where[:-1]
        found.append(Place(frames.of(where, kinds), ()))
    return found


def _by_word(model: Model, nodes: Sequence[Node], tensors: Sequence[str], root: Frame) -> list[Place]:
    """Places by node names, without their common prefix and without words that only name the op."""
    split = [_words(node) for node in nodes]
    weighted = [each for each, tensor in zip(split, tensors, strict=True) if tensor and each]
    common = 0
    while weighted and all(len(each) > common + 1 and each[common] == weighted[0][common] for each in weighted):
        common += 1
    numbers: dict[str, int] = {}
    names: list[str] = []
    words: list[str] = []
    for node, each, tensor in zip(nodes, split, tensors, strict=True):
        word = WORDS.get(node.op, node.op.lower())
        words.append(word)
        own = "/".join(each[common:])
        if tensor and (not own or re.fullmatch(rf"{node.op}_?\d*", own)):
            numbers[word] = numbers.get(word, 0) + 1
            own = f"{word}{numbers[word]}"
        names.append(own or word)
    follow = [not tensor for tensor in tensors]
    taken = [legal(each.name, "input") for each in model.inputs]
    found = paths(names, words, follow, taken)
    frames = Frames(root)
    return [Place(frames.of(path), path if tensor else ()) for path, tensor in zip(found, tensors, strict=True)]


def _words(node: Node) -> list[str]:
    found = [part for part in re.split(r"[/:]", node.name) if part]
    if len(found) > 1 and re.fullmatch(r"[A-Z][A-Za-z0-9]*(_\d+)?", found[-1]):
        found.pop()
    return found
