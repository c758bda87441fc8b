import copy

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.data import DataLoader, Dataset, Examples
from minigrad.engine import CompileError, random
from minigrad.parallel import available_cores
from minigrad.training import Experiment, Trainer, Training, TrainingError
from minigrad.training.sharding import ShardingError, shards_and_threads

from ..bits import bits

BATCH = 12


class Numbers(Dataset):
    """Rows of numbers, in four classes."""

    def __init__(self, width=8, classes=4):
        numbers = np.random.default_rng(0)
        examples = [Examples(numbers.normal(size=(n, width)), numbers.integers(0, classes, n)) for n in (60, 20, 20)]
        self.train, self.val, self.test = examples


def experiment(model, loss=None, width=8, batch_size=BATCH, **settings):
    return Experiment(
        name="division",
        data=Numbers(width),
        model=model,
        loss=loss or nn.CrossEntropyLoss(),
        optimizer=lambda parameters: optim.SGD(parameters, lr=0.1),
        loader=lambda examples: DataLoader(examples, batch_size),
        trainer=Trainer(max_steps=settings.pop("max_steps", 3), **settings),
    )


def divide(made, batch_size):
    """The shards and BLAS threads of an experiment."""
    given = made.trainer.shards, made.trainer.blas_threads
    return shards_and_threads(made.model, made.loss, made.data.train, batch_size, *given)


def small(*more):
    random.seed(0)
    return nn.Sequential(nn.Linear(8, 16), *more, nn.Tanh(), nn.Linear(16, 4))


def medium(*more):
    random.seed(0)
    return nn.Sequential(nn.Linear(256, 2048), *more, nn.ReLU(), nn.Linear(2048, 4))


def large(*more):
    random.seed(0)
    return nn.Sequential(nn.Linear(256, 2048), *more, nn.ReLU(), nn.Linear(2048, 6000), nn.Linear(6000, 4))


class TestTheRule:
    def test_a_small_step_is_not_divided(self):
        assert divide(experiment(small()), BATCH) == (1, 1)

    def test_a_step_in_between_is_not_divided_and_gives_blas_the_threads(self):
        assert divide(experiment(medium(), width=256), BATCH) == (1, min(2, available_cores()))

    def test_a_large_step_has_two_shards_each_with_one_blas_thread(self):
        assert divide(experiment(large(), width=256), BATCH) == (2, 1)

    def test_a_large_step_that_looks_at_the_whole_batch_has_one_shard_and_gives_blas_the_threads(self):
        assert divide(experiment(large(nn.BatchNorm1d(2048)), width=256), BATCH) == (1, min(2, available_cores()))

    def test_a_batch_of_one_example_is_not_divided(self):
        assert divide(experiment(large(), width=256), 1) == (1, min(2, available_cores()))

    def test_a_larger_batch_makes_a_small_network_a_large_step(self):
        assert divide(experiment(small()), 2**20) == (2, 1)

    def test_what_the_trainer_says_counts(self):
        assert divide(experiment(small(), shards=3, blas_threads=2), BATCH) == (3, 2)

    def test_more_threads_than_blas_has_are_refused(self):
        with pytest.raises(ShardingError, match="blas_threads is 65, and NumPy's BLAS has at most 64") as refused:
            divide(experiment(small(), blas_threads=65), BATCH)
        assert refused.value.path == "trainer.blas_threads"
        assert divide(experiment(small(), blas_threads=64), BATCH) == (1, 64)

    def test_the_weights_of_a_convolution_count_for_each_of_its_places(self):
        class Image(nn.Module):
            def forward(self, x):
                return x.reshape(-1, 1, 32, 32)

        random.seed(0)
        model = nn.Sequential(Image(), nn.Conv2d(1, 64, 3), nn.MaxPool2d(30), nn.Flatten(), nn.Linear(64, 4))
        assert divide(experiment(model, width=1024), BATCH) == (1, min(2, available_cores()))
        assert divide(experiment(model, width=1024), 32 * BATCH) == (2, 1)

    def test_the_products_of_attention_count(self):
        def attention(length):
            random.seed(0)
            reads = nn.Embedding(50, 64)
            layer = nn.TransformerEncoderLayer(64, 2, 64, dropout=0.0, batch_first=True)
            return nn.Sequential(reads, layer, nn.Flatten(), nn.Linear(length * 64, 4))

        def tokens(length):
            return Examples(np.zeros((4, length), np.int64), np.zeros(4, np.int64))

        def chosen(length, batch_size):
            return shards_and_threads(attention(length), nn.CrossEntropyLoss(), tokens(length), batch_size)

        assert chosen(128, 16) == (1, min(2, available_cores()))
        assert chosen(512, 4) == (2, 1)  # as many tokens, and four times the scores

    def test_the_short_products_of_a_recurrent_layer_are_no_reason_to_divide(self):
        random.seed(0)
        model = nn.Sequential(nn.LSTM(8, 128, batch_first=True), nn.LastOutput(), nn.Linear(128, 4))
        examples = Examples(np.zeros((4, 256, 8), np.float32), np.zeros(4, np.int64))
        assert shards_and_threads(model, nn.CrossEntropyLoss(), examples, 16) == (1, min(2, available_cores()))

    def test_looking_for_the_size_draws_no_random_numbers_and_changes_nothing(self):
        model = medium(nn.Dropout(0.5))
        before = random.place().draws.copy()
        divide(experiment(model, width=256), BATCH)
        assert random.place().draws == before
        assert model.training
        assert all(p.grad is None for p in model.parameters())


class TestWhatCannotBeDivided:
    def test_a_layer_that_looks_at_the_whole_batch_is_named(self):
        with pytest.raises(
            ShardingError, match=r"layer '1' \(BatchNorm1d\) depends on the whole batch: it needs shards: 1"
        ):
            divide(experiment(small(nn.BatchNorm1d(16)), shards=2), BATCH)

    def test_a_loss_that_looks_at_the_whole_batch_is_named(self):
        class Spread(nn.CrossEntropyLoss):
            decomposes = False

        with pytest.raises(ShardingError, match=r"the loss \(Spread\) depends on the whole batch"):
            divide(experiment(small(), Spread(), shards=2), BATCH)

    def test_more_shards_than_examples_are_refused(self):
        with pytest.raises(ShardingError, match="shards is 13, and a batch has only 12 examples"):
            divide(experiment(small(), shards=13), BATCH)

    def test_a_model_that_mixes_examples_without_a_word_is_found_out(self):
        mixing = nn.Softmax(0)
        with pytest.raises(ShardingError, match="the model's output for an example depends on the rest of its batch"):
            divide(experiment(small(mixing), shards=2), BATCH)
        assert divide(experiment(large(mixing), width=256), BATCH) == (1, min(2, available_cores()))
        assert divide(experiment(large(nn.Softmax(1)), width=256), BATCH) == (2, 1)

    def test_a_layer_that_writes_what_its_shards_share_stops_the_training(self):
        class Counting(nn.Module):
            def __init__(self):
                self.seen = nn.Buffer(np.zeros(1))

            def forward(self, x):
                if self.training:
                    self.seen.data[...] += len(x)
                    self.seen.bump()
                return x

        with pytest.raises(TrainingError, match="wrote to a buffer while the batch was divided into 2 shards"):
            Training(experiment(small(Counting()), shards=2)).run()
        Training(experiment(small(Counting()), shards=1)).run()


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_training_in_shards_has_the_same_bits_on_one_thread_and_on_two(accumulate):
    def weights(threads):
        made = experiment(small(nn.Dropout(0.3)), shards=3, max_steps=12, accumulate=accumulate)
        random.seed(made.seed)
        results = Training(made, threads).run()
        return results, bits(made.model)

    assert weights(1) == weights(2) == weights(3)


def test_a_training_in_shards_is_that_of_the_undivided_batch_to_rounding():
    start = small()
    trained = []
    for shards in (1, 2, 5):
        made = experiment(copy.deepcopy(start), shards=shards, max_steps=20)
        Training(made).run()
        trained.append(np.concatenate([p.data.ravel() for p in made.model.parameters()]))
    for other in trained[1:]:
        np.testing.assert_allclose(other, trained[0], rtol=1e-4, atol=1e-6)


class TestACompiledTraining:
    @pytest.mark.parametrize("shards", [1, 2])
    @pytest.mark.parametrize("accumulate", [1, 2])
    @pytest.mark.parametrize("layers", [[], [nn.Dropout(0.5)]], ids=["no dropout", "dropout"])
    def test_has_the_bits_of_a_plain_one(self, shards, accumulate, layers):
        def train(**settings):
            made = experiment(
                small(*layers), shards=shards, accumulate=accumulate, max_steps=25, val_every=4, **settings
            )
            random.seed(made.seed)
            results = Training(made).run()
            return results, bits(made.model)

        assert train(compile=True) == train()

    def test_has_the_bits_of_a_plain_one_where_a_layer_takes_statistics(self):
        def train(compile):
            made = experiment(small(nn.BatchNorm1d(16)), max_steps=25, val_every=4, compile=compile)
            training = Training(made)
            training.one_step.record(made.data.train, BATCH)
            return training.run(), bits(made.model)

        assert train(True) == train(False)

    def test_is_refused_before_it_begins_where_a_layer_computes_outside_of_operations(self):
        class Scaled(nn.Module):
            def forward(self, x):
                return x * float(np.abs(x.data).max())

        training = Training(experiment(small(Scaled()), compile=True))
        with pytest.raises(CompileError, match="a replay gave other numbers"):
            training.one_step.record(training.experiment.data.train, BATCH)

    def test_stops_where_random_numbers_are_drawn_outside_of_operations(self):
        class Noise(nn.Module):
            def forward(self, x):
                return x + random.generator("noise").random(x.shape, np.float32)

        with pytest.raises(TrainingError, match=r"at step 1: random numbers .*; trainer.compile=false goes without"):
            Training(experiment(small(Noise()), compile=True)).run()
