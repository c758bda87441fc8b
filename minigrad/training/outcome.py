"""What came out of a run: its model with the best weights, what that is worth, and what it says of new inputs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from minigrad import ops
from minigrad.config import Registry, load_plan
from minigrad.engine import Tensor, no_grad
from minigrad.nn import BCEWithLogitsLoss, CrossEntropyLoss
from minigrad.training.checkpoint import read_checkpoint
from minigrad.training.experiment import Experiment, UsageError, build, known_classes
from minigrad.training.run_directory import json_line
from minigrad.training.trainer import Training

BATCH = 256
"""Inputs that go through the model at a time."""

Format = Literal["jsonl", "csv"]


def load_run(path: str | Path, overrides: Sequence[str] = (), home: str | Path = ".") -> Experiment:
    """Returns the experiment of a run, its model with the best weights and in eval mode.

    Its data prepares inputs as it did in the run, also if its file has changed since.

    Args:
        path: the run's directory, as `runs/digits_mlp/0003`.
        overrides: go over its config: `["data.path=elsewhere.csv"]`.
        home: the folder whose `models/` has classes that its config names.

    Raises: UsageError if there is no such run, or it has no weights yet or not those of its model; ConfigError if its
        config cannot be built; CheckpointError if the weights are damaged.
    """
    experiment, _ = open_run(Path(path), known_classes(home), overrides)
    return experiment


def open_run(path: Path, registry: Registry, overrides: Sequence[str] = ()) -> tuple[Experiment, int]:
    """Returns what `load_run` does, and the step of the best weights."""
    if not (path / "config.yaml").is_file():
        raise UsageError(f"{path} is no directory of a run: it has no config.yaml")
    weights = path / "checkpoints" / "best.safetensors"
    if not weights.is_file():
        raise UsageError(f"{path} has no best weights yet: it ended before its first validation")
    tensors, state = read_checkpoint(weights)
    experiment = build(load_plan(path / "config.yaml", Experiment, registry, overrides), state["data"])
    try:
        experiment.model.load_state_dict(tensors)
    except (KeyError, ValueError) as error:
        raise UsageError(f"{weights}: these are not the weights of the model as it is now: {error}") from error
    experiment.model.eval()
    return experiment, state["step"]


def evaluate(experiment: Experiment) -> dict[str, Any]:
    """Returns the loss and the metrics over the test examples, as a run gives them at its end.

    Raises: TrainingError if the loss is not finite.
    """
    training = Training(experiment)
    with threadpool_limits(training.blas_threads, "blas"), np.errstate(all="ignore"):
        values = training.evaluate(experiment.data.test, "test")
    experiment.model.eval()
    return values


def predict(experiment: Experiment, inputs: np.ndarray) -> Iterator[dict[str, str | float]]:
    """Yields what the model, in eval mode, says of each of `inputs` (N, *input_shape), as `data.read_inputs` gives.

    Of classes: the answer as `class`, and the `probability/<class>` of each where the loss makes outputs probabilities,
    or else its `output/<class>`. Of amounts: `output/0` and so on. A single output is class 1 above the threshold of
    the run's metrics or, if they have none, where the loss has its middle.

    Raises: ValueError if the model has other than one row of outputs for each input.
    """
    experiment.model.eval()
    for start in range(0, len(inputs), BATCH):
        with threadpool_limits(1, "blas"), no_grad():  # and not around a yield, where others compute
            outputs = experiment.model(Tensor(inputs[start : start + BATCH])).data
        if outputs.ndim != 2:
            raise ValueError(f"a prediction is one row of outputs for each input, got outputs {outputs.shape}")
        columns = _columns(experiment, outputs)
        for row in zip(*columns.values(), strict=True):
            yield dict(zip(columns, row, strict=True))


def lines(records: Iterator[dict[str, str | float]], form: Format) -> Iterator[str]:
    """Yields records of the same names as lines: of JSON, or of CSV after one with the names."""
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


def _columns(experiment: Experiment, outputs: np.ndarray) -> dict[str, list[Any]]:
    """Returns what is said of each row of `outputs` (N, k), by name."""
    names, loss = experiment.data.class_names, experiment.loss
    kind, values = "output", outputs
    if isinstance(loss, CrossEntropyLoss):
        kind, values = "probability", ops.softmax(outputs, axis=1)
    elif isinstance(loss, BCEWithLogitsLoss):
        kind, values = "probability", ops.sigmoid(outputs)
    answers: np.ndarray = values.argmax(axis=1) if len(names) == values.shape[1] else np.zeros(0, np.intp)
    if len(names) == 2 and values.shape[1] == 1:  # one output says how far it is class 1
        usual = 0.0 if kind == "probability" else 0.5
        threshold = next((metric.threshold for metric in experiment.metrics if hasattr(metric, "threshold")), usual)
        answers = (outputs[:, 0] > threshold).astype(np.intp)
        values = np.concatenate([1 - values, values], axis=1) if kind == "probability" else values
    labels = names if len(names) == values.shape[1] else range(values.shape[1])
    columns: dict[str, list[Any]] = {"class": [names[answer] for answer in answers]} if answers.size else {}
    for label, column in zip(labels, values.T, strict=True):
        columns[f"{kind}/{label}"] = [_number(x) for x in column]
    return columns


def _number(x: np.floating[Any]) -> float:
    """Returns x as the shortest number that is it in its own precision: 0.1, and not 0.10000000149011612."""
    return float(str(x))
