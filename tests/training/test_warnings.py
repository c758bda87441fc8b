"""NumPy's warnings of infinities: silent during a training, and afterwards as they were."""

import numpy as np
import pytest

from minigrad import ops
from minigrad.data import Moons
from minigrad.nn import CrossEntropyLoss, Linear, Module
from minigrad.optim import SGD
from minigrad.training import Experiment, Trainer, TrainingError


class Noisy(Module):
    """A layer that divides by zero, and fails or diverges at a call if asked to."""

    def __init__(self, fails_at=None, diverges_at=None):
        self.linear = Linear(2, 2)
        self.calls = 0
        self.fails_at, self.diverges_at = fails_at, diverges_at

    def forward(self, x):
        self.calls += 1
        if self.calls == self.fails_at:
            raise ArithmeticError("asked to fail")
        scale = np.inf if self.calls == self.diverges_at else 1
        return self.linear(x) * scale + ops.exp(-1 / (x * 0.0) ** 2)


def experiment(model):
    return Experiment(
        name="noisy",
        data=Moons(n_samples=60, val_fraction=1 / 6, test_fraction=1 / 6),
        model=model,
        loss=CrossEntropyLoss(),
        optimizer=lambda parameters: SGD(parameters, lr=0.1),
        trainer=Trainer(max_epochs=2),
    )


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (Noisy(), None),
        (Noisy(fails_at=6), ArithmeticError),
        (Noisy(diverges_at=6), TrainingError),
    ],
    ids=["to the end", "the model fails", "the training diverges"],
)
def test_a_training_is_silent_and_leaves_numpy_as_it_was(model, error):
    with np.errstate(divide="warn", over="raise", invalid="warn", under="ignore"):
        before = np.geterr()
        if error is None:
            experiment(model).fit()
        else:
            with pytest.raises(error):
                experiment(model).fit()
        assert np.geterr() == before
