#!/bin/sh
# onnx 1.23.2: the reference evaluator's LRN divides the first channel only, and gives the others as they came.
#
# Channels 1 2 3, one cell each, size 3, alpha 3, beta 1, bias 1: the second becomes 2 / (1 + 1 + 4 + 9) = 0.1333.
# Whoever checks an importer or an engine against the reference on AlexNet or GoogLeNet checks against this.  Output
# seen:
#
#     onnx 1.23.2: [0.1667, 2.0, 3.0]; by the standard's formula [0.1667, 0.1333, 0.2143]
#
# The script fails once it gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    onnx==1.23.2 numpy==2.4.6 protobuf==7.36.2 ml_dtypes==0.6.0
"$folder/bin/python" - <<'PYTHON'
import numpy
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

graph = helper.make_graph(
    [helper.make_node("LRN", ["x"], ["y"], size=3, alpha=3.0, beta=1.0, bias=1.0)],
    "lrn",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 1, 1])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 1, 1])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
onnx.checker.check_model(model, full_check=True)
channels = numpy.array([1, 2, 3], dtype=numpy.float32)
found = ReferenceEvaluator(model).run(None, {"x": channels.reshape(1, 3, 1, 1)})[0].ravel().astype(float)
squares = numpy.array([1 + 4, 1 + 4 + 9, 4 + 9])
right = channels / (1 + squares)
print(f"onnx {onnx.__version__}: {found.round(4).tolist()}; by the standard's formula {right.round(4).tolist()}")
raise SystemExit(not numpy.allclose(found, [1 / 6, 2, 3], atol=1e-4))
PYTHON
