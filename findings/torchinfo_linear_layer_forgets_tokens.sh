#!/bin/sh
# torchinfo 1.8.0 counts a linear layer's multiply-adds once, however many tokens it is applied to.
#
# A linear layer from 8 to 4 features on ten tokens has 10 · 8 · 4 = 320; torchinfo says 32, what one token takes.  In
# a vision transformer with 196 tokens nearly all of the work is in such layers, and the sum is 200 times too small.
# Output seen:
#
#     torchinfo 1.8.0: 32; torch 2.13.0: 320
#
# The script fails once either gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 torchinfo==1.8.0
"$folder/bin/python" - <<'PYTHON'
import torch
import torchinfo
from torch.utils.flop_counter import FlopCounterMode

layer = torch.nn.Sequential(torch.nn.Linear(8, 4, bias=False))
tokens = torch.zeros(1, 10, 8)
found = int(torchinfo.summary(layer, input_data=tokens, verbose=0).total_mult_adds)
with FlopCounterMode(display=False) as counter:
    layer(tokens)
right = counter.get_total_flops() // 2
print(f"torchinfo {torchinfo.__version__}: {found}; torch {torch.__version__.split('+')[0]}: {right}")
raise SystemExit((found, right) != (32, 320))
PYTHON
