"""Checks of data, loss and unlearned weights before training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import inf
from typing import Any, Literal, NamedTuple

import numpy as np

from minigrad.data import Examples
from minigrad.data.mapped import file_of, give_back
from minigrad.devices import device_of, on_cpu
from minigrad.engine import Tensor, no_grad, random
from minigrad.inputs import Inputs, beside, call, parts, tensors
from minigrad.nn import Embedding, Module
from minigrad.nn.calls import evaluating
from minigrad.nn.learning import hidden_weights, unreached
from minigrad.optim import Optimizer
from minigrad.parallel import Ranks
from minigrad.targets import Target
from minigrad.training.callback import ExperimentView
from minigrad.training.divergence import TrainingError

CHUNK = 2**22
"""Numbers that are checked at a time."""

LONGEST = 40
"""Characters of a value that a message shows."""


class Fault(NamedTuple):
    """A mismatch between parts of an experiment.

    Attributes:
        path: the part of the config to change.
        message: what was found, and where.
        remedy: what to do.
    """

    path: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class Check(NamedTuple):
    """A rule for all inputs or all targets.

    Attributes:
        of: `inputs` or `targets`.
        wrong: returns a mask of the values, or of the rows (N,), that break the rule.
        fault: the error for them.
        kinds: the kinds of dtypes whose values can break it.
        name: the input that it applies to, by default all.
    """

    of: Literal["inputs", "targets"]
    wrong: Callable[[np.ndarray], np.ndarray]
    fault: Fault
    kinds: str = "fiu"
    name: str = ""


class Preflight:
    """One-time checks before the first update of a training.

    Args:
        experiment: the experiment to check; its model must not have been called yet.
        skips_nan: whether training examples may have inputs that are not finite.
    """

    def __init__(self, experiment: ExperimentView, skips_nan: bool) -> None:
        self.experiment, self.skips_nan = experiment, skips_nan
        self.is_done = False
        self.target: Target | None = None
        """The kind of targets; None before the data is checked."""
        self._hidden = hidden_weights(experiment.model)
        self._has_seen_data = False

    def faults(self, shape: tuple[int, ...]) -> list[Fault]:
        """Return mismatches of data with output shape or loss."""
        if self._has_seen_data:
            return []
        self._has_seen_data = True
        self.target = self.experiment.data.target(self.experiment.loss.comparison, shape)
        return data_faults(self.experiment, shape, self.skips_nan)

    def check(self, shape: tuple[int, ...], inputs: Inputs, optimizer: Optimizer, ranks: Ranks) -> None:
        """Check the data, and warn of unlearned weights.

        Args:
            shape: the shape of the model's outputs in the first step; its parameters have gradients now.
            inputs: the inputs of a batch of that step.
            optimizer: the optimizer of the parameters.
            ranks: the processes that train the model together.

        Raises:
            TrainingError: if the data does not fit the model or the loss.
        """
        self.is_done = True
        warn_of_unlearned(self._hidden, self.experiment.model, optimizer, inputs, ranks)
        if faults := self.faults(shape):
            raise TrainingError("\n".join(map(str, faults)))


def data_faults(experiment: ExperimentView, shape: tuple[int, ...], skips_nan: bool = False) -> list[Fault]:
    """Return mismatches of the data with model or loss.

    Args:
        experiment: the experiment; all of its data is read once, and a model of tokens is called with one example.
        shape: the shape of the model's outputs for some examples.
        skips_nan: whether training examples may have inputs that are not finite.
    """
    data = experiment.data
    splits = {"train": data.train, "val": data.val, "test": data.test}
    faults = [fault for name in ("val", "test") for fault in _differences(name, splits[name], data.train)]
    if faults:
        return faults  # all other mismatches would follow from these
    checks = [*_checks_of_inputs(experiment), *_checks_of_targets(experiment, shape)]
    for check in checks:
        for name, examples in splits.items():
            if skips_nan and name == "train" and check.wrong is _not_finite:
                continue
            found = _found(name, examples, check)
            faults += found
            if found and name == "train" and check.fault.path == "loss":
                break  # a loss that does not suit the training split suits no other
    return faults


def warn_of_unlearned(hidden: Sequence[str], model: Module, optimizer: Optimizer, inputs: Inputs, ranks: Ranks) -> None:
    """Warn of unfrozen weights that the first step leaves unchanged.

    Only rank 0 warns.

    Args:
        hidden: the result of `minigrad.nn.hidden_weights` before the model's first call.
        model: the model, with its first gradients.
        optimizer: the optimizer of its parameters.
        inputs: the inputs of a batch.
        ranks: the processes that train the model together.
    """
    # several ranks sum gradients in buckets, where missing gradients are zeros
    missing = unreached(model, optimizer, tensors(beside(model, inputs))) if ranks.size == 1 else []
    for sentence in [*hidden, *missing] if ranks.rank == 0 else []:
        warnings.warn(f"not learned: {sentence}", stacklevel=5)


def _vocabulary(model: Module, inputs: Inputs, tokens: np.ndarray) -> int | None:
    """Return the smallest vocabulary of the embeddings that are called with an unchanged input; None without one."""
    sizes: list[int] = []

    def note(embedding: Embedding, args: tuple[Any, ...]) -> None:
        values = args[0].data if args and isinstance(args[0], Tensor) else np.zeros(0)
        is_same = np.shares_memory if device_of(values) == "cpu" else _are_equal
        if values.size == tokens.size and is_same(values, tokens):
            sizes.append(embedding.num_embeddings)

    hooks = [m.register_forward_pre_hook(note) for m in model.modules() if isinstance(m, Embedding)]
    try:
        with evaluating(model), no_grad(), random.at(0), np.errstate(all="ignore"):
            call(model, inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return min(sizes, default=None)


def _are_equal(values: Any, tokens: np.ndarray) -> bool:
    """Whether values, on any device, equal the tokens."""
    return np.array_equal(on_cpu(values).reshape(-1), tokens.reshape(-1))


def _checks_of_inputs(experiment: ExperimentView) -> Iterator[Check]:
    yield Check("inputs", _not_finite, Fault("data", "its inputs hold NaN or infinity", "correct the data"), "f")
    inputs = experiment.data.train.batch(slice(1))[0]
    for name, tokens in parts(inputs):
        size = _vocabulary(experiment.model, inputs, tokens) if tokens.dtype.kind in "iu" else None
        if size is not None:
            expected = f"the model has vectors for the inputs 0 to {size - 1}"
            remedy = "give its Embedding a row for each, as with ${data.vocab_size}"
            wrong = partial(_beyond, size=size)
            yield Check("inputs", wrong, Fault("model", expected, remedy), "iu", name)


def _checks_of_targets(experiment: ExperimentView, shape: tuple[int, ...]) -> Iterator[Check]:
    name, comparison = type(experiment.loss).__name__, experiment.loss.comparison
    target = experiment.data.target(comparison, shape)
    num_classes = len(experiment.data.class_names)
    yield Check("targets", _not_finite, Fault("data", "its targets hold NaN or infinity", "correct the data"), "f")
    has_indices_of_numbers = target.kind == "index" and comparison.of == "numbers" and num_classes > 1
    if has_indices_of_numbers or (target.kind == "amounts" and num_classes > 2):
        expected = f"{name} treats the indices of {num_classes} classes as amounts"
        remedy = "use CrossEntropyLoss with an output for each class, or one-hot targets"
        yield Check("targets", lambda y: np.ones(len(y), bool), Fault("loss", expected, remedy), "iu")
    elif target.kind == "index":
        classes = shape[target.axis] if len(shape) > 1 else 1
        expected = f"the model has {classes} outputs, for the classes 0 to {classes - 1}"
        remedy = "give it one for each class, as with ${data.num_classes}, or set ignore_index to the value to ignore"
        yield Check(
            "targets",
            lambda y: ((y < 0) | (y >= classes)) & (y != target.ignore_index),
            Fault("model", expected, remedy),
        )
    elif comparison.of == "classes" and experiment.data.train.targets.ndim == len(shape):
        expected = f"{name} expects class indices, or class probabilities that sum to 1"
        yield Check(
            "targets",
            lambda y: (y.min(axis=target.axis) < 0) | (np.abs(y.sum(axis=target.axis) - 1) > 1e-3),
            Fault("loss", expected, "amounts suit MSELoss, binary labels BCEWithLogitsLoss"),
        )
    low, high = comparison.least, comparison.most
    if low > -inf:
        words = f"from {low:g} to {high:g}" if high < inf else f"of at least {low:g}"
        remedy = "class indices suit CrossEntropyLoss, amounts MSELoss" if comparison.of == "yes_no" else ""
        fault = Fault("loss", f"{name} expects targets {words}", remedy)
        yield Check("targets", lambda y: (y < low) | (y > high), fault)


def _differences(name: str, examples: Examples, train: Examples) -> Iterator[Fault]:
    """Yield how a split's shape or dtype differs from training's."""
    here, there = (_named(split.batch(slice(1))) for split in (examples, train))
    if here.keys() != there.keys():
        found, expected = (", ".join(map(repr, each)) or "one without a name" for each in (here, there))
        yield Fault("data", f"{name} has {found}, and train has {expected}", "all splits have the same inputs")
        return
    for what, one in here.items():
        other = there[what]
        if (one.shape[1:], one.dtype) != (other.shape[1:], other.dtype):
            found = f"the {what} of {name} are {one.dtype} of shape {one.shape[1:]}"
            message = f"{found}, and those of train are {other.dtype} of shape {other.shape[1:]}"
            yield Fault("data", message, "all splits have examples of one shape and kind")


def _named(batch: tuple[Inputs, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the inputs and targets of a batch, by their names in messages."""
    inputs = {f"inputs {name!r}" if name else "inputs": array for name, array in parts(batch[0])}
    return {**inputs, "targets": batch[1]}


def _not_finite(values: np.ndarray) -> np.ndarray:
    return ~np.isfinite(values)


def _beyond(values: np.ndarray, size: int) -> np.ndarray:
    return (values < 0) | (values >= size)


def _found(name: str, examples: Examples, check: Check) -> list[Fault]:
    """Return the faults of a split, each with the first example that breaks the rule."""
    if check.of == "targets":
        return _found_in(name, "target", examples.targets, check)
    arrays = [(of, array) for of, array in parts(examples.inputs) if check.name in ("", of)]
    return [
        fault for of, array in arrays for fault in _found_in(name, f"input {of!r}" if of else "input", array, check)
    ]


def _found_in(name: str, what: str, values: np.ndarray, check: Check) -> list[Fault]:
    """Return the faults of one array of a split; `what` names one of its values."""
    if values.dtype.kind not in check.kinds:
        return []
    rows = max(1, CHUNK // max(1, values[:1].size))
    count, first, example = 0, 0, values[:0]
    file = file_of(values)
    for start in range(0, len(values), rows):
        part = values[start : start + rows]
        wrong = check.wrong(part)
        places = np.flatnonzero(wrong.reshape(len(part), -1).any(axis=1))
        if places.size and not count:
            first, example = start + int(places[0]), part[places[0]].copy()
            if wrong.shape == part.shape:
                example = example[wrong[places[0]]].reshape(-1)[0]
        count += len(places)
        give_back(file)
    if not count:
        return []
    others = f" (and {count - 1:,} others)" if count > 1 else ""
    found = f"example {first} of {name}{others} has the {what} {_short(example)}"
    return [check.fault._replace(message=f"{found}: {check.fault.message}")]


def _short(value: np.ndarray) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"
