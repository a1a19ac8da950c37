"""Memory of a training step where weights are shared or made of others, and of what torch computes in many steps.

Held to the storages that torch has alive; what is said leaves out two numbers of the loss.
"""

from __future__ import annotations

import pytest

import archspec
from archspec.analyses.memory import memory
from tests.helpers.live_storages import inputs_of, training

HEAD = "archspec: 1\nname: N\ninputs: {image: [3, H, W]}\nsizes: {H: 6, W: 5}\nsteps:\n"

IN = "conv: {channels: 8, kernel: 1}"
BACK = "reuse: {step: f, transposed: true}"
NETWORKS = {
    "lrn": f"{IN} | lrn: {{size: 5}} | conv: {{channels: 2, kernel: 1}}",
    "lrn of few channels": "conv: {channels: 2, kernel: 1} | lrn: {size: 15, k: 2, alpha: 0.01}",
    "lrn of the input": f"lrn: {{size: 2}} | {IN}",
    "spectral": "spectral_conv: {channels: 16, kernel: 3} | relu | spectral_conv: {channels: 32, kernel: 3}",
    "spectral, iterated": f"{IN} | spectral_conv: {{channels: 32, kernel: 3, iterations: 3, bias: false}}",
    "spectral, padded": f"{IN} | spectral_conv: {{channels: 16, kernel: 3, padding: 1, padding_mode: circular}}",
    "spectral, reused": f"{IN} | spectral_conv as f: {{channels: 8, kernel: 1}} | relu | reuse: f",
    "spectral matrices": "flatten | spectral_linear: {features: 50} | relu | spectral_linear: {features: 50}",
    "standardised": f"{IN} | relu | standardized_conv: {{channels: 32, kernel: 3, gain: true}}",
    "round and round": f"{IN} | conv: {{channels: 2, kernel: 3, padding: 1, padding_mode: circular}}",
    "mirrored": f"{IN} | conv: {{channels: 9, kernel: 3, padding: 1, padding_mode: reflect}}",
    "tied matrices": f"flatten | linear as f: {{features: 50}} | relu | {BACK}",
    "tied convolutions": f"conv as f: {{channels: 50, kernel: 3}} | relu | {BACK}",
    "tied and reused": f"conv as f: {{channels: 50, kernel: 3}} | relu | {BACK} | reuse: f",
    "reused matrix": "flatten | linear: {features: 50} | linear as f: {features: 50} | relu | reuse: f | reuse: f",
    "reused convolution": f"{IN} | conv as f: {{channels: 8, kernel: 3, padding: 1}} | relu | reuse: f | reuse: f",
}


@pytest.mark.parametrize("steps", NETWORKS.values(), ids=NETWORKS)
def test_the_peak_is_torchs(steps: str) -> None:
    spec = archspec.loads(HEAD + "".join(f"  - {step}\n" for step in steps.split(" | ")))
    sizes, model = dict(spec.graph.sizes), archspec.compile(spec)
    bias = 4 * 50 if "linear as f" in steps else 0  # torch sums a matrix's bias before its weight
    for batch in (1, 8):
        found = training(model, inputs_of(spec.graph, sizes, batch)) - 8
        assert found <= (memory(spec.graph, sizes, batch).training or 0) <= found + bias
        model.zero_grad()
