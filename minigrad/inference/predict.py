"""Predictions and test results of a trained run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np

from minigrad.devices import on_cpu
from minigrad.engine import no_grad
from minigrad.inference.answers import names, read
from minigrad.inference.placement import on_device
from minigrad.inputs import Inputs, call, count, take
from minigrad.parallel import blas_threads
from minigrad.runs.directory import json_line
from minigrad.targets import Target
from minigrad.training.experiment import Experiment, UsageError
from minigrad.training.placement import training_on_device
from minigrad.training.trainer import Training

BATCH = 256
"""Inputs per batch."""

Format = Literal["jsonl", "csv"]


def evaluate(experiment: Experiment) -> dict[str, Any]:
    """Return the loss and the metrics on the test set.

    The result equals that at the end of the run.

    Raises:
        TrainingError: if the loss is not finite.
    """
    training = Training(experiment)
    with blas_threads(training.blas_threads), training_on_device(training), np.errstate(all="ignore"):
        values = training.evaluate(experiment.data.test, "test")
    experiment.model.eval()
    return values


def predict(experiment: Experiment, inputs: Inputs) -> Iterator[dict[str, str | float]]:
    """Yield the model's prediction for each input.

    The model runs in eval mode. A record has, by kind of target:

    - classes: the class, under the target's name or `class`, and `probability/<class>` of each; `output/<class>` if the
    loss defines no probabilities;
    - multi-label: 1 or 0 under each label's name, and the same scores;
    - regression: each output under its name, or as `output/0` and so on, in the units of the data.

    A single output above the threshold is class 1. The threshold is that of the run's metrics or, without one, the
    loss's decision boundary.

    Args:
        experiment: a trained experiment.
        inputs: (N, *input_shape), as `data.read_inputs` returns them.

    Raises:
        UsageError: if the model does not give one row of finite outputs per input.
    """
    experiment.model.eval()
    with on_device(experiment):
        for start in range(0, count(inputs), BATCH):
            with blas_threads(1), no_grad():  # not around the yield, when the caller's code runs
                outputs = call(experiment.model, take(inputs, slice(start, start + BATCH))).data
                outputs = on_cpu(outputs)
            if outputs.ndim != 2:
                raise UsageError(f"a prediction needs one row of outputs per input, got outputs {outputs.shape}")
            if start == 0:
                target = experiment.data.target(experiment.loss.comparison, outputs.shape)
            strays = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
            if strays.size:
                raise UsageError(f"the model gives {outputs[strays[0]]} for input {start + strays[0]}: no prediction")
            columns = _columns(experiment, outputs, target)
            for row in zip(*columns.values(), strict=True):
                yield dict(zip(columns, row, strict=True))


def lines(records: Iterator[dict[str, str | float]], form: Format) -> Iterator[str]:
    """Yield records as lines of JSON or CSV.

    CSV starts with a line of names, which all records share.
    """
    for i, record in enumerate(records):
        if form == "jsonl":
            yield json_line(record)
            continue
        text = io.StringIO()
        writer = csv.DictWriter(text, list(record), lineterminator="")
        if i == 0:
            writer.writeheader()
            text.write("\n")
        writer.writerow(record)
        yield text.getvalue()


def _columns(experiment: Experiment, outputs: np.ndarray, target: Target) -> dict[str, list[Any]]:
    """Return the values of each row of `outputs` (N, k), by name."""
    word = "output" if experiment.loss.probabilities(outputs) is None else "probability"
    known = experiment.data.target_names
    if target.kind == "amounts" or (target.kind != "labels" and not experiment.data.class_names):
        count = outputs.shape[1]
        titles = known if len(known) == count else [f"output/{i}" for i in range(count)]
        return _numbers(titles, experiment.data.in_units(outputs))
    predicted, scores = read(experiment, outputs, target)
    labels = classes = names(experiment, scores.shape[1])
    if target.kind == "labels":
        titles = known if labels == known else [f"label/{label}" for label in labels]
        answers = {title: column.astype(int).tolist() for title, column in zip(titles, predicted.T, strict=True)}
        return answers | _scores(word, labels, scores)
    if target.kind == "binary" and word == "output":
        labels, scores = ("0",), outputs  # outputs are not probabilities, so class 0 has no score
    return {known[0] if len(known) == 1 else "class": [classes[i] for i in predicted]} | _scores(word, labels, scores)


def _scores(word: str, labels: Iterable[object], scores: np.ndarray) -> dict[str, list[Any]]:
    return _numbers([f"{word}/{label}" for label in labels], scores)


def _numbers(titles: Iterable[str], columns: np.ndarray) -> dict[str, list[Any]]:
    return {title: [_number(x) for x in column] for title, column in zip(titles, columns.T, strict=True)}


def _number(x: np.floating[Any]) -> float:
    """Return x with the shortest digits in its own precision: 0.1, not 0.10000000149011612."""
    return float(str(x))
