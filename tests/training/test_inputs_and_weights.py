"""Steps and evaluations of models with several inputs, and of examples that count differently."""

from itertools import pairwise

import numpy as np
import pytest

from minigrad import nn, ops, optim
from minigrad.data import Batch, DataError, Examples
from minigrad.engine import Tensor, random
from minigrad.metrics import MetricCollection
from minigrad.parallel import Ranks, Shards
from minigrad.training.step import TrainStep, evaluate

N = 24
rng = np.random.default_rng(0)
LONG = rng.normal(size=(N, 5)).astype(np.float32)
SHORT = rng.normal(size=(N, 3)).astype(np.float32)
CLASSES = rng.integers(0, 4, N)
WEIGHTS = rng.uniform(0, 3, N).astype(np.float32)
WEIGHTS[:5] = 0


class TwoInputs(nn.Module):
    def __init__(self):
        self.left, self.right = nn.Linear(5, 4), nn.Linear(3, 4)

    def forward(self, long, short):
        return ops.tanh(self.left(long)) + self.right(short)


def made(kind):
    random.seed(0)
    return kind()


def gradients(model, loss, examples, shards=1, cuts=(0, N), compiled=False):
    """The gradients of one step on the batches between `cuts`, and its loss."""
    step = TrainStep(model, loss, optim.SGD(model.parameters(), lr=0.1), Shards(shards, 2), Ranks(), compiled)
    batches = [Batch(examples, np.arange(a, b)) for a, b in pairwise(cuts)]
    pieces = step.gradients(batches, 0)
    total = sum(count for _, count, _, _ in pieces)
    scale = 1 if loss.reduction == "sum" else 1 / total
    value = sum(piece[0] * (1 if loss.reduction == "sum" else piece[1]) for piece in pieces) * scale
    return value, {name: p.grad.copy() for name, p in model.named_parameters()}


def assert_equal(one, other):
    np.testing.assert_allclose(one[0], other[0], rtol=2e-6)
    for name in one[1]:
        np.testing.assert_allclose(one[1][name], other[1][name], rtol=2e-5, atol=2e-7)


WAYS = [
    {},
    {"shards": 3},
    {"cuts": (0, 4, 10, N)},
    {"shards": 2, "cuts": (0, 11, N)},
    {"compiled": True},
    {"compiled": True, "shards": 2},
]


@pytest.mark.parametrize("way", WAYS)
def test_a_model_gets_each_input_by_name(way):
    model = made(TwoInputs)
    error = nn.CrossEntropyLoss()(model(Tensor(LONG), Tensor(SHORT)), Tensor(CLASSES))
    error.backward()
    expected = error.item(), {name: p.grad for name, p in model.named_parameters()}
    examples = Examples({"short": SHORT, "long": LONG}, CLASSES)
    assert_equal(gradients(made(TwoInputs), nn.CrossEntropyLoss(), examples, **way), expected)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (
            {"long": LONG, "shrt": SHORT},
            r"'long' and 'short', and the data has .* did you mean 'short' by 'shrt'",
        ),
        ({"long": LONG}, "takes 'long' and 'short', and the data has the inputs 'long'"),
        (LONG, "takes 'long' and 'short', and the data has one input without a name"),
    ],
)
def test_other_inputs_than_the_model_takes_are_named(inputs, said):
    with pytest.raises(TypeError, match=said):
        gradients(made(TwoInputs), nn.CrossEntropyLoss(), Examples(inputs, CLASSES))


def test_inputs_with_names_have_as_many_examples_each():
    with pytest.raises(DataError, match="as many of each input, got 24 and of 'short' 23"):
        Examples({"long": LONG, "short": SHORT[1:]}, CLASSES)


AMOUNTS = rng.normal(size=(N, 4)).astype(np.float32)
TOKENS = np.where(rng.random((N, 4)) < 0.2, -100, rng.integers(0, 2, (N, 4)))
LOSSES = [
    (nn.CrossEntropyLoss(), CLASSES),
    (nn.CrossEntropyLoss(weight=[1, 2, 0.5, 3]), CLASSES),
    (nn.CrossEntropyLoss(label_smoothing=0.1, ignore_index=2), CLASSES),
    (nn.CrossEntropyLoss(reduction="sum"), CLASSES),
    (nn.CrossEntropyLoss(), np.eye(4, dtype=np.float32)[CLASSES]),
    (nn.MSELoss(), AMOUNTS),
    (nn.HuberLoss(reduction="sum"), AMOUNTS),
    (nn.BCEWithLogitsLoss(), np.eye(4, dtype=np.float32)[CLASSES]),
    (nn.KLDivLoss("batchmean"), ops.softmax(AMOUNTS)),
]


def linear():
    return nn.Linear(5, 4)


@pytest.mark.parametrize(("loss", "targets"), LOSSES)
@pytest.mark.parametrize("way", WAYS)
def test_a_weight_of_two_is_the_example_twice(loss, targets, way):
    weights = np.arange(N) % 3
    rows = np.repeat(np.arange(N), weights)
    expected = gradients(made(linear), loss, Examples(LONG[rows], targets[rows]), cuts=(0, len(rows)))
    assert_equal(gradients(made(linear), loss, Examples(LONG, targets, weights), **way), expected)


def test_places_of_a_sequence_count_with_the_weight_of_their_example():
    class Places(nn.Module):
        def __init__(self):
            self.head = nn.Linear(5, 8)

        def forward(self, x):
            return self.head(x).reshape((-1, 4, 2))

    weights = np.arange(N) % 3
    rows = np.repeat(np.arange(N), weights)
    loss = nn.CrossEntropyLoss(axis=-1)
    expected = gradients(made(Places), loss, Examples(LONG[rows], TOKENS[rows]), cuts=(0, len(rows)))
    for way in WAYS:
        assert_equal(gradients(made(Places), loss, Examples(LONG, TOKENS, weights), **way), expected)


def test_the_weighted_mean_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    model = made(linear)
    value, found = gradients(model, nn.CrossEntropyLoss(), Examples(LONG, CLASSES, WEIGHTS), shards=2)
    weight = torch.tensor(model.weight.data, requires_grad=True)
    outputs = torch.tensor(LONG) @ weight.T + torch.tensor(model.bias.data)
    single = torch.nn.functional.cross_entropy(outputs, torch.tensor(CLASSES), reduction="none")
    error = (single * torch.tensor(WEIGHTS)).sum() / WEIGHTS.sum()
    error.backward()
    np.testing.assert_allclose(value, error.item(), rtol=1e-5)
    np.testing.assert_allclose(found["weight"], weight.grad.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 5, N])
def test_an_evaluation_weighs_over_all_batches(batch_size):
    model, loss = made(linear), nn.CrossEntropyLoss()
    metrics = MetricCollection([])
    evaluate(model, loss, Examples(LONG, CLASSES, WEIGHTS), batch_size, 0, metrics, Ranks())
    single = nn.CrossEntropyLoss(reduction="none")(model(Tensor(LONG)), Tensor(CLASSES)).data
    assert metrics.compute("val")["val/loss"] == pytest.approx(np.average(single, weights=WEIGHTS), rel=1e-5)


def test_a_loss_that_gives_one_number_says_what_it_needs():
    class Own(nn.Loss):
        def forward(self, input, target):
            return ops.mean((input - target) ** 2)

    with pytest.raises(ValueError, match=r"Own gives losses of shape \(\) where reduction is 'none'"):
        gradients(made(linear), Own(), Examples(LONG, AMOUNTS, WEIGHTS))


@pytest.mark.parametrize("weights", [-WEIGHTS, WEIGHTS[:, None], WEIGHTS[1:]])
def test_weights_are_one_number_for_each_example(weights):
    with pytest.raises(DataError, match="weight"):
        Examples(LONG, CLASSES, weights)
