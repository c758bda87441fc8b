import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients
from minigrad.nn import (
    CosineEmbeddingLoss,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    SoftMarginLoss,
    TripletMarginLoss,
)

rng = np.random.default_rng(0)
SIGNS = np.array([1, -1, 1, -1, -1])
A, B, C = (rng.normal(size=(5, 3)) for _ in range(3))
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}


def cosine(x, y):
    return (x * y).sum(axis=1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)


def distance(x, y, p=2):
    return np.linalg.norm(x - y + 1e-6, p, axis=1)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("kind", "options", "inputs", "expected"),
    [
        (SoftMarginLoss, {}, (A[:, 0], SIGNS), np.log(1 + np.exp(-SIGNS * A[:, 0]))),
        (HingeEmbeddingLoss, {}, (A[:, 0], SIGNS), np.where(SIGNS == 1, A[:, 0], np.maximum(0, 1 - A[:, 0]))),
        (
            MarginRankingLoss,
            {"margin": 0.3},
            (A[:, 0], B[:, 0], SIGNS),
            np.maximum(0, 0.3 - SIGNS * (A[:, 0] - B[:, 0])),
        ),
        (
            CosineEmbeddingLoss,
            {"margin": -0.5},
            (A, B, SIGNS),
            np.where(SIGNS == 1, 1 - cosine(A, B), np.maximum(0, cosine(A, B) + 0.5)),
        ),
        (TripletMarginLoss, {}, (A, B, C), np.maximum(0, distance(A, B) - distance(A, C) + 1)),
        (
            TripletMarginLoss,
            {"margin": 2.0, "p": 1.0, "swap": True},
            (A, B, C),
            np.maximum(0, distance(A, B, 1) - np.minimum(distance(A, C, 1), distance(B, C, 1)) + 2),
        ),
    ],
)
def test_a_loss_is_its_formula_reduced(kind, options, inputs, expected, reduction):
    arrays = [Tensor(x) if x.dtype.kind == "f" else x for x in inputs]
    loss = kind(**options, reduction=reduction)(*arrays)
    np.testing.assert_allclose(loss.data, REDUCTIONS[reduction](expected), rtol=1e-10)


@pytest.mark.parametrize(
    ("loss", "inputs"),
    [
        (SoftMarginLoss(), (A[:, 0], SIGNS)),
        (HingeEmbeddingLoss(), (A[:, 0], SIGNS)),
        (MarginRankingLoss(0.3), (A[:, 0], B[:, 0], SIGNS)),
        (CosineEmbeddingLoss(-0.5, "none"), (A, B, SIGNS)),
        (TripletMarginLoss(), (A, B, C)),
        (TripletMarginLoss(2.0, p=3.0, swap=True), (A, B, C)),
    ],
    ids=repr,
)
def test_gradients_of_both_orders_are_those_of_finite_differences(loss, inputs):
    check_gradients(loss, *inputs, order=2)


def test_equal_scores_are_pushed_apart_even_without_a_margin():
    x, y = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    MarginRankingLoss()(x, y, [1]).backward()
    assert (x.grad.item(), y.grad.item()) == (-1, 1)


def test_vectors_of_zeros_and_equal_vectors_have_finite_gradients():
    for loss, target in ((CosineEmbeddingLoss(), [1]), (TripletMarginLoss(), np.zeros((1, 3)))):
        x, y = (Tensor(np.zeros((1, 3)), requires_grad=True) for _ in range(2))
        loss(x, y, target).backward()
        assert np.isfinite([x.grad, y.grad]).all()


def test_large_scores_do_not_overflow():
    assert SoftMarginLoss("none")(Tensor([1e4, -1e4]), [1, 1]).data.tolist() == [0, 1e4]


# bad input


@pytest.mark.parametrize(
    ("loss", "inputs"),
    [
        (SoftMarginLoss(), [A[:, 0]]),
        (HingeEmbeddingLoss(), [A[:, 0]]),
        (MarginRankingLoss(), [A[:, 0], B[:, 0]]),
        (CosineEmbeddingLoss(), [A, B]),
    ],
    ids=repr,
)
def test_targets_of_no_and_yes_as_0_and_1_are_refused(loss, inputs):
    with pytest.raises(ValueError, match=r"targets are 1 or -1, got 0"):
        loss(*map(Tensor, inputs), (SIGNS + 1) // 2)


def test_inputs_and_targets_that_would_be_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"expected a second input of the first's shape \(5, 3\), got \(5, 1\)"):
        CosineEmbeddingLoss()(Tensor(A), Tensor(B[:, :1]), SIGNS)
    with pytest.raises(ValueError, match=r"expected a target for each pair, \(5,\), got \(5, 3\)"):
        CosineEmbeddingLoss()(Tensor(A), Tensor(B), np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"expected a target of the input's shape \(5, 1\), got \(5,\); reshape it"):
        MarginRankingLoss()(Tensor(A[:, :1]), Tensor(B[:, :1]), SIGNS)
    with pytest.raises(ValueError, match=r"expected a negative of the anchor's shape \(5, 3\), got \(4, 3\)"):
        TripletMarginLoss()(Tensor(A), Tensor(B), Tensor(C[:4]))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CosineEmbeddingLoss(1.5), "margin must be from -1 to 1, got 1.5"),
        (lambda: TripletMarginLoss(0), "margin must be above 0, got 0"),
        (lambda: TripletMarginLoss(p=-1), "p must be above 0, got -1"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
