"""One step of training, and the evaluation of a split, without an experiment."""

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.data import Batch, Examples
from minigrad.engine import Tensor, random
from minigrad.metrics import Accuracy, MetricCollection
from minigrad.parallel import Ranks, Shards
from minigrad.training.divergence import NonFiniteLossError
from minigrad.training.step import TrainStep, evaluate

from ..bits import bits


def small():
    random.seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))


def train_step(model, loss, shards=1, **options):
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return TrainStep(model, loss, optimizer, Shards(shards, 2), Ranks(), **options)


def arrays(*sizes):
    """Batches of inputs and classes."""
    numbers = np.random.default_rng(3)
    return [(numbers.normal(size=(n, 8)).astype(np.float32), numbers.integers(0, 4, n)) for n in sizes]


@pytest.mark.parametrize("compiled", [False, True])
def test_steps_are_those_of_a_loop_written_by_hand(compiled):
    loss, model, other = nn.CrossEntropyLoss(), small(), small()
    optimizer = optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
    step = train_step(model, loss, compiled=compiled)
    for position, (x, y) in enumerate(arrays(12, 12, 12, 5)):
        batches = [Batch(Examples(x, y), range(len(x)))]
        ((value, count, outputs, targets),) = step.gradients(batches, position)
        step.update(batches, position)

        expected = other(Tensor(x))
        error = loss(expected, Tensor(y))
        error.backward()
        optimizer.step()
        optimizer.zero_grad()
        assert (value, count) == (error.item(), len(x))
        np.testing.assert_array_equal(outputs, expected.data)
        np.testing.assert_array_equal(targets, y)
    assert bits(model) == bits(other)


def test_gradients_change_no_weight():
    model = small()
    before = bits(model)
    ((x, y),) = arrays(12)
    train_step(model, nn.CrossEntropyLoss(), shards=2).gradients([Batch(Examples(x, y), range(12))], 0)
    assert bits(model) == before
    assert all(p.grad is not None for p in model.parameters())


class TestAnEvaluation:
    def measured(self, model, examples, batch_size):
        metrics = MetricCollection([Accuracy()])
        evaluate(model, nn.CrossEntropyLoss(), examples, batch_size, 0, metrics, Ranks())
        return metrics.compute("val")

    @pytest.mark.parametrize("batch_size", [1, 4, 11, 100])
    def test_is_that_of_all_examples_together_however_they_are_cut(self, batch_size):
        ((x, y),) = arrays(11)
        model = small()
        outputs = model(Tensor(x))
        values = self.measured(model, Examples(x, y), batch_size)
        assert values["val/loss"] == pytest.approx(nn.CrossEntropyLoss()(outputs, Tensor(y)).item(), rel=1e-6)
        assert values["val/accuracy"] == pytest.approx((outputs.data.argmax(1) == y).mean())

    @pytest.mark.parametrize("training", [True, False])
    def test_is_in_eval_mode_and_leaves_the_mode_as_it_was(self, training):
        modes = []

        class Watch(nn.Module):
            def forward(self, x):
                modes.append(self.training)
                return x

        ((x, y),) = arrays(6)
        model = nn.Sequential(Watch(), small()).train(training)
        self.measured(model, Examples(x, y), 4)
        assert modes == [False, False]
        assert all(module.training == training for module in model.modules())

    def test_of_a_batch_whose_loss_is_not_finite_names_the_loss_and_has_its_inputs(self):
        ((x, y),) = arrays(6)
        x[4, 2] = np.nan
        model = small()
        with np.errstate(all="ignore"), pytest.raises(NonFiniteLossError, match="the loss is nan") as caught:
            self.measured(model, Examples(x, y), 4)
        np.testing.assert_array_equal(caught.value.inputs, x[4:])
        assert model.training


class TestTheGradientsOfShards:
    def grads(self, loss, shards, batches, model=None):
        model = model or small()
        lazy = [Batch(Examples(*batch), range(len(batch[0]))) for batch in batches]
        pieces = train_step(model, loss, shards).gradients(lazy, 0)
        return pieces, [p.grad for p in model.parameters()]

    @pytest.mark.parametrize("sizes", [(12,), (11,), (12, 12), (12, 5)])
    @pytest.mark.parametrize(
        "loss",
        [
            nn.CrossEntropyLoss(),
            nn.CrossEntropyLoss(reduction="sum"),
            nn.CrossEntropyLoss(ignore_index=2),
            nn.CrossEntropyLoss(weight=[1.0, 5.0, 0.5, 2.0], label_smoothing=0.1),
            nn.NLLLoss(weight=[1.0, 5.0, 0.0, 2.0]),
        ],
        ids=lambda loss: f"{type(loss).__name__} {loss.reduction}",
    )
    def test_they_are_those_of_one_undivided_batch(self, loss, sizes):
        batches = arrays(*sizes)
        whole = [tuple(np.concatenate(arrays) for arrays in zip(*batches, strict=True))]
        _, expected = self.grads(loss, 1, whole)
        for shards in (1, 2, 3):
            _, found = self.grads(loss, shards, batches)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)

    def test_their_losses_weighted_by_their_counts_are_the_loss_of_the_whole(self):
        loss = nn.CrossEntropyLoss(weight=[1.0, 5.0, 0.5, 2.0], ignore_index=0)
        batches = arrays(11)
        ((whole, *_),), _ = self.grads(loss, 1, batches)
        pieces, _ = self.grads(loss, 3, batches)
        counts = np.array([count for _, count, *_ in pieces])
        values = np.array([value for value, *_ in pieces])
        np.testing.assert_allclose((values * counts).sum() / counts.sum(), whole, rtol=1e-6)

    def test_a_shard_in_which_nothing_counts_adds_nothing(self):
        ((x, y),) = arrays(6)
        y[:3] = -100
        pieces, found = self.grads(nn.CrossEntropyLoss(), 2, [(x, y)])
        _, expected = self.grads(nn.CrossEntropyLoss(), 1, [(x[3:], y[3:])])
        assert len(pieces) == 1
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)

    @pytest.mark.parametrize("shards", [1, 2])
    @pytest.mark.parametrize("sizes", [(6,), (6, 4)])
    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    def test_of_batches_in_which_nothing_counts_there_are_none(self, shards, sizes, reduction):
        batches = [(x, np.full(len(x), -100)) for x, _ in arrays(*sizes)]
        pieces, found = self.grads(nn.CrossEntropyLoss(reduction=reduction), shards, batches)
        assert pieces == []
        assert found == [None] * len(found)

    def test_a_batch_smaller_than_the_shards_is_divided_as_far_as_it_goes(self):
        pieces, _ = self.grads(nn.CrossEntropyLoss(), 4, arrays(3))
        assert [len(outputs) for _, _, outputs, _ in pieces] == [1, 1, 1]

    def test_two_shards_drop_out_in_different_places(self):
        dropped = []

        class Watch(nn.Module):
            def forward(self, x):
                dropped.append(x.data != 0)
                return x

        random.seed(0)
        model = nn.Sequential(nn.Dropout(0.5), Watch(), nn.Linear(8, 4))
        self.grads(nn.CrossEntropyLoss(), 2, [(np.ones((8, 8), np.float32), np.zeros(8, int))], model)
        assert len(dropped) == 2
        assert (dropped[0] != dropped[1]).any()
