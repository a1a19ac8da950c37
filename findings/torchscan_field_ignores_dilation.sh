#!/bin/sh
# torchscan 0.1.1: the receptive field of a network leaves dilation out.
#
# A convolution of 3 x 3 with dilation 2 before one of 3 x 3: an output sees 7 x 7 pixels, which the gradient shows.
# torchscan says 5.  For a transposed convolution of kernel 2 and stride 2
# before one of 3 x 3 it says -1; the gradient reaches 2 x 2 pixels.  Output seen:
#
#     torchscan 0.1.1: dilated 5, by gradient 7; transposed -1, by gradient 2
#
# The script fails once torchscan says anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 torchscan==0.1.1
"$folder/bin/python" - <<'PYTHON'
from importlib.metadata import version

import torch
from torch import nn
from torchscan.crawler import crawl_module

torch.manual_seed(0)
dilated = nn.Sequential(nn.Conv2d(1, 4, 3, dilation=2), nn.Conv2d(4, 4, 3))
transposed = nn.Sequential(nn.ConvTranspose2d(1, 4, 2, stride=2), nn.Conv2d(4, 4, 3))


def said(net: nn.Module) -> int:
    return int(crawl_module(net, (1, 33, 33))["layers"][0]["rf"])


def by_gradient(net: nn.Module) -> int:
    pixels = torch.randn(1, 1, 33, 33, requires_grad=True)
    maps = net(pixels)
    row, column = maps.shape[2] // 2, maps.shape[3] // 2
    (gradient,) = torch.autograd.grad(maps[0, 0, row, column], pixels)
    rows = gradient[0, 0].abs().sum(dim=1).nonzero().ravel()
    return int(rows[-1] - rows[0]) + 1


found = [said(dilated), by_gradient(dilated), said(transposed), by_gradient(transposed)]
print(
    f"torchscan {version('torchscan')}: dilated {found[0]}, by gradient {found[1]};"
    f" transposed {found[2]}, by gradient {found[3]}"
)
raise SystemExit(found != [5, 7, -1, 2])
PYTHON
