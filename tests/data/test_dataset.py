import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.data import DataError, DataLoader, Dataset, Examples, class_targets, split
from minigrad.data.dataset import amount_targets
from minigrad.data.splits import hold_out
from minigrad.engine import random


def test_a_batch_holds_the_inputs_and_targets_at_its_indices():
    examples = Examples(np.arange(12.0).reshape(6, 2), np.arange(6))
    inputs, targets = examples.batch(np.array([4, 1]))
    np.testing.assert_array_equal(inputs, [[8, 9], [2, 3]])
    np.testing.assert_array_equal(targets, [4, 1])


def test_examples_of_float64_become_float32_as_parameters_are():
    numbers = np.random.default_rng(0).standard_normal((6, 2))
    inputs, targets = next(DataLoader(Examples(numbers, numbers[:, 0]), batch_size=2, shuffle=False).epoch(0))
    assert (inputs.dtype, targets.dtype) == (np.float32, np.float32)
    np.testing.assert_array_equal(inputs, numbers[:2].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.uint8, np.bool_])
def test_examples_of_other_numbers_are_kept_as_they_are(dtype):
    array = np.ones((3, 2), dtype)
    assert np.shares_memory(Examples(array, array).inputs, array)


def test_a_slice_of_examples_is_not_copied():
    examples = Examples(np.arange(12.0).reshape(6, 2), np.arange(6))
    inputs, targets = examples.batch(slice(2, 4))
    assert np.shares_memory(inputs, examples.inputs)
    assert np.shares_memory(targets, examples.targets)


def test_nobody_can_write_into_the_data():
    array = np.zeros((3, 2), np.float32)
    examples = Examples(array, np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        examples.batch(slice(0, 1))[0][:] = 1
    array[0] = 1  # whoever owns the array still can
    assert examples.inputs[0, 0] == 1


def test_inputs_without_a_target_each_are_refused():
    with pytest.raises(DataError, match="one target for each input, got 3 inputs and 2 targets"):
        Examples(np.zeros((3, 2)), np.zeros(2))


def test_no_examples_are_refused():
    with pytest.raises(DataError, match="at least one example, got none"):
        Examples(np.zeros((0, 2)), np.zeros(0))


def test_a_dataset_knows_the_shape_and_the_size_of_an_input():
    class Images(Dataset):
        def __init__(self) -> None:
            self.train = self.val = self.test = Examples(np.zeros((5, 1, 8, 8)), np.zeros((5, 2)))

    assert Images().input_shape == (1, 8, 8)
    assert Images().num_features == 64
    with pytest.raises(DataError, match="this Images are amounts: it has no num_classes"):
        _ = Images().num_classes


def test_class_targets_have_the_form_that_the_loss_needs():
    labels = np.array([2, 0, 1], dtype=np.uint8)
    index = class_targets(labels, 3)
    one_hot = class_targets(labels, 3, "one_hot")
    assert (index.dtype, one_hot.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(index, [2, 0, 1])
    np.testing.assert_array_equal(one_hot, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


def test_binary_targets_are_one_column():
    binary = class_targets(np.array([0, 1, 1]), 2, "binary")
    assert binary.dtype == np.float32
    np.testing.assert_array_equal(binary, [[0], [1], [1]])


def test_binary_targets_need_two_classes():
    with pytest.raises(DataError, match="'binary' are for 2 classes, and here are 3"):
        class_targets(np.array([0, 1, 2]), 3, "binary")


@pytest.mark.parametrize("stray", [-1, 3])
def test_a_label_out_of_range_is_refused_with_its_place(stray):
    with pytest.raises(DataError, match=f"label {stray} of example 2 is out of range: expected 0 to 2, for 3 classes"):
        class_targets(np.array([0, 1, stray, 2, stray]), 3)


def test_an_unknown_form_of_targets_is_refused():
    with pytest.raises(DataError, match="'index', 'one_hot' or 'binary', got 'onehot'"):
        class_targets(np.array([0]), 2, "onehot")  # type: ignore[arg-type]


def test_amounts_become_columns_and_have_no_class_form():
    amounts = amount_targets(np.array([1.5, 2.5]))
    assert amounts.dtype == np.float32
    np.testing.assert_array_equal(amounts, [[1.5], [2.5]])
    with pytest.raises(DataError, match="'one_hot' is a form of classes"):
        amount_targets(np.array([1.5]), "one_hot")


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    val=st.floats(0.05, 0.45),
    test=st.floats(0.05, 0.45),
)
def test_a_split_parts_all_examples_and_gives_each_class_its_share(sizes, val, test):
    classes = np.repeat(np.arange(len(sizes)), sizes)
    n = len(classes)
    try:
        parts = split(n, val, test, classes)
    except DataError:
        assert round(n * val) == 0 or round(n * test) == 0 or n - round(n * val) - round(n * test) <= 1
        return
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(n))
    for part, share in zip(parts, (1 - val - test, val, test), strict=True):
        assert abs(len(part) - n * share) <= 1 + 1e-9
        assert np.all(np.diff(part) > 0)
        counts = np.bincount(classes[part], minlength=len(sizes))
        assert np.all(np.abs(counts - np.array(sizes) * len(part) / n) <= 2.5)


def test_a_test_part_gives_each_class_its_share_to_within_one():
    classes = np.array([0] * 70 + [1] * 23 + [2] * 7)
    _, _, test = split(100, 0.2, 0.2, classes)
    np.testing.assert_allclose(np.bincount(classes[test]), [14, 4.6, 1.4], atol=1)


def test_a_split_is_drawn_by_the_seed():
    classes = np.repeat([0, 1], 500)
    first, again = split(1000, classes=classes), split(1000, classes=classes)
    random.seed(1)
    other = split(1000, classes=classes)
    for part, same, new in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(part, same)
        by_chance = len(part) ** 2 / 1000
        assert len(np.intersect1d(part, new)) == pytest.approx(by_chance, abs=4 * np.sqrt(by_chance))


def test_holding_out_in_order_takes_every_so_manyth():
    rest, held = hold_out(np.arange(10), 2, "test")
    np.testing.assert_array_equal(held, [2, 7])
    np.testing.assert_array_equal(rest, [0, 1, 3, 4, 5, 6, 8, 9])


@pytest.mark.parametrize("fractions", [(0.01, 0.2), (0.2, 0.0), (0.6, 0.6), (-0.1, 0.2), (0.2, float("nan"))])
def test_a_part_without_an_example_is_refused(fractions):
    with pytest.raises(DataError, match="part would leave it or the training part empty"):
        split(20, *fractions)


def test_examples_of_lists_are_arrays_of_their_numbers():
    examples = Examples([[1, 2], [3, 4]], [0, 1], [1.0, 0.5])
    assert (examples.inputs.tolist(), examples.inputs.dtype) == ([[1, 2], [3, 4]], np.int64)
    assert Examples([[0.5]], [1]).inputs.dtype == np.float32
    assert examples.weights.dtype == np.float32


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([[1], [2, 3]], "inputs are a full rectangle of numbers, with as many in each row"),
        (["a", "b"], "inputs are numbers, one row for each example, got <U1"),
        (3, "inputs are numbers, one row for each example, got int64 of shape"),
    ],
)
def test_examples_of_anything_else_are_refused(inputs, message):
    with pytest.raises(DataError, match=message):
        Examples(inputs, [0, 1])
