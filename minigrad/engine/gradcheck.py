"""Gradient checks against finite differences, in float64, to any order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.engine.backward import grad
from minigrad.engine.tensor import Tensor

_STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))
"""Central differences whose error falls with the fourth power of the step (Fornberg, 1988)."""

_STEP = 1e-4  # of an entry of size 1: rounding 1e-12 and truncation 1e-17 are both far below the tolerance
_MOST_ENTRIES = 60  # of one input; larger ones are sampled


class GradientError(AssertionError):
    """A gradient differs from what finite differences measure."""


def check_gradients(
    f: Callable[..., Any], *inputs: Tensor | ArrayLike, order: int = 2, rtol: float = 1e-6, atol: float = 1e-8
) -> None:
    """Check gradients of `f` at `inputs` by finite differences.

    The results of `f` are combined into one number with random weights. Its derivative is measured with respect to
    every entry of every input (60 random entries of large inputs) and compared. Everything is computed in float64.
    Choose inputs away from kinks: a difference across a kink measures neither slope.

    Args:
        f: a function of tensors that returns one tensor or several; the parameters of a module are checked too.
        inputs: tensors, arrays or numbers; floating-point ones are checked, others passed on unchanged.
        order: 1 for gradients, 2 also for gradients of gradients, and so on.
        rtol: the tolerance relative to the larger of the two values, or to the largest gradient of that input.
        atol: the absolute tolerance.

    Raises:
        GradientError: with the worst entry.
        ValueError: if `f` depends on none of its inputs, or on anything else (as a dropout not in eval mode does).
    """
    arrays = [x.data if isinstance(x, Tensor) else np.asarray(x) for x in inputs]
    arguments: list[Any] = [
        Tensor(array.astype(np.float64), requires_grad=True) if array.dtype.kind == "f" else given
        for array, given in zip(arrays, inputs, strict=True)
    ]
    leaves = {f"input {i}": x for i, x in enumerate(arguments) if isinstance(x, Tensor) and x.requires_grad}
    parameters = dict(f.named_parameters()) if hasattr(f, "named_parameters") else {}
    singles = {name: parameter.data for name, parameter in parameters.items()}
    leaves.update({f"parameter {name!r}": parameter for name, parameter in parameters.items()})
    if not leaves:
        raise ValueError("there is nothing to differentiate: no input is of floating point")
    try:
        for parameter in parameters.values():
            parameter.data = parameter.data.astype(np.float64)
        _check(lambda: _outputs(f(*arguments)), leaves, order, rtol, atol, 1)
    finally:
        for name, parameter in parameters.items():
            parameter.data = singles[name]


def _check(
    f: Callable[[], list[Tensor]], leaves: dict[str, Tensor], last: int, rtol: float, atol: float, order: int
) -> None:
    """Compare the gradients of f, a function of the leaves; then check those gradients in the same way."""
    random = np.random.default_rng(order)
    outputs = f()
    if any(not np.array_equal(x.data, y.data, equal_nan=True) for x, y in zip(outputs, f(), strict=True)):
        raise ValueError("the function gives other values when called again; call .eval() on what draws at random")
    weights = [np.asarray(random.standard_normal(output.shape)) for output in outputs]

    def total() -> float:
        return sum(float((output.data * weight).sum()) for output, weight in zip(f(), weights, strict=True))

    def gradients(create_graph: bool) -> list[Tensor | None]:
        tracked = [(output, weight) for output, weight in zip(f(), weights, strict=True) if output.requires_grad]
        if not tracked:
            return [None] * len(leaves)
        roots, starts = zip(*tracked, strict=True)
        return list(grad(roots, list(leaves.values()), list(starts), create_graph, allow_unused=True))

    if order == 1 and not any(output.requires_grad for output in outputs):
        raise ValueError("the result depends on none of the inputs, so there is no gradient to check")
    for (name, leaf), gradient in zip(leaves.items(), gradients(create_graph=False), strict=True):
        analytic = np.zeros(leaf.shape) if gradient is None else gradient.data
        places = list(np.ndindex(leaf.shape))
        if len(places) > _MOST_ENTRIES:
            places = [places[i] for i in random.choice(len(places), _MOST_ENTRIES, replace=False)]
        # Finite entries only: relative to an infinite one, any difference would be small.
        scale = np.max(np.abs(analytic), initial=0.0, where=np.isfinite(analytic))
        wrong = []
        for place in places:
            measured, computed = _slope(leaf.data, place, total), float(analytic[place])
            allowed = atol + rtol * max(abs(measured), abs(computed), scale)
            if not abs(measured - computed) <= allowed < math.inf:  # also true of NaN
                wrong.append((abs(measured - computed) / allowed, place, computed, measured))
        if wrong:
            _, place, computed, measured = max(wrong, key=lambda entry: math.inf if math.isnan(entry[0]) else entry[0])
            raise GradientError(
                f"the gradient of order {order} with respect to {name}, of shape {leaf.shape} is wrong in "
                f"{len(wrong)} of {len(places)} entries; worst at {list(map(int, place))}: the rules say "
                f"{computed:.10g}, finite differences {measured:.10g} (difference {abs(computed - measured):.3g}, "
                f"ratio {computed / measured if measured else math.inf:.6g})"
            )
    if order < last:
        _check(lambda: [g for g in gradients(True) if g is not None], leaves, last, rtol, atol, order + 1)


def _slope(values: NDArray[Any], place: tuple[int, ...], total: Callable[[], float]) -> float:
    """Return the finite-difference derivative of `total` by one entry of `values`, which is changed and restored."""
    middle = values[place]
    step = _STEP * max(1.0, abs(float(middle)))
    try:
        slope = 0.0
        for steps, weight in _STENCIL:
            values[place] = middle + steps * step
            slope += weight * total()
        return slope / step
    finally:
        values[place] = middle


def _outputs(result: Tensor | Sequence[Tensor]) -> list[Tensor]:
    outputs = [result] if isinstance(result, Tensor) else list(result)
    if not outputs or not all(isinstance(output, Tensor) for output in outputs):
        raise ValueError(f"the function is to return a tensor or several, got {type(result).__name__}")
    return outputs
