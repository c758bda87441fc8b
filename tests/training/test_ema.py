"""The average of weights: PyTorch's formula, and what a training does with it."""

from contextlib import suppress

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.data import Moons
from minigrad.training import EMA, Experiment, Trainer, Training


def experiment(model=None, **trainer):
    return Experiment(
        name="averaged",
        data=Moons(n_samples=60),
        model=model or nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)),
        loss=nn.CrossEntropyLoss(),
        optimizer=lambda parameters: optim.SGD(parameters, lr=0.5),
        trainer=Trainer(**{"max_steps": 6, "val_every": 3, **trainer}),
    )


def test_it_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    ours, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    average = EMA(ours, 0.9)
    expected = AveragedModel(theirs, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    random = np.random.default_rng(0)
    for _ in range(5):
        for name, parameter in ours.named_parameters():
            parameter.data[...] = random.normal(size=parameter.shape)
            getattr(theirs, name).data = torch.from_numpy(parameter.data.copy())
        average.update()
        expected.update_parameters(theirs)
    with average.applied():
        for name, parameter in ours.named_parameters():
            np.testing.assert_allclose(
                parameter.data, getattr(expected.module, name).detach(), rtol=1e-6, atol=1e-7, err_msg=name
            )


def test_within_the_block_the_model_has_the_averages_and_then_its_own_weights_again():
    model = nn.Linear(2, 2)
    average, first = EMA(model, 0.5), model.weight.data.copy()
    with average.applied():  # before the first update there are none
        np.testing.assert_array_equal(model.weight.data, first)
    average.update()
    model.weight.data[...] = first + 1
    average.update()
    with suppress(RuntimeError), average.applied():
        np.testing.assert_allclose(model.weight.data, first + 0.5, rtol=1e-6)
        raise RuntimeError
    np.testing.assert_array_equal(model.weight.data, first + 1)


def test_what_is_frozen_is_not_averaged_and_what_is_shared_has_both_names():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    getattr(model, "1").weight = getattr(model, "0").weight
    nn.freeze(model, ["1.bias"])
    average = EMA(model, 0.9)
    average.update()
    assert list(average.state_dict()) == ["0.weight", "0.bias"]
    assert list(average.arrays()) == ["0.weight", "0.bias", "1.weight"]


def test_validations_measure_averages_and_steps_train_the_weights_themselves():
    plain, averaged = Training(experiment()), Training(experiment(ema=0.5))
    averaged.model.load_state_dict(plain.model.state_dict())
    for training in (plain, averaged):
        training.model.train()
    for a, b in zip(plain.batches(), averaged.batches(), strict=False):
        plain.train_step(a)
        averaged.train_step(b)
        if plain.step == 3:
            break
    for one, other in zip(plain.model.parameters(), averaged.model.parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)
    record = averaged._record(True)
    plain.model.load_state_dict(averaged.weights())
    assert record["val/loss"] == plain.evaluate(plain.experiment.data.val, "val")["val/loss"]


def test_the_best_weights_are_averages_and_are_those_of_the_test():
    trained = experiment(ema=0.9)
    training = Training(trained)
    results = training.run()
    for split, examples in (("val", trained.data.val), ("test", trained.data.test)):
        measured = training.evaluate(examples, split)  # of the best, which the model has now
        assert measured[f"{split}/loss"] == results[f"{split}/loss"]


def test_a_step_that_is_skipped_does_not_count():
    made = experiment(nn.Linear(2, 2), ema=0.5, on_nan="skip")
    training = Training(made)
    batches = training.batches()
    training.train_step(next(batches))
    before = {name: array.copy() for name, array in training.average.state_dict().items()}
    made.model.weight.data[0, 0] = np.nan
    training.train_step(next(batches))
    assert training.skipped == 1
    for name, array in training.average.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("decay", [0, 1, 1.5, -0.1, float("nan"), "0.9"])
def test_a_decay_that_is_none_is_refused(decay):
    with pytest.raises((ValueError, TypeError), match="decay must be"):
        EMA(nn.Linear(1, 1), decay)
    with pytest.raises((ValueError, TypeError), match="ema must be"):
        Trainer(ema=decay)


def test_averages_of_another_model_are_refused():
    average = EMA(nn.Linear(2, 2), 0.9)
    average.update()
    with pytest.raises(ValueError, match="these averages are of another model: weight"):
        EMA(nn.Linear(3, 2), 0.9).load_state_dict(average.state_dict())
