"""What the trainer costs around the steps of the smallest network that reads MNIST: order, metrics, records, the guard.

The bare loop does what nobody can do without: it gathers its batches from the array and counts its hits. Both end with
the loss of one batch.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from benchmarks.workload import Trial, Workload
from benchmarks.workloads.training import Array, Task, task
from minigrad import Tensor, nn, no_grad, optim
from minigrad.data import DataLoader, Dataset, Examples
from minigrad.engine import random
from minigrad.training import Accuracy, Experiment, Trainer, Training
from minigrad.training.progress import Progress

BATCHES, EPOCHS = 320, 5

LR = 0.1


class _Noise(Dataset):
    """The batches of a task end to end; one of them to validate and to test."""

    def __init__(self, task: Task) -> None:
        inputs, targets = map(np.concatenate, zip(*task.batches, strict=True))
        self.train = Examples(inputs, targets)
        self.val = self.test = Examples(*task.batches[0])
        self.batch_size = len(task.batches[0][0])


def _problem(dtype: str, smoke: bool) -> Task:
    return task((20, 4, 3), 4, BATCHES, dtype) if smoke else task((784, 16, 10), 32, BATCHES, dtype)


def _model(task: Task) -> nn.Sequential:
    inputs, hidden, outputs = task.sizes
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.Sigmoid(), nn.Linear(hidden, outputs))
    return model.to(task.batches[0][0].dtype)


def _trial(task: Task, epochs: Callable[[nn.Sequential, _Noise], float]) -> Trial:
    """A trial whose step is `EPOCHS` epochs, as `epochs(model, data)` trains them, from where the last one ended."""
    model, data = _model(task), _Noise(task)
    model.load_state_dict(task.weights)
    return Trial(lambda: epochs(model, data), lambda: list(model.state_dict().values()))


def _bare(model: nn.Sequential, data: _Noise) -> float:
    inputs, targets, size = data.train.inputs, data.train.targets, data.batch_size
    criterion, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=LR)
    hits = 0
    for epoch in range(EPOCHS):
        order: Array = random.stream("shuffle", step=epoch).permutation(len(data.train))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            x, y = inputs[rows], targets[rows]
            optimizer.zero_grad()
            outputs = model(Tensor(x))
            loss = criterion(outputs, Tensor(y))
            loss.backward()
            optimizer.step()
            hits += int(np.count_nonzero(outputs.data.argmax(axis=1) == y))
    with no_grad():
        return criterion(model(Tensor(data.test.inputs)), Tensor(data.test.targets)).item()


def _trainer(model: nn.Sequential, data: _Noise) -> float:
    experiment = Experiment(
        name="trainer",
        data=data,
        model=model,
        loss=nn.CrossEntropyLoss(),
        optimizer=lambda parameters: optim.SGD(parameters, lr=LR),
        loader=lambda examples: DataLoader(examples, data.batch_size),
        metrics=[Accuracy()],
        trainer=Trainer(max_epochs=EPOCHS, val_every=EPOCHS * BATCHES),
    )
    training = Training(experiment)
    loss: float = training.run(progress=Progress(training.steps, io.StringIO()))["test/loss"]
    return loss


workload = Workload(
    "trainer",
    "the trainer around a 784-16-10 training step: sigmoid, cross-entropy, SGD, batch 32, beside a bare loop",
    _problem,
    {"minigrad": lambda task: _trial(task, _bare), "trainer": lambda task: _trial(task, _trainer)},
    operations=BATCHES * EPOCHS,
)
