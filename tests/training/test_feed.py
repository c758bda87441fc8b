"""Augmented batches, made beside the step: the same bits, no thread left, and errors that come out."""

import threading

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.data import Augmentation, Crop, DataLoader, Dataset, Examples, Flip, Rotate
from minigrad.data.augment import Augmented
from minigrad.engine import random
from minigrad.training import Experiment, Trainer
from minigrad.training.trainer import Training

from ..bits import bits

numbers = np.random.default_rng(0)
PIXELS = numbers.random((40, 1, 6, 6)).astype(np.float32)
CLASSES = numbers.integers(0, 3, 40)
AUGMENT = [Flip(), Crop(2), Rotate(20)]


class Pictures(Dataset):
    _num_classes = 3

    def __init__(self, augment):
        parts = [Examples(PIXELS[at], CLASSES[at]) for at in (slice(30), slice(30, 35), slice(35, 40))]
        self.train = Augmented(parts[0], (1, 6, 6), augment)
        self.val, self.test = parts[1:]


def training(augment=AUGMENT, threads=None, **settings):
    with random.at(seed=3):
        model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
        loader = lambda examples: DataLoader(examples, 8)
        trainer = Trainer(max_steps=11, **settings)
        experiment = Experiment(
            "pictures", Pictures(augment), model, nn.CrossEntropyLoss(), optim.Adam, 3, loader, trainer=trainer
        )
    return Training(experiment, threads=threads)


@pytest.mark.parametrize("settings", [{}, {"shards": 2}, {"accumulate": 2}, {"shards": 3, "accumulate": 2}])
def test_no_bit_depends_on_threads(settings, monkeypatch):
    first = training(**settings)
    first.run()
    for threads in (1, 2):
        other = training(threads=threads, **settings)
        other.run()
        assert bits(first.model) == bits(other.model)
    monkeypatch.setattr("minigrad.threads.has_threads", lambda: False)
    plain = training(threads=1, **settings)
    plain.run()
    assert bits(first.model) == bits(plain.model)


def test_augmented_training_goes_on_where_it_stopped():
    whole, half, rest = training(), training(), training()
    whole.run()
    for _, batches in zip(range(6), half.batches(), strict=False):
        half.model.train()
        half.train_step(batches)
    rest.load_state(half.model.state_dict(), half.state())
    rest.run()
    for name, array in whole.best.weights.items():
        np.testing.assert_array_equal(array, rest.best.weights[name])


class Breaks(Augmentation):
    def __call__(self, images, numbers):
        if threading.current_thread() is threading.main_thread():
            raise AssertionError("computed in the main thread")
        raise ValueError("this image cannot be turned")


def test_an_error_of_an_augmentation_comes_out_and_no_thread_stays():
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="this image cannot be turned"):
        training([Breaks()], threads=1).run()
    assert set(threading.enumerate()) <= before  # one of another test may end meanwhile


def test_no_thread_stays_after_a_training_or_an_interrupted_one():
    before = set(threading.enumerate())
    training(threads=1).run()
    assert set(threading.enumerate()) <= before  # one of another test may end meanwhile
    stopped = training(threads=1)
    stopped.interrupt()
    assert stopped.run()["status"] == "interrupted"
    assert set(threading.enumerate()) <= before  # one of another test may end meanwhile


def test_a_key_that_interrupts_leaves_no_thread(monkeypatch):
    before = set(threading.enumerate())
    stopped = training(threads=1)

    def interrupted(batches):
        raise KeyboardInterrupt

    monkeypatch.setattr(stopped, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    assert set(threading.enumerate()) <= before  # one of another test may end meanwhile
