import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients
from minigrad.nn import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, KLDivLoss, NLLLoss
from minigrad.nn.binary_cross_entropy import _BinaryCrossEntropy
from minigrad.nn.cross_entropy import _OfClasses
from minigrad.ops import kernels

rng = np.random.default_rng(0)
SCORES = rng.normal(size=(6, 4))
LABELS = np.array([0, 3, 1, 1, 2, 0])
LOGS = SCORES - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
SHARES = rng.uniform(0.05, 0.95, size=(6, 4))
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        (BCELoss, lambda x, t: -t * np.log(x) - (1 - t) * np.log(1 - x)),
        (BCEWithLogitsLoss, lambda x, t: -t * np.log(1 / (1 + np.exp(-x))) - (1 - t) * np.log(1 / (1 + np.exp(x)))),
        (KLDivLoss, lambda x, t: t * (np.log(t) - x)),
    ],
)
def test_a_loss_of_probabilities_is_its_formula_reduced(loss, formula, reduction):
    found = loss(reduction=reduction)(Tensor(SHARES), Tensor(SHARES[::-1]))
    np.testing.assert_allclose(found.data, REDUCTIONS[reduction](formula(SHARES, SHARES[::-1])), rtol=1e-10)


def test_the_divergence_of_a_distribution_from_itself_is_zero_and_its_batch_mean_is_over_rows():
    logs = np.log(np.full((2, 4), 0.25))
    peaked = np.array([[0.25] * 4, [1.0, 0, 0, 0]])
    assert KLDivLoss("sum")(Tensor(logs), np.exp(logs)).item() == pytest.approx(0, abs=1e-15)
    assert KLDivLoss("batchmean")(Tensor(logs), peaked).item() == pytest.approx(np.log(4) / 2)
    assert KLDivLoss("batchmean", log_target=True)(Tensor(logs), logs).item() == pytest.approx(0, abs=1e-15)


def test_an_impossible_class_has_no_divergence_and_a_finite_gradient():
    x, target = Tensor(np.zeros(2), requires_grad=True), Tensor(np.array([0.0, 1.0]), requires_grad=True)
    KLDivLoss("sum")(x, target).backward()
    assert x.grad.tolist() == [0, -1]
    assert np.isfinite(target.grad).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_certain_probability_costs_at_most_a_hundred_and_leaves_the_gradients_finite(dtype):
    x = Tensor(np.array([0, 1, 0, 1], dtype), requires_grad=True)
    losses = BCELoss(reduction="none")(x, [0, 1, 1, 0])
    losses.backward(np.ones(4, dtype))
    assert losses.data.tolist() == [0, 0, 100, 100]
    assert x.grad.tolist() == [1, -1, 0, 0]


def test_binary_cross_entropy_of_probabilities_is_that_of_their_scores():
    found = BCELoss()(Tensor(1 / (1 + np.exp(-SCORES))), SHARES).item()
    assert found == pytest.approx(BCEWithLogitsLoss()(Tensor(SCORES), SHARES).item(), rel=1e-12)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_takes_the_log_of_the_right_class(reduction):
    loss = CrossEntropyLoss(reduction=reduction)(Tensor(SCORES), LABELS)
    np.testing.assert_allclose(loss.data, REDUCTIONS[reduction](-LOGS[np.arange(6), LABELS]), rtol=1e-12)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", [{}, {"weight": [1.0, 2.0, 0.5, 3.0]}, {"ignore_index": 1}])
def test_cross_entropy_is_the_negative_log_likelihood_of_a_log_softmax(options, reduction):
    found = NLLLoss(**options, reduction=reduction)(Tensor(LOGS), LABELS)
    expected = CrossEntropyLoss(**options, reduction=reduction)(Tensor(SCORES), LABELS)
    np.testing.assert_allclose(found.data, expected.data, rtol=1e-12)


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
        (BCEWithLogitsLoss([0.5, 1, 2, 1], pos_weight=[3, 1, 1, 2]), SHARES),
        (KLDivLoss(), SHARES),
        (KLDivLoss("batchmean", log_target=True), LOGS),
        (NLLLoss(), LABELS),
        (NLLLoss([1.0, 2.0, 0.5, 3.0], 1, "none"), LABELS),
        (CrossEntropyLoss(), LABELS),
        (CrossEntropyLoss([1.0, 2.0, 0.5, 3.0], 1, "sum"), LABELS),
        (CrossEntropyLoss([1.0, 2.0, 0.5, 3.0], label_smoothing=0.1), LABELS),
        (CrossEntropyLoss(reduction="none"), LABELS),
        (CrossEntropyLoss([1.0, 2.0, 0.5, 3.0], label_smoothing=0.1), SHARES),
    ],
    ids=lambda value: type(value).__name__,
)
def test_gradients_of_both_orders_are_those_of_finite_differences(loss, target):
    check_gradients(loss, SCORES, target, order=2)


def test_gradients_with_respect_to_probabilities_are_those_of_finite_differences():
    check_gradients(BCELoss([0.5, 1, 2, 1]), SHARES, SHARES[::-1], order=2)


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


@pytest.mark.parametrize("wrong", [-0.1, 1.5, np.nan])
def test_a_binary_target_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=rf"targets are probabilities of yes, from 0 to 1, got {wrong}"):
        BCEWithLogitsLoss()(Tensor([0.0, 0.0]), np.array([1, wrong]))


def test_scores_where_probabilities_are_asked_for_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"inputs are probabilities .*there is BCEWithLogitsLoss\), got -0.5"):
        BCELoss()(Tensor([0.5, -0.5]), [1, 0])
    with pytest.raises(ValueError, match=r"targets are probabilities, .*logarithms need log_target=True\), got -0.5"):
        KLDivLoss()(Tensor([0.5, -0.5]), [1, -0.5])


@pytest.mark.parametrize("wrong", [4, -1])
@pytest.mark.parametrize(
    "loss",
    [
        NLLLoss(),
        CrossEntropyLoss(),
        CrossEntropyLoss([1.0] * 4),
        CrossEntropyLoss(label_smoothing=0.1),
        CrossEntropyLoss(reduction="none"),
    ],
)
def test_a_class_index_out_of_range_is_refused(loss, wrong):
    with pytest.raises(ValueError, match=rf"^{type(loss).__name__}: .*{wrong}.* 0 to 3"):
        loss(Tensor(SCORES), np.where(LABELS == 3, wrong, LABELS))


@pytest.mark.parametrize("loss", [NLLLoss(), CrossEntropyLoss()], ids=repr)
def test_class_indices_that_are_not_integers_are_refused_with_the_remedy(loss):
    with pytest.raises(TypeError, match=r"class indices are integers, got float64; convert with .astype\(np.int64\)"):
        loss(Tensor(SCORES), LABELS.astype(float))


def test_a_target_of_no_right_shape_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"class indices of shape \(6,\), got int64 of shape \(5,\)"):
        NLLLoss()(Tensor(SCORES), LABELS[:5])
    expected = r"class indices of shape \(6,\) or probabilities of shape \(6, 4\), got int64 of shape \(5,\)"
    with pytest.raises(ValueError, match=expected):
        CrossEntropyLoss()(Tensor(SCORES), LABELS[:5])


def test_a_mean_over_nothing_is_refused():
    with pytest.raises(ValueError, match=r"no row to take the mean of: every class index is 0"):
        CrossEntropyLoss(ignore_index=0)(Tensor(SCORES), np.zeros(6, int))
    with pytest.raises(ValueError, match=r"no row to take the mean of: every class index is 0 or has weight 0"):
        CrossEntropyLoss([0.0, 0.0, 1.0, 1.0], ignore_index=0)(Tensor(SCORES), np.ones(6, int))


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"weight has 3 factors, and the input has 4 classes"):
        CrossEntropyLoss([1.0, 1.0, 1.0])(Tensor(SCORES), LABELS)
    with pytest.raises(ValueError, match=r"weight is one factor for each class, \(C,\), got shape \(1, 2\)"):
        CrossEntropyLoss([[1.0, 1.0]])


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"label_smoothing must be from 0 to 1, got 1.5"):
        CrossEntropyLoss(label_smoothing=1.5)
    with pytest.raises(ValueError, match=r"reduction must be 'mean', 'sum', 'none' or 'batchmean', got 'avg'"):
        KLDivLoss("avg")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", [{}, {"weight": [1.0, 2.0, 3.0, 4.0]}, {"label_smoothing": 0.1}])
def test_classes_on_the_last_axis_cost_what_they_do_on_the_first(options, reduction):
    scores, labels = rng.normal(size=(2, 5, 4)), rng.integers(0, 4, (2, 5))
    last = CrossEntropyLoss(reduction=reduction, axis=-1, **options)
    first = CrossEntropyLoss(reduction=reduction, **options)
    moved = np.moveaxis(scores, -1, 1)
    np.testing.assert_allclose(last(Tensor(scores), labels).data, first(Tensor(moved), labels).data, rtol=1e-12)
    if not options:
        shares = rng.dirichlet(np.ones(4), (2, 5))
        found = last(Tensor(scores), Tensor(shares)).data
        np.testing.assert_allclose(found, first(Tensor(moved), Tensor(np.moveaxis(shares, -1, 1))).data, rtol=1e-12)


def test_as_many_places_as_classes_are_told_apart_by_the_axis():
    scores, labels = rng.normal(size=(2, 4, 4)), rng.integers(0, 4, (2, 4))
    found = CrossEntropyLoss(axis=-1)(Tensor(scores), labels).item()
    rows = CrossEntropyLoss()(Tensor(scores.reshape(8, 4)), labels.reshape(8)).item()
    assert found == pytest.approx(rows, rel=1e-12)
    assert found != pytest.approx(CrossEntropyLoss()(Tensor(scores), labels).item(), rel=1e-3)


def test_targets_that_fit_classes_on_the_last_axis_are_told_how_to_say_so():
    with pytest.raises(ValueError, match=r"got int64 of shape \(2, 5\); classes on the last axis need axis=-1"):
        CrossEntropyLoss()(Tensor(np.zeros((2, 5, 4))), np.zeros((2, 5), int))
    with pytest.raises(ValueError, match=r"an input of shape \(2, 4\) has no axis 2 for the classes"):
        CrossEntropyLoss(axis=2)(Tensor(np.zeros((2, 4))), np.zeros(2, int))


@pytest.mark.parametrize(
    ("base", "target", "method"), [(_BinaryCrossEntropy, SHARES, "_minus_logs"), (_OfClasses, LABELS, "_of_rows")]
)
def test_the_bases_say_what_is_missing(base, target, method):
    with pytest.raises(NotImplementedError, match=rf"must define {method}\(\)"):
        base()(Tensor(SCORES), target)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"ignore_index": 1}, {"weight": np.array([0.5, 1, 0, 2])}])
def test_many_rows_of_scores_go_by_blocks_and_give_what_one_block_gives(options, dtype, monkeypatch):
    def computed():
        scores = Tensor(SCORES.astype(dtype), requires_grad=True)
        weights = {name: value.astype(dtype) if name == "weight" else value for name, value in options.items()}
        found = CrossEntropyLoss(**weights)(scores, LABELS)
        found.backward()
        return found.data, scores.grad

    at_once = computed()
    monkeypatch.setattr(kernels, "LARGE", 8)
    monkeypatch.setattr(kernels, "_ROWS", 9)
    for found, expected in zip(computed(), at_once, strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)
