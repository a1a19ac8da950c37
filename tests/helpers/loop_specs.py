"""Random specs of blocks that repeat steps: what turns read, hand on and leave for later differs."""

from __future__ import annotations

import random

import yaml

HEAD = {"archspec": 1, "name": "Loops", "inputs": {"image": [3, "H", "W"]}, "sizes": {"H": 8, "W": 8}}


class _Turn:
    """The steps of one turn."""

    def __init__(self, chance: random.Random, outer: list[str]) -> None:
        self.chance = chance
        self.values = ["previous", "input", *outer]
        self.steps: list[object] = []

    def step(self, number: int) -> None:
        kind = self.chance.choice(["conv", "conv", "plain", "norm", "from", "add", "grow", "chain"])
        label = f"v{number}_"
        step: dict[str, object] = {}
        if kind == "conv":
            step = {f"conv as c{number}_$i": {"channels": "$channels", "kernel": 3, "padding": 1}}
        elif kind == "plain":
            step = {self.chance.choice(["relu", "sigmoid", "dropout", "identity"]): None}
        elif kind == "norm":
            step = {f"batch_norm as n{number}_$i": None}
        elif kind == "from":
            step = {f"conv as f{number}_$i": {"channels": "$channels", "kernel": 1}, "from": self.value()}
        elif kind == "add":
            names = (f"conv as a{number}_$i", f"conv as b{number}_$i")
            ways = [{name: {"channels": "$channels", "kernel": 1}, "from": self.value()} for name in names]
            step = {"add": [[way] for way in ways]}
        elif kind == "chain":
            size = self.chance.choice([{"kernel": 3, "padding": 1}, {"kernel": "$(2 * i + 1)", "padding": "$i"}])
            norm = self.chance.choice([{"batch_norm": None}, {"batch_norm": None, "when": "extra"}])
            step = {f"sequence as s{number}_$i": [{"conv": {"channels": "$channels", **size}}, norm, "relu"]}
        else:
            step = {"concat": [[], [{f"conv as g{number}_$i": {"channels": "$growth", "kernel": 1}}]]}
        if self.chance.random() < 0.4:
            step["label"] = f"{label}$i"
            self.values.append(f"{label}$i")
        self.steps.append(step)

    def value(self) -> str:
        """Something that a step may read."""
        return self.chance.choice(self.values)


def loop_spec(seed: int) -> str:
    """The text of a random spec whose blocks loop a varying number of times."""
    chance = random.Random(seed)
    blocks: dict[str, object] = {}
    uses: list[object] = []
    for block in range(chance.randint(1, 2)):
        steps: list[object] = []
        outer: list[str] = []
        for number in range(chance.randint(0, 2)):
            step: dict[str, object] = {f"conv as before{number}": {"channels": "$channels", "kernel": 1}}
            if chance.random() < 0.6:
                step["label"] = f"outer{number}"
                outer.append(f"outer{number}")
            steps.append(step)
        turn = _Turn(chance, outer)
        for number in range(chance.randint(1, 5)):
            turn.step(number)
        first = chance.randint(0, 2)
        loop: dict[str, object] = {"steps": turn.steps, "for": f"i in range({first}, {first} + turns)"}
        steps.append({**loop, "when": "extra"} if chance.random() < 0.3 else loop)
        steps += chance.choice([[], ["relu"], [{"conv as after": {"channels": "$channels", "kernel": 1}}]])
        if outer and chance.random() < 0.5:
            name = chance.choice(outer)
            steps.append({"add": [[{"conv as x": {"channels": 4, "kernel": 1}}],
                                  [{"conv as y": {"channels": 4, "kernel": 1}, "from": name}]]})  # fmt: skip
        blocks[f"block{block}"] = {
            "params": {"turns": None, "channels": 4, "growth": 2, "extra": False},
            "steps": steps,
        }
        for use in range(chance.randint(1, 3)):
            arguments: dict[str, object] = {"turns": chance.randint(0, 5), "channels": chance.choice([4, 4, 6])}
            if chance.random() < 0.5:
                arguments["extra"] = True
            uses.append({f"block{block} as use{block}_{use}": arguments})
    steps = [*uses, "global_avg_pool", "flatten"]
    return yaml.safe_dump({**HEAD, "blocks": blocks, "steps": steps}, sort_keys=False, width=200)


def nested_spec(seed: int) -> str:
    """The text of a random spec of loops inside loops, in chains and in classes with a forward.

    The inner ones have no iterations, one or several; some are blocks written inline.
    """
    chance = random.Random(seed)
    named = chance.random() < 0.5
    conv = {"channels": "$channels", "kernel": 3, "padding": 1}

    def step(name: str, arguments: dict[str, object] | None = None) -> dict[str, object]:
        called = f"{name} as {chance.choice('abc')}{len(inside)}_$(i)_$j" if named and name != "relu" else name
        return {called: arguments}

    inside: list[dict[str, object]] = []
    for _ in range(chance.randint(1, 2)):
        inside.append(step("conv", {**conv, **({"channels": "$(channels + i)"} if chance.random() < 0.3 else {})}))
        inside += [step(chance.choice(["relu", "batch_norm"]))] if chance.random() < 0.6 else []
    turns = chance.choice(["1", "inner", "inner + 1", "2", "(i + inner) % 3"])
    loop: dict[str, object] = {"steps": inside, "for": f"j in range({turns})"}
    if not named and chance.random() < 0.3:
        loop = {"unit": {"channels": "$channels"}, "inline": True, "for": f"j in range({turns})"}
    around = [{"conv as n$i" if named else "conv": dict(conv)}] if chance.random() < 0.5 else []
    outer = {"steps": [*around, loop, *(["relu"] if chance.random() < 0.5 else [])], "for": "i in range(turns)"}
    first = {"conv as first" if named else "conv": dict(conv)}
    last: list[object] = [{"add": [[], [{"conv as out": {"channels": 2, "kernel": 1}}]]}] if named else []
    blocks = {
        "unit": {"params": {"channels": None}, "steps": [{"conv": conv}, "batch_norm", "relu"]},
        "block": {"params": {"turns": None, "inner": 1, "channels": 4}, "steps": [first, outer, *last]},
    }
    uses: list[object] = []
    for use in range(chance.randint(1, 3)):
        given = {"turns": chance.randint(1, 5), "inner": chance.randint(0, 3), "channels": chance.choice([4, 4, 6])}
        uses.append({f"block as use{use}": given})
    if named:
        blocks["block"]["steps"] = [
            *blocks["block"]["steps"][:-1],
            {"conv as end": {"channels": 2, "kernel": 1}},
            *last,
        ]
    steps = [*uses, "global_avg_pool", "flatten"]
    return yaml.safe_dump({**HEAD, "blocks": blocks, "steps": steps}, sort_keys=False, width=200)
