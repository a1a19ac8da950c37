#!/bin/sh
# Keras 3.15.0 on its torch backend: AveragePooling2D with padding "same" counts the border again where the padding is
# uneven.  Its other backends take the mean of the cells that are there.
#
# Four columns 0 … 3, each cell of a column alike, pools of 3 with stride 2: the second window has the columns 2 and 3,
# whose mean is 2.5.  The torch backend gives (2 + 3 + 3) / 3 = 2.6667.  Output seen:
#
#     keras 3.15.0 on torch 2.13.0: 2.6667; the mean of the cells there is 2.5000
#
# The script fails once the backend gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 keras==3.15.0 namex==0.1.0 optree==0.20.0 absl-py==2.5.1 rich==15.0.0 \
    ml_dtypes==0.6.0 h5py==3.16.0 packaging==26.3
KERAS_BACKEND=torch "$folder/bin/python" - <<'PYTHON'
import keras
import numpy
import torch

columns = numpy.broadcast_to(numpy.arange(4, dtype="float32").reshape(1, 1, 4, 1), (1, 4, 4, 1)).copy()
found = keras.ops.convert_to_numpy(keras.layers.AveragePooling2D(3, strides=2, padding="same")(columns))
last = float(found[0, 0, -1, 0])
torch_version = torch.__version__.split("+")[0]
print(f"keras {keras.__version__} on torch {torch_version}: {last:.4f}; the mean of the cells there is 2.5000")
raise SystemExit(abs(last - 8 / 3) > 1e-4)
PYTHON
