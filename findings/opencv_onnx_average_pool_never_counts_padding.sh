#!/bin/sh
# OpenCV 4.14's dnn module reads an ONNX AveragePool with count_include_pad=1 and divides by the real cells alone.
#
# torch's AvgPool2d counts its padding unless told otherwise, so its exported files carry the attribute.  A map of
# ones, one cell of padding, windows of 3: the corner has four cells of nine, 0.4444.  OpenCV gives 1.  Output seen:
#
#     opencv 4.14.0: 1.0000 in the corner; by the standard 0.4444
#
# The script fails once OpenCV gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    opencv-python-headless==4.14.0.94 numpy==2.4.6 onnx==1.23.2
"$folder/bin/python" - <<'PYTHON'
import cv2
import numpy
from onnx import TensorProto, helper

graph = helper.make_graph(
    [helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)],
    "pool",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 4, 4])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7).SerializeToString()
network = cv2.dnn.readNetFromONNX(numpy.frombuffer(model, dtype=numpy.uint8))
network.setInput(numpy.ones((1, 1, 4, 4), dtype=numpy.float32))
found = float(network.forward()[0, 0, 0, 0])
print(f"opencv {cv2.__version__}: {found:.4f} in the corner; by the standard {4 / 9:.4f}")
raise SystemExit(abs(found - 1) > 1e-4)
PYTHON
