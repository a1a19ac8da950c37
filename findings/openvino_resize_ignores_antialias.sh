#!/bin/sh
# OpenVINO 2026.4.1 reads an ONNX Resize with antialias=1 or exclude_outside=1 and computes it without either.
#
# The squares 0, 1, 4 … 49 brought from eight cells to four: with antialias, which torch's `antialias=True` and
# Pillow's resize have, the third cell has a wider mean than without.  Then to sixteen cells by the cubic rule, with
# and without the weights outside of the image.  OpenVINO accepts the attributes and gives the plain result.  Output
# seen:
#
#     openvino 2026.4.1: antialias [0.5, 6.5, 20.5, 42.5], onnxruntime 1.32.0 [0.875, 7.0, 21.0, 41.125]
#     first cell with exclude_outside: openvino -0.1055, onnxruntime -0.1364
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
from onnx import TensorProto, helper, numpy_helper

core = openvino.Core()
cells = (numpy.arange(8, dtype=numpy.float32) ** 2).reshape(1, 1, 1, 8)


def both(width, **attributes):
    """The resized row by OpenVINO and by onnxruntime."""
    sizes = numpy_helper.from_array(numpy.array([1, 1, 1, width], dtype=numpy.int64), "sizes")
    graph = helper.make_graph(
        [helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], **attributes)],
        "resize",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [sizes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9).SerializeToString()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows = compiled([cells])[0], session.run(None, {"x": cells})[0]
    return [row.ravel().round(4).tolist() for row in rows]


found, right = both(4, mode="linear", antialias=1)
outside, inside = (row[0] for row in both(16, mode="cubic", exclude_outside=1))
version = openvino.__version__.split("-")[0]
print(f"openvino {version}: antialias {found}, onnxruntime {onnxruntime.__version__} {right}")
print(f"first cell with exclude_outside: openvino {outside:.4f}, onnxruntime {inside:.4f}")
seen = [0.5, 6.5, 20.5, 42.5, 0.875, 7, 21, 41.125, -0.1055, -0.1364]
raise SystemExit(not numpy.allclose([*found, *right, outside, inside], seen, atol=1e-3))
PYTHON
