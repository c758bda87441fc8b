"""The trainer's step, for custom training loops."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from math import nan
from typing import Any, Literal
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import ArrayLike

from minigrad.arguments import as_integer
from minigrad.data import Batch, Examples
from minigrad.devices import foreign
from minigrad.engine import CompileError, Tensor, random
from minigrad.engine.tensor import wrap
from minigrad.inputs import Inputs
from minigrad.nn import Loss, Module
from minigrad.optim import Optimizer
from minigrad.parallel import Ranks, Shards, blas_threads
from minigrad.training.divergence import TrainingError
from minigrad.training.sharding import pays_to_replay, shards_and_threads
from minigrad.training.step import Part, Piece, TrainStep, preserve_buffers

_PROVED = 2
"""The first steps, computed without replay even if steps are recorded, so that an error in them loses nothing."""

_steps: WeakKeyDictionary[Optimizer, ref[Step]] = WeakKeyDictionary()
"""The step that each optimizer belongs to."""


def train_step(
    model: Module,
    loss: Loss | Callable[[Tensor, Tensor], Tensor],
    optimizer: Optimizer,
    shards: int | Literal["auto"] = "auto",
    compile: bool | Literal["auto"] = "auto",
) -> Step:
    """Return a training step function, `step(x, y)`, for custom loops.

    A call does one training step and returns the loss. It is the step of the trainer: forward pass, backward pass and
    update, divided among threads and replayed from a recording where that is faster. The first call decides this from
    the sizes of model and batch, never from timings.

        step = minigrad.train_step(model, loss, optimizer)
        for x, y in loader:
            error = step(x, y)

    Args:
        model: maps a batch of inputs to outputs. Its mode is not changed; a new model is in training mode.
        loss: a function of outputs and targets that returns one number. Batches are only divided for a `Loss`, which
            defines how to weight their parts.
        optimizer: the optimizer of the model's parameters; no other step may use it.
        shards: parts of a batch that are computed in parallel; "auto": 2 for a large step, otherwise 1.
        compile: whether to record a step once and then replay it (`minigrad.compile`); "auto": if Python calls take
            more than a few percent of a step, and the model can be recorded.

    Raises:
        TypeError: for a model or optimizer of another type.
        ValueError: for an optimizer of another step or of other parameters, or fewer than 1 shard.
    """
    return Step(model, loss, optimizer, shards, compile)


class Step:
    """A step of training; see `train_step`.

    Attributes:
        position: the steps done, which is also the position in the random streams, such as that of dropout.
    """

    def __init__(self, model: Module, loss: Any, optimizer: Optimizer, shards: Any, compile: Any) -> None:
        for name, value, kind in (("model", model, Module), ("optimizer", optimizer, Optimizer)):
            if not isinstance(value, kind):
                raise TypeError(f"train_step takes model, loss, optimizer, and the {name} is {value!r}")
        if not callable(loss) or isinstance(loss, type):
            raise TypeError(f"train_step takes model, loss, optimizer, and the loss is {loss!r}")
        if compile not in (True, False, "auto"):
            raise ValueError(f"compile is True, False or 'auto', got {compile!r}")
        own = {id(p) for p in model.parameters()}
        if not any(id(p) in own for group in optimizer.param_groups for p in group["params"]):
            remedy = "make it of model.parameters(), after the last layer was exchanged"
            raise ValueError(f"the optimizer has no parameter of this model: {remedy}")
        if optimizer in _steps and _steps[optimizer]() is not None:
            remedy = "use that step, give this one an optimizer of its own, or `del` the other step first"
            raise ValueError(f"the optimizer belongs to another train_step already: {remedy}")
        self.model, self.optimizer = model, optimizer
        self.loss = loss if isinstance(loss, Loss) else FunctionLoss(loss)
        self.position = 0
        self._shards = None if shards == "auto" else as_integer("shards", shards, at_least=1)
        self._compile = compile
        self._step: TrainStep | None = None
        self._blas_threads = 1
        self._is_recorded, self._is_simple, self._why = False, False, ""
        _steps[optimizer] = ref(self)

    def __call__(self, x: ArrayLike | Tensor | Mapping[str, Any], y: ArrayLike | Tensor) -> Tensor:
        """Train on a batch, and return its loss, detached from the graph.

        If no target counts, as when all are ignored, nothing changes and the loss is NaN.

        Args:
            x: the inputs (N, …); several inputs are a dict by the argument names of the model's `forward`.
            y: the targets (N, …).

        Raises:
            ValueError: if there is not one target for each input, or the batch cannot be divided as requested.
            TrainingError: if the loss is not one number, or a replay computes other numbers than the model.
        """
        named = x if not isinstance(x, (Tensor, np.ndarray)) and isinstance(x, Mapping) else None
        inputs: Any = _array(x) if named is None else {name: _array(part) for name, part in named.items()}
        targets = _array(y)
        shapes = [inputs.shape] if named is None else [array.shape for array in inputs.values()]
        n = len(targets) if targets.ndim else 0
        if not n or [shape for shape in shapes if shape[:1] != (n,)]:
            found = " and ".join(map(str, [*shapes, targets.shape]))
            raise ValueError(f"expected one target for each input, got shapes {found}")
        step = self._step or self._plan(Batch(_Given(inputs, targets), range(n)))
        with blas_threads(self._blas_threads), np.errstate(all="ignore"):
            if self._is_simple and self.position >= _PROVED:  # for small networks, Python calls dominate a step
                batches: list[Batch] = []
                pieces = self._replay(step.whole, Part(inputs, targets, None, self.loss.count(targets)))
            else:
                batches = [Batch(_Given(inputs, targets), range(n))]
                step, pieces = self._gradients(step, batches)
            if pieces:
                step.update(batches, self.position)
        self.position += 1
        dtype = pieces[0][2].dtype if pieces else np.float32
        return wrap(np.asarray(self._total(pieces), dtype), None, [0])

    def _plan(self, batch: Batch) -> TrainStep:
        """Decide how to compute steps of this size; return the first step."""
        if (device := next(self.model.parameters()).device) != "cpu":
            if self._shards not in (None, 1) or self._compile is True:
                raise ValueError(f"on the device {device!r} a step is computed in one piece: no shards and compile=")
            self._shards = 1
            return self._make_step(False)
        with random.at(), preserve_buffers(self.model):
            chosen = shards_and_threads(self.model, self.loss, batch.examples, len(batch), self._shards)
            is_small = pays_to_replay(self.model, batch.examples, len(batch))
        self._shards, self._blas_threads = chosen
        return self._make_step(is_small if self._compile == "auto" else self._compile)

    def _make_step(self, compiled: bool) -> TrainStep:
        self._is_recorded = compiled
        self._is_simple = self._shards == 1 and not self.optimizer.evaluates
        self._step = TrainStep(self.model, self.loss, self.optimizer, Shards(self._shards or 1), Ranks(), compiled)
        return self._step

    def _gradients(self, step: TrainStep, batches: list[Batch]) -> tuple[TrainStep, list[Piece]]:
        """Compute a batch's gradients, without a recording from then on if the model cannot be recorded."""
        if not self._is_recorded or self.position >= _PROVED:
            return step, self._replay(step.gradients, batches)
        before = [(buffer, buffer.data.copy()) for buffer in self.model.buffers()]
        try:
            return step, step.gradients(batches, self.position)
        except CompileError as error:
            if self._compile is True:
                raise CompileError(f"{error}; train_step(..., compile=False) goes without") from error
            self._why = str(error)
            if self.position:  # the model could be recorded before, and has changed its behavior
                warnings.warn(f"steps are computed without a recording: {error}; compile=False says so", stacklevel=3)
        for buffer, array in before:
            buffer.data[...] = array
        plain = self._make_step(False)
        return plain, plain.gradients(batches, self.position)

    def _replay(self, gradients: Callable[[Any, int], list[Piece]], what: Any) -> list[Piece]:
        try:
            return gradients(what, self.position)
        except CompileError as error:
            message = f"at step {self.position + 1}: {error}; the steps before may be wrong, too"
            raise TrainingError(f"{message}: begin again with train_step(..., compile=False)") from error

    def _total(self, pieces: list[Piece]) -> float:
        """Return the loss of the whole batch."""
        if len(pieces) == 1:
            return pieces[0][0]
        if self.loss.reduction == "sum":
            return sum(loss for loss, *_ in pieces)
        total = sum(count for _, count, *_ in pieces)
        return sum(loss * count for loss, count, *_ in pieces) / total if total else nan

    def __repr__(self) -> str:
        if self._step is None:
            return "train_step(not planned before the first call)"
        recorded = "recorded" if self._is_recorded else f"not recorded{self._why and f': {self._why}'}"
        return f"train_step({self._shards} shards, {self._blas_threads} BLAS threads, {recorded})"


class _Given(Examples):
    """A batch in its original dtype, so that float64 arrays are computed in float64, as in a plain loop."""

    def __init__(self, inputs: Inputs, targets: np.ndarray) -> None:
        self.inputs, self.targets, self.weights = inputs, targets, None


class FunctionLoss(Loss):
    """A loss from a plain function of outputs and targets."""

    decomposes = False

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the function's result."""
        return self.function(input, target)


def _array(values: Any) -> np.ndarray:
    """Return values as an array; lists of real numbers become float32, as for a tensor."""
    if isinstance(values, Tensor):
        return values.data
    if isinstance(values, np.ndarray) or type(values) in foreign:
        return values
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype == np.float64 else array
