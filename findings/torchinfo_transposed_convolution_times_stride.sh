#!/bin/sh
# torchinfo 1.8.0 and thop 0.1.1 count a transposed convolution's multiply-adds stride² times.
#
# A transposed convolution multiplies each cell of its *input* by each weight.  Both tools take the output's cells, as
# is right for a convolution: with stride 2 four times too many, which is most of what they say of a U-Net's or a
# DCGAN's decoder. torch's own counter has the right number.  One layer, 8 → 4 channels, kernel 4, stride 2, on 16×16:
# 16 · 16 · 8 · 4 · 16 = 131,072.  Output seen:
#
#     torchinfo 1.8.0: 524288, thop: 524288, torch 2.13.0: 131072
#
# The script fails once one of them gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 torchinfo==1.8.0 thop==0.1.1.post2209072238
"$folder/bin/python" - <<'PYTHON'
import thop
import torch
import torchinfo
from torch.utils.flop_counter import FlopCounterMode

layer = torch.nn.Sequential(torch.nn.ConvTranspose2d(8, 4, kernel_size=4, stride=2, padding=1, bias=False))
image = torch.zeros(1, 8, 16, 16)
first = int(torchinfo.summary(layer, input_data=image, verbose=0).total_mult_adds)
second = int(thop.profile(layer, (image,), verbose=False)[0])
with FlopCounterMode(display=False) as counter:
    layer(image)
right = counter.get_total_flops() // 2
version = torch.__version__.split("+")[0]
print(f"torchinfo {torchinfo.__version__}: {first}, thop: {second}, torch {version}: {right}")
raise SystemExit((first, second, right) != (524288, 524288, 131072))
PYTHON
