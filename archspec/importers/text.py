"""An imported network as a spec, in YAML."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from archspec import ops
from archspec.importers.bodies import Block, default, given
from archspec.importers.loops import Step, repeated
from archspec.importers.network import Network
from archspec.importers.places import Places
from archspec.importers.scopes import Group, Item, Leaf, Use, leaves
from archspec.syntax import flow


def write(network: Network, root: Group, blocks: list[Block]) -> str:
    """The spec."""
    defaults = _defaults(root, blocks)
    writer = _Writer(defaults)
    lines = ["archspec: 1", f"name: {_scalar(network.name)}"]
    if network.doc:
        lines.append(f"doc: {_scalar(network.doc)}")
    if network.task:
        lines.append(f"task: {network.task}")
    lines += network.head
    lines.append("inputs:")
    lines += [f"  {name}: [{', '.join(map(str, dims))}]" for name, dims in network.inputs]
    if network.sizes:
        lines.append(f"sizes: {flow(network.sizes)}")
    if defaults:
        lines.append("defaults:")
        lines += [f"  {op}: {flow(given)}" for op, given in defaults.items()]
    if blocks:
        lines.append("blocks:")
    for block in blocks:
        lines += [f"  {block.name}:"]
        if block.params:
            said = (name if value is ... else f"{name}: {flow(value)}" for name, value in block.params.items())
            lines.append(f"    params: {{{', '.join(said)}}}")
        if len(block.inputs) > 1:
            lines.append(f"    inputs: {{{', '.join(block.inputs.values())}}}")
        lines.append("    steps:")
        lines += _lines(writer.body(block), 3)
    inputs = {value: name for value, (name, _) in enumerate(network.inputs)}
    steps, places = writer.network(root, inputs, [output.value for output in network.outputs])
    lines.append("steps:" if steps else "steps: []")
    lines += _lines(steps, 1)
    lines += _outputs(network, root, places)
    return "\n".join(lines) + "\n"


def _outputs(network: Network, root: Group, places: Places) -> list[str]:
    outputs = network.outputs
    last = root.gives if root.items else 0
    if len(outputs) == 1 and outputs[0].value == last:
        return []
    lines = ["outputs:"]
    for output in outputs:
        source = places.refer(output.value, ())
        told = {"training": True} if output.training else {}
        told |= {"loss_weight": output.loss_weight} if output.loss_weight != 1.0 else {}
        more = flow(told)[1:-1]
        lines.append(f"  {output.name}: {{from: {source}, {more}}}" if more else f"  {output.name}: {source}")
    return lines


def _defaults(root: Group, blocks: list[Block]) -> dict[str, dict[str, Any]]:
    """Arguments that most steps of an op share and that differ from the op's own defaults."""
    counts: dict[str, Counter[str]] = {}
    values: dict[tuple[str, str], Any] = {}
    total: Counter[str] = Counter()
    for body in [root.items, *(block.body.items for block in blocks)]:
        for leaf in leaves(body):
            op = leaf.layer.op
            total[op] += 1
            for name, value in leaf.layer.arguments.items():
                if isinstance(value, bool | float | dict) and not ops.find(op).model_fields[name].is_required():
                    counts.setdefault(op, Counter())[f"{name}={value!r}"] += 1
                    values[op, f"{name}={value!r}"] = value
    found: dict[str, dict[str, Any]] = {}
    for op, by_value in counts.items():
        for text, count in by_value.items():
            if count * 2 > total[op] and count > 2:
                found.setdefault(op, {})[text.partition("=")[0]] = values[op, text]
    return found


class _Writer:
    def __init__(self, defaults: dict[str, dict[str, Any]]) -> None:
        self.defaults = defaults

    def body(self, block: Block) -> list[Step]:
        """The steps of a block."""
        return self._written(block.body, block.inputs, [block.body.gives], block.outputs)[0]

    def network(self, root: Group, inputs: dict[int, str], outputs: list[int]) -> tuple[list[Step], Places]:
        """The steps of the network."""
        return self._written(root, inputs, outputs)

    def _written(
        self, group: Group, inputs: dict[int, str], outputs: list[int], labels: dict[int, str] | None = None
    ) -> tuple[list[Step], Places]:
        """The steps of a group.  They are made twice: only then is it known which are read by name and need a label."""
        places = Places(group, inputs)
        places.give(labels or {})
        current = next(iter(inputs))
        self._items(group, current, places, ())
        last = group.gives if group.items else current
        for output in outputs:
            if output != last or len(outputs) > 1:
                places.refer(output, ())
        return self._items(group, current, places, ())[0], places

    def _items(self, group: Group, current: int, places: Places, around: tuple[Group, ...]) -> tuple[list[Step], int]:
        found: list[Step] = []
        for item in group.items:
            if group.numbered:
                places_kept = not group.items[0].when and not any(_turns(one) for one in group.items)
                number = int(item.name) if places_kept else len(found)
                found += [Step("identity") for _ in range(number - len(found))]
            steps, current = self._item(item, current, places, around, group.numbered)
            found += steps
        return found, current

    def _item(
        self, item: Item, current: int, places: Places, around: tuple[Group, ...], numbered: bool
    ) -> tuple[list[Step], int]:
        name = "" if numbered else item.name
        beside: dict[str, Any] = {}
        if isinstance(item, Group):
            reads = item.reads()
            start = current
            if reads and current not in reads:
                start = reads[0]
                beside["from"] = [places.refer(start, around)]
            inner, _ = self._items(item, start, places, (*around, item))
            step = Step("sequence", name, steps=inner)
            current = item.gives
        elif isinstance(item, Use):
            step = Step(item.block, name, self._arguments(item), usual=self._usual(item), unread=item.unread)
            if item.sources != [current]:
                beside["from"] = [
                    "previous" if value == current else places.refer(value, around) for value in item.sources
                ]
            current = item.gives
        else:
            layer = item.layer
            step = Step(layer.op, name, self._arguments(item, places, around), usual=self._usual(item))
            if layer.again is not None and ops.find(layer.op).weights is not ops.Op.weights:
                step = Step("reuse", "", {"": places.refer(layer.again.gives, around)})
            if item.branches is not None:
                if item.start != current:
                    beside["from"] = [places.refer(item.start, around)]
                step.branches = []
                for branch in item.branches:
                    inside, start = [], item.start
                    for one in branch:
                        steps, start = self._item(one, start, places, around, False)
                        inside += steps
                    step.branches.append(inside)
                step.bare = item.bare
            elif len(layer.reads) > 1 or (layer.reads and layer.reads[0] != current):
                beside["from"] = [
                    "previous" if value == current else places.refer(value, around) for value in layer.reads
                ]
            if layer.aside and layer.reads:
                beside["aside"] = "true"
            if not item.passes:
                current = layer.gives
        turns = _turns(item)
        if turns is not None:
            beside[turns[0]] = turns[1]
        if (isinstance(item, Group) and item.frame.checkpoint) or (isinstance(item, Use) and item.checkpoint):
            beside["checkpoint"] = "true"
        if item.when:
            beside["when"] = item.when
        label = places.label(item)
        step.beside = beside
        if label and item.when and not numbered:  # a step that is left out has no label
            return [step, Step("identity", beside={"label": label})], current
        if label:
            beside["label"] = label
        return [step], current

    def _arguments(
        self, item: Leaf | Use, places: Places | None = None, around: tuple[Group, ...] = ()
    ) -> dict[str, Any]:
        """The arguments of a step as text."""
        given_ = {name: value for name, value in given(item).items() if value is not ...}
        if isinstance(item, Leaf):
            usual = self.defaults.get(item.layer.op, {})
            for name, value in usual.items():
                own = given_.get(name, default(item, name))
                if own == value and type(own) is type(value):
                    given_.pop(name, None)
                else:
                    given_[name] = own
            if places is not None:
                given_ |= {name: places.refer(value, around) for name, value in item.layer.refers.items()}
        return given_

    def _usual(self, item: Leaf | Use) -> Callable[[str], Any]:
        """The value of an argument that a step is not given."""
        here = self.defaults.get(item.layer.op, {}) if isinstance(item, Leaf) else {}
        return lambda name: here[name] if name in here else default(item, name)


def _turns(item: Item) -> tuple[str, str] | None:
    """``for`` or ``repeat`` of an item, with its text."""
    return item.turns if isinstance(item, Leaf | Use) else None


def _lines(steps: list[Step], depth: int) -> list[str]:
    margin = "  " * depth
    lines: list[str] = []
    for step in repeated(steps):
        head = f"{step.head} as {step.name}" if step.name else step.head
        inner: list[str] = []
        if step.steps is not None:
            head += ":" if step.steps else ": []"
            inner = _lines(step.steps, depth + 2)
        elif step.branches is not None:
            head += ":"
            for branch in step.branches:
                inner += _branch(branch, depth + 2, step.bare)
        elif "" in step.arguments:
            head += f": {step.arguments['']}"
        elif step.arguments:
            head += f": {flow(step.arguments)}"
        elif step.beside:
            head += ":"
        lines.append(f"{margin}- {head}")
        lines += inner
        for key, value in step.beside.items():
            if key == "from":
                shown = value[0] if len(value) == 1 else f"[{', '.join(value)}]"
                lines.append(f"{margin}  from: {shown}")
            else:
                lines.append(f"{margin}  {key}: {value}")
    return lines


def _branch(branch: list[Step], depth: int, bare: bool) -> list[str]:
    """A branch: a list in the list of branches; a single step is written without a list."""
    margin = "  " * depth
    if not branch:
        return [f"{margin}- []"]
    inner = _lines(branch, depth + 1)
    copied = len(branch) == 1 and not branch[0].beside.keys().isdisjoint(("for", "repeat"))
    if len(branch) == 1 and not copied and (bare or "when" not in branch[0].beside):
        # A single step is a branch without a list around it; copies of it would be as many branches.
        return [line[2:] for line in inner]
    return [f"{margin}- {inner[0].lstrip()}", *inner[1:]]


def _scalar(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_]\w*", text) else json.dumps(text, ensure_ascii=False)
