"""The Python part of the playground: a config, its training, and the data for its pictures.

It runs in the browser under Pyodide and in any other Python, and does not depend on a page. All results are plain data
or flat arrays, which are copied to JavaScript only once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from playground.network import Chain
from playground.sequences import attention, flat, is_sequence

from minigrad import Tensor, no_grad
from minigrad.config import ConfigError, Plan, load_plan
from minigrad.data import DataError, Table
from minigrad.explain import explain
from minigrad.nn import BCEWithLogitsLoss, CrossEntropyLoss
from minigrad.parallel import blas_threads
from minigrad.training import Training
from minigrad.training.divergence import TrainingError
from minigrad.training.experiment import Experiment, build, known_classes

CONFIG = Path("playground.yaml")
"""The file of the editor's text, in the current folder, next to the visitor's own data."""

GRID = 40
"""Points along each edge of the pictures of the plane."""

MOST_POINTS = 1000
MOST_WEIGHTS = 2_000_000
"""The maximum number of parameters for training in a browser tab."""

MOST_ROWS = 12
"""The number of listed weights of a neuron: those with the largest terms, and those with the largest gradients."""

REGISTRY = known_classes(Path.cwd())  # absolute, because files are read only when a config names them


class RefusedError(ValueError):
    """An error of a config, with `problems`: dicts of line, column, width, message and hint."""

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        super().__init__(problems)
        self.problems = problems


def check(text: str) -> Plan:
    """Return the checked plan of a config, without building it; raise RefusedError if it is invalid."""
    CONFIG.write_text(text, encoding="utf-8")
    with _refusals():
        return load_plan(CONFIG, Experiment, REGISTRY)


class Session:
    """A config that is being trained, step by step.

    Args:
        text: the config, in YAML.

    Raises:
        RefusedError: if the config cannot be run, or is too large for a page.
    """

    def __init__(self, text: str) -> None:
        plan = check(text)
        with _refusals(plan):
            self.experiment = build(plan)
            weights = sum(parameter.size for parameter in self.experiment.model.parameters())
            if weights > MOST_WEIGHTS:
                remedy = f"at most {MOST_WEIGHTS:,} fit here; download the config and use train.py"
                raise plan.error("model", f"{weights:,} weights are too many for a page", remedy)
            self.training = Training(self.experiment)
            self.chain = Chain(self.experiment.model, self.experiment.data.train.inputs)
            self.kind = self._kind()
            self.tested = self._measure()  # also checks that outputs and targets fit together
        self.batches = self.training.batches()
        self.loss: float | None = None
        self.pictures = 0
        self.view = (0, 1)
        self.example = 0
        self.trouble = ""
        self.grid = self._grid() if self.kind == "plane" else np.zeros(0)

    def describe(self) -> dict[str, Any]:
        """Return data that does not change during training: names, sizes, points, and the available views."""
        data, model = self.experiment.data, self.experiment.model
        return {
            "kind": self.kind,
            "name": self.experiment.name,
            "sizes": self.chain.sizes,
            "grid": GRID,
            "features": self.features,
            "classes": list(data.class_names) if self.classes else [],
            "image": list(data.image_shape or ()),
            "weights": sum(parameter.size for parameter in model.parameters()),
            "steps": self.training.steps,
            "epoch_steps": self.training.epoch_steps,
            "examples": len(data.train),
            "batch_size": self.training.loader.batch_size,
            "metric": next((metric.name for metric in self.experiment.metrics if metric.is_number), ""),
            "middle": self._middle(),
            "model": repr(model) if not self.chain.layers else "",
            **self.points(),
        }

    @property
    def features(self) -> list[str]:
        """The names of the inputs."""
        data = self.experiment.data
        return list(data.feature_names) or [f"x{i}" for i in range(1, min(data.num_features, 12) + 1)]

    @property
    def classes(self) -> int:
        """The number of classes; 0 for regression."""
        try:
            return self.experiment.data.num_classes
        except DataError:
            return 0

    def points(self) -> dict[str, Any]:
        """Return the training and test points in the current plane, and its limits.

        `points` is a flat array of (x, y, target, is_test, index). Coordinates are in the units of the data, not
        standardized.
        """
        if self.kind != "plane":
            return {"points": np.zeros(0, np.float32), "bounds": [0, 1, 0, 1]}
        data, rows = self.experiment.data, []
        for is_test, part in enumerate((data.train, data.test)):
            inputs, targets = part.batch(slice(MOST_POINTS))
            labels = targets if targets.ndim == 1 else targets.argmax(1) if targets.shape[1] > 1 else targets[:, 0]
            places = self._own_units(inputs)[:, list(self.view)]
            rows.append(np.column_stack([places, labels, np.full(len(places), is_test), np.arange(len(places))]))
        points = np.concatenate(rows).astype(np.float32)
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        margin = 0.12 * np.maximum(high - low, 1e-3)
        (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
        return {"points": points.ravel(), "bounds": [left, right, bottom, top]}

    def advance(self, seconds: float, most: int) -> dict[str, Any]:
        """Train for some seconds or steps, whichever ends first, and return the `frame` afterwards."""
        end = perf_counter() + seconds
        training = self.training
        try:
            # as in `Training.run`: the training reports non-finite numbers, and BLAS's threads affect rounding
            with np.errstate(all="ignore"), blas_threads(training.blas_threads):
                for _ in range(min(most, training.steps - training.step)):
                    training.train_step(next(self.batches))
                    if perf_counter() >= end:
                        break
        except TrainingError as error:
            self.trouble = str(error)
            return self.frame()
        if training.metrics.count:
            self.loss = training.metrics.compute("train")["train/loss"]
            training.metrics.reset()
        self.pictures += 1
        if self.kind == "plane" or self.pictures % 10 == 1:
            self.tested = self._measure()
        return self.frame()

    def frame(self) -> dict[str, Any]:
        """Return the progress of the training, with the data of all pictures."""
        training = self.training
        facts: dict[str, Any] = {
            "step": training.step,
            "is_done": training.step >= training.steps,
            "epoch": training.step / training.epoch_steps,
            "rate": training.optimizer.param_groups[0]["lr"],
            "loss": self.loss,
            "test": self.tested,
            "trouble": self.trouble,
        }
        if self.chain.layers:
            facts["layers"] = [flat(layer.weight.data) for layer in self.chain.layers]
            facts["biases"] = [
                flat(np.zeros(layer.out_features) if layer.bias is None else layer.bias.data)
                for layer in self.chain.layers
            ]
            places = self.grid if self.kind == "plane" else self.shown_example()[0][:0]
            answers = self.chain.answers(np.concatenate([self.shown_example()[0], places]))
            facts["values"] = [flat(layer[0]) for layer in answers]
            facts["pictures"] = [flat(layer[1:].T) for layer in answers]
        elif self.kind == "sequence":
            facts["attention"] = attention(self.experiment, self.example)
        return facts

    def look(self, view: list[int]) -> dict[str, Any]:
        """Select the plane of two inputs, with all others at their means, and return `points()`."""
        inside = [min(max(int(i), 0), self.experiment.data.num_features - 1) for i in view]
        self.view = (inside[0], inside[1])
        self.grid = self._grid()
        return self.points()

    def pick(self, index: int) -> dict[str, Any]:
        """Select a training example by index, and return its inputs and target."""
        self.example = index % len(self.experiment.data.train)
        inputs, targets = self.shown_example()
        return {
            "index": self.example,
            "inputs": flat(inputs[0]),
            "target": np.atleast_1d(targets[0]).astype(float).tolist(),
        }

    def shown_example(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the input (1, ...) and the target (1, ...) of the selected training example."""
        return self.experiment.data.train.batch(slice(self.example, self.example + 1))

    def gradients(self) -> dict[str, Any]:
        """Return the loss of the selected example, and its gradient with respect to all weights and biases."""
        inputs, targets = self.shown_example()
        model = self.experiment.model.eval()
        loss = self.experiment.loss(model(Tensor(inputs)), Tensor(targets))
        self.training.optimizer.zero_grad()
        loss.backward()
        weights, biases = [], []
        for layer in self.chain.layers:
            weights.append(flat(_grad(layer.weight)))
            biases.append(flat(_grad(layer.bias) if layer.bias is not None else np.zeros(layer.out_features)))
        self.training.optimizer.zero_grad()
        model.train()
        return {"loss": _number(loss.item()), "weights": weights, "biases": biases}

    def explain(self, layer: int, neuron: int) -> dict[str, Any]:
        """Explain a neuron of a layer, both counted from 0, for the selected example.

        Returns:
            `sum`, a table of its weighted sum; `weights`, rows of name, value and gradient of its bias and its weights,
            if necessary only those with the largest gradients; `others`, the number of weights without a row.
        """
        inputs, _ = self.shown_example()
        before = inputs.reshape(1, -1) if layer == 0 else self.chain.answers(inputs)[layer - 1]
        names = self.features if layer == 0 else []
        if len(names) != before.shape[1]:
            names = [f"{'neuron' if layer else 'input'} {i}" for i in range(1, before.shape[1] + 1)]
        table = explain(self.chain.layers[layer], before[0], neuron, names, max_rows=MOST_ROWS)
        linear, gradients = self.chain.layers[layer], self.gradients()
        weights = linear.weight.data[neuron]
        slopes = gradients["weights"][layer].reshape(linear.weight.shape)[neuron]
        chosen = np.sort(np.argsort(-np.abs(np.nan_to_num(slopes)), kind="stable")[:MOST_ROWS]).tolist()
        rows = [[names[i], float(weights[i]), float(slopes[i])] for i in chosen]
        if linear.bias is not None:
            rows.append(["bias", float(linear.bias.data[neuron]), float(gradients["biases"][layer][neuron])])
        return {"sum": table, "weights": rows, "others": len(weights) - len(chosen)}

    def scores(self) -> dict[str, Any]:
        """Return the first output and the class of each test example, and the decision threshold."""
        inputs, targets = self.experiment.data.test.batch(slice(MOST_POINTS))
        outputs = self.chain.answers(inputs)[-1][:, 0] if self.chain.layers else np.zeros(0)
        labels = targets if targets.ndim == 1 else targets[:, 0]
        return {"scores": flat(outputs), "labels": flat(labels), "threshold": self._middle()}

    def predict(self, values: list[float]) -> dict[str, Any]:
        """Return the probability of each class for an input by the visitor, such as a drawn digit."""
        x = np.asarray(values, np.float32).reshape(1, *self.experiment.data.input_shape)
        with no_grad():
            outputs = self.experiment.model.eval()(Tensor(x)).data.reshape(-1)
        self.experiment.model.train()
        if isinstance(self.experiment.loss, CrossEntropyLoss):
            outputs = np.exp(outputs - outputs.max())
            outputs /= outputs.sum()
        shown = {"outputs": flat(outputs)}
        if self.chain.layers:
            shown["values"] = [flat(answers[0]) for answers in self.chain.answers(x)]
        return shown

    def _kind(self) -> str:
        data = self.experiment.data
        if is_sequence(self.experiment):
            return "sequence"
        if data.image_shape is not None:
            return "image"
        return "plane" if len(data.input_shape) == 1 and self.chain.layers else "other"

    def _measure(self) -> dict[str, float | None]:
        """Return the loss and all numeric metrics on at most a thousand test examples."""
        experiment, metrics = self.experiment, self.training.metrics
        inputs, targets = experiment.data.test.batch(slice(MOST_POINTS))
        with no_grad(), np.errstate(all="ignore"):
            outputs = experiment.model.eval()(Tensor(inputs))
            loss = experiment.loss(outputs, Tensor(targets)).item()
        experiment.model.train()
        metrics.reset()
        metrics.add(loss, experiment.loss.count(targets), outputs.data, targets)
        values = metrics.compute("test")
        metrics.reset()
        return {name: _number(value) for name, value in values.items() if isinstance(value, (float, int))}

    def _middle(self) -> float:
        """The threshold above which a single output means class 1."""
        if isinstance(self.experiment.loss, BCEWithLogitsLoss):
            return 0.0
        return next((m.threshold for m in self.experiment.metrics if hasattr(m, "threshold")), 0.5)

    def _grid(self) -> np.ndarray:
        """Return the points of the pictures, from the top left, as inputs of the model; others are at their mean."""
        left, right, bottom, top = self.points()["bounds"]
        x, y = np.meshgrid(np.linspace(left, right, GRID), np.linspace(top, bottom, GRID))
        mean, spread = self._units()
        places = np.zeros((GRID * GRID, self.experiment.data.num_features), np.float32)
        places[:] = self.experiment.data.train.inputs.mean(0)
        for i, axis in zip(self.view, (x, y), strict=True):
            places[:, i] = (axis.ravel() - mean[i]) / spread[i]
        return places

    def _own_units(self, inputs: np.ndarray) -> np.ndarray:
        mean, spread = self._units()
        return inputs * spread + mean

    def _units(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and standard deviation of each input if the data is standardized, else 0 and 1."""
        data = self.experiment.data
        if isinstance(data, Table):
            return data.input_scales
        return np.zeros(data.num_features), np.ones(data.num_features)


@contextmanager
def _refusals(plan: Plan | None = None) -> Iterator[None]:
    """Within the block, turn errors that a visitor can cause into a RefusedError, with their place in the `plan`."""
    try:
        yield
    except ConfigError as error:
        raise RefusedError([_problem(problem) for problem in error.problems]) from None
    except (ValueError, TypeError, IndexError, MemoryError, OverflowError, RecursionError) as error:
        message = str(error) or type(error).__name__
        if plan is None:
            raise RefusedError([{"line": 0, "column": 1, "width": 1, "message": message, "hint": ""}]) from None
        path = getattr(error, "path", "data" if isinstance(error, DataError) else "model")
        raise RefusedError([_problem(problem) for problem in plan.error(path, message).problems]) from None


def _problem(problem: Any) -> dict[str, Any]:
    place = problem.place
    where = {"line": place.line, "column": place.column, "width": place.width}
    return {**where, "message": problem.message, "hint": problem.hint}


def _grad(parameter: Any) -> np.ndarray:
    grad: np.ndarray | None = getattr(parameter.grad, "data", parameter.grad)
    return np.zeros(parameter.shape) if grad is None else np.asarray(grad)


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None
