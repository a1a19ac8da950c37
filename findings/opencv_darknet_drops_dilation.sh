#!/bin/sh
# OpenCV 4.14's dnn module reads a Darknet cfg whose convolution has `dilation`, and computes it without.
#
# AlexeyAB's Darknet dilates such a kernel and pads by padding · dilation.  One pixel of 1 in the middle of 7×7, a 3×3
# kernel of ones: dilated by 2, the nine ones lie two apart.  OpenCV gives the nine neighbours.  Output seen:
#
#     opencv 4.14.0: columns 2, 3, 4 of the middle row are 1; dilated they are 1, 3, 5
#
# The script fails once OpenCV gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    opencv-python-headless==4.14.0.94 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import struct

import cv2
import numpy

TEXT = b"""
[net]
width=7
height=7
channels=1
[convolutional]
filters=1
size=3
stride=1
pad=1
dilation=2
activation=linear
"""
weights = struct.pack("<iiiQ", 0, 2, 0, 0) + struct.pack("<10f", 0, *[1] * 9)
network = cv2.dnn.readNetFromDarknet(
    numpy.frombuffer(TEXT, dtype=numpy.uint8), numpy.frombuffer(weights, dtype=numpy.uint8)
)
image = numpy.zeros((1, 1, 7, 7), dtype=numpy.float32)
image[0, 0, 3, 3] = 1
network.setInput(image)
row = network.forward()[0, 0, 3]
found = [column for column in range(7) if row[column] > 0.5]
shown = ", ".join(map(str, found))
print(f"opencv {cv2.__version__}: columns {shown} of the middle row are 1; dilated they are 1, 3, 5")
raise SystemExit(found != [2, 3, 4])
PYTHON
