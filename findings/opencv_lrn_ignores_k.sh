#!/bin/sh
# OpenCV 4.14's dnn module reads a Caffe LRN layer and ignores its `k`: it divides by (1 + alpha/n · sum)^beta always.
#
# One channel, the number 2 in each cell, local_size 1, alpha 1, beta 1, k 3: Caffe's rule gives 2 / (3 + 2²) = 0.2857.
# OpenCV gives 2 / (1 + 2²) = 0.4000.  Output seen:
#
#     opencv 4.14.0: 0.4000; by Caffe's rule 0.2857
#
# The script fails once OpenCV gives anything else.  Networks whose authors set k (CaffeNet's k is 1, AlexNet's paper has
# 2) cannot be compared with it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check opencv-python-headless==4.14.0.94 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import cv2
import numpy

TEXT = b"""
name: "lrn"
input: "data"
input_dim: 1 input_dim: 1 input_dim: 2 input_dim: 2
layer { name: "norm" type: "LRN" bottom: "data" top: "norm" lrn_param { local_size: 1 alpha: 1 beta: 1 k: 3 } }
"""
network = cv2.dnn.readNetFromCaffe(numpy.frombuffer(TEXT, dtype=numpy.uint8))
network.setInput(numpy.full((1, 1, 2, 2), 2, dtype=numpy.float32))
found = float(network.forward()[0, 0, 0, 0])
print(f"opencv {cv2.__version__}: {found:.4f}; by Caffe's rule {2 / 7:.4f}")
raise SystemExit(abs(found - 0.4) > 1e-4)
PYTHON
