#!/bin/sh
# onnxruntime 1.32.0: a pool with auto_pad SAME_UPPER and a dilation is padded as if it had none, so cells are
# missing.
#
# The standard says that SAME gives ceil(n / stride) cells.  Six cells 0 … 5, kernel 3, stride 2, dilation 2: three
# cells, 3 5 5.  onnxruntime gives two; its log has a line that another shape was expected.  onnx's own reference
# evaluator gives the three.  Output seen:
#
#     onnxruntime 1.32.0: [4.0, 4.0]; the standard's answer, by onnx 1.23.2: [3.0, 5.0, 5.0]
#
# The script fails once onnxruntime gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    onnx==1.23.2 numpy==2.4.6 protobuf==7.36.2 ml_dtypes==0.6.0 onnxruntime==1.32.0 flatbuffers==25.12.19
"$folder/bin/python" - <<'PYTHON'
import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

node = helper.make_node(
    "MaxPool", ["x"], ["y"], kernel_shape=[3], strides=[2], dilations=[2], auto_pad="SAME_UPPER"
)
graph = helper.make_graph(
    [node],
    "pool",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 6])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
cells = {"x": numpy.arange(6, dtype=numpy.float32).reshape(1, 1, 6)}
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
found = session.run(None, cells)[0].ravel().tolist()
right = ReferenceEvaluator(model).run(None, cells)[0].ravel().tolist()
print(
    f"onnxruntime {onnxruntime.__version__}: {found}; the standard's answer, by onnx {onnx.__version__}: {right}"
)
raise SystemExit(found != [4.0, 4.0] or right != [3.0, 5.0, 5.0])
PYTHON
