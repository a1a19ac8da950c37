"""Random networks that hold maps of several sizes at once and let them meet again and again."""

from __future__ import annotations

import random

PYRAMID = """archspec: 1
name: Pyramid
inputs: {image: [3, H, W]}
sizes: {H: 256, W: 256}
blocks:
  stage:
    params: {channels}
    steps:
      - conv: {channels: $channels, kernel: 3, stride: 2, padding: 1}
      - relu
      - conv: {channels: $channels, kernel: 3, padding: 1}
      - relu
steps:
  - conv as stem: {channels: 16, kernel: 7, stride: 2, padding: 3}
  - stage as stage$i: {channels: $(16 * 2**i)}
    for: i in range(4)
  - conv as side3: {channels: 32, kernel: 1}
  - steps:
      - conv as side$i: {channels: 32, kernel: 1}
        from: stage$i
      - upsample: {scale: 2}
        from: $('side3' if i == 2 else 'sum' + str(i + 1))
      - add as sum$i:
        from: [side$i, previous]
    for: i in [2, 1, 0]
  - conv as out$i: {channels: 8, kernel: 3, padding: 1}
    from: $('side3' if i == 3 else 'sum' + str(i))
    for: i in range(4)
outputs: {p0: out0, p1: out1, p2: out2, p3: out3}
"""
"""A feature pyramid with an output at each of its four sizes."""


def stream_spec(seed: int) -> str:
    """Two to four streams of maps, each half the size of the one before, and merges of any of them."""
    chance = random.Random(seed)
    count = chance.randint(2, 4)
    lines = ["archspec: 1", f"name: Streams{seed}", "inputs: {image: [4, H, W]}", "sizes: {H: 64, W: 64}", "steps:"]
    latest: dict[int, str] = {}
    for column in range(count):
        stride = f", stride: {2 if column else 1}"
        lines.append(f"  - conv as s{column}: {{channels: 4, kernel: 3, padding: 1{stride}}}")
        latest[column] = f"s{column}"
    for number in range(chance.randint(2, 7)):
        goal = chance.randrange(count)
        others = chance.sample([column for column in range(count) if column != goal], chance.randint(1, count - 1))
        sources = [latest[goal]]
        for column in others:
            name = f"m{number}_{column}"
            if column > goal:
                lines.append(f"  - upsample as {name}: {{scale: {2 ** (column - goal)}}}")
            else:
                step = 2 ** (goal - column)
                lines.append(f"  - conv as {name}: {{channels: 4, kernel: {step}, stride: {step}}}")
            lines.append(f"    from: {latest[column]}")
            sources.append(name)
        lines += [f"  - add as m{number}:", f"    from: [{', '.join(sources)}]"]
        latest[goal] = f"m{number}"
        for extra in range(chance.randint(0, 2)):
            lines.append(f"  - conv as c{number}_{extra}: {{channels: 4, kernel: 3, padding: 1}}")
            latest[goal] = f"c{number}_{extra}"
    for column in chance.sample(range(count), chance.randint(0, count)):
        lines += [f"  - conv as left{column}: {{channels: 4, kernel: 1}}", f"    from: {latest[column]}"]
        lines += [f"  - conv as right{column}: {{channels: 2, kernel: 3, padding: 1}}", f"    from: {latest[column]}"]
        lines += [f"  - concat as head{column}:", f"    from: [left{column}, right{column}]"]
        latest[column] = f"head{column}"
    lines.append(f"outputs: {{{', '.join(f'o{column}: {name}' for column, name in latest.items())}}}")
    return "\n".join(lines) + "\n"
