#!/bin/sh
# OpenVINO 2026.4.1: an ONNX LSTM with layout=1 (batch first) gives its output as (batch, directions, steps,
# features).
#
# The standard says (batch, steps, directions, features), as onnx's shape inference and reference evaluator have it,
# so that one forward LSTM over 5 steps of 2 samples gives 2×5×1×4.  onnxruntime 1.32.0 refuses layout=1.  Output
# seen:
#
#     openvino 2026.4.1: (2, 1, 5, 4); onnx 1.23.2: (2, 5, 1, 4)
#
# The script fails once either gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    onnx==1.23.2 numpy==2.4.6 protobuf==7.36.2 ml_dtypes==0.6.0 openvino==2026.4.1
"$folder/bin/python" - <<'PYTHON'
import numpy
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

chance = numpy.random.default_rng(0)
weights = {"w": (1, 16, 3), "r": (1, 16, 4)}
tensors = [numpy_helper.from_array(chance.random(shape, dtype=numpy.float32), name) for name, shape in weights.items()]
graph = helper.make_graph(
    [helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=4, layout=1)],
    "lstm",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 5, 3])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    tensors,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
steps = chance.random((2, 5, 3), dtype=numpy.float32)
core = openvino.Core()
found = core.compile_model(core.read_model(model.SerializeToString()), "CPU")([steps])[0].shape
right = ReferenceEvaluator(model).run(None, {"x": steps})[0].shape
print(f"openvino {openvino.__version__.split('-')[0]}: {tuple(found)}; onnx {onnx.__version__}: {tuple(right)}")
raise SystemExit(tuple(found) != (2, 1, 5, 4) or tuple(right) != (2, 5, 1, 4))
PYTHON
