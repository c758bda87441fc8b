"""Gradients of few rows: kept as rows, and to whoever looks the arrays that they stand for."""

import copy
from functools import partial

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, grad, nn, ops, optim
from minigrad.engine import collect
from minigrad.ops.row_gradient import RowGradient, is_worth_it
from minigrad.optim import clip_grad_norm_
from minigrad.parallel.shards import Shards

ROWS, WIDTH = 4096, 32
NUMBERS = np.array([[5, 7, 5], [0, ROWS - 1, 7]])
random = np.random.default_rng(0)
TABLE = random.standard_normal((ROWS, WIDTH)).astype(np.float32)
SLOPES = random.standard_normal((*NUMBERS.shape, WIDTH)).astype(np.float32)


def leaf() -> Tensor:
    return Tensor(TABLE.copy(), requires_grad=True)


def as_rows(weight: Tensor, numbers: np.ndarray = NUMBERS) -> Tensor:
    return (weight[numbers] * SLOPES[: len(numbers)]).sum()


def as_array(weight: Tensor, numbers: np.ndarray = NUMBERS) -> Tensor:
    """The same with an operation between, which reads and gives whole arrays."""
    return ((weight * 1.0)[numbers] * SLOPES[: len(numbers)]).sum()


def expected() -> np.ndarray:
    total = np.zeros_like(TABLE)
    np.add.at(total, NUMBERS, SLOPES)
    return total


def test_a_leaf_keeps_rows_until_its_gradient_is_read():
    weight = leaf()
    as_rows(weight).backward()
    kept = weight.node.grad
    assert isinstance(kept, RowGradient)
    assert kept.index.tolist() == [0, 5, 7, ROWS - 1]
    assert kept.rows.shape == (4, WIDTH)
    assert type(weight.grad) is np.ndarray
    np.testing.assert_allclose(weight.grad, expected(), rtol=1e-6)
    weight.grad *= 2  # written into: what was read is what stays
    np.testing.assert_allclose(weight.grad, 2 * expected(), rtol=1e-6)


@pytest.mark.parametrize("numbers", [NUMBERS - ROWS, NUMBERS.astype(np.int16), NUMBERS.astype(np.uint64)])
def test_rows_may_be_counted_from_the_end_and_be_of_any_integer_type(numbers):
    weight = leaf()
    as_rows(weight, numbers).backward()
    assert isinstance(weight.node.grad, RowGradient)
    np.testing.assert_allclose(weight.grad, expected(), rtol=1e-6)


def test_take_along_the_first_axis_gives_rows():
    weight = leaf()
    (ops.take(weight, NUMBERS, axis=0) * SLOPES).sum().backward()
    assert isinstance(weight.node.grad, RowGradient)
    np.testing.assert_allclose(weight.grad, expected(), rtol=1e-6)


@pytest.mark.parametrize("shape", [(8, 4), (ROWS * WIDTH,)])
def test_small_arrays_and_vectors_have_arrays_for_gradients(shape):
    weight = Tensor(np.zeros(shape, np.float32), requires_grad=True)
    weight[np.array([1, 1])].sum().backward()
    assert type(weight.node.grad) is np.ndarray


def test_no_rows_at_all_are_a_gradient_of_zeros():
    weight = leaf()
    weight[np.zeros((0, 3), int)].sum().backward()
    assert weight.grad.shape == TABLE.shape
    assert not weight.grad.any()


def test_many_rows_are_an_array():
    weight = leaf()
    weight[np.arange(ROWS // 2)].sum().backward()
    assert type(weight.node.grad) is np.ndarray
    assert not is_worth_it(ROWS // 2, weight.shape)


def test_gradients_add_up_whatever_they_are_kept_as():
    def rows(weight):
        as_rows(weight).backward()

    def twice(weight):
        (as_rows(weight) + as_rows(weight, NUMBERS[:1])).backward()

    def tied(weight):
        (as_rows(weight) + (weight * weight).sum()).backward()

    def tied_by_addition(weight):  # whose gradient is passed on as it is
        (as_rows(weight) + (weight + TABLE).sum()).backward()

    def whole(weight):
        (weight * 3).sum().backward()

    steps = [rows, twice, tied, whole, tied_by_addition, rows]
    for order in ([0, 0], [0, 3], [3, 0], [1, 2], [2, 1], [4, 0], [5, 1, 0, 4]):
        ours, reference = leaf(), leaf()
        for i in order:
            steps[i](ours)
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(globals(), "as_rows", as_array)
                steps[i](reference)
        np.testing.assert_array_equal(ours.grad, reference.grad)


def test_rows_of_many_steps_become_an_array_once_they_are_many():
    weight = leaf()
    for start in range(0, ROWS, ROWS // 8):
        weight[np.arange(start, start + ROWS // 8)].sum().backward()
    assert type(weight.node.grad) is np.ndarray
    np.testing.assert_array_equal(weight.grad, np.ones_like(TABLE))


def test_derivatives_and_their_derivatives_are_tensors_of_arrays():
    weight = leaf()
    (first,) = grad((weight[NUMBERS] ** 3).sum(), weight)
    assert type(first.data) is np.ndarray
    (first,) = grad((weight[NUMBERS] ** 3).sum(), weight, create_graph=True)
    (second,) = grad(first.sum(), weight)
    counts = np.bincount(NUMBERS.ravel(), minlength=ROWS)[:, None]
    np.testing.assert_allclose(second.data, 6 * TABLE * counts, rtol=1e-5)


def test_all_that_is_asked_of_a_row_gradient_is_asked_of_its_array():
    weight = leaf()
    as_rows(weight).backward()
    kept, whole = weight.node.grad, weight.node.grad.whole()
    assert (kept.shape, kept.ndim, kept.dtype, len(kept), kept.size) == (TABLE.shape, 2, TABLE.dtype, ROWS, TABLE.size)
    for value, same in [
        (kept + 1, whole + 1),
        (TABLE - kept, TABLE - whole),
        (kept * kept, whole * whole),
        (np.square(kept), np.square(whole)),
        (np.linalg.norm(kept), np.linalg.norm(whole)),
        (kept.sum(0), whole.sum(0)),
        (kept[5], whole[5]),
        (np.add(TABLE, kept, out=np.empty_like(TABLE)), TABLE + whole),
    ]:
        np.testing.assert_array_equal(value, same)
    with pytest.raises(AttributeError, match="no_such"):
        kept.no_such  # noqa: B018


OPTIMIZERS = {
    "SGD": partial(optim.SGD, lr=0.1),
    "SGD with momentum": partial(optim.SGD, lr=0.1, momentum=0.9, dampening=0.1),
    "SGD with Nesterov's momentum": partial(optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "SGD with decay": partial(optim.SGD, lr=0.1, weight_decay=0.01),
    "Adam": partial(optim.Adam, lr=0.1, weight_decay=0.01),
    "AdamW": partial(optim.AdamW, lr=0.1),
}


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_do_the_same_with_rows_as_with_arrays(name, clip):
    def trained(loss):
        weight, bias = leaf(), Tensor(np.ones(3, np.float32), requires_grad=True)
        optimizer = OPTIMIZERS[name]([bias, weight])
        for step in range(4):
            optimizer.zero_grad()
            (loss(weight, (NUMBERS + 11 * step) % ROWS) * bias.sum()).backward()
            if clip is not None:
                clip_grad_norm_([weight, bias], clip)
            optimizer.step()
        return [weight.data, bias.data, *optimizer.state_dict()["state"][1].values()]

    for ours, reference in zip(trained(as_rows), trained(as_array), strict=True):
        if clip is None:
            np.testing.assert_array_equal(ours, reference)
        else:  # the squares of the norm are added in another order
            np.testing.assert_allclose(ours, reference, rtol=2e-6, atol=1e-7)


def test_sgd_writes_into_the_rows_that_have_gradients_alone():
    weight = leaf()
    weight.data[9] = np.nan  # which an update of all rows would have to read
    as_rows(weight).backward()
    before = weight.data.copy()
    optim.SGD([weight], lr=0.5).step()
    assert isinstance(weight.node.grad, RowGradient)
    changed = np.flatnonzero((weight.data != before).any(axis=1) & ~np.isnan(before).any(axis=1))
    assert changed.tolist() == [0, 5, 7, ROWS - 1]
    np.testing.assert_array_equal(weight.data[changed], before[changed] - weight.node.grad.rows * np.float32(0.5))


def test_clipping_scales_the_rows_and_measures_the_sums_of_repeated_ones():
    weight = leaf()
    as_rows(weight).backward()
    assert clip_grad_norm_([weight], 1.0) == pytest.approx(np.linalg.norm(expected()), rel=1e-6)
    assert isinstance(weight.node.grad, RowGradient)
    assert np.linalg.norm(weight.grad) == pytest.approx(1.0, rel=1e-5)


def test_an_optimizer_of_ones_own_is_given_arrays():
    class Plain(optim.Optimizer):
        def update(self, bucket, gradients, group):
            assert all(type(gradient) is np.ndarray for gradient in gradients)
            bucket.gather(gradients)
            bucket.subtract()

    weight = leaf()
    as_rows(weight).backward()
    Plain([weight], {}).step()
    np.testing.assert_allclose(weight.data, TABLE - expected(), rtol=1e-5, atol=1e-6)


def test_shards_sum_rows():
    weight = leaf()

    def work(shard, collected):
        loss = (weight[NUMBERS[shard]] * SLOPES[shard]).sum()
        collect(loss, None, collected)

    Shards(2, threads=2).gradients(work)
    np.testing.assert_allclose(weight.grad, expected(), rtol=1e-6)


def test_copies_of_a_tensor_have_its_gradient_as_an_array():
    weight = leaf()
    as_rows(weight).backward()
    np.testing.assert_allclose(copy.deepcopy(weight).grad, expected(), rtol=1e-6)


def test_a_recorded_function_gives_the_same_gradients():
    layer = nn.Embedding(ROWS, WIDTH)
    step = minigrad.compile(lambda x: (layer(x) * SLOPES).sum())
    for _ in range(3):
        layer.zero_grad()
        step(NUMBERS)
        np.testing.assert_allclose(layer.weight.grad, expected(), rtol=1e-6)


def test_an_embedding_learns_as_that_of_pytorch():
    torch = pytest.importorskip("torch")
    ours, theirs = nn.Embedding(ROWS, WIDTH, padding_idx=7), torch.nn.Embedding(ROWS, WIDTH, padding_idx=7)
    theirs.load_state_dict({"weight": torch.tensor(ours.weight.data.copy())})
    optimizer, other = optim.SGD(ours.parameters(), lr=0.3), torch.optim.SGD(theirs.parameters(), lr=0.3)
    for step in range(3):
        numbers = (NUMBERS + step) % ROWS
        optimizer.zero_grad()
        other.zero_grad()
        (ours(numbers) ** 2 * SLOPES).sum().backward()
        (theirs(torch.tensor(numbers)) ** 2 * torch.tensor(SLOPES)).sum().backward()
        assert isinstance(ours.weight.node.grad, RowGradient)
        optimizer.step()
        other.step()
    np.testing.assert_allclose(ours.weight.data, theirs.weight.detach().numpy(), rtol=1e-5, atol=1e-6)
