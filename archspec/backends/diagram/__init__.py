"""Pictures of networks, as papers draw them.

The front door is :func:`draw`.  ``units`` says what a box is, ``series_parallel`` finds what follows and what runs
beside what, ``folding`` folds what repeats, ``plan`` chooses how much to show; ``constructs``, ``columns`` and
``hourglass`` place it, ``emit`` writes DOT, ``figure`` draws it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archspec.backends.diagram import hourglass, text
from archspec.backends.diagram.columns import columns
from archspec.backends.diagram.constructs import Constructs
from archspec.backends.diagram.emit import Emitter
from archspec.backends.diagram.figure import Figure, find_program
from archspec.backends.diagram.folding import shortcut
from archspec.backends.diagram.measures import Settings, box_width
from archspec.backends.diagram.palette import PALETTES, Theme
from archspec.backends.diagram.plan import Plan
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Unit, units_of
from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.graph import Graph, Scope

__all__ = ["Figure", "draw", "find_program"]

_DOTTED = {
    frozenset({"size"}): "··· halves the size",
    frozenset({"channels"}): "··· changes the channels",
    frozenset({"size", "channels"}): "··· changes size or channels",
}


def draw(
    graph: Graph,
    *,
    depth: int | None = None,
    focus: str | None = None,
    theme: Theme = "light",
    sizes: Mapping[str, int] | None = None,
    engine: str | None = None,
) -> Figure:
    """A picture of a network.

    ``depth`` opens that many levels of blocks (0: the top steps only; None: as many as make a good picture); ``focus``
    draws one block, given by its path or its block's name, opened.  ``sizes`` are the numbers that shapes are shown at,
    beside the graph's own; ``engine="dot"`` draws with the system's Graphviz.  Raises :class:`SpecError` for a theme,
    focus or depth that there is none of.
    """
    if theme not in PALETTES:
        raise _wrong(
            "unknown-theme", f"there is no theme `{printable(str(theme), 60)}`", did_you_mean(str(theme), PALETTES)
        )
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise _wrong("wrong-depth", f"`{printable(str(depth), 60)}` is no depth", "a depth is 0, 1, 2 …")
    shown_at = dict(graph.sizes) | dict(sizes or {})
    plan = Plan(graph, shown_at)
    if focus is None:
        items = plan.overview(depth)
    else:
        items = plan.focus(_focused(graph, focus), depth)
    settings = Settings(_width(items), lambda shape: text.shape_words(shape, shown_at), focused=focus is not None)
    constructs = Constructs(settings)
    glass = hourglass.find(items) if focus is None else None
    if glass is not None:
        piece = hourglass.Drawing(glass, constructs).draw()
    elif focus is None:
        piece = columns(items, constructs, shown_at)
    else:
        piece = constructs.series(items, True)
    notes = (
        [_DOTTED[frozenset(settings.dotted)] + (" (1×1 conv)" if settings.hidden else "")] if settings.dotted else []
    )
    figure = Emitter(graph.name, theme).write(piece, notes)
    figure.drawn_by = engine
    return figure


def _wrong(code: str, message: str, hint: str | None) -> SpecError:
    return SpecError([Diagnostic(code, message, None, hint)])


def _focused(graph: Graph, focus: str) -> Scope:
    """The scope of a path, or the first use of a block of that name."""
    by_path: dict[str, Scope] = {}
    by_block: dict[str, Scope] = {}
    stack: list[Scope] = [graph.root]
    while stack:
        scope = stack.pop()
        for item in reversed(scope.items):
            if isinstance(item, Scope):
                stack.append(item)
        if scope is graph.root:
            continue
        by_path.setdefault(scope.path, scope)
        if scope.kind == "block" and scope.block is not None:
            by_block.setdefault(scope.block.name, scope)
    found = by_path.get(focus) or by_block.get(focus)
    if found is None:
        known = {*by_path, *by_block}
        hint = did_you_mean(focus, known) or (
            "name a block or the path of one, such as " + ", ".join(sorted(by_block)[:5])
        )
        raise _wrong(
            "unknown-focus", f"there is no block `{printable(focus, 80)}` in this network", hint if known else None
        )
    return found


def _width(items: Sequence[Element]) -> float:
    """One width for all boxes of the main paths: the widest words' own."""
    widths = [60.0]

    def walk(items: Sequence[Element]) -> None:
        for item in items:
            if isinstance(item, Parallel):
                side = shortcut(item)
                for at, branch in enumerate(item.branches):
                    if at != side:
                        walk(branch)
                if item.sink is not None:
                    walk([item.sink])
            elif isinstance(item, Group):
                walk(item.items)
            elif isinstance(item, Unit):
                widths.append(box_width(item))
            else:
                widths.extend(box_width(unit) for unit in units_of([item]))

    walk(items)
    return round(max(widths), 1)
