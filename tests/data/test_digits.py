from pathlib import Path

import numpy as np
import pytest

import minigrad.data
from minigrad.data import Digits
from minigrad.engine import random


def parts(data: Digits) -> list:
    return [data.train, data.val, data.test]


def test_the_digits_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets", reason="the comparison needs scikit-learn")
    theirs = datasets.load_digits()
    with np.load(Path(minigrad.data.__file__).with_name("digits.npz")) as file:
        np.testing.assert_array_equal(file["images"], theirs.images)
        np.testing.assert_array_equal(file["labels"], theirs.target)

    def in_order(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        table = np.column_stack([inputs, labels])
        return table[np.lexsort(table.T)]

    inputs = np.concatenate([part.inputs for part in parts(Digits())])
    labels = np.concatenate([part.targets for part in parts(Digits())])
    np.testing.assert_array_equal(in_order(inputs * 16, labels), in_order(theirs.data, theirs.target))


def test_the_file_is_small_enough_to_ship():
    assert Path(minigrad.data.__file__).with_name("digits.npz").stat().st_size < 100_000


def test_inputs_are_scaled_and_flat():
    data = Digits()
    assert data.train.inputs.dtype == np.float32
    assert (data.train.inputs.min(), data.train.inputs.max()) == (0, 1)
    assert (data.input_shape, data.num_features, data.num_classes) == ((64,), 64, 10)
    assert data.train.targets.dtype == np.int64


def test_images_have_a_channel_and_the_same_pixels():
    images, flat = Digits(flatten=False), Digits()
    assert (images.input_shape, images.num_features) == ((1, 8, 8), 64)
    np.testing.assert_array_equal(images.test.inputs.reshape(-1, 64), flat.test.inputs)


def test_every_part_has_each_digit_in_proportion():
    counts = np.array([np.bincount(part.targets) for part in parts(Digits())])
    np.testing.assert_array_equal(counts.sum(axis=1), [1258, 180, 359])
    np.testing.assert_allclose(counts, np.outer([0.7, 0.1, 0.2], counts.sum(axis=0)), atol=1.5)


def test_the_split_is_the_same_for_every_seed():
    first = Digits()
    random.seed(7)
    for one, other in zip(parts(first), parts(Digits()), strict=True):
        np.testing.assert_array_equal(one.inputs, other.inputs)


def test_one_hot_targets_mark_the_label():
    np.testing.assert_array_equal(Digits(targets="one_hot").val.targets.argmax(axis=1), Digits().val.targets)
