"""A training is a function of its experiment: nothing else in the process changes its numbers, nor it theirs."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

import minigrad
from minigrad.config import ConfigError
from minigrad.engine import random
from minigrad.runs import RunDirectory
from minigrad.training import Callback, Training, load
from minigrad.training.lr_finder import find_lr

from ..bits import bits

CONFIG = """
name: noisy
seed: {seed}
data:
  Moons: {{n_samples: 64}}
model:
  Sequential: [{{Linear: {{in_features: 2, out_features: 8}}}}, ReLU, {{Dropout: {{p: 0.3}}}},
               {{Linear: {{in_features: 8, out_features: 2}}}}]
loss: CrossEntropyLoss
optimizer: Adam
loader: {{batch_size: 8}}
trainer: {{max_steps: 9, val_every: 4, shards: 2}}
"""


@pytest.fixture(autouse=True)
def _default_seed():
    minigrad.seed(0)
    yield
    minigrad.seed(0)


@pytest.fixture
def config(tmp_path):
    def write(seed=5) -> Path:
        path = tmp_path / f"{seed}.yaml"
        path.write_text(CONFIG.format(seed=seed))
        return path

    return write


def trained(experiment):
    """The results of a training, and the bits of its weights."""
    results = Training(experiment).run()
    return results, bits(experiment.model)


def test_the_seed_of_other_code_changes_nothing_wherever_it_is_set(config):
    expected = trained(load(config()))
    minigrad.seed(1)
    experiment = load(config())
    minigrad.seed(2)
    training = Training(experiment)
    minigrad.seed(3)
    assert training.run() == expected[0]

    class Seeds(Callback):
        def on_step_end(self, training):
            minigrad.seed(training.step)
            random.generator("dropout").random(3)

    experiment = load(config())
    experiment.callbacks.append(Seeds())
    assert trained(experiment) == expected


def test_trainings_one_after_the_other_and_in_turns_are_as_alone(config):
    alone = {seed: trained(load(config(seed))) for seed in (5, 6)}
    assert alone[5] != alone[6]
    experiments = {seed: load(config(seed)) for seed in (6, 5)}
    assert {seed: trained(experiment) for seed, experiment in experiments.items()} == alone

    one, other = (Training(load(config(seed))) for seed in (5, 5))
    for mine, its in zip(one.batches(), other.batches(), strict=False):
        one.train_step(mine)
        minigrad.seed(one.step)
        other.train_step(its)
        if one.step == one.steps:
            break
    for name, array in one.model.state_dict().items():
        np.testing.assert_array_equal(array, other.model.state_dict()[name])


def test_trainings_in_threads_are_as_alone_also_with_other_numbers_of_blas_threads(config):
    options = {5: [], 6: ["trainer.blas_threads=2"], 7: []}
    alone = {seed: trained(load(config(seed), given)) for seed, given in options.items()}
    together = Barrier(3)

    def work(seed):
        together.wait()
        return trained(load(config(seed), options[seed]))

    with ThreadPoolExecutor(3) as pool:
        assert dict(zip(options, pool.map(work, options), strict=True)) == alone


def test_trainings_in_tasks_of_one_thread_are_as_alone(config):
    async def work(seed):
        training = Training(experiment := load(config(seed)))
        batches = training.batches()
        while training.step < training.steps:
            await asyncio.sleep(0)
            training.train_step(next(batches))
        return bits(experiment.model)

    async def both():
        return await asyncio.gather(work(5), work(6))

    assert asyncio.run(both()) == [asyncio.run(work(5)), asyncio.run(work(6))]


def test_a_training_leaves_the_users_own_stream_where_it_was(config):
    minigrad.seed(3)
    expected = [random.generator("mine").random() for _ in range(3)]
    minigrad.seed(3)
    found = [random.generator("mine").random()]
    experiment = load(config())
    found.append(random.generator("mine").random())
    experiment.fit()
    find_lr(experiment, steps=3)
    found.append(random.generator("mine").random())
    assert found == expected
    assert random.place().seed == 3


def test_what_a_callback_draws_is_a_function_of_the_step_also_after_a_resume(config, tmp_path):
    class Draws(Callback):
        def __init__(self):
            self.seen = {}

        def on_step_end(self, training):
            self.seen[training.step] = [random.generator("noise").random() for _ in range(2)]
            if training.step == 4 and training.directory is not None:
                training.interrupt()

    def run(directory=None, saved=None):
        experiment = load(config())
        experiment.callbacks.append(draws := Draws())
        training = Training(experiment)
        if saved is not None:
            training.load_state(*saved)
        training.run(directory)
        return draws.seen

    whole = run()
    assert len({number for numbers in whole.values() for number in numbers}) == 18
    directory = RunDirectory.create(tmp_path, "draws", "")
    assert run(directory) == {step: whole[step] for step in range(1, 5)}
    assert run(saved=directory.read("last")) == whole  # what was seen before is in the checkpoint


@pytest.mark.parametrize("one", [2**63 - 1, 2**63, 2**64 - 2])
def test_neighbouring_seeds_of_64_bits_are_different_runs(config, one):
    weights = [load(config(seed)).model.state_dict()["0.weight"] for seed in (one, one + 1)]
    assert not np.any(weights[0] == weights[1])


@pytest.mark.parametrize(("seed", "message"), [(2**64, "more than 64 bits"), (-1, r"from 0 to 2\*\*64 - 1, got -1")])
def test_a_seed_that_is_no_natural_number_of_64_bits_is_refused_with_its_place(config, seed, message):
    with pytest.raises(ConfigError, match=rf"yaml:3:7[\s\S]*{message}"):
        load(config(seed))
