#!/bin/sh
# torchmetrics 1.9.0: segmentation.MeanIoU is a mean over images, not the mean IoU that papers on segmentation report.
#
# FCN and PASCAL VOC sum the confusion matrix over the whole set and then divide, class by class.  torchmetrics
# divides in each image and takes the mean, so that an image with three pixels of a class weighs as much as one with a
# million.  Its JaccardIndex has the papers' rule.  Two images of eight pixels, two classes.  Output seen:
#
#     torchmetrics 1.9.0: MeanIoU 0.5580, JaccardIndex 0.7750, by the confusion matrix 0.7750
#
# The script fails once one of them gives anything else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0
"$folder/bin/python" - <<'PYTHON'
import torch
import torchmetrics
from torchmetrics.classification import MulticlassJaccardIndex
from torchmetrics.segmentation import MeanIoU

predicted = torch.tensor([[[0, 0, 0, 0], [0, 0, 0, 1]], [[1, 1, 1, 1], [1, 1, 1, 1]]])
true = torch.tensor([[[0, 0, 0, 0], [0, 0, 1, 1]], [[1, 1, 1, 1], [1, 1, 1, 0]]])
mean = float(MeanIoU(num_classes=2, input_format="index")(predicted, true))
jaccard = float(MulticlassJaccardIndex(num_classes=2)(predicted, true))
matrix = torch.bincount(true.ravel() * 2 + predicted.ravel(), minlength=4).reshape(2, 2).float()
union = matrix.sum(0) + matrix.sum(1) - matrix.diag()
papers = float((matrix.diag() / union).mean())
version = torchmetrics.__version__
print(f"torchmetrics {version}: MeanIoU {mean:.4f}, JaccardIndex {jaccard:.4f}, by the confusion matrix {papers:.4f}")
raise SystemExit(not (abs(mean - 0.5580) < 1e-4 and abs(jaccard - 0.775) < 1e-4 and abs(papers - 0.775) < 1e-4))
PYTHON
