#!/bin/sh
# OpenVINO 2026.4.1 reads Softmax of opset 11 as if it were of opset 13, and Softmax of opset 1 as it should.
#
# Before opset 13, Softmax flattened its input at `axis` and normalised each row of the matrix: with axis 1 the four
# numbers 0 1 2 3 of one sample sum to one.  From 13 on it normalises along that axis alone.  OpenVINO has the old
# rule for opset 1 and the new one for opset 11; LogSoftmax has the old one for both.  Output seen:
#
#     openvino 2026.4.1: sum over a sample 1.0000 in opset 1, 2.0000 in opset 11; onnxruntime 1.32.0: 1.0000, 1.0000
#
# The script fails once either gives anything else.  Exporters of those years wrote axis 1 for a classifier's scores
# of (batch, classes), where the rules agree; for score maps they do not.
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

core = openvino.Core()
cells = numpy.arange(4, dtype=numpy.float32).reshape(1, 2, 2)


def sums(opset):
    """What the outputs of one sample sum to, by OpenVINO and by onnxruntime."""
    graph = helper.make_graph(
        [helper.make_node("Softmax", ["x"], ["y"], axis=1)],
        "softmax",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = core.compile_model(core.read_model(model), "CPU")([cells])[0]
    return float(found.sum()), float(session.run(None, {"x": cells})[0].sum())


(first, first_right), (eleventh, eleventh_right) = sums(1), sums(11)
version = openvino.__version__.split("-")[0]
print(
    f"openvino {version}: sum over a sample {first:.4f} in opset 1, {eleventh:.4f} in opset 11; "
    f"onnxruntime {onnxruntime.__version__}: {first_right:.4f}, {eleventh_right:.4f}"
)
raise SystemExit(not numpy.allclose([first, eleventh, first_right, eleventh_right], [1, 2, 1, 1], atol=1e-3))
PYTHON
