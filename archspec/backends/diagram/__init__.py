"""Pictures of networks, as papers draw them.

The front doors are :func:`draw` and :func:`compare`.  ``units`` says what a box is, ``series_parallel`` finds what
follows and what runs beside what, ``folding`` folds what repeats, ``plan`` chooses how much to show; ``constructs``,
``columns`` and ``hourglass`` place it, ``comparison`` several networks beside one another, ``emit`` writes DOT,
``figure`` draws it.  ``focusing`` finds the block that is to be shown alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import partial

from archspec.analyses.shapes import coupled_failures, refusals, valid_sizes
from archspec.backends.diagram import hourglass, text
from archspec.backends.diagram.columns import columns
from archspec.backends.diagram.comparison import Network, beside
from archspec.backends.diagram.constructs import Constructs
from archspec.backends.diagram.emit import Emitter
from archspec.backends.diagram.figure import Figure, find_program
from archspec.backends.diagram.focusing import focused
from archspec.backends.diagram.folding import shortcut
from archspec.backends.diagram.measures import Settings, box_width
from archspec.backends.diagram.palette import PALETTES, Theme
from archspec.backends.diagram.plan import Plan
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Unit, mark_differing, units_of
from archspec.backends.diagram.showing import SHOWN, Shown, known, left_out
from archspec.backends.diagram.streams import streams
from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.graph import Graph

__all__ = ["SHOWN", "Figure", "Shown", "compare", "draw", "find_program", "known_depth", "known_theme"]

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
    show: Sequence[Shown] = (),
    theme: str = "light",
    sizes: Mapping[str, int] | None = None,
    engine: str | None = None,
) -> Figure:
    """A picture of a network.

    ``depth`` opens that many levels of blocks (0: the top steps only; None: as many as make a good picture); ``focus``
    draws one block, given by its path, label or block's name, opened; ``show`` is what boxes say beside their first
    line: ``normalisation``, ``activation``, ``parameters``.  ``sizes`` are the numbers that shapes are shown at,
    beside the graph's own; ``engine="dot"`` draws with the system's Graphviz.  Raises :class:`SpecError` for a theme,
    focus or depth that there is none of.
    """
    palette = known_theme(theme)
    known_depth(depth)
    shown_at = dict(graph.sizes) | dict(sizes or {})
    wanted = known(show)
    plan = Plan(graph, shown_at, wanted)
    notes: list[str] = []
    found = plan.by_resolution() if focus is None and depth is None else None
    items: list[Element]
    if found is not None:
        items = [*found.units]
        notes += [f"slanted: {', '.join(found.resizing)}"] if found.resizing else []
    elif focus is None:
        items = plan.overview(depth)
    else:
        scope, uses = focused(graph, focus)
        items = plan.focus(scope, depth)
        if plan.differ(uses):
            notes.append(f"one of {len(uses)} uses that differ: {text.clean(scope.path, 40)}")
        wanted |= {"normalisation", "activation"}
    notes.append(left_out(graph, items, wanted))
    settings = Settings(_width(items), lambda shape: text.shape_words(shape, shown_at), focused=focus is not None)
    constructs = Constructs(settings)
    glass = hourglass.find(items) if focus is None and found is None else None
    if found is not None:
        piece = streams(found, settings)
    elif glass is not None:
        piece = hourglass.Drawing(glass, constructs).draw()
    elif focus is None:
        piece = columns(items, constructs, shown_at)
    else:
        piece = constructs.series(items, True)
    figure = Emitter(graph.name, palette).write(piece, [note for note in (*_dotted(settings), *notes) if note])
    figure.drawn_by, figure.elements = engine, items
    return figure


def compare(
    graphs: Sequence[Graph],
    *,
    depth: int | None = None,
    show: Sequence[Shown] = (),
    theme: str = "light",
    sizes: Mapping[str, int] | None = None,
    engine: str | None = None,
    differing: Sequence[Set[int]] = (),
    titles: Sequence[str] = (),
) -> Figure:
    """A picture of several networks side by side, what they have in common in one row; options as :func:`draw`'s.

    Each is shown at its own sizes, or at ``sizes`` where it runs at them; where they differ, the legend says so.
    ``differing`` are, for each network, the indices of nodes whose boxes get a red frame; ``titles`` stand
    above them in place of their names.
    """
    palette = known_theme(theme)
    known_depth(depth)
    wanted = known(show)
    networks: list[Network] = []
    for graph in graphs:
        shown_at = _fitting(graph, sizes or {})
        plan = Plan(graph, shown_at, wanted)
        items = plan.unfolded() if depth is None else plan.overview(depth)
        if differing:
            mark_differing(items, differing[len(networks)])
        title = text.clean(titles[len(networks)], 40) if titles else graph.name
        networks.append(Network(title, items, partial(text.shape_words, sizes=shown_at), shown_at))
    settings = Settings(max(_width(network.items) for network in networks), networks[0].words, focused=False)
    piece = beside(networks, Constructs(settings))
    left = {
        network.title: left_out(graph, network.items, wanted) for graph, network in zip(graphs, networks, strict=True)
    }
    notes = [*_dotted(settings), *_differing_sizes(networks), *_each(left)]
    if any(unit.differs for network in networks for unit in units_of(network.items)):
        notes.append("red frame: the steps differ")
    figure = Emitter("_".join(graph.name for graph in graphs), palette).write(piece, [note for note in notes if note])
    figure.drawn_by = engine
    return figure


def _fitting(graph: Graph, asked: Mapping[str, int]) -> dict[str, int]:
    """The sizes a network is shown at: those asked for where it runs at them, else its own."""
    solutions = valid_sizes(graph)
    sizes = dict(graph.sizes) | {name: size for name, size in asked.items() if name in solutions}
    return dict(graph.sizes) if refusals(solutions, sizes) or coupled_failures(solutions, sizes) else sizes


def _each(notes: Mapping[str, str]) -> list[str]:
    """Notes about networks: one for all where it is the same, else each with the network's name."""
    if len(set(notes.values())) == 1:
        return list(set(notes.values()))
    return [text.clean(f"{name}: {note}") for name, note in notes.items() if note]


def _differing_sizes(networks: Sequence[Network]) -> list[str]:
    """At which sizes each network is shown, where they are not the same for all."""
    shown = [" × ".join(map(str, network.sizes.values())) for network in networks]
    if len({size for size in shown if size}) < 2:
        return []
    said = {f"{network.title} at {size}" for network, size in zip(networks, shown, strict=True) if size}
    return [text.clean(words) for words in sorted(said)]


def known_theme(theme: str) -> Theme:
    """A theme by its name; raises :class:`SpecError` where there is none of that name."""
    if theme not in PALETTES:
        raise _wrong(
            "unknown-theme", f"there is no theme `{printable(str(theme), 60)}`", did_you_mean(str(theme), PALETTES)
        )
    return theme


def known_depth(depth: int | None) -> None:
    """Raise :class:`SpecError` for a value that is not a depth."""
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise _wrong("wrong-depth", f"`{printable(str(depth), 60)}` is not a depth", "a depth is 0, 1, 2 …")


def _dotted(settings: Settings) -> list[str]:
    """What the legend says of dotted lines."""
    if not settings.dotted:
        return []
    return [_DOTTED[frozenset(settings.dotted)] + (" (1×1 conv)" if settings.hidden else "")]


def _wrong(code: str, message: str, hint: str | None) -> SpecError:
    return SpecError([Diagnostic(code, message, None, hint)])


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
