"""A whole sweep: every point of a space measured, on several processes, each row kept as soon as it is there."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from archspec.backends import spec_text
from archspec.diagnostics import Diagnostic, Diagnostics, SpecError, did_you_mean, printable
from archspec.loading import opened
from archspec.spec import Spec
from archspec.sweeping.ledger import Ledger, begin_ledger, resume_ledger
from archspec.sweeping.limits import Limit, within
from archspec.sweeping.measuring import Measurer
from archspec.sweeping.rows import Row
from archspec.sweeping.space import Space
from archspec.sweeping.trials import Plan, need_ray, tune
from archspec.training.run_folder import alone

CHUNK_ROWS = 64
"""About this many rows are measured by a process before they are written."""

Progress = Callable[[int, int], None]
"""Told how many variants of how many are done."""


def sweep(
    space: Space,
    folder: Path,
    *,
    jobs: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress = lambda done, of: None,
    plan: Plan | None = None,
    limits: Sequence[Limit] = (),
) -> list[Row]:
    """Measure every variant of a space; the rows in the order of the space, also in ``rows.jsonl`` in the folder.

    ``jobs`` is the number of processes, by default one for each core; with more than one, a script that calls this must
    be guarded by ``if __name__ == "__main__"``.  Raises :class:`SpecError` if the spec cannot be read at all, or has no
    such parameter; a variant that cannot be is a row with its reason.

    With a ``plan``, some of the variants within the ``limits`` are then trained; what that finds is in their rows.
    """
    if plan is not None:
        need_ray()  # before anything is measured
    head = {"archspec": version("archspec-nn"), "spec": _digest(space)} | space.described()
    with _kept(folder, head, resume, overwrite) as (ledger, rows):
        sizes = max(1, len(space.sizes))
        done = {row.number for row in rows}
        points = [at for at in range(space.points) if not done.issuperset(range(at * sizes, (at + 1) * sizes))]
        progress(space.variants - len(points) * sizes, space.variants)
        found = {row.number: row for row in rows}
        for batch in _measured(space, points, jobs or _cores()):
            fresh = [row for row in batch if row.number not in found]
            ledger.add(fresh)
            found.update((row.number, row) for row in fresh)
            progress(len(found), space.variants)
        if plan is not None:
            kept = [found[number] for number in sorted(found) if within(found[number], limits)]
            trained = tune(kept, space, plan, folder, lambda row: ledger.add([row]))
            found.update((row.number, row) for row in trained)
    return [found[number] for number in sorted(found)]


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _kept(folder: Path, head: dict[str, Any], resume: bool, overwrite: bool) -> Iterator[tuple[Ledger, list[Row]]]:
    """The folder's file of rows, for this sweep alone, and the rows in it."""
    with alone(folder, "sweep"):
        try:
            ledger, rows = resume_ledger(folder, head) if resume else (begin_ledger(folder, head, overwrite), [])
            try:
                yield ledger, rows
            finally:
                ledger.close()
        except OSError as error:
            message = f"cannot write to `{printable(str(folder))}`: {error.strerror or error}"
            raise SpecError([Diagnostic("output-folder", message)]) from None


def _measured(space: Space, points: Sequence[int], jobs: int) -> Iterator[list[Row]]:
    """The rows of points, several points at a time, in any order."""
    size = max(1, CHUNK_ROWS // max(1, len(space.sizes)))
    chunks = [points[at : at + size] for at in range(0, len(points), size)]
    if jobs == 1 or len(chunks) < 2:
        measurer = Measurer(space)
        yield from ([row for point in chunk for row in measurer.rows(point)] for chunk in chunks)
        return
    workers = min(jobs, len(chunks))
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(space,)) as pool:
        try:
            coming = iter(chunks)
            waiting: set[Future[list[Row]]] = {pool.submit(_chunk, chunk) for chunk in islice(coming, 2 * workers)}
            while waiting:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                waiting |= {pool.submit(_chunk, chunk) for chunk in islice(coming, len(ready))}
                yield from (future.result() for future in ready)
        except BrokenProcessPool:
            hint = "the rows that were written stay; `--resume` measures the rest"
            message = "a process of the sweep was killed, perhaps for want of memory"
            raise SpecError([Diagnostic("process-lost", message, hint=hint)]) from None
        finally:
            pool.shutdown(cancel_futures=True)


_measurer: Measurer | None = None
"""That of this process, if it is one of a sweep's."""


def _begin(space: Space) -> None:
    global _measurer
    _measurer = Measurer(space)


def _chunk(points: Sequence[int]) -> list[Row]:
    assert _measurer is not None
    return [row for point in points for row in _measurer.rows(point)]


def some_variant(space: Space) -> Spec | None:
    """The spec as it is, or its first variant; None if neither can be.

    Raises :class:`SpecError` if the spec cannot be read, or if a parameter of the space is none of the spec's.
    """
    for values in ({}, space.point(0)):
        try:
            spec = opened(space.spec, values)
        except SpecError as error:
            codes = {each.code for each in error.diagnostics}
            if codes & {"unknown-spec", "file-not-found", "not-a-file", "yaml-syntax", "structure"}:
                raise
            continue
        _check_names(space, spec)
        return spec
    return None


def _check_names(space: Space, spec: Spec) -> None:
    """Raise :class:`SpecError` if a parameter of the space is none of the spec's."""
    diagnostics = Diagnostics()
    known = spec.variant.definition.model.params
    for name in space.axes.keys() - known.keys():
        hint = did_you_mean(name, known) or f"its parameters are {', '.join(known) or 'none'}"
        message = f"`{spec.name}` has no parameter `{printable(name)}`"
        diagnostics.error("unknown-argument", message, space.keys.get(name), hint)
    diagnostics.raise_if_errors()


def _digest(space: Space) -> str:
    """What the rows depend on in the spec's files, as a short text."""
    spec = some_variant(space)
    text = "" if spec is None else spec_text.expand(spec.graph)
    return f"{printable(space.spec)} {hashlib.sha256(text.encode()).hexdigest()[:16]}"
