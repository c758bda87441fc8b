"""Indices and class numbers of every integer dtype, into axes that are longer than the dtype counts."""

import numpy as np
import pytest

from minigrad import Tensor, grad, nn, ops

DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i2", ">u4"]
PLACES = np.array([[1, 2, 1], [3, 100, 3]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_embedding_of_many_vectors_learns_from_small_integers(dtype):
    table = nn.Embedding(70_000, 2, padding_idx=-1)
    table(PLACES.astype(dtype)).sum().backward()
    assert table.weight.grad.sum() == 12
    assert table.weight.grad[[1, 2, 3, 100], 0].tolist() == [2, 1, 2, 1]


INDEXING = {
    "x[i]": lambda x, i: x[i],
    "take": lambda x, i: ops.take(x, i, 0),
    "take of all": lambda x, i: ops.take(x, i),
    "take_along_axis": lambda x, i: ops.take_along_axis(x, i, 0),
    "scatter_add": lambda x, i: ops.scatter_add(x, i, np.ones(i.shape), 0),
    "put_along_axis": lambda x, i: ops.put_along_axis(x, i, 0.0, 0),
    "index_put": lambda x, i: ops.index_put(x, np.ones(()), i),
    "x[:, i]": lambda x, i: x.swapaxes(0, 1)[:, i],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", INDEXING.values(), ids=INDEXING)
def test_indexing_is_that_of_int64(f, dtype):
    values = np.random.default_rng(0).normal(size=(300, 3))
    found = []
    for index in (PLACES, PLACES.astype(dtype)):
        x = Tensor(values, requires_grad=True)
        y = f(x, index)
        (slope,) = grad((y * y).sum(), x)
        found.append((y.data, slope.data))
    for ours, expected in zip(found[1], found[0], strict=True):
        assert np.array_equal(ours, expected)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", ">i2"])
def test_negative_indices_count_from_the_end_of_a_long_axis(dtype):
    x = Tensor(np.zeros((300, 2)), requires_grad=True)
    (slope,) = grad(x[np.array([-1, -128, -1], dtype)].sum(), x)
    assert slope.data[[299, 172], 0].tolist() == [2, 1]


LOSSES = {
    "CrossEntropyLoss": nn.CrossEntropyLoss(),
    "padding": nn.CrossEntropyLoss(ignore_index=3),
    "smoothed": nn.CrossEntropyLoss(label_smoothing=0.1),
    "weighted": nn.CrossEntropyLoss(weight=np.linspace(0.5, 1, 300)),
    "each": nn.CrossEntropyLoss(reduction="none"),
    "NLLLoss": nn.NLLLoss(),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses_of_small_class_numbers_are_those_of_int64(loss, dtype):
    scores = np.random.default_rng(0).normal(size=(6, 300))
    target = PLACES.reshape(-1)
    found = []
    for labels in (target, target.astype(dtype)):
        x = Tensor(scores, requires_grad=True)
        value = loss(x, labels)
        (slope,) = grad(value.sum(), x)
        found.append((value.data, slope.data))
    for ours, expected in zip(found[1], found[0], strict=True):
        assert np.array_equal(ours, expected)


def test_an_unsigned_index_that_no_axis_has_does_not_count_from_the_end():
    huge = np.array([2**64 - 1], np.uint64)
    with pytest.raises(IndexError, match="take got the index 18446744073709551615, which no axis has"):
        ops.take(np.arange(5.0), huge)
    with pytest.raises(IndexError, match="there are vectors for 0 to 4, got 18446744073709551615"):
        nn.Embedding(5, 2)(huge)


@pytest.mark.parametrize("dtype", ["u1", "i1", "?", "i8", "f4"])
def test_the_largest_are_found_in_every_dtype(dtype):
    x = np.array([0, 1, 0, 1, 1]) if dtype == "?" else np.array([0, 3, 0, 127, 3])
    values, places = ops.topk(x.astype(dtype), 4)
    assert places.tolist() == ([1, 3, 4, 0] if dtype == "?" else [3, 1, 4, 0])
    assert np.array_equal(values, x.astype(dtype)[places])


def test_the_least_number_of_a_dtype_is_never_the_largest():
    assert ops.topk(np.array([-128, 5], "i1"), 1)[0].tolist() == [5]


def test_nan_counts_as_the_largest_as_it_is_sorted_last():
    values, places = ops.topk(np.array([1.0, np.nan, 2.0]), 2)
    assert places.tolist() == [1, 2]
    assert np.isnan(values[0])
