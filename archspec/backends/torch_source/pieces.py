"""All pieces of a tensor that is cut in pieces, as one call."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archspec.backends.torch_source.calls import Call, Loop
from archspec.families.templates import Ref

_PIECE = re.compile(r"(\{0\}\.chunk\((\d+)(?:, dim=\d+)?\))\[(\d+)\]")


def together(calls: Sequence[Call | Loop]) -> list[Call | Loop]:
    """The calls, with one call for all pieces of a ``chunk`` in place of one call for each piece."""
    pieces: dict[tuple[str, Ref], list[tuple[int, int, Call]]] = {}
    for position, call in enumerate(calls):
        if isinstance(call, Loop):
            continue
        match = _PIECE.fullmatch(call.text)
        if match is not None and len(call.reads) == 1 and len(call.gives) == 1:
            pieces.setdefault((match[1], call.reads[0]), []).append((int(match[3]), position, call))
    first: dict[int, Call] = {}
    dropped: set[int] = set()
    for (text, ref), found in pieces.items():
        match = _PIECE.fullmatch(found[0][2].text)
        if match is None or sorted(index for index, _, _ in found) != list(range(int(match[2]))):
            continue
        ordered = [call for _, _, call in sorted(found, key=lambda piece: piece[0])]
        if len({call.training for call in ordered}) == 1:
            named = tuple(call.named[0] if call.named else "" for call in ordered)
            first[found[0][1]] = Call(
                text, (ref,), tuple(call.gives[0] for call in ordered), training=ordered[0].training, views=0,
                named=named if any(named) else (), spans=tuple(span for call in ordered for span in call.spans),
            )  # fmt: skip
            dropped.update(position for _, position, _ in found[1:])
    return [first.get(position, call) for position, call in enumerate(calls) if position not in dropped]
