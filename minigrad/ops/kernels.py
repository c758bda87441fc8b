"""What is hot in networks, each as one operation.

The rules are the specification, and serve derivatives of higher order; the fast path beside them does the same on
arrays with fewer passes over memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.broadcast import sum_to
from minigrad.engine.dispatch import primitive
from minigrad.ops.elementwise import erf as erf_of
from minigrad.ops.elementwise import exp, tanh
from minigrad.ops.erf import erf

Array = NDArray[Any]
Needs = Sequence[bool]

# linear


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x weightᵀ + bias: x (..., in), weight (out, in), bias (out,) or None, result (..., out)."""
    if x.shape[-1:] != weight.shape[1:]:
        raise ValueError(
            f"the last axis of x, {x.shape[-1] if x.ndim else 'none'}, is to be as long as a row of weight, "
            f"{weight.shape[-1]}"
        )
    out = _rows(x).dot(weight.T)  # of two matrices the same product as @, with a third of the overhead
    if bias is not None:
        out += bias
    return out if x.ndim == 2 else out.reshape((*x.shape[:-1], weight.shape[0]))


def _rows(x: Any) -> Any:
    """All leading axes as one."""
    return x if x.ndim == 2 else x.reshape((-1, x.shape[-1]))


def _linear_fast(g: Array, needs: Needs, x: Array, weight: Array) -> list[Array | None]:
    rows = _rows(g)
    return [
        rows.dot(weight).reshape((*g.shape[:-1], weight.shape[1])) if needs[0] else None,
        rows.T.dot(_rows(x)) if needs[1] else None,
        _ones(len(rows), rows.dtype).dot(rows) if needs[2] else None,
    ]


@lru_cache(maxsize=64)
def _ones(n: int, dtype: np.dtype[Any]) -> Array:
    """n ones: a product with them sums columns in a third of the time that `sum` takes."""
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


linear = primitive(
    "linear",
    _linear,
    lambda g, weight: g @ weight,
    lambda g, x: _rows(g).swapaxes(0, 1) @ _rows(x),
    lambda g, bias_shape: sum_to(g, bias_shape),
    fast=_linear_fast,
    smooth=True,
)

# softmax and log_softmax


def _softmax(x: Array, axis: int = -1) -> Array:
    """exp(x) / sum(exp(x)) along an axis, without overflow."""
    out = x - x.max(axis=axis, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=axis, keepdims=True)
    return out


def _softmax_fast(g: Array, needs: Needs, out: Array, axis: int) -> list[Array | None]:
    slope = g * out
    slope -= out * slope.sum(axis=axis, keepdims=True)
    return [slope]


softmax = primitive(
    "softmax",
    _softmax,
    lambda g, out, axis: out * (g - (g * out).sum(axis=axis, keepdims=True)),
    fast=_softmax_fast,
    smooth=True,
)


def _log_softmax(x: Array, axis: int = -1) -> Array:
    """x - log(sum(exp(x))) along an axis, without overflow."""
    out = x - x.max(axis=axis, keepdims=True)
    out -= np.log(np.exp(out).sum(axis=axis, keepdims=True))
    return out


def _log_softmax_fast(g: Array, needs: Needs, out: Array, axis: int) -> list[Array | None]:
    slope = np.exp(out)
    slope *= g.sum(axis=axis, keepdims=True)
    return [np.subtract(g, slope, out=slope)]


log_softmax = primitive(
    "log_softmax",
    _log_softmax,
    lambda g, out, axis: g - exp(out) * g.sum(axis=axis, keepdims=True),
    fast=_log_softmax_fast,
    smooth=True,
)

# losses


def _cross_entropy(
    x: Array, target: Array, weight: Array | None = None, ignore_index: int | None = None
) -> tuple[Array, Array, Array, Array | None]:
    """The sum of -weight log(softmax(x)[target]) over the rows of x.

    x (N, C) are scores, target (N,) the right columns, weight (N,) that of each row; None is 1/N each: the mean. Rows
    whose target is ignore_index count for nothing, also in the mean.
    """
    if x.ndim != 2 or target.shape != x.shape[:1]:
        raise ValueError(f"x is to be (N, C) and target (N,), got target {target.shape}")
    if target.dtype.kind not in "iu":
        raise TypeError(f"target is to hold column numbers, integers, got {target.dtype}")
    if ignore_index is not None and not (counted := target != ignore_index).all():
        if weight is None and not counted.any():
            raise ValueError(f"no row to take the mean of: every class index is {ignore_index}")
        target = np.where(counted, target, 0)
        weight = counted / counted.sum(dtype=x.dtype) if weight is None else counted * weight
    if target.size and not (target.min() >= 0 and target.max() < x.shape[1]):
        wrong = target[(target < 0) | (target >= x.shape[1])][0]
        raise ValueError(f"target holds {wrong}, and x has the columns 0 to {x.shape[1] - 1}")
    softmax = x - x.max(axis=1, keepdims=True)
    chosen = np.arange(len(x)), target
    losses = -softmax[chosen]
    np.exp(softmax, out=softmax)
    total = softmax.dot(_ones(softmax.shape[1], softmax.dtype))
    softmax /= total[:, None]
    losses += np.log(total)
    return np.asarray(losses.sum() / len(x) if weight is None else losses @ weight), softmax, target, weight


def _row_weights(shares: Array | None, x: Any) -> Any:
    return 1 / len(x) if shares is None else shares[:, None]


def _cross_entropy_rule(g: Any, x: Any, target: Array, shares: Array | None) -> Any:
    """Softmax less one for the right column, weighted; of a row that is ignored the share is 0."""
    right = np.arange(x.shape[1]) == target[:, None]
    return (softmax(x, 1) - right) * (g * _row_weights(shares, x))


def _cross_entropy_fast(
    g: Array, needs: Needs, softmax: Array, columns: Array, shares: Array | None
) -> list[Array | None]:
    scale = (g * _row_weights(shares, softmax)).astype(softmax.dtype, copy=False)
    slope = softmax * scale
    slope[np.arange(len(columns)), columns] -= scale[:, 0] if scale.ndim else scale
    return [slope]


cross_entropy = primitive(
    "cross_entropy",
    _cross_entropy,
    _cross_entropy_rule,
    fast=_cross_entropy_fast,
    smooth=True,
    extras=("softmax", "columns", "shares"),
)


def _mse_loss(x: Array, y: Array) -> tuple[Array, Array]:
    """The mean of (x - y)² over all elements."""
    difference = np.asarray(x - y)
    flat = difference.reshape(-1)
    return np.asarray(flat.dot(flat) / difference.size), difference


def _mse_loss_fast(g: Array, needs: Needs, difference: Array) -> list[Array | None]:
    slope = difference * (g * (2 / difference.size))
    return [slope if needs[0] else None, -slope if needs[1] else None]


def _mse_slope(g: Any, x: Any, y: Any) -> Any:
    difference = x - y
    return difference * (g * (2 / difference.size))


mse_loss = primitive(
    "mse_loss",
    _mse_loss,
    lambda g, x, y: _mse_slope(g, x, y),
    lambda g, x, y: _mse_slope(g, y, x),
    fast=_mse_loss_fast,
    smooth=True,
    extras=("difference",),
)

# gelu

_TANH_SCALE, _TANH_CUBE = math.sqrt(2 / math.pi), 0.044715


def _gelu(x: Array, approximate: Literal["none", "tanh"] = "none") -> tuple[Array, Array]:
    """x Φ(x), Φ the normal distribution function, or its approximation by tanh (Hendrycks and Gimpel, 2016).

    Beside it stands what the error function, or tanh, gave: 2 Φ(x) - 1.
    """
    if approximate == "tanh":
        inner = x * x
        inner *= _TANH_CUBE * _TANH_SCALE
        inner += _TANH_SCALE
        inner *= x
        odd = np.tanh(inner, out=inner)
    elif approximate == "none":
        odd = erf(x * math.sqrt(0.5))
    else:
        raise ValueError(f"approximate is 'none' or 'tanh', got {approximate!r}")
    out = np.asarray(odd + 1)
    out *= x
    out *= 0.5
    return out, odd


def _gelu_rule(g: Any, x: Any, approximate: str) -> Any:
    """Φ(x) + x φ(x), or the derivative of the approximation."""
    if approximate == "tanh":
        t = tanh(x * (_TANH_SCALE + _TANH_SCALE * _TANH_CUBE * (x * x)))
        inner = _TANH_SCALE + 3 * _TANH_SCALE * _TANH_CUBE * (x * x)
        return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)
    density = exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi))
    return g * (0.5 * (1 + erf_of(x * math.sqrt(0.5))) + x * density)


_BLOCK = 2**18  # elements: five arrays of them stay in a cache (12 million: 20 ms, 37 in one piece), and calls are few


def _gelu_fast(g: Array, needs: Needs, x: Array, odd: Array, approximate: str) -> list[Array]:
    slope = np.empty(x.shape, x.dtype)
    gs, xs, odds, slopes = g.reshape(-1), x.reshape(-1), odd.reshape(-1), slope.reshape(-1)
    for i in range(0, x.size, _BLOCK):
        at = slice(i, i + _BLOCK)
        x, odd, out = xs[at], odds[at], slopes[at]
        density = x * x  # twice that of Φ, in the end
        if approximate == "tanh":
            density *= 3 * _TANH_SCALE * _TANH_CUBE
            density += _TANH_SCALE
            np.multiply(odd, odd, out=out)
            np.subtract(1, out, out=out)
            density *= out
        else:
            density *= -0.5
            np.exp(density, out=density)
            density *= math.sqrt(2 / math.pi)
        np.multiply(density, x, out=out)
        out += odd
        out += 1
        out *= gs[at]
        out *= 0.5
    return [slope]


gelu = primitive("gelu", _gelu, _gelu_rule, fast=_gelu_fast, smooth=True, extras=("odd",))
