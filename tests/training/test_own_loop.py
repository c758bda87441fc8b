"""`minigrad.train_step`: the trainer's step in a loop of one's own."""

import gc

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, no_grad, ops, optim
from minigrad.data import DataLoader, Dataset, Examples
from minigrad.engine import random
from minigrad.training import Checkpoint, Experiment, Trainer, TrainingError
from minigrad.training.sharding import ShardingError

from ..bits import bits

CLASSES = 4


def batches(count=9, n=12, width=8, seed=0):
    numbers = np.random.default_rng(seed)
    shape = (n, width) if isinstance(width, int) else (n, *width)
    return [
        (numbers.normal(size=shape).astype(np.float32), numbers.integers(0, CLASSES, n, np.int64)) for _ in range(count)
    ]


class Counting(nn.Module):
    """Counts its calls in a buffer, and how often it was really called."""

    def __init__(self):
        self.calls = nn.Buffer(np.zeros((), np.int64))
        self.real = []

    def forward(self, x):
        self.calls += 1
        self.real.append(len(x))
        return x


def network(*layers):
    return nn.Sequential(*(layers or (nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, CLASSES))))


def twins(name):
    """Two models with the same weights."""
    models = []
    for _ in range(2):
        random.seed(0)
        models.append(MODELS[name]())
    return models


MODELS = {
    "mlp": network,
    "dropout": lambda: network(nn.Linear(8, 16), nn.Dropout(0.5), nn.Linear(16, CLASSES)),
    "batch norm": lambda: network(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, CLASSES)),
    "a buffer": lambda: network(Counting(), nn.Linear(8, CLASSES)),
    "lstm": lambda: network(Sequence(), nn.LSTM(4, 6, 2, dropout=0.3, batch_first=True), LastOutput()),
}


class Sequence(nn.Module):
    def forward(self, x):
        return x.reshape(-1, 2, 4)


class LastOutput(nn.Module):
    def __init__(self):
        self.head = nn.Linear(6, CLASSES)

    def forward(self, result):
        return self.head(result[0][:, -1])


def by_hand(model, loss, optimizer, data):
    losses = []
    for position, (x, y) in enumerate(data):
        optimizer.zero_grad()
        with random.at(position):
            error = loss(model(Tensor(x)), Tensor(y))
        error.backward()
        optimizer.step()
        losses.append(error.item())
    return losses


@pytest.mark.parametrize("compile", ["auto", True, False])
@pytest.mark.parametrize("name", MODELS)
def test_steps_have_the_bits_of_a_loop_written_by_hand(name, compile):
    loss, (model, other) = nn.CrossEntropyLoss(), twins(name)
    step = minigrad.train_step(model, loss, optim.Adam(model.parameters()), compile=compile)
    losses = [step(x, y).item() for x, y in batches()]
    assert losses == by_hand(other, loss, optim.Adam(other.parameters()), batches())
    assert bits(model) == bits(other)


def test_a_small_step_is_replayed_and_a_large_one_is_not():
    counting = Counting()
    model = network(counting, nn.Linear(8, CLASSES))
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()))
    for x, y in batches(16):
        step(x, y)
    assert counting.calls.item() == 16
    # two looks at the size, the recording, and proofs at steps 2, 4, 8 and 16
    assert len([n for n in counting.real if n == 12]) == 5
    large = network(nn.Linear(512, 4096), nn.Linear(4096, CLASSES))
    step = minigrad.train_step(large, nn.CrossEntropyLoss(), optim.SGD(large.parameters()))
    step(*batches(1, n=64, width=512)[0])
    assert repr(step) == "train_step(2 shards, 1 BLAS threads, not recorded)"


@pytest.mark.parametrize("name", ["mlp", "dropout"])
@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(ignore_index=2), nn.CrossEntropyLoss(reduction="sum")])
def test_shards_learn_what_the_trainer_learns_with_as_many(name, loss):
    class Noise(Dataset):
        def __init__(self):
            x, y = (np.concatenate(arrays) for arrays in zip(*batches(5), strict=True))
            self.train = self.val = self.test = Examples(x, y)
            self._num_classes = CLASSES

    model, other = twins(name)
    random.seed(7)
    step = minigrad.train_step(model, loss, optim.SGD(model.parameters(), lr=0.01), shards=3)
    for x, y in batches(5):
        step(x, y)
    Experiment(
        name="same",
        seed=7,
        data=Noise(),
        model=other,
        loss=loss,
        optimizer=lambda parameters: optim.SGD(parameters, lr=0.01),
        loader=lambda examples: DataLoader(examples, 12, shuffle=False),
        trainer=Trainer(max_epochs=1, shards=3, checkpoint=Checkpoint(monitor="train/loss")),
    ).fit()
    assert bits(model) == bits(other)


def test_the_loss_of_shards_is_that_of_the_whole_batch():
    loss = nn.CrossEntropyLoss(weight=[1.0, 5.0, 0.5, 2.0])
    ((x, y),) = batches(1, n=11)
    model = network()
    expected = loss(model(Tensor(x)), Tensor(y)).item()
    step = minigrad.train_step(model, loss, optim.SGD(model.parameters()), shards=3)
    assert step(x, y).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("shards", [1, 3])
def test_several_inputs_are_given_by_name(shards):
    class Two(nn.Module):
        def __init__(self):
            self.first, self.second = nn.Linear(8, CLASSES), nn.Embedding(5, CLASSES)

        def forward(self, numbers, kind):
            return self.first(numbers) + self.second(kind)

    model = Two()
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), shards=shards)
    for x, y in batches():
        kind = y % 5
        expected = nn.CrossEntropyLoss()(model(Tensor(x), Tensor(kind)), Tensor(y)).item()
        assert step({"numbers": x, "kind": kind}, y).item() == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match=r"one target for each input, got shapes \(12, 8\) and \(3,\) and \(12,\)"):
        step({"numbers": x, "kind": kind[:3]}, y)


def test_float64_stays_float64_and_lists_are_taken():
    model = network(nn.Linear(2, 1)).to(np.float64)
    step = minigrad.train_step(model, nn.MSELoss(), optim.SGD(model.parameters()))
    error = step(np.ones((3, 2)), np.zeros((3, 1)))
    assert (error.dtype, error.requires_grad) == (np.float64, False)
    single = network(nn.Linear(2, 1))
    step = minigrad.train_step(single, nn.MSELoss(), optim.SGD(single.parameters()))
    assert step([[1.0, 2.0], [3.0, 4.0]], [[1.0], [0.0]]).dtype == np.float32


def test_batches_of_several_sizes_are_taken():
    model = network()
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), shards=2)
    for n in (12, 12, 12, 5, 1, 12):
        assert np.isfinite(step(*batches(1, n=n)[0]).item())


def test_a_batch_in_which_nothing_counts_changes_nothing():
    model = network()
    before = bits(model)
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()))
    assert np.isnan(step(batches(1)[0][0], np.full(12, -100)).item())
    assert bits(model) == before


def test_blas_has_its_threads_back_after_a_step():
    from threadpoolctl import threadpool_info, threadpool_limits

    model = network()
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()))
    with threadpool_limits(2, "blas"):
        step(*batches(1)[0])
        assert {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"} == {2}


class TestALossOfYourOwn:
    def test_a_function_is_a_loss_of_the_whole_batch(self):
        model = network()
        step = minigrad.train_step(model, lambda out, y: (out * out).mean(), optim.SGD(model.parameters()))
        first, *_, last = [step(*batches(1)[0]).item() for _ in range(5)]
        assert last < first

    def test_it_is_not_divided(self):
        model = network()

        def spread(out, y):
            return (out * out).mean()

        step = minigrad.train_step(model, spread, optim.SGD(model.parameters()), shards=2)
        with pytest.raises(ShardingError, match=r"shards is 2, but the loss \(FunctionLoss\) depends on"):
            step(*batches(1)[0])

    @pytest.mark.parametrize("compile", [True, False])
    @pytest.mark.parametrize(
        ("loss", "message"),
        [
            (nn.CrossEntropyLoss(reduction="none"), r"one number, got shape \(12,\): use reduction='mean'"),
            (lambda out, y: out, r"one number, got shape \(12, 4\)"),
            (lambda out, y: 0.5, "a loss must return a tensor, got float"),
            (lambda out, y: (out.detach() ** 2).mean(), "depends on no trainable weight"),
        ],
    )
    def test_what_is_not_one_number_of_a_graph_is_named(self, loss, message, compile):
        model = network()
        step = minigrad.train_step(model, loss, optim.SGD(model.parameters()), compile=compile)
        with pytest.raises(TrainingError, match=message):
            step(*batches(1)[0])

    def test_one_number_may_have_axes(self):
        model = network()
        step = minigrad.train_step(model, lambda out, y: out.mean(keepdims=True), optim.SGD(model.parameters()))
        assert step(*batches(1)[0]).shape == ()


class TestBadInput:
    def test_an_optimizer_in_two_steps(self):
        model = network()
        optimizer = optim.SGD(model.parameters())
        step = minigrad.train_step(model, nn.CrossEntropyLoss(), optimizer)
        with pytest.raises(ValueError, match=r"belongs to another train_step already: use that step, give this one an"):
            minigrad.train_step(model, nn.MSELoss(), optimizer)
        del step
        gc.collect()
        minigrad.train_step(model, nn.MSELoss(), optimizer)

    def test_an_optimizer_of_another_model(self):
        with pytest.raises(ValueError, match=r"the optimizer has no parameter of this model: make it of model\.param"):
            minigrad.train_step(network(), nn.CrossEntropyLoss(), optim.SGD(network().parameters()))

    def test_shards_that_do_not_divide(self):
        ((x, y),) = batches(1)
        for shards, model, message in [
            (13, network(), "shards is 13, and a batch has only 12 examples"),
            (2, MODELS["batch norm"](), r"layer '1' \(BatchNorm1d\) depends on the whole batch: it needs shards: 1"),
        ]:
            step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), shards=shards)
            with pytest.raises(ShardingError, match=message):
                step(x, y)
        for shards in (0, 1.5, "two"):
            with pytest.raises((ValueError, TypeError), match="shards"):
                minigrad.train_step(model, nn.MSELoss(), optim.SGD(model.parameters()), shards=shards)

    def test_things_in_the_wrong_place(self):
        model = network()
        optimizer = optim.SGD(model.parameters())
        for arguments, message in [
            ((model, optimizer, nn.MSELoss()), "the optimizer is MSELoss"),
            ((model, nn.MSELoss, optimizer), "the loss is <class"),
            ((lambda x: x, nn.MSELoss(), optimizer), "the model is <function"),
        ]:
            with pytest.raises(TypeError, match=message):
                minigrad.train_step(*arguments)

    @pytest.mark.parametrize(("x", "y"), [((12, 8), (11,)), ((0, 8), (0,)), ((), (1,))])
    def test_targets_that_do_not_fit(self, x, y):
        model = network()
        step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()))
        with pytest.raises(ValueError, match="expected one target for each input, got shapes"):
            step(np.ones(x, np.float32), np.zeros(y, np.int64))

    def test_a_wrong_label_is_named_as_by_the_loss_and_changes_nothing(self):
        model = network()
        step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()))
        for x, y in batches(5):
            step(x, y)
        before = bits(model)
        with pytest.raises(ValueError, match="CrossEntropyLoss: cross_entropy of x float32"):
            step(batches(1)[0][0], np.full(12, 7))
        assert bits(model) == before


def test_an_optimizer_that_asks_for_the_loss_again_gets_that_of_the_same_batch():
    model, other = twins("mlp")
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.LBFGS(model.parameters(), max_iter=3))
    optimizer, loss = optim.LBFGS(other.parameters(), max_iter=3), nn.CrossEntropyLoss()

    def closure():
        optimizer.zero_grad()
        error = loss(other(Tensor(x)), Tensor(y))
        error.backward()
        return error.item()

    for x, y in batches(4):
        step(x, y)
        optimizer.step(closure)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(one.data, two.data, rtol=1e-4, atol=1e-5)


def test_a_model_that_is_evaluated_in_between_goes_on_learning():
    model, other = twins("dropout")
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()))
    for x, y in batches():
        step(x, y)
        model.eval()
        with no_grad():
            ops.argmax(model(Tensor(x)), axis=1)
        model.train()
    by_hand(other, nn.CrossEntropyLoss(), optim.SGD(other.parameters()), batches())
    assert bits(model) == bits(other)
