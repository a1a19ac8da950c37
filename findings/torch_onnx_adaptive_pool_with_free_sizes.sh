#!/bin/sh
# torch 2.13.0 exports AdaptiveAvgPool2d to ONNX with free height and width, and the file is right at the exported
# size only.
#
# The pool's windows are written as the constants of the example.  At another size the file gives an output of another
# shape, or other means, without a word.  AdaptiveAvgPool2d(2) exported at 8×8 and run by onnxruntime at 12×12.
# Output seen:
#
#     torch 2.13.0 gives 2×2, its exported file in onnxruntime 1.32.0 gives 3×3
#
# The script fails once the file is right, or is refused.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2
"$folder/bin/python" - <<'PYTHON'
import io
import warnings

import onnxruntime
import torch
from torch.export import Dim

warnings.filterwarnings("ignore")
pool = torch.nn.AdaptiveAvgPool2d(2).eval()
free = {2: Dim.AUTO, 3: Dim.AUTO}
program = torch.onnx.export(pool, (torch.zeros(1, 1, 8, 8),), dynamic_shapes=(free,), verbose=False)
file = io.BytesIO()
program.save(file)
session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
image = torch.rand(1, 1, 12, 12)
found = session.run(None, {session.get_inputs()[0].name: image.numpy()})[0].shape[2:]
right = tuple(pool(image).shape[2:])
shown = ["×".join(map(str, shape)) for shape in (right, found)]
version = torch.__version__.split("+")[0]
print(f"torch {version} gives {shown[0]}, its exported file in onnxruntime {onnxruntime.__version__} gives {shown[1]}")
raise SystemExit(tuple(found) == right)
PYTHON
