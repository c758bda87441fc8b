"""Every optimizer and schedule as a config names it, with an exact resume."""

import numpy as np
import pytest

import minigrad
from minigrad.runs.state import flatten, restore
from minigrad.training import Training

CONFIG = """\
name: small
data: {Moons: {n_samples: 40}}
loader: {batch_size: 10}
model: {Sequential: [{Linear: {in_features: 2, out_features: 8, bias: false}}, Tanh, {Dropout: 0.2},
        {Linear: {in_features: 8, out_features: 2, bias: false}}]}
loss: CrossEntropyLoss
optimizer: OPTIMIZER
schedule: SCHEDULE
trainer: {max_steps: 8}
"""

OPTIMIZERS = [
    "{SGD: {lr: 0.1, momentum: 0.9, maximize: true}}",
    "{AdamW: {amsgrad: true}}",
    "RAdam",
    "NAdam",
    "{RMSprop: {momentum: 0.5, centered: true}}",
    "{Adagrad: {initial_accumulator_value: 0.1}}",
    "Lion",
    "{Muon: {lr: 0.1, adjust_lr_fn: match_rms_adamw}}",
    "{LBFGS: {line_search_fn: strong_wolfe, max_iter: 3, history_size: 2}}",
]
SCHEDULES = [
    "{PolynomialLR: {total_iters: 8, power: 2}}",
    "{CosineAnnealingWarmRestarts: {T_0: 2, T_mult: 2}}",
    "{SequentialLR: {schedulers: [{LinearLR: {total_iters: 3}}, {ExponentialLR: {gamma: 0.9}}], milestones: [3]}}",
]


def training(path, optimizer, schedule="{ExponentialLR: {gamma: 0.9}}", **settings):
    path.write_text(CONFIG.replace("OPTIMIZER", optimizer).replace("SCHEDULE", schedule))
    return Training(minigrad.load(path, [f"trainer.{name}={value}" for name, value in settings.items()]))


def weights_after(training, steps):
    batches = training.batches()
    for _ in range(steps):
        training.train_step(next(batches))
    return [p.data.copy() for p in training.parameters]


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [*((optimizer, SCHEDULES[0]) for optimizer in OPTIMIZERS), *(("RAdam", schedule) for schedule in SCHEDULES[1:])],
)
def test_a_training_that_is_resumed_has_every_bit_of_one_left_alone(tmp_path, optimizer, schedule):
    first = training(tmp_path / "small.yaml", optimizer, schedule)
    weights_after(first, 4)
    tensors = {}
    written = flatten(first.state(), "", tensors)
    resumed = training(tmp_path / "small.yaml", optimizer, schedule)
    copies = {name: array.copy() for name, array in tensors.items()}
    resumed.load_state(first.model.state_dict(), restore(written, copies))
    for one, other in zip(weights_after(first, 4), weights_after(resumed, 4), strict=True):
        assert np.array_equal(one, other)
        assert np.isfinite(one).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [({"shards": 1}, {"shards": 2}), ({"shards": 1}, {"compile": "true", "shards": 1})],
)
def test_a_line_search_sees_the_same_loss_however_the_step_is_computed(tmp_path, one, other):
    found = []
    for settings in (one, other):
        begun = training(tmp_path / "small.yaml", "{LBFGS: {line_search_fn: strong_wolfe, max_iter: 4}}", **settings)
        begun.model[2].p = 0.0  # or each shard has another mask
        found.append(weights_after(begun, 3))
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-4)


def test_the_gradients_of_a_line_search_are_clipped_as_those_of_a_step(tmp_path):
    lengths = []
    for clip in (1e-3, 1e-2):
        begun = training(tmp_path / "small.yaml", "{LBFGS: {max_iter: 1}}", grad_clip=clip)
        before = [p.data.copy() for p in begun.parameters]
        after = weights_after(begun, 1)
        lengths.append(sum(np.square(a - b).sum() for a, b in zip(after, before, strict=True)) ** 0.5)
    np.testing.assert_allclose(lengths[1], 10 * lengths[0], rtol=1e-3)
