#!/bin/sh
# onnx2torch 1.5.15 ignores `output_shape` of a ConvTranspose, and says nothing.
#
# By the standard the attribute gives the size, and the padding is worked out from it.  From 8 cells with kernel 3 and
# stride 2 to 16: 17 without the attribute, one is cut.  onnx2torch gives 17.  Output seen:
#
#     onnx2torch 1.5.15: 17; by the shape inference of onnx 1.23.2: 16
#
# The script fails once onnx2torch gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 onnx==1.23.2 numpy==2.4.6 protobuf==7.36.2 ml_dtypes==0.6.0 onnx2torch==1.5.15
"$folder/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

# Its rules for boxes need torchvision, which has no part here.
sys.modules["torchvision"] = sys.modules["torchvision.ops"] = MagicMock()
from onnx2torch import convert

larger = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2], output_shape=[16])
graph = helper.make_graph(
    [larger],
    "larger",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    [numpy_helper.from_array(numpy.ones((1, 1, 3), dtype=numpy.float32), "w")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
found = convert(model)(torch.ones(1, 1, 8)).shape[-1]
shapes = onnx.shape_inference.infer_shapes(model)
right = shapes.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
print(f"onnx2torch {version('onnx2torch')}: {found}; by the shape inference of onnx {onnx.__version__}: {right}")
raise SystemExit((found, right) != (17, 16))
PYTHON
