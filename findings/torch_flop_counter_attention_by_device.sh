#!/bin/sh
# torch 2.13.0: `FlopCounterMode` counts scaled dot-product attention on the meta device and nothing of it on a CPU,
# so that one network has two counts.
#
# Four heads of 8 tokens of 8 channels: two products of 4 x 8 x 8 x 8 multiply-adds, 8192 operations with both counted.
# The kernel that torch chooses on a CPU is not in the counter's table.  A transformer encoder layer loses the 6,400
# operations of its attention there, of 47,360.  Output seen:
#
#     torch 2.13.0, attention: cpu 0, meta 8192; encoder layer: cpu 40960, meta 47360
#
# The script fails once the counts are others.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def operations(device: str, layer: bool) -> int:
    with torch.device(device), torch.no_grad(), FlopCounterMode(display=False) as counter:
        if layer:
            nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).eval()(torch.zeros(1, 10, 16))
        else:
            heads = torch.zeros(1, 4, 8, 8)
            nn.functional.scaled_dot_product_attention(heads, heads, heads)
    return counter.get_total_flops()


attention = [operations(device, False) for device in ("cpu", "meta")]
layers = [operations(device, True) for device in ("cpu", "meta")]
print(
    f"torch {torch.__version__.split('+')[0]}, attention: cpu {attention[0]}, meta {attention[1]};"
    f" encoder layer: cpu {layers[0]}, meta {layers[1]}"
)
raise SystemExit(attention != [0, 8192] or layers != [40960, 47360])
PYTHON
