#!/bin/sh
# torch 2.13.0: FlopCounterMode counts nothing for an LSTM on the CPU, and says nothing.
#
# On a CPU the whole LSTM runs as one operator, for which the counter has no rule.  Operators without a rule count as
# zero.  A layer from 8 to 4 features over ten steps multiplies 10 · 4 · 4 · (8 + 4) = 1,920 pairs of numbers.  Output
# seen:
#
#     torch 2.13.0: 0 operations of an LSTM that has 3840
#
# The script fails once it counts anything.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import torch
from torch.utils.flop_counter import FlopCounterMode

layer = torch.nn.LSTM(8, 4, batch_first=True).eval()
with torch.no_grad(), FlopCounterMode(display=False) as counter:
    layer(torch.zeros(1, 10, 8))
found = counter.get_total_flops()
print(f"torch {torch.__version__.split('+')[0]}: {found} operations of an LSTM that has {2 * 10 * 4 * 4 * (8 + 4)}")
raise SystemExit(found != 0)
PYTHON
