"""Epochs of training in minigrad, in a minimal loop and by the trainer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.workload import Array, Trial
from benchmarks.workloads.library import Minigrad
from benchmarks.workloads.training import Course, Task
from minigrad import Tensor, no_grad
from minigrad.data import DataLoader, Dataset, Examples
from minigrad.engine import random
from minigrad.metrics import Accuracy
from minigrad.training import Experiment, Trainer, Training
from minigrad.training.progress import Progress
from minigrad.training.sharding import pays_to_replay


class Noise(Dataset):
    """The concatenated batches of a task as a data set; one of them is used for validation and test."""

    def __init__(self, task: Task) -> None:
        self.train = Examples(*map(np.concatenate, zip(*task.batches, strict=True)))
        self.val = self.test = Examples(*task.batches[0])
        self.batch_size = len(task.batches[0][0])

    def batches(self, epochs: int) -> Iterator[tuple[Array, Array]]:
        """Yield the batches of all epochs, in the order of the loader."""
        inputs, targets, size = self.train.inputs, self.train.targets, self.batch_size
        for epoch in range(epochs):
            order = random.stream("shuffle", step=epoch).permutation(len(inputs))
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                yield inputs[rows], targets[rows]


def hits(outputs: Array, targets: Array) -> int:
    """Return the number of correct outputs (..., C); targets are labels (...) or one-hot (..., C)."""
    labels = targets.argmax(axis=-1) if targets.ndim == outputs.ndim else targets
    return int(np.count_nonzero(outputs.argmax(axis=-1) == labels))


def bare(course: Course) -> Trial:
    """Return a trial of a minimal loop."""

    def learn(data: Noise, model: Any, criterion: Any) -> float:
        optimizer = Minigrad().optimizer(model, course.network.descent)
        right = 0
        with threadpool_limits(1, "blas"):  # as in the trainer
            for x, y in data.batches(course.epochs):
                optimizer.zero_grad()
                outputs = model(Tensor(x))
                loss = criterion(outputs, Tensor(y))
                loss.backward()
                optimizer.step()
                right += hits(outputs.data, y)
            with no_grad():
                for part in (data.val, data.test):
                    value: float = criterion(model(Tensor(part.inputs)), Tensor(part.targets)).item()
        return value

    return _trial(course, learn)


def trainer(course: Course, compile: bool = False) -> Trial:
    """Return a trial of the trainer without a run directory; `compile` is the trainer's setting."""

    def learn(data: Noise, model: Any, criterion: Any) -> float:
        experiment = Experiment(
            name="trainer",
            data=data,
            model=model,
            loss=criterion,
            optimizer=lambda _: Minigrad().optimizer(model, course.network.descent),
            loader=lambda examples: DataLoader(examples, data.batch_size),
            metrics=[Accuracy()],
            trainer=Trainer(
                max_epochs=course.epochs,
                shards=1,  # as in the bare loop
                blas_threads=1,
                compile=compile,
                val_every=course.epochs * len(course.task.batches),
            ),
        )
        training = Training(experiment)
        loss: float = training.run(progress=Progress(training.steps, io.StringIO()))["test/loss"]
        return loss

    return _trial(course, learn)


class _Mean:
    """The mean loss of the steps since the last request."""

    def __init__(self, training: Training) -> None:
        self.training = training

    def __float__(self) -> float:
        loss: float = self.training.metrics.compute("train")["train/loss"]
        self.training.metrics.reset()
        return loss


def steps_of_a_training(
    model: Any, criterion: Any, optimizer: Any, batches: list[tuple[Array, Array]]
) -> Callable[[], Any]:
    """Return a function that does the next step of an endless training, as the trainer does."""
    data = Noise(Task(None, {}, batches))
    compile = pays_to_replay(model, data.train, data.batch_size)  # as the documentation recommends
    experiment = Experiment(
        name="panel",
        data=data,
        model=model,
        loss=criterion,
        optimizer=lambda _: optimizer,
        loader=lambda examples: DataLoader(examples, data.batch_size, shuffle=False),
        trainer=Trainer(max_steps=2**40, compile=compile),
    )
    training = Training(experiment)
    endless, mean = training.batches(), _Mean(training)
    threadpool_limits(training.blas_threads, "blas")

    def take() -> _Mean:
        training.train_step(next(endless))
        return mean

    return take


def _trial(course: Course, learn: Callable[[Noise, Any, Any], float]) -> Trial:
    """Return a trial whose step is `learn(data, model, criterion)`, continuing from the previous one."""
    task = course.task
    data = Noise(task)
    model, criterion = course.network.module(Minigrad(), task.sizes)
    model.to(next(iter(task.weights.values())).dtype)
    model.load_state_dict(task.weights)
    parameters = dict(model.named_parameters())
    return Trial(lambda: learn(data, model, criterion), lambda: [parameters[name].data for name in task.names()])
