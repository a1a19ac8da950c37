"""Emitted source as a live module: its text is put into ``linecache``, so that debuggers and tracebacks show it.

Its classes get in memory what the standalone file cannot have: instances pickle together with their source text, and
an error at run time carries a note with the line of YAML it comes from.  torch is imported only when a module is made.
"""

from __future__ import annotations

import hashlib
import linecache
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import field
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from archspec.backends.torch_source import Emitted, emitted
from archspec.graph import Graph
from archspec.records import record
from archspec.running.room import check_weights_fit, refusals_told

if TYPE_CHECKING:
    from torch import nn

REMEMBERED = 512
"""The most texts whose classes are cached; then the oldest are dropped (their instances live on)."""


@record
class Origin:
    """A source text and what is known of it; pickled once with all modules made from it."""

    text: str
    entry: str
    lines: dict[int, tuple[str, ...]] = field(repr=False, compare=False)
    paths: dict[str, str] = field(repr=False, compare=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Origin:
        return self


_loaded: OrderedDict[str, ModuleType] = OrderedDict()


def compiled(graph: Graph) -> nn.Module:
    """The network of a graph, with freshly initialised weights.

    Raises :class:`archspec.SpecError` ``no-memory`` if the machine has too little memory for them.
    """
    check_weights_fit(graph)
    with refusals_told(
        f"there is too little memory for the weights of `{graph.name}`", "use a network with fewer channels"
    ):
        return build(emitted(graph))


def build(text: Emitted) -> nn.Module:
    """The network that a source text defines, with freshly initialised weights."""
    return getattr(defined(text), text.entry)()


def defined(text: Emitted) -> Any:
    """What a source text defines, as a Python module."""
    return _module(Origin(text.text, text.entry, text.lines, text.paths))


def _module(origin: Origin) -> ModuleType:
    """The module of a source text; the same text gives the same classes."""
    digest = hashlib.sha256(origin.text.encode()).hexdigest()[:12]
    name = f"archspec_{origin.entry}_{digest}"
    if name in _loaded:
        _loaded.move_to_end(name)
        return _loaded[name]
    filename = f"<archspec {origin.entry} {digest}>"
    module = ModuleType(name, f"{origin.entry}, compiled by archspec")
    module.__file__ = filename
    linecache.cache[filename] = (len(origin.text), None, origin.text.splitlines(keepends=True), filename)
    sys.modules[name] = module
    try:
        exec(compile(origin.text, filename, "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        del sys.modules[name], linecache.cache[filename]
        raise
    _teach(module, origin, filename)
    _loaded[name] = module
    while len(_loaded) > REMEMBERED:
        old, forgotten = _loaded.popitem(last=False)
        sys.modules.pop(old, None)
        linecache.cache.pop(str(forgotten.__file__), None)
    return module


def _teach(module: ModuleType, origin: Origin, filename: str) -> None:
    """Add pickling and error notes to the classes of a text."""
    from torch import nn

    for value in list(vars(module).values()):
        if not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        if issubclass(value, nn.Module):
            _set(value, "__reduce_ex__", _module_reduce(origin, value))
        elif issubclass(value, tuple):
            _set(value, "__reduce__", _tuple_reduce(origin, value))
    entry: type[nn.Module] = getattr(module, origin.entry)
    _set(entry, "__call__", _call(origin, filename))


def _set(owner: type, name: str, function: Callable[..., Any]) -> None:
    function.__name__, function.__qualname__ = name, f"{owner.__qualname__}.{name}"
    setattr(owner, name, function)


# -- pickling ------------------------------------------------------------------------------------------------------


def _module_reduce(origin: Origin, owner: type[nn.Module]) -> Callable[..., Any]:
    def reduce(self: nn.Module, protocol: int) -> Any:
        plain = object.__reduce_ex__(self, max(protocol, 2))
        if type(self) is not owner:
            return plain
        return (_revive, (origin, owner.__qualname__), *plain[2:])

    return reduce


def _tuple_reduce(origin: Origin, owner: type) -> Callable[..., Any]:
    def reduce(self: tuple[Any, ...]) -> Any:
        return _revive_tuple, (origin, owner.__qualname__, tuple(self))

    return reduce


def _revive(origin: Origin, name: str) -> nn.Module:
    """A module without its state; pickle sets the state next."""
    kind: type[nn.Module] = getattr(_module(origin), name)
    return kind.__new__(kind)


def _revive_tuple(origin: Origin, name: str, values: tuple[Any, ...]) -> Any:
    return getattr(_module(origin), name)(*values)


# -- errors --------------------------------------------------------------------------------------------------------


def _call(origin: Origin, filename: str) -> Callable[..., Any]:
    import torch
    from torch import nn

    plain = nn.Module.__call__

    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return plain(self, *args, **kwargs)
        try:
            return plain(self, *args, **kwargs)
        except Exception as error:
            _annotate(error, self, origin, filename)
            raise

    return call


def _annotate(error: Exception, root: nn.Module, origin: Origin, filename: str) -> None:
    """Add a note to an error, once, with the step of the spec that was running."""
    found = _where(error.__traceback__, root, origin, filename)
    if found is not None and found not in getattr(error, "__notes__", ()):
        error.add_note(found)


def _where(traceback: TracebackType | None, root: nn.Module, origin: Origin, filename: str) -> str | None:
    """The innermost module of the network that was running, and the line of its text."""
    # By id: a frame's `self` need not be hashable, and the modules live as long as the network.
    names = {id(module): name for name, module in root.named_modules()}
    path: str | None = None
    line = 0
    while traceback is not None:
        frame = traceback.tb_frame
        owner = names.get(id(frame.f_locals.get("self")))
        if owner is not None:
            path = owner
        if frame.f_code.co_filename == filename:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if path is None:
        return None
    module = f"`{path}`" if path else "the network"
    if path in origin.paths:
        return f"archspec: {module} comes from {origin.paths[path]}"
    places = ", ".join(dict.fromkeys(origin.lines.get(line, ())))
    return f"archspec: in {module}, from {places}" if places else f"archspec: in {module}"
