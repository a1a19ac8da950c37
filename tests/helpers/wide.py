"""Networks of other libraries imported one by one, each in a process of its own: ``docs/imports.md``.

``python -m tests.helpers.wide`` takes all of ``wide.yaml``, or those whose names hold one of its arguments; results
stand in ``out/wide/results.jsonl``, and what is there already is not run again without ``--again``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import resource
import time
import traceback
from collections.abc import Iterator
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
import yaml

from archspec import SpecError, from_torch
from archspec.running.sources import bring
from tests.helpers.imported import difference, shown_sizes

LISTED = Path(__file__).with_suffix(".yaml")
OUT = Path("out/wide")
SECONDS, BYTES = 600, 12 * 2**30
"""The most that one network may take."""
PACKAGES = ("torch", "torchvision", "timm", "segmentation_models_pytorch", "pytorchcv")
SECTIONS = {
    "torchvision": "torchvision",
    "smp": "segmentation_models_pytorch, on ResNet-34",
    "pytorchcv": "pytorchcv",
    "timm": "timm: convolutional families",
    "others": "timm: attention, mixing and scanning",
}


def networks() -> Iterator[tuple[str, str]]:
    """The section of each network, and the name that ``archspec import`` takes."""
    for section, listed in yaml.safe_load(LISTED.read_text(encoding="utf-8")).items():
        names = listed if isinstance(listed, list) else [name for names in listed.values() for name in names]
        for name in names:
            if section == "pytorchcv":
                yield section, f"python:pytorchcv.models.{name}"
            else:
                yield section, f"{'timm' if section == 'others' else section}:{name}"


def measured(source: str, quick: bool) -> dict[str, Any]:
    """What becomes of one network, in this process."""
    torch.manual_seed(0)
    brought = bring(source)
    began = time.perf_counter()
    try:
        spec = from_torch(brought.module, brought.size, name=brought.name)
    except SpecError as error:
        found = [" ".join((str(one.message), *one.details)) for one in error.diagnostics]
        return {"outcome": "refused", "reasons": found, "seconds": round(time.perf_counter() - began, 1)}
    seconds = time.perf_counter() - began
    text = spec.to_yaml()
    (OUT / f"{re.sub(r'[^A-Za-z0-9]', '_', source)}.yaml").write_text(text, encoding="utf-8")
    assert isinstance(brought.size, tuple)
    sizes = shown_sizes(spec, brought.size)
    said = "" if quick else difference(brought.module, spec, sizes)
    return {
        "outcome": "wrong" if said else "same",
        "reasons": [said] if said else [],
        "seconds": round(seconds, 1),
        "lines": len(text.splitlines()),
        "any size": bool(spec.symbols),
    }


def isolated(source: str, quick: bool) -> dict[str, Any]:
    """What becomes of one network, in a process with bounds."""
    context = multiprocessing.get_context("fork")  # libraries are imported already
    receiving, sending = context.Pipe(False)
    process = context.Process(target=_child, args=(source, quick, sending))
    process.start()
    sending.close()
    try:
        if not receiving.poll(SECONDS):
            return {"outcome": "failed", "reasons": [f"takes more than {SECONDS} s"]}
        return receiving.recv()
    except EOFError:
        return {"outcome": "failed", "reasons": ["the process ended by itself"]}
    finally:
        process.kill()
        process.join()


def _child(source: str, quick: bool, sending: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    try:
        found = measured(source, quick)
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        found = {"outcome": "failed", "reasons": [words], "trace": traceback.format_exc()[-3000:]}
    sending.send(found)


def kept() -> dict[str, dict[str, Any]]:
    """The results so far, the last of each network."""
    path = OUT / "results.jsonl"
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {one["source"]: one for one in map(json.loads, lines)}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("some", nargs="*")
    parser.add_argument("--quick", action="store_true", help="import only, and compute nothing")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true", help="write docs/imports.md from the results")
    given = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    known = kept()
    for section, source in networks():
        if (given.some and not any(word in source for word in given.some)) or (source in known and not given.again):
            continue
        began = time.perf_counter()
        found = {"source": source, "section": section, **isolated(source, given.quick)}
        found["whole"] = round(time.perf_counter() - began, 1)
        with (OUT / "results.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(found) + "\n")
        first = (found["reasons"] or [""])[0]
        print(
            f"{source:50} {found['outcome']:8} {found.get('lines', ''):>5} {found['whole']:6} s  {first[:150]}",
            flush=True,
        )
    if given.table:
        Path("docs/imports.md").write_text(table(kept()), encoding="utf-8")


def table(found: dict[str, dict[str, Any]]) -> str:
    """The document."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    lines = [
        "# What can be imported",
        "",
        "Made by `make wide`, network by network: the module is imported as a spec, the spec compiled, the module's",
        "weights loaded strictly, and outputs in evaluation and training and all gradients compared bit by bit, at two",
        "sizes where H and W are symbols.  *same*: they are equal; *refused*: the import says what the language lacks.",
        "",
        f"With {versions}.",
    ]
    left = sum(source not in found for _, source in networks())
    if left:
        lines += ["", f"This run was not finished: {left} of the networks that `make wide` takes are not in the table."]
    for section, title in SECTIONS.items():
        rows = [one for one in found.values() if one["section"] == section]
        same = sum(one["outcome"] == "same" for one in rows)
        lines += ["", f"## {title}", "", f"{same} of {len(rows)} are the same.", ""]
        lines += ["| network | outcome | sizes | lines | seconds | |", "| --- | --- | --- | --- | --- | --- |"]
        lines += map(_row, rows)
    return "\n".join(lines) + "\n"


def _row(one: dict[str, Any]) -> str:
    sizes = "" if "any size" not in one else "any" if one["any size"] else "one"
    reason = re.sub(r"\S*/(site-packages|timm|smp)/", "", (one["reasons"] or [""])[0])[:160].replace("|", "\\|")
    more = f" (and {len(one['reasons']) - 1} more)" if len(one["reasons"]) > 1 else ""
    name = one["source"].removeprefix("python:pytorchcv.models.").removeprefix("timm:")
    return (
        f"| {name} | {one['outcome']} | {sizes} | {one.get('lines', '')} | {one.get('seconds', '')} | {reason}{more} |"
    )


if __name__ == "__main__":
    main()
