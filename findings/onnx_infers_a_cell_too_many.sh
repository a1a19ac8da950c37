#!/bin/sh
# onnx 1.23.2: shape inference gives a padded ceil_mode pool one cell more than onnx's own reference evaluator
# computes.
#
# A last window that begins in the padding is left out by every engine that follows torch or Caffe.  Shape inference
# counts it.  Five cells, one cell of padding on each side, windows of 2 with stride 2.  Output seen:
#
#     onnx 1.23.2: inferred 4 cells, computed 3
#
# The script fails once the two agree or either changes.  A shape in an ONNX file is therefore not to be trusted
# beside such a pool.
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

node = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[2], strides=[2], pads=[1, 1], ceil_mode=1)
graph = helper.make_graph(
    [node],
    "pool",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 5])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
shape = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0].type.tensor_type.shape
inferred = shape.dim[2].dim_value
computed = ReferenceEvaluator(model).run(None, {"x": numpy.ones((1, 1, 5), numpy.float32)})[0].shape[2]
print(f"onnx {onnx.__version__}: inferred {inferred} cells, computed {computed}")
raise SystemExit((inferred, computed) != (4, 3))
PYTHON
