"""Speed of the form for inference beside eager torch, inductor with freezing, ONNX Runtime and OpenVINO.

``make bench`` installs the peers and runs it; it writes the table of ``benchmarks/speed.md``.  Each network runs in a
process of its own, all engines in turn in one loop, so that a machine that slows down slows all of them; of the times
of each the smallest counts.  What matters is the ratio.
"""

from __future__ import annotations

import argparse
import copy
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import exp, log
from pathlib import Path
from typing import Any

NETWORKS = (
    "alexnet", "vgg16", "resnet50", "googlenet", "inception_v3", "densenet121", "squeezenet1_0", "mobilenet_v1",
    "mobilenet_v2", "unet_same", "fcn8s_vgg16",
)  # fmt: skip
OURS = ("ours", "ours bf16")
PEERS = ("inductor", "onnxruntime", "openvino", "openvino bf16")
PACKAGES = ("torch", "onnxruntime", "openvino")
PAGE = Path(__file__).with_name("speed.md")

Engine = Callable[[], Any]


# -- one network, in a process of its own ------------------------------------------------------------------------------


def measure(name: str, batch: int, threads: int, only: list[str], rounds: int, clock: str) -> dict[str, Any]:
    """Seconds of one run by engine, seconds of preparation, and the largest difference from eager's outputs."""
    import torch

    import archspec
    from archspec.running.inference import own_sizes

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    spec = archspec.load(name)
    plain = archspec.compile(spec).eval().requires_grad_(False)
    with torch.no_grad():
        for layer in plain.modules():
            if isinstance(layer, torch.nn.BatchNorm2d) and layer.running_mean is not None:
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.75, 1.25)
    (sizes,) = own_sizes(spec.graph)
    image = torch.randn(batch, *sizes)
    makers = {
        "eager": lambda: lambda: plain(image),
        "ours": lambda: _ours(spec, plain, image, "f32"),
        "ours bf16": lambda: _ours(spec, plain, image, "bf16"),
        "inductor": lambda: _inductor(plain, image),
        "onnxruntime": lambda: _onnxruntime(plain, image, threads),
        "openvino": lambda: _openvino(plain, image, threads, "f32"),
        "openvino bf16": lambda: _openvino(plain, image, threads, "bf16"),
    }
    found: dict[str, Any] = {"network": name, "batch": batch, "threads": threads, "left out": {}}
    engines: dict[str, Engine] = {}
    prepared: dict[str, float] = {}
    with torch.inference_mode():
        for engine, make in makers.items():
            if engine != "eager" and only and engine not in only:
                continue
            try:
                begin = time.perf_counter()
                engines[engine] = make()
                engines[engine]()
                prepared[engine] = time.perf_counter() - begin
            except Exception as error:  # a peer that is missing or refuses is named in the table, and is no failure
                found["left out"][engine] = (
                    f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
                )
        wanted = _tensor(engines["eager"]())
        found["difference"] = {
            engine: float((_tensor(run()) - wanted).abs().max() / wanted.abs().max()) for engine, run in engines.items()
        }
        found["seconds"] = _interleaved(engines, rounds, clock)
    found["prepared"] = prepared
    return found


def _tensor(output: Any) -> Any:
    """The first output."""
    return output[0].float() if isinstance(output, tuple) else output.float()


def _interleaved(engines: dict[str, Engine], rounds: int, clock: str) -> dict[str, float]:
    """The smallest time of one run by engine; all take turns."""
    now = time.perf_counter if clock == "wall" else time.process_time
    best = dict.fromkeys(engines, float("inf"))
    for _ in range(rounds):
        for engine, run in engines.items():
            run()
            begin = now()
            run()
            best[engine] = min(best[engine], now() - begin)
    return best


def _ours(spec: Any, plain: Any, image: Any, precision: str) -> Engine:
    import torch

    from archspec.inference import source
    from archspec.running.runtime import defined

    if precision == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise RuntimeError("the processor has no bfloat16")
    text = defined(source(spec.graph, precision))
    network = text.prepare(text.from_state_dict(plain.state_dict()), image)
    return lambda: network(image)


def _inductor(plain: Any, image: Any) -> Engine:
    import torch
    import torch._inductor.config as config

    if shutil.which("g++") is None and shutil.which("clang++") is None:
        raise RuntimeError("there is no C++ compiler")
    config.freezing = True
    laid = image.contiguous(memory_format=torch.channels_last)
    compiled = torch.compile(copy.deepcopy(plain).to(memory_format=torch.channels_last))

    def run() -> Any:
        with torch.no_grad():
            return compiled(laid)

    with torch.inference_mode(mode=False):
        run()
    return run


def _exported(plain: Any, image: Any) -> str:
    import torch

    file = Path(tempfile.gettempdir()) / f"archspec_{os.getpid()}.onnx"
    if not file.exists():
        with torch.inference_mode(mode=False), torch.no_grad():
            torch.onnx.export(plain, (image.clone(),), str(file), dynamo=False, opset_version=17)
    return str(file)


def _onnxruntime(plain: Any, image: Any, threads: int) -> Engine:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")  # so that the next engine has the cores
    session = onnxruntime.InferenceSession(_exported(plain, image), options, providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: image.numpy()}
    return lambda: torch.from_numpy(session.run(None, given)[0])


def _openvino(plain: Any, image: Any, threads: int, precision: str) -> Engine:
    import openvino
    import torch

    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise RuntimeError("the processor has no bfloat16")
    how = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = core.compile_model(_exported(plain, image), "CPU", how).create_infer_request()
    given = image.numpy()
    return lambda: torch.from_numpy(next(iter(request.infer({0: given}, share_inputs=True).values())))


# -- all of them -------------------------------------------------------------------------------------------------------


def run(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The measurements of all networks, one process after the other."""
    found = []
    for threads in arguments.threads:
        for batch in arguments.batches:
            for name in arguments.networks:
                call = [sys.executable, __file__, "--one", name, "--batches", str(batch), "--threads", str(threads)]
                call += ["--rounds", str(arguments.rounds), "--clock", arguments.clock, "--only", *arguments.only]
                environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
                done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
                if done.returncode:
                    print(name, done.stderr[-2000:], file=sys.stderr)
                    continue
                found.append(json.loads(done.stdout.splitlines()[-1]))
                print(line(found[-1]), flush=True)
    return found


def line(row: dict[str, Any]) -> str:
    """One network as text."""
    eager = row["seconds"]["eager"]
    parts = [f"{engine} {eager / seconds:.2f}" for engine, seconds in row["seconds"].items() if engine != "eager"]
    away = "; ".join(f"{engine}: {why}" for engine, why in row["left out"].items())
    return (
        f"{row['network']} batch {row['batch']} threads {row['threads']} eager {eager * 1e3:.1f} ms: {', '.join(parts)}"
        f" ({away})"
    )


def page(rows: list[dict[str, Any]], clock: str) -> str:
    """The measurements as a page: speed-up over eager, and how the form for inference stands to each peer."""
    engines = [engine for engine in (*OURS, *PEERS) if any(engine in row["seconds"] for row in rows)]
    lines = ["# The form for inference beside other engines", ""]
    lines += [f"Written by `benchmarks/inference.py` on {datetime.now(UTC):%Y-%m-%d}; `make bench` runs it again.", ""]
    lines += [f"{processor()}, Python {platform.python_version()}, {versions()}.", ""]
    lines += [f"Speed-up over eager torch, from the smallest {clock} time of each.", ""]
    lines += [
        f"| network | batch | threads | eager, ms | {' | '.join(engines)} | largest difference | prepared in, s |"
    ]
    lines += ["| --- |" + " --- |" * (len(engines) + 5)]
    for row in rows:
        eager = row["seconds"]["eager"]
        ratios = [f"{eager / row['seconds'][engine]:.2f}" if engine in row["seconds"] else "" for engine in engines]
        own = [f"{row['difference'][engine]:.0e}" for engine in OURS if engine in row["difference"]]
        lines.append(
            f"| {row['network']} | {row['batch']} | {row['threads']} | {eager * 1e3:.1f} | {' | '.join(ratios)} "
            f"| {', '.join(own)} | {row['prepared'].get('ours', float('nan')):.2f} |"
        )
    lines += ["", "Ours as a ratio to each peer (above 1: faster), geometric mean and smallest:", ""]
    for batch, threads in sorted({(row["batch"], row["threads"]) for row in rows}):
        some = [row for row in rows if (row["batch"], row["threads"]) == (batch, threads)]
        for ours, peers in (("ours", PEERS[:3]), ("ours bf16", PEERS[3:])):
            for peer in peers:
                both = [row["seconds"] for row in some if peer in row["seconds"] and ours in row["seconds"]]
                ratios = [one[peer] / one[ours] for one in both]
                if ratios:
                    mean = exp(sum(map(log, ratios)) / len(ratios))
                    what = f"batch {batch}, {threads} thread{'s' if threads > 1 else ''}, {ours} to {peer}"
                    lines.append(f"- {what}: {mean:.2f}, {min(ratios):.2f} ({len(ratios)} networks)")
    away = sorted({f"{engine}: {why}" for row in rows for engine, why in row["left out"].items()})
    lines += ["", *(f"- left out: {each}" for each in away)] if away else []
    return "\n".join(lines) + "\n"


def processor() -> str:
    """The processor's name, the number of cores, and the widest vectors that torch uses."""
    import torch

    name = platform.processor() or platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        models = [text for text in listed.read_text().splitlines() if text.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    return f"{name}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}"


def versions() -> str:
    """The versions of torch and the peers that are installed."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)


def main() -> None:
    """Read the arguments; measure one network or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--batches", nargs="+", type=int, default=[1])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--only", nargs="*", default=[], help="engines beside eager; default: all")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall", help="processor: on a busy machine")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        row = measure(
            arguments.one, arguments.batches[0], arguments.threads[0], arguments.only, arguments.rounds, arguments.clock
        )
        print(json.dumps(row))
        return
    rows = run(arguments)
    if arguments.write and rows:
        PAGE.write_text(page(rows, arguments.clock), encoding="utf-8")
    else:
        print(page(rows, arguments.clock) if rows else "nothing was measured")


if __name__ == "__main__":
    main()
