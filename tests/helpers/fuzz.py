"""Throws changed specs at all that needs no torch: ``python -m tests.helpers.fuzz [MINUTES [FOLDER [FIRST_SEED]]]``.

Sixty minutes unless told otherwise.  Each case runs in a process of bounded memory, by its own clock: what raises
anything but :class:`SpecError`, takes longer or more than its nodes allow, or gives what archspec itself refuses, is
written to ``FOLDER/finds`` as the spec and what happened.  Cases that led to something new, a message or a pair of ops
that no other did, are kept in ``FOLDER/corpus`` and changed further, in later runs too.
"""

from __future__ import annotations

import ast
import hashlib
import json
import multiprocessing
import os
import random
import re
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import archspec
from archspec import pipeline
from archspec.backends.reports import json as json_report
from archspec.backends.reports import summary, summary_table
from archspec.backends.reports import text as text_report
from archspec.characters import visible
from archspec.diagnostics import SpecError
from tests.helpers.mutations import Mutator, corpus

SECONDS, SECONDS_OF_A_NODE = 5.0, 60e-6
"""Processor time that a stage may take, and more for each node of its graph."""

MEGABYTES, PATIENCE = 2_500, 300
"""Memory of a process, and seconds after which one that does not answer is ended."""

REWRITES = (
    "remove_dropout", "fold_batch_norm", "dense_to_conv", "conv_to_depthwise_separable", "width_multiplier(factor=0.5)",
    "factorise_conv(kernel=3)", "stride_to_dilation", "cut(after=it)",
)  # fmt: skip


@dataclass
class Outcome:
    """What came of one case."""

    kind: str = "accepted"
    """``accepted``, ``refused``, or what is wrong: ``traceback``, ``slow``, ``raw``, ``inconsistent``, ``killed``."""
    why: str = ""
    features: frozenset[str] = frozenset()
    nodes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def is_find(self) -> bool:
        """Whether archspec is at fault."""
        return self.kind not in ("accepted", "refused")


class Inconsistent(Exception):
    """Raised where one stage refuses or contradicts what another gave."""


def run(text: str, seed: int = 0) -> Outcome:
    """Take a text through every stage; ``seed`` chooses the rewrite."""
    outcome = Outcome()
    found: set[str] = set()
    try:
        _stages(text, seed, outcome, found)
    except SpecError as error:
        outcome.kind = "refused"
        found |= {f"{each.code}: {re.sub('`[^`]*`|[0-9,]+', '…', each.message)}" for each in error.diagnostics}
        _seen(str(error), outcome)
    except (Inconsistent, SyntaxError) as error:
        outcome.kind, outcome.why = "inconsistent", str(error)
    except MemoryError:
        outcome.kind, outcome.why = "memory", traceback.format_exc(limit=-6)
    except Exception:
        outcome.kind, outcome.why = "traceback", traceback.format_exc(limit=-12)
    allowed = SECONDS + SECONDS_OF_A_NODE * outcome.nodes
    slow = {stage: round(took, 1) for stage, took in outcome.seconds.items() if took > allowed}
    if slow and not outcome.is_find:
        outcome.kind, outcome.why = "slow", f"{slow} of {allowed:.1f} s for {outcome.nodes:,} nodes"
    outcome.features = frozenset(found)
    return outcome


def _stages(text: str, seed: int, outcome: Outcome, found: set[str]) -> None:
    def stage(name: str, work: Callable[[], Any]) -> Any:
        begun = time.process_time()
        try:
            return work()
        finally:
            outcome.seconds[name] = outcome.seconds.get(name, 0.0) + time.process_time() - begun

    spec = stage("load", lambda: archspec.loads(text))
    graph = spec.graph
    outcome.nodes = len(graph.nodes)
    ops = [node.op.keyword for node in graph.nodes if node.op is not None]
    found |= set(ops[:1]) | {f"{one} → {other}" for one, other in pairwise(ops)}
    found |= {f"{each.code}: {re.sub('`[^`]*`|[0-9,]+', '…', each.message)}" for each in spec.diagnostics}
    report = stage("check", lambda: pipeline.check(spec))
    _seen(stage("report", lambda: text_report.report(report, ())), outcome)
    json.loads(stage("json", lambda: json.dumps(json_report.report(report))))
    _seen(stage("summary", lambda: summary_table.text(summary.summarise(report))), outcome)
    source = stage("source", lambda: pipeline.source(spec))
    ast.parse(source)
    _seen(source, outcome)
    expanded = stage("expand", lambda: pipeline.expand(spec))
    _seen(expanded, outcome)
    try:
        again = archspec.loads(expanded).graph
    except SpecError as error:
        raise Inconsistent(f"what `expand` writes is refused: {error}\n{expanded[:3000]}") from None
    if [node.shape for node in again.nodes if node.op and node.op.keyword != "identity"] != [
        node.shape for node in graph.nodes if node.op and node.op.keyword != "identity"
    ]:
        raise Inconsistent(f"what `expand` writes is another network\n{expanded[:3000]}")
    _seen(stage("render", lambda: pipeline.render(spec)).source, outcome)
    rewrite = random.Random(seed).choice(REWRITES)
    try:
        changed = stage("rewrite", lambda: pipeline.rewrite(spec, rewrite))
    except SpecError as error:
        found |= {f"{rewrite} {each.code}" for each in error.diagnostics}
    else:
        found.add(rewrite)
        ast.parse(stage("source", lambda: pipeline.source(changed)))


def _seen(text: str, outcome: Outcome) -> None:
    """Note characters that a terminal would obey."""
    if visible(text) != text:
        outcome.kind, outcome.why = "raw", ascii(next(c for c in text if visible(c) != c))


# -- processes ---------------------------------------------------------------------------------------------------------


def serve(pipe: Connection) -> None:
    """Answer texts with outcomes, within the memory allowed."""
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES * 2**20, MEGABYTES * 2**20))
    while True:
        try:
            text, seed = pipe.recv()
        except EOFError:
            return
        pipe.send(run(text, seed))


class Worker:
    """A process that runs cases; another takes its place when it dies or does not answer."""

    def __init__(self) -> None:
        self.case: tuple[str, int] = ("", 0)
        self.begin()

    def begin(self) -> None:
        """Start the process."""
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, text: str, seed: int) -> None:
        """Hand over a case."""
        self.case = text, seed
        self.pipe.send(self.case)

    def answer(self) -> Outcome:
        """What came of it."""
        try:
            if self.pipe.poll(PATIENCE):
                return self.pipe.recv()
            why = f"no answer in {PATIENCE} seconds"
        except (EOFError, OSError):
            self.process.join()
            why = f"the process ended with {self.process.exitcode}"
        self.process.kill()
        self.process.join()
        self.begin()
        return Outcome("killed", why)


def fuzz(minutes: float, folder: Path, first: int, workers: int = 1) -> Counter[str]:
    """Run cases for so long; gives how many ended how."""
    kept, finds = folder / "corpus", folder / "finds"
    kept.mkdir(parents=True, exist_ok=True)
    finds.mkdir(exist_ok=True)
    mutator = Mutator([*corpus(), *(path.read_text(encoding="utf-8") for path in sorted(kept.glob("*.yaml")))])
    pool = [Worker() for _ in range(workers)]
    seen, kinds, seed = set[str](), Counter[str](), first
    end, told = time.monotonic() + 60 * minutes, time.monotonic()
    while time.monotonic() < end:
        for worker in pool:
            worker.give(mutator.make(seed), seed)
            seed += 1
        for worker in pool:
            outcome, (text, given) = worker.answer(), worker.case
            kinds[outcome.kind] += 1
            if outcome.is_find:
                _write(finds, text, f"seed {given}: {outcome.kind}\n{outcome.why}\n")
            elif outcome.features - seen and len(text) < 20_000:
                seen |= outcome.features
                mutator.keep(text)
                _write(kept, text)
        if time.monotonic() > told + 60 or time.monotonic() >= end:
            told = time.monotonic()
            print(f"{kinds.total():,} cases, {len(seen):,} different things said or built: {dict(kinds)}", flush=True)
    return kinds


def _write(folder: Path, text: str, why: str = "") -> None:
    name = hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    if why:
        (folder / f"{name}.txt").write_text(why, encoding="utf-8", errors="backslashreplace")


def cases(first: int, count: int) -> Iterator[tuple[int, str, Outcome]]:
    """So many cases one after another in this process, the same each time."""
    mutator = Mutator(corpus())
    for seed in range(first, first + count):
        text = mutator.make(seed)
        yield seed, text, run(text, seed)


def main(minutes: str = "60", folder: str = "out/fuzz", first: str = "0") -> int:
    """Run it; the exit status is 1 when something was found."""
    kinds = fuzz(float(minutes), Path(folder), int(first), os.cpu_count() or 1)
    wrong = kinds.total() - kinds["accepted"] - kinds["refused"]
    print(f"{kinds.total():,} cases: {kinds['accepted']:,} accepted, {kinds['refused']:,} refused, {wrong:,} finds")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
