"""`minigrad.train_step` of models that cannot be replayed, or not for ever."""

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim
from minigrad.engine import random
from minigrad.training import TrainingError

from .test_own_loop import CLASSES, batches, network


class TestWhatCannotBeReplayed:
    def learn(self, model, steps=6, **options):
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        step = minigrad.train_step(model, nn.CrossEntropyLoss(), optimizer, **options)
        losses = [step(x, y).item() for x, y in batches(steps)]
        return step, losses

    def test_a_model_that_reads_numbers_is_computed_without_a_recording(self):
        class Halting(nn.Module):
            def __init__(self):
                self.linear = nn.Linear(8, CLASSES)
                self.calls = nn.Buffer(np.zeros((), np.int64))

            def forward(self, x):
                self.calls += 1
                out = self.linear(x)
                return out * 2 if out.mean().item() > 0 else out

        random.seed(0)
        model = Halting()
        step, _ = self.learn(model)
        assert "not recorded: the numbers of a tensor" in repr(step)
        assert model.calls.item() == 6
        with pytest.raises(minigrad.engine.CompileError, match=r"numbers of a tensor.*compile=False\) goes without"):
            self.learn(Halting(), compile=True)

    def test_a_graph_that_changes_at_the_second_step_is_named_and_computed_rightly(self):
        class Growing(nn.Module):
            def __init__(self):
                self.linear = nn.Linear(8, CLASSES)
                self.state = {"calls": 0}

            def forward(self, x):
                self.state["calls"] += bool(self.training)
                out = self.linear(x)
                return out * 2 if self.state["calls"] > 1 else out

        random.seed(0)
        _, expected = self.learn(Growing(), compile=False)
        random.seed(0)
        with pytest.warns(UserWarning, match="without a recording: a replay gave other numbers.*; compile=False says"):
            step, losses = self.learn(Growing())
        assert losses[0] == expected[0]
        assert "not recorded" in repr(step)

    def test_an_array_that_changes_later_is_named_with_the_remedy(self):
        scales = [np.ones(8, np.float32)]

        class Scaled(nn.Module):
            def __init__(self):
                self.linear = nn.Linear(8, CLASSES)

            def forward(self, x):
                return self.linear(x * scales[0])

        model = Scaled()
        step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()))
        for x, y in batches(3):
            step(x, y)
        scales[0] = np.full(8, 2, np.float32)
        with pytest.raises(TrainingError, match=r"at step 4: a replay gave other numbers.*compile=False\)"):
            step(*batches(1)[0])

    def test_an_array_that_is_written_to_is_followed(self):
        scale = np.ones(8, np.float32)
        model = network(nn.Linear(8, CLASSES))
        model.register_forward_pre_hook(lambda module, args: (args[0] * scale,))
        step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.0))
        ((x, y),) = batches(1)
        before = [step(x, y).item() for _ in range(5)]
        scale *= 3
        assert len(set(before)) == 1
        assert step(x, y).item() != before[0]
