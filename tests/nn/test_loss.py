import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients
from minigrad.nn import BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, Loss, MSELoss

rng = np.random.default_rng(0)
SCORES = rng.normal(size=(6, 4))
LABELS = np.array([0, 3, 1, 1, 2, 0])
LOGS = SCORES - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        (MSELoss, lambda x, t: (x - t) ** 2),
        (L1Loss, lambda x, t: np.abs(x - t)),
        (
            BCEWithLogitsLoss,
            lambda x, t: -t * np.log(1 / (1 + np.exp(-x))) - (1 - t) * np.log(1 - 1 / (1 + np.exp(-x))),
        ),
    ],
)
def test_an_elementwise_loss_is_its_formula_reduced(kind, formula, reduction):
    x, t = rng.normal(size=(5, 3)), rng.uniform(size=(5, 3))
    loss = kind(reduction=reduction)(Tensor(x), Tensor(t))
    np.testing.assert_allclose(loss.data, REDUCTIONS[reduction](formula(x, t)), rtol=1e-10)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_takes_the_log_of_the_right_class(reduction):
    loss = CrossEntropyLoss(reduction=reduction)(Tensor(SCORES), LABELS)
    np.testing.assert_allclose(loss.data, REDUCTIONS[reduction](-LOGS[np.arange(6), LABELS]), rtol=1e-12)


def test_one_hot_probabilities_give_the_loss_of_their_classes():
    loss = CrossEntropyLoss()
    assert loss(Tensor(SCORES), np.eye(4)[LABELS]).item() == pytest.approx(loss(Tensor(SCORES), LABELS).item())


def test_smoothing_spreads_a_share_of_each_target_over_all_classes():
    smoothed = 0.8 * np.eye(4)[LABELS] + 0.2 / 4
    loss = CrossEntropyLoss(label_smoothing=0.2)(Tensor(SCORES), LABELS)
    assert loss.item() == pytest.approx(-(LOGS * smoothed).sum(axis=1).mean(), rel=1e-12)


def test_ignored_rows_count_for_nothing():
    ignored = np.where(LABELS == 1, -100, LABELS)
    x = Tensor(SCORES, requires_grad=True)
    loss = CrossEntropyLoss()(x, ignored)
    loss.backward()
    kept = LABELS != 1
    assert loss.item() == pytest.approx(CrossEntropyLoss()(Tensor(SCORES[kept]), LABELS[kept]).item(), rel=1e-12)
    assert (np.abs(x.grad).sum(axis=1) > 0).tolist() == kept.tolist()


def test_class_weights_make_a_weighted_mean():
    weight = np.array([1.0, 2.0, 0.5, 3.0])
    losses = -LOGS[np.arange(6), LABELS]
    loss = CrossEntropyLoss(weight=weight)(Tensor(SCORES), LABELS)
    assert loss.item() == pytest.approx(np.average(losses, weights=weight[LABELS]), rel=1e-12)


def test_a_masked_score_of_minus_infinity_leaves_the_other_losses_finite():
    scores = np.where(np.arange(4) == 2, -np.inf, SCORES)[LABELS != 2]
    losses = CrossEntropyLoss(reduction="none")(Tensor(scores), LABELS[LABELS != 2])
    assert np.isfinite(losses.data).all()


def test_large_scores_do_not_overflow():
    assert CrossEntropyLoss()(Tensor([[1e4, 0.0]]), [0]).item() == 0
    losses = BCEWithLogitsLoss(reduction="none")(Tensor([1e4, -1e4]), [1.0, 1.0])
    assert losses.data.tolist() == [0, 1e4]


def test_a_confident_right_answer_keeps_its_small_loss():
    losses = BCEWithLogitsLoss(reduction="none")(Tensor([20.0, -20.0]), [1.0, 0.0])
    np.testing.assert_allclose(losses.data, np.log1p(np.exp(-20)), rtol=1e-6)


def test_the_gradient_of_binary_cross_entropy_at_zero_is_exact():
    x = Tensor([0.0, 0.0], requires_grad=True)
    BCEWithLogitsLoss(reduction="sum")(x, [1.0, 0.25]).backward()
    assert x.grad.tolist() == [-0.5, 0.25]


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (MSELoss(), rng.uniform(size=(6, 4))),
        (MSELoss("sum"), rng.uniform(size=(6, 4))),
        (L1Loss(), rng.uniform(size=(6, 4))),
        (BCEWithLogitsLoss([0.5, 1, 2, 1], pos_weight=[3, 1, 1, 2]), rng.uniform(size=(6, 4))),
        (CrossEntropyLoss(), LABELS),
        (CrossEntropyLoss([1.0, 2.0, 0.5, 3.0], 1, "sum"), LABELS),
        (CrossEntropyLoss([1.0, 2.0, 0.5, 3.0], label_smoothing=0.1), LABELS),
        (CrossEntropyLoss(reduction="none"), LABELS),
        (CrossEntropyLoss([1.0, 2.0, 0.5, 3.0], label_smoothing=0.1), rng.uniform(size=(6, 4))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_gradients_of_both_orders_are_those_of_finite_differences(loss, target):
    check_gradients(lambda x: loss(x, target), Tensor(SCORES, requires_grad=True), order=2)


def test_targets_may_be_lists_arrays_or_tensors_of_another_dtype():
    x = Tensor([[0.5, 0.25]])
    for target in ([[0, 1]], np.array([[0, 1]], np.float64), Tensor([[0.0, 1.0]])):
        loss = MSELoss()(x, target)
        assert loss.dtype == np.float32
        assert loss.item() == pytest.approx((0.25 + 0.5625) / 2)


def test_scores_without_a_batch_and_with_more_axes_are_taken():
    one = CrossEntropyLoss(reduction="none")(Tensor(SCORES[0]), LABELS[0])
    assert one.shape == ()
    assert one.item() == pytest.approx(-LOGS[0, 0])
    image = CrossEntropyLoss(reduction="none")(Tensor(SCORES.reshape(2, 3, 4).swapaxes(1, 2)), LABELS.reshape(2, 3))
    np.testing.assert_allclose(image.data, -LOGS[np.arange(6), LABELS].reshape(2, 3), rtol=1e-12)


def test_weights_are_buffers_of_the_loss():
    assert list(CrossEntropyLoss([1.0, 2.0]).state_dict()) == ["weight"]
    assert list(BCEWithLogitsLoss(pos_weight=[2.0]).state_dict()) == ["pos_weight"]


# bad input


@pytest.mark.parametrize("loss", [MSELoss(), L1Loss(), BCEWithLogitsLoss()], ids=repr)
def test_a_target_that_would_be_broadcast_is_refused_with_the_remedy(loss):
    expected = r"^\w+: expected a target of the input's shape \(3, 1\), got \(3,\); reshape it with .reshape\(\(3, 1"
    with pytest.raises(ValueError, match=expected):
        loss(Tensor(np.zeros((3, 1))), np.zeros(3))


@pytest.mark.parametrize("wrong", [-0.1, 1.5, np.nan])
def test_a_binary_target_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=rf"targets are probabilities of yes, from 0 to 1, got {wrong}"):
        BCEWithLogitsLoss()(Tensor([0.0, 0.0]), np.array([1, wrong]))


@pytest.mark.parametrize("options", [{}, {"weight": [1.0] * 4}, {"label_smoothing": 0.1}, {"reduction": "none"}])
@pytest.mark.parametrize("wrong", [4, -1])
def test_a_class_index_out_of_range_is_refused(options, wrong):
    labels = np.where(LABELS == 3, wrong, LABELS)
    with pytest.raises(ValueError, match=rf"^CrossEntropyLoss: .*{wrong}.* 0 to 3"):
        CrossEntropyLoss(**options)(Tensor(SCORES), labels)


def test_class_indices_that_are_not_integers_are_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"class indices are integers, got float64; convert with .astype\(np.int64\)"):
        CrossEntropyLoss()(Tensor(SCORES), LABELS.astype(float))


def test_a_target_of_neither_shape_is_refused_with_both():
    expected = r"class indices of shape \(6,\) or probabilities of shape \(6, 4\), got int64 of shape \(5,\)"
    with pytest.raises(ValueError, match=expected):
        CrossEntropyLoss()(Tensor(SCORES), LABELS[:5])


def test_a_mean_over_nothing_is_refused():
    with pytest.raises(ValueError, match=r"no row to take the mean of: every class index is 0 or has weight 0"):
        CrossEntropyLoss(ignore_index=0)(Tensor(SCORES), np.zeros(6, int))


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"weight has 3 factors, and the input has 4 classes"):
        CrossEntropyLoss([1.0, 1.0, 1.0])(Tensor(SCORES), LABELS)
    with pytest.raises(ValueError, match=r"weight is one factor for each class, \(C,\), got shape \(1, 2\)"):
        CrossEntropyLoss([[1.0, 1.0]])


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"label_smoothing is a share, from 0 to 1, got 1.5"):
        CrossEntropyLoss(label_smoothing=1.5)
    with pytest.raises(ValueError, match=r"reduction must be 'mean', 'sum' or 'none', got 'avg'"):
        Loss("avg")
