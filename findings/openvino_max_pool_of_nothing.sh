#!/bin/sh
# OpenVINO 2026.4.1: a MaxPool with ceil_mode has a last window that begins in the padding, and gives the smallest
# float for it.
#
# torch, Caffe and onnxruntime leave such a window out.  Cells 1 … 5, one cell of padding on each side, windows of 2
# with stride 2: three windows.  OpenVINO adds a fourth; its AveragePool does not.  Output seen:
#
#     openvino 2026.4.1: 1 3 5 -inf; onnxruntime 1.32.0: 1 3 5
#
# The script fails once either gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    onnx==1.23.2 numpy==2.4.6 protobuf==7.36.2 ml_dtypes==0.6.0 onnxruntime==1.32.0 flatbuffers==25.12.19 \
    openvino==2026.4.1
"$folder/bin/python" - <<'PYTHON'
import numpy
import onnxruntime
import openvino
from onnx import TensorProto, helper

node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2], strides=[2], pads=[1, 1], ceil_mode=1)
graph = helper.make_graph(
    [node],
    "pool",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 5])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9).SerializeToString()
cells = numpy.arange(1, 6, dtype=numpy.float32).reshape(1, 1, 5)
core = openvino.Core()
compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
found = compiled([cells])[0].ravel().tolist()
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
other = session.run(None, {"x": cells})[0].ravel().tolist()
shown = [" ".join(f"{cell:g}" if cell > -1e38 else "-inf" for cell in row) for row in (found, other)]
print(f"openvino {openvino.__version__.split('-')[0]}: {shown[0]}; onnxruntime {onnxruntime.__version__}: {shown[1]}")
raise SystemExit(shown != ["1 3 5 -inf", "1 3 5"])
PYTHON
