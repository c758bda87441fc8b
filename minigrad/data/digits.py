"""The UCI optical digits, shipped with the package.

Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
https://doi.org/10.24432/C50P49, license CC BY 4.0. `digits.md` in this folder describes `digits.npz`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minigrad.arguments import as_flag
from minigrad.data.dataset import Dataset, Targets, class_targets
from minigrad.data.examples import Examples
from minigrad.data.npy import read_npz
from minigrad.data.splits import hold_out, hold_out_validation


class Digits(Dataset):
    """1,797 handwritten digits, 8 × 8 pixels, ten classes.

    The pixels are scaled to [0, 1]. The parts do not depend on the seed: of the images of each digit, in the order of
    the file and so from every writer, 1 in 5 is for the test and 1 in 10 for validation.

    Args:
        flatten: whether an input is (64,); if False, it is an image (1, 8, 8), channel first.
        targets: the form of class targets (see `minigrad.data.Targets`).
    """

    _num_classes = 10
    _pixel_max = 16
    image_shape = (1, 8, 8)

    def __init__(self, flatten: bool = True, targets: Targets = "index") -> None:
        arrays = read_npz(Path(__file__).with_name("digits.npz"), ["images", "labels"])
        inputs = arrays["images"].astype(np.float32) / 16
        inputs = inputs.reshape(-1, 64) if as_flag("flatten", flatten) else inputs[:, np.newaxis]
        labels = arrays["labels"]
        encoded = class_targets(labels, self.num_classes, targets)
        rest, test = hold_out(np.arange(len(labels)), len(labels) / 5, "test", labels)
        train, val = hold_out_validation(rest, len(labels) / 10, labels)
        parts = map(np.sort, (train, val, test))
        self.train, self.val, self.test = (Examples(inputs[part], encoded[part]) for part in parts)
