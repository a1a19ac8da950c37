#!/bin/sh
# OpenCV 4.14's dnn module reads ONNX pools and transposed convolutions with dilations, and computes them without.
#
# A MaxPool of 3 with dilation 2 on 7×7 gives 3×3; a ConvTranspose of 3 with stride 2, dilation 2 on 5×5 gives 13×13.
# OpenCV accepts both and gives the sizes of dilation 1.  Output seen:
#
#     opencv 4.14.0: pool 5×5, transposed convolution 11×11; by the standard 3×3 and 13×13
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
from onnx import TensorProto, helper, numpy_helper


def size(operator, side, weights=(), **attributes):
    """The height of OpenCV's output for one operator on a square map."""
    tensors = [numpy_helper.from_array(weight, f"w{index}") for index, weight in enumerate(weights)]
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *(tensor.name for tensor in tensors)], ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, side, side])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, None, None])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7).SerializeToString()
    network = cv2.dnn.readNetFromONNX(numpy.frombuffer(model, dtype=numpy.uint8))
    network.setInput(numpy.ones((1, 1, side, side), dtype=numpy.float32))
    return network.forward().shape[2]


pool = size("MaxPool", 7, kernel_shape=[3, 3], dilations=[2, 2])
ones = numpy.ones((1, 1, 3, 3), dtype=numpy.float32)
transposed = size("ConvTranspose", 5, [ones], kernel_shape=[3, 3], strides=[2, 2], dilations=[2, 2])
print(
    f"opencv {cv2.__version__}: pool {pool}×{pool}, transposed convolution {transposed}×{transposed}; "
    "by the standard 3×3 and 13×13"
)
raise SystemExit((pool, transposed) != (5, 11))
PYTHON
