#!/bin/sh
# OpenVINO 2026.4.1: an AveragePool with ceil_mode and count_include_pad divides the last sum by cells that are not
# even padding.
#
# Cells 1 … 6 with one cell of padding on each side, windows of 3 with stride 2.  The last window has the cell 6, the
# padding's 0, and one place past the end, which ceil_mode reaches and nothing fills.  torch and onnxruntime divide by
# the two that are there: 3.  OpenVINO divides by three: 2.  Output seen:
#
#     openvino 2026.4.1: [1.0, 3.0, 5.0, 2.0]; onnxruntime 1.32.0: [1.0, 3.0, 5.0, 3.0]
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

node = helper.make_node(
    "AveragePool", ["x"], ["y"], kernel_shape=[3], strides=[2], pads=[1, 1], ceil_mode=1, count_include_pad=1
)
graph = helper.make_graph(
    [node],
    "pool",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 6])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9).SerializeToString()
cells = numpy.arange(1, 7, dtype=numpy.float32).reshape(1, 1, 6)
core = openvino.Core()
compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
found = compiled([cells])[0].ravel().round(4).tolist()
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
other = session.run(None, {"x": cells})[0].ravel().round(4).tolist()
print(f"openvino {openvino.__version__.split('-')[0]}: {found}; onnxruntime {onnxruntime.__version__}: {other}")
raise SystemExit(found != [1.0, 3.0, 5.0, 2.0] or other != [1.0, 3.0, 5.0, 3.0])
PYTHON
