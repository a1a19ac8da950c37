#!/bin/sh
# Keras 3.15.0 on its torch backend: AveragePooling2D with padding "same" counts the border again where the padding is
# uneven.  Its other backends take the mean of the cells that are there.
#
# Four columns 0 … 3, each cell of a row alike, pools of 3 with stride 2: the second window has the columns 2 and 3, whose
# mean is 2.5.  The torch backend gives (2 + 3 + 3) / 3 = 2.6667.  The script fails once it gives 2.5.
#
# It takes torch and numpy from $PYTHON, python3 if that is not set; Keras goes to a folder of its own.
set -eu
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m pip install -q --disable-pip-version-check --no-deps --target "$folder" \
    keras==3.15.0 namex==0.1.0 optree==0.20.0 absl-py==2.5.1 rich==15.0.0 ml_dtypes==0.6.0 h5py==3.16.0 \
    markdown-it-py==4.3.0 mdurl==0.1.2 Pygments==2.21.0 packaging==26.3 typing_extensions==4.16.0
KERAS_BACKEND=torch PYTHONPATH="$folder" "$python" - <<'PYTHON'
import keras
import numpy

columns = numpy.broadcast_to(numpy.arange(4, dtype="float32").reshape(1, 1, 4, 1), (1, 4, 4, 1)).copy()
found = keras.ops.convert_to_numpy(keras.layers.AveragePooling2D(3, strides=2, padding="same")(columns))
last = float(found[0, 0, -1, 0])
print(f"keras {keras.__version__} on {keras.backend.backend()}: {last:.4f}; the mean of the cells there is 2.5000")
raise SystemExit(abs(last - 8 / 3) > 1e-4)
PYTHON
