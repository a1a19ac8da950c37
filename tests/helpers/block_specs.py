"""Random specs made of blocks: parameters, conditions, loops, nested uses, taps and weights used again.

Every block gives ``channels`` channels at its input's size, so that any of them can stand anywhere.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import yaml

WEIGHTED = ("batch_norm", "layer_norm", "instance_norm", "prelu")


@dataclass
class _Block:
    """What a step may draw on while its block is being written."""

    name: str
    params: dict[str, object] = field(default_factory=dict)
    names: int = 0
    tapped: list[str] = field(default_factory=list)


class _Writer:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.blocks: dict[str, dict[str, object]] = {}

    def pick(self, *options: object) -> object:
        return self.chance.choice(options)

    def maybe(self, probability: float = 0.5) -> bool:
        return self.chance.random() < probability

    # -- values --------------------------------------------------------------------------------------------------------

    def width(self, block: _Block) -> object:
        """A number of channels."""
        return self.pick(
            4,
            8,
            12,
            "$channels",
            "$(2 * channels)",
            "$(channels + 4)",
            "$(input.channels)",
            "$(channels // 2 + 2)",
            "$hidden",
        )

    def condition(self) -> str:
        return str(
            self.pick(
                "wide", "not wide", "count > 1", "channels != 8", "input.channels == channels",
                "input.channels != channels", "count > 1 and wide", "kind == 'a'",
            )
        )  # fmt: skip

    # -- steps ---------------------------------------------------------------------------------------------------------

    def conv(self, block: _Block, channels: object, named: bool) -> dict[str, object]:
        kernel = self.pick(1, 3, "$kernel")
        padding = {1: 0, 3: 1}.get(kernel, "$(kernel // 2)")  # type: ignore[call-overload]
        arguments = {"channels": channels, "kernel": kernel, "padding": padding}
        if self.maybe(0.4):
            arguments["bias"] = False
        if self.maybe(0.2):
            arguments["init"] = self.pick("kaiming_normal", "xavier_uniform", {"normal": {"std": 0.01}})
        return {self.named(block, "conv", named): arguments}

    def named(self, block: _Block, what: str, always: bool = False) -> str:
        if not always and self.maybe():
            return what
        block.names += 1
        return f"{what} as {what.replace('$', '')}{block.names}"

    def plain(self, block: _Block, named: bool) -> object:
        """A step that keeps the number of channels."""
        usual = ("batch_norm", "batch_norm", "relu", "relu", "hardswish", "dropout", "max_pool", "$act")
        rare = ("layer_norm", "instance_norm", "lrn", "prelu", "softmax", "upsample")
        what = str(self.pick(*(rare if self.maybe(0.25) else usual)))
        arguments = {
            "dropout": {"p": 0.25}, "max_pool": {"kernel": 3, "stride": 1, "padding": 1}, "lrn": {"size": 3},
            "instance_norm": {"affine": self.maybe()}, "prelu": {"per_channel": self.maybe()},
            "softmax": {"axis": self.pick("channels", "height", "width")},
            "upsample": {"to": "input", "mode": "bilinear"},
        }.get(what)  # fmt: skip
        step: dict[str, object] = {self.named(block, what, named and what in WEIGHTED): arguments}
        if self.maybe(0.25):
            step["when"] = self.condition()
        return step

    def use(self, block: _Block, channels: object, named: bool) -> object:
        """A use of a block written before."""
        if not self.blocks:
            return self.conv(block, channels, named)
        name = self.chance.choice(list(self.blocks))
        arguments: dict[str, object] = {"channels": channels}
        if self.maybe(0.4):
            arguments["wide"] = self.pick(True, False, "$wide")
        if self.maybe(0.3):
            arguments["count"] = self.pick(1, 2, 3, "$count")
        if self.maybe(0.3):
            arguments["kernel"] = self.pick(1, 3, "$kernel")
        if self.maybe(0.2):
            arguments["act"] = self.pick("relu", "hardswish", "$act")
        if self.maybe(0.2):
            arguments["kind"] = self.pick("a", "b", "$kind")
        return {self.named(block, name, named): arguments}

    def chain(self, block: _Block, channels: object, named: bool, depth: int) -> list[object]:
        """Steps that end in ``channels`` channels."""
        steps: list[object] = []
        for _ in range(self.chance.randint(0, 2)):
            steps.append(self.step(block, self.width(block), named, depth))
            if self.maybe():
                steps.append(self.plain(block, named))
        steps.append(self.step(block, channels, named, depth))
        while self.maybe(0.4):
            steps.append(self.plain(block, named))
        return steps

    def step(self, block: _Block, channels: object, named: bool, depth: int) -> object:
        """A step that gives ``channels`` channels."""
        kind = self.chance.randrange(10) if depth < 3 else 0
        if kind <= 2:
            return self.conv(block, channels, named)
        if kind <= 4:
            return self.use(block, channels, named)
        if kind == 5:
            branches = [self.chain(block, channels, True, depth + 1) for _ in range(self.chance.randint(1, 2))]
            side: dict[str, Any] = {"conv as " + self.label(block): {"channels": channels, "kernel": 1}}
            if channels == "$channels" and self.maybe():
                side["when"] = "previous.channels != channels"  # else the input itself
            return {"add": [*branches, [side]]}
        if kind == 6:
            block.names += 1
            inner = self.chain(block, channels, False, depth + 1)
            return {f"sequence as part{block.names}": inner}
        if kind == 7:
            block.names += 1
            left = {"keyed" + str(block.names) + "a": self.chain(block, 4, False, depth + 1)}
            right = {"keyed" + str(block.names) + "b": [self.conv(block, channels, False)]}
            joined = {"concat": {**left, **right}}
            return {"steps": [joined, self.conv(block, channels, True)]}
        if kind == 9:
            return self.tapped(block, channels)
        block.names += 1
        repeated = {"conv as again" + str(block.names) + "_$i": {"channels": channels, "kernel": 1}}
        return {"steps": [{**repeated, "for": f"i in range({self.pick('count', '2', '3')})"}]}

    def tapped(self, block: _Block, channels: object) -> object:
        """A loop in a sequence, whose turns are read outside of it."""
        block.names += 1
        label = f"turn{block.names}_"
        name = self.pick("conv", f"conv as c{block.names}_$i")
        turn = {str(name): {"channels": channels, "kernel": 1}, "label": f"{label}$i",
                "for": f"i in range({self.pick('count', '2', '3', '4')})"}  # fmt: skip
        inside: list[object] = [turn, *([self.plain(block, True)] if self.maybe() else [])]
        part = f"part{block.names}"
        return {"steps": [{f"sequence as {part}": inside}, {"add": None, "from": [f"{label}0", part]}]}

    def label(self, block: _Block) -> str:
        block.names += 1
        return f"side{block.names}"

    def block(self, name: str) -> None:
        """A block of any of the above."""
        block = _Block(name)
        steps = self.chain(block, "$channels", False, 0)
        if self.maybe(0.3):
            steps.append({"sequence as stack": [{"conv": {"channels": "$channels", "kernel": 1}, "repeat": "$count"}]})
        if self.maybe(0.3):
            steps.append({"add": [[{"conv as tail": {"channels": "$channels", "kernel": 1}}, "relu"], []]})
            if self.maybe():
                steps.append({"reuse": "tail"})
        self.blocks[name] = {
            "params": {"channels": None, "wide": True, "count": 2, "kernel": 3, "act": "relu", "kind": "a"},
            "let": {
                "hidden": str(self.pick("$(2 * channels)", "$(input.channels + channels)", "$(channels // 2 + count)"))
            },
            "steps": steps,
        }

    def network(self) -> str:
        """The spec."""
        for number in range(self.chance.randint(1, 4)):
            self.block(f"block_{number}")
        steps: list[object] = []
        for number in range(self.chance.randint(2, 6)):
            name = self.chance.choice(list(self.blocks))
            arguments: dict[str, object] = {"channels": self.pick(4, 8, 8, 16)}
            for key, options in (
                ("wide", (True, False)),
                ("count", (1, 2, 3, 4)),
                ("kernel", (1, 3)),
                ("kind", ("a", "b")),
            ):
                if self.maybe(0.4):
                    arguments[key] = self.chance.choice(options)
            if self.maybe(0.2):
                arguments["act"] = "hardswish"
            step: dict[str, object] = {f"{name} as use{number}": arguments}
            if self.maybe(0.3):
                step["label"] = f"value{number}"
            steps.append(step)
        steps += ["global_avg_pool", "flatten", {"linear as head": {"features": 3}}]
        blocks = {
            name: block
            for name, block in self.blocks.items()
            if any(name in str(step) for step in _all(steps, self.blocks))
        }
        spec = {"archspec": 1, "name": "Random", "inputs": {"image": [3, "H", "W"]}, "sizes": {"H": 8, "W": 8},
                "blocks": blocks, "steps": steps}  # fmt: skip
        return yaml.safe_dump(spec, sort_keys=False, width=200)


def _all(steps: list[object], blocks: dict[str, dict[str, object]]) -> list[object]:
    return [*steps, *(block["steps"] for block in blocks.values())]


def block_spec(seed: int) -> str:
    """The text of a random spec made of blocks."""
    return _Writer(seed).network()
