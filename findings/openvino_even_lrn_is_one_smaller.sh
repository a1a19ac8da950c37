#!/bin/sh
# OpenVINO 2026.4.1: an LRN over an even number of channels sums one channel fewer, and still divides by the even
# number.
#
# Channels 1 … 5, one cell each; size 4, alpha 4, beta 1, bias 1, so that a channel c becomes c / (1 + sum of
# squares).  By the standard the window of the middle channel has one channel before and two after it: 3 / (1 + 4 + 9
# + 16 + 25) = 0.0545.  OpenVINO sums one before and one after: 3 / (1 + 4 + 9 + 16) = 0.1.  onnxruntime 1.32.0
# refuses even sizes; torch has two before and one after: 0.0968.  Output seen:
#
#     openvino 2026.4.1: 0.1000; the standard's answer 0.0545; torch's 0.0968
#
# The script fails once OpenVINO gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    onnx==1.23.2 numpy==2.4.6 protobuf==7.36.2 ml_dtypes==0.6.0 openvino==2026.4.1
"$folder/bin/python" - <<'PYTHON'
import numpy
import openvino
from onnx import TensorProto, helper

graph = helper.make_graph(
    [helper.make_node("LRN", ["x"], ["y"], size=4, alpha=4.0, beta=1.0, bias=1.0)],
    "lrn",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 5, 1, 1])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7).SerializeToString()
channels = numpy.arange(1, 6, dtype=numpy.float32).reshape(1, 5, 1, 1)
core = openvino.Core()
compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
found = float(compiled([channels])[0][0, 2, 0, 0])
version = openvino.__version__.split("-")[0]
print(f"openvino {version}: {found:.4f}; the standard's answer {3 / 55:.4f}; torch's {3 / 31:.4f}")
raise SystemExit(abs(found - 0.1) > 1e-3)
PYTHON
