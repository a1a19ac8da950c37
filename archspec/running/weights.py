"""Weights in files: finding the ``state_dict`` in a file, and checking it against a network before it is loaded.

Accepted is whatever ``load_state_dict(strict=True)`` accepts, also inside a dict, with the key prefixes of wrappers,
or with DenseNet's old keys.  A note reports each such adaptation.

Imports torch, so only modules that run a network may import it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.records import record
from archspec.running.checkpoint_files import described, not_plain, read_checkpoint, unreadable

LISTED = 5
"""The most keys named in one diagnostic; the rest are only counted."""

MODEL_PREFIX = "model."
"""The key prefix of the network's own weights in a checkpoint of :mod:`archspec.training.fit`."""

PREFIXES = (MODEL_PREFIX, "module.", "_orig_mod.")
"""Key prefixes of Lightning modules and ours, of ``DistributedDataParallel``, of ``torch.compile``."""

INNER = ("state_dict", "model")
"""Keys under which the ``state_dict`` lies in a dict that has several candidates."""

COUNTER = "num_batches_tracked"
"""A buffer of batch normalisation that files from before torch 0.4.1 lack; torch starts it at 0."""

_DENSENET_KEY = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var))")
"""torchvision's DenseNet once wrote ``norm1.weight`` as ``norm.1.weight``; this is the pattern it still accepts."""

Shapes = Mapping[str, tuple[int, ...]]


@record
class Weights:
    """A ``state_dict`` by a network's own keys, as far as the file has them, and notes on how it was adapted."""

    state: Mapping[str, Any]
    notes: tuple[Diagnostic, ...] = ()


def load_weights(model: nn.Module, path: Path | str, classes: int | None = None) -> tuple[Diagnostic, ...]:
    """Put the weights of a file into ``model``: a ``state_dict``, alone or in a dict, or a checkpoint of ours.

    Returns notes on how the file was adapted.  ``classes`` is the network's number of classes.  If the file is of the
    same network with another number, the tensors with one of the two numbers along an axis are not loaded, and a note
    names them.  Raises :class:`SpecError` if the file cannot be read, or if its keys and shapes otherwise differ from
    the network's.
    """
    return load_state(model, read_checkpoint(path), path, classes)


def load_state(
    model: nn.Module, content: Mapping[Any, Any], path: Path | str, classes: int | None = None
) -> tuple[Diagnostic, ...]:
    """Like :func:`load_weights`, for what was read from a file; ``path`` names it in messages."""
    wanted = shapes(model)
    found = network_weights(content, wanted, path)
    anew = _of_other_classes(found.state, wanted, classes)
    check_weights({key: value for key, value in found.state.items() if key not in anew}, _but(wanted, anew), path)
    model.load_state_dict({**found.state, **{key: model.state_dict()[key] for key in anew}})
    if not anew:
        return found.notes
    start = "start" if len(anew) > 1 else "starts"
    what = f"{_some([f'`{key}`' for key in anew])} {start} anew for {classes} classes; all other weights are loaded"
    note = Diagnostic("weights-adapted", f"`{printable(str(path))}`: {what}", severity="note")
    return (*found.notes, note)


def _of_other_classes(state: Mapping[str, Any], wanted: Shapes, classes: int | None) -> list[str]:
    """The keys whose shapes differ only in the number of classes; none if anything else differs."""
    if any(key not in wanted for key in state) or any(not _may_be_missing(key) for key in _missing(state, wanted)):
        return []
    differing: dict[str, set[tuple[int, int]]] = {}
    for key, shape in wanted.items():
        old = tuple(state[key].shape) if key in state else shape
        if old != shape:
            along = zip(old, shape, strict=True) if len(old) == len(shape) else ((len(old), len(shape)),)
            differing[key] = {(before, after) for before, after in along if before != after}
    counts = {pair for pairs in differing.values() for pair in pairs}
    return list(differing) if len(counts) == 1 and counts.pop()[1] == classes else []


def _but(wanted: Shapes, anew: Sequence[str]) -> Shapes:
    return {key: shape for key, shape in wanted.items() if key not in anew}


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shapes of a module's ``state_dict``, by key."""
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


def network_weights(content: Mapping[Any, Any], wanted: Shapes, path: Path | str) -> Weights:
    """The weights of a network with the keys ``wanted`` from the file at ``path``.

    Raises :class:`SpecError` if there are none, or if a value under one of these keys is not a plain tensor.
    """
    state, notes = _inner(content, wanted, path)
    for key in state:
        if not isinstance(key, str):
            raise unreadable(path, f"the key `{printable(str(key), 40)}` is {described(key)}, not text")
    state, prefix = _unwrapped(state, wanted)
    if prefix and not _is_ours(content, prefix):
        notes.append(f"the prefix `{prefix}` was removed from every key")
    old = {key: match[1] + match[2] for key in state if (match := _DENSENET_KEY.fullmatch(key)) and key not in wanted}
    renamed = {key: new for key, new in old.items() if new in wanted and new not in state}
    if renamed:
        notes.append(f"{len(renamed)} keys of an old DenseNet, such as `{next(iter(renamed))}`, were renamed")
    state = {renamed.get(key, key): value for key, value in state.items()}
    uncounted = [key for key in _missing(state, wanted) if _may_be_missing(key)]
    if uncounted and len(uncounted) < len(wanted):
        notes.append(f"the counts of batches, {_some([f'`{key}`' for key in uncounted])}, are missing and start at 0")
    odd = [f"`{key}` is {why}" for key, value in state.items() if key in wanted and (why := not_plain(value))]
    if odd:
        raise _mismatch(path, _listed("not a plain tensor" if len(odd) == 1 else "not plain tensors", odd))
    for key, value in state.items():
        if wanted.get(key) == () and value.shape == (1,):
            state[key] = value[0]  # torch before 0.4 had no zero-dimensional tensors
    shown = printable(str(path))
    return Weights(state, tuple(Diagnostic("weights-adapted", f"`{shown}`: {n}", severity="note") for n in notes))


def check_weights(state: Mapping[str, Any], wanted: Shapes, path: Path | str) -> None:
    """Raise :class:`SpecError`, naming the keys, unless ``state`` has the network's keys and shapes."""
    found = {key: tuple(value.shape) if isinstance(value, Tensor) else () for key, value in state.items()}
    missing = [key for key in _missing(state, wanted) if not _may_be_missing(key)]
    differing = [
        f"`{key}` is {list(found[key])} in the file, {list(shape)} in the network"
        for key, shape in wanted.items()
        if key in found and found[key] != shape
    ]
    details = (
        *_listed("missing in the file", [f"`{key}`" for key in missing]),
        *_listed("not in the network", [f"`{printable(key)}`" for key in found if key not in wanted]),
        *_listed("with another shape", differing),
    )
    if details:
        raise _mismatch(path, details)


def _inner(content: Mapping[Any, Any], wanted: Shapes, path: Path | str) -> tuple[dict[Any, Any], list[str]]:
    """The ``state_dict`` in a file: the whole, or the mapping in it with the most of the network's keys."""
    inside = {key: value for key, value in content.items() if isinstance(value, dict)}
    if not inside or any(key in wanted for key in content):
        return dict(content), []
    known = {key: sum(each in wanted for each in _unwrapped(value, wanted)[0]) for key, value in inside.items()}
    most = max(known.values())
    best = [key for key in inside if known[key] == most]
    chosen = next((key for key in INNER if key in best), best[0])
    if chosen not in INNER and len(best) > 1:
        if not most:
            return dict(content), []
        listed = " and ".join(f"`{printable(str(key), 40)}`" for key in best)
        raise unreadable(path, f"{listed} could each be the network's weights", "keep only one of them in the file")
    usual = chosen == INNER[0]
    return inside[chosen], [] if usual else [f"the weights were taken from the key `{printable(str(chosen), 40)}`"]


def _unwrapped(state: Mapping[Any, Any], wanted: Shapes) -> tuple[dict[Any, Any], str]:
    """A state without the prefixes that all its keys share, and these prefixes."""
    found, taken = dict(state), ""
    while found and not any(key in wanted for key in found):
        prefix = next((each for each in PREFIXES if all(str(key).startswith(each) for key in found)), None)
        if prefix is None or not all(isinstance(key, str) for key in found):
            break
        found = {key.removeprefix(prefix): value for key, value in found.items()}
        taken += prefix
    return found, taken


def _is_ours(content: Mapping[Any, Any], prefix: str) -> bool:
    """Whether a file was written by ``archspec train``, so that no note is needed."""
    return prefix == MODEL_PREFIX and INNER[0] in content


def _missing(state: Mapping[str, Any], wanted: Shapes) -> list[str]:
    return [key for key in wanted if key not in state]


def _may_be_missing(key: str) -> bool:
    return key.rpartition(".")[2] == COUNTER


def _mismatch(path: Path | str, details: Sequence[str]) -> SpecError:
    message = f"the weights in `{printable(str(path))}` are not this network's"
    return SpecError([Diagnostic("weights-mismatch", message, details=tuple(details))])


def _listed(what: str, items: list[str]) -> list[str]:
    """One line that counts the items and names some of them; no line if there are none."""
    return [f"{len(items)} {what}: {_some(items)}"] if items else []


def _some(items: list[str]) -> str:
    return ", ".join(items[:LISTED]) + (", …" if len(items) > LISTED else "")
