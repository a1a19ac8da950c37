#!/bin/sh
# fvcore 0.1.5.post20221221 counts nothing for a convolution whose padding is the word "same".
#
# The layer is 3 x 3 from 4 to 8 channels on 8 x 8: 18,432 multiply-adds, as the same layer with padding 1 counts.
# With the word, torch traces another operator, and fvcore has no rule for it: the layer is left out of the total,
# with a line in the log.  Output seen:
#
#     fvcore 0.1.5.post20221221: padding=1 18432; padding="same" 0; left out: {'aten::_convolution_mode': 1}
#
# The script fails once the counts are others.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 fvcore==0.1.5.post20221221 iopath==0.1.10 portalocker==4.4.2 yacs==0.1.8 \
    tabulate==0.10.0 termcolor==3.3.0
"$folder/bin/python" - <<'PYTHON'
import logging
from importlib.metadata import version

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

logging.disable(logging.CRITICAL)
cells = torch.zeros(1, 4, 8, 8)
number = FlopCountAnalysis(nn.Conv2d(4, 8, 3, padding=1), cells)
word = FlopCountAnalysis(nn.Conv2d(4, 8, 3, padding="same"), cells)
totals = number.total(), word.total()
print(
    f'fvcore {version("fvcore")}: padding=1 {totals[0]}; padding="same" {totals[1]};'
    f" left out: {dict(word.unsupported_ops())}"
)
raise SystemExit(totals != (18432, 0))
PYTHON
