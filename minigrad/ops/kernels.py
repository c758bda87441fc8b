"""Fused operations of networks: linear maps, softmax, losses, GELU.

The rules are the specification, and compute higher derivatives. The fused backward of each operation computes the same
on arrays, with fewer passes over memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad.cores import LARGE, in_halves
from minigrad.engine.apply import primitive
from minigrad.engine.arrays import asarray, filled, like_of
from minigrad.engine.broadcast import sum_to
from minigrad.ops.elementwise import chain, exp, tanh
from minigrad.ops.elementwise import erf as erf_of
from minigrad.ops.erf import erf_in_place

Array = NDArray[Any]
Needs = Sequence[bool]

# linear


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x weightᵀ + bias, for x (..., in), weight (out, in) and bias (out,) or None; the result is (..., out)."""
    if x.shape[-1:] != weight.shape[1:]:
        raise ValueError(
            f"the last axis of x, {x.shape[-1] if x.ndim else 'none'}, is to be as long as a row of weight, "
            f"{weight.shape[-1]}"
        )
    out = _rows(x).dot(weight.T)  # the same as @ for two matrices, with a third of the overhead
    if bias is not None:
        out += bias
    return out if x.ndim == 2 else out.reshape((*x.shape[:-1], weight.shape[0]))


def _rows(x: Any) -> Any:
    """Flatten all leading axes into one."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def _linear_fused(g: Array, needs: Needs, x: Array, weight: Array) -> list[Array | None]:
    rows = _rows(g)
    return [
        rows.dot(weight).reshape((*g.shape[:-1], weight.shape[1])) if needs[0] else None,
        rows.T.dot(_rows(x)) if needs[1] else None,
        _ones(len(rows), rows).dot(rows) if needs[2] else None,
    ]


def _ones(n: int, x: Array) -> Array:
    """n ones in the dtype of x. Multiplying by them sums columns in a third of the time of `sum`."""
    return _saved_ones(n, x.dtype) if type(x) is np.ndarray else filled(n, 1, x)


@lru_cache(maxsize=64)
def _saved_ones(n: int, dtype: np.dtype[Any]) -> Array:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


linear = primitive(
    "linear",
    _linear,
    lambda g, weight: g @ weight,
    lambda g, x: _rows(g).swapaxes(0, 1) @ _rows(x),
    lambda g, bias_shape: sum_to(g, bias_shape),
    fused=_linear_fused,
)

# softmax and log_softmax


def _top(x: Array, axis: int) -> Array:
    """The maxima along an axis, which may have no elements."""
    return x.max(axis=axis, keepdims=True) if x.size else x.sum(axis=axis, keepdims=True)


def _softmax(x: Array, axis: int = -1) -> Array:
    """exp(x) / sum(exp(x)) along an axis, without overflow."""
    out = asarray(x - _top(x, axis))
    np.exp(out, out=out)
    out /= out.sum(axis=axis, keepdims=True)
    return out


def _softmax_fused(g: Array, needs: Needs, out: Array, axis: int) -> list[Array | None]:
    slope = asarray(g * out)
    slope -= out * slope.sum(axis=axis, keepdims=True)
    return [slope]


softmax = primitive(
    "softmax",
    _softmax,
    lambda g, out, axis: out * (g - (g * out).sum(axis=axis, keepdims=True)),
    fused=_softmax_fused,
)


def _log_softmax(x: Array, axis: int = -1) -> Array:
    """x - log(sum(exp(x))) along an axis, without overflow."""
    out = asarray(x - _top(x, axis))
    out -= np.log(np.exp(out).sum(axis=axis, keepdims=True)) if x.size else 0
    return out


def _log_softmax_fused(g: Array, needs: Needs, out: Array, axis: int) -> list[Array | None]:
    slope = asarray(np.exp(out))
    slope *= g.sum(axis=axis, keepdims=True)
    return [np.subtract(g, slope, out=slope)]


log_softmax = primitive(
    "log_softmax",
    _log_softmax,
    lambda g, out, axis: g - exp(out) * g.sum(axis=axis, keepdims=True),
    fused=_log_softmax_fused,
)

# losses


def _cross_entropy(
    x: Array, target: Array, weight: Array | None = None, ignore_index: int | None = None
) -> tuple[Array, Array, Array, Array | None]:
    """The sum of -weight log(softmax(x)[target]) over the rows of x.

    x (N, C) are logits and target (N,) class indices. weight (N,) is the weight of each row; None means 1/N, for the
    mean. Rows whose target is `ignore_index` are left out, also of the mean.
    """
    if x.ndim != 2 or target.shape != x.shape[:1]:
        raise ValueError(f"x is to be (N, C) and target (N,), got target {target.shape}")
    if target.dtype.kind not in "iu":
        raise TypeError(f"target is to hold column numbers, integers, got {target.dtype}")
    if weight is not None and weight.dtype.kind not in "biuf":
        raise TypeError(f"weight is to hold numbers, got {weight.dtype}")
    if x.dtype.type is np.float16:  # in float16, sums over many rows overflow
        loss, *residuals = _cross_entropy(x.astype(np.float32), target, weight, ignore_index)
        return loss.astype(np.float16), *residuals  # type: ignore[return-value]
    if ignore_index is not None and not (counted := target != ignore_index).all():
        if weight is None and not counted.any():
            raise ValueError(f"no row to take the mean of: every class index is {ignore_index}")
        target = np.where(counted, target, 0)
        weight = counted / counted.sum().astype(x.dtype) if weight is None else counted * weight
    if weight is None and not len(x):
        raise ValueError(f"no row to take the mean of: x is {x.shape}")
    if target.size and not (target.min() >= 0 and target.max() < x.shape[1]):
        wrong = target[(target < 0) | (target >= x.shape[1])][0]
        raise ValueError(f"target holds {wrong}, and x has the columns 0 to {x.shape[1] - 1}")
    if x.size < LARGE or type(x) is not np.ndarray:
        softmax, losses = _softmax_and_losses(x, target)
    else:
        softmax, losses = np.empty(x.shape, x.dtype), np.empty(len(x), x.dtype)
        step = max(_ROWS // x.shape[1], 1)

        def work(start: int, stop: int) -> None:
            for at in range(start, stop, step):
                rows = slice(at, min(at + step, stop))
                _, losses[rows] = _softmax_and_losses(x[rows], target[rows], softmax[rows])

        in_halves(work, len(x), x.size)
    if weight is None:
        return asarray(losses.sum() / len(x)), softmax, target, weight
    losses[weight == 0] = 0  # even if the loss of an ignored row is infinite
    return asarray(losses @ weight), softmax, target, weight


_ROWS = 2**17  # elements of the rows of a block, which fits a cache


def _softmax_and_losses(x: Array, target: Array, out: Array | None = None) -> tuple[Array, Array]:
    """Return softmax(x), written to `out` if given, and -log(softmax(x)[target]) of each row."""
    softmax = np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    losses = -softmax[np.arange(len(x), like=x), target]
    np.exp(softmax, out=softmax)
    # no product in our own threads: BLAS parallelizes those itself
    total = softmax.dot(_ones(softmax.shape[1], softmax)) if out is None else np.add.reduce(softmax, axis=1)
    softmax /= total[:, None]
    losses += np.log(total)
    return softmax, losses


def _cross_entropy_rule(g: Any, x: Any, target: Array, shares: Array | None) -> Any:
    """Softmax minus the one-hot target, weighted; 0 for ignored rows."""
    right = np.arange(x.shape[1], like=target) == target[:, None]
    if shares is None:
        return (softmax(x, 1) - right) * (g * (1 / len(x)))
    return chain(g * shares[:, None], softmax(x, 1) - right)


def _cross_entropy_fused(
    g: Array, needs: Needs, softmax: Array, columns: Array, shares: Array | None
) -> list[Array | None]:
    scale = (g * (1 / len(softmax)) if shares is None else g * shares[:, None]).astype(softmax.dtype, copy=False)
    slope = softmax * scale if softmax.size < LARGE or type(softmax) is not np.ndarray else _scale_rows(softmax, scale)
    slope[np.arange(len(columns), like=columns), columns] -= scale[:, 0] if scale.ndim else scale
    if shares is not None:
        slope[shares == 0] = 0  # even if an ignored row has infinite values
    return [slope]


def _scale_rows(rows: Array, scale: Array) -> Array:
    """Scale rows (N, C) by a number, or by one per row (N, 1), on both cores."""
    out, scale = np.empty_like(rows), np.broadcast_to(scale, (len(rows), 1))
    in_halves(lambda i, j: np.multiply(rows[i:j], scale[i:j], out=out[i:j]), len(rows), rows.size)
    return out


cross_entropy = primitive(
    "cross_entropy",
    _cross_entropy,
    _cross_entropy_rule,
    fused=_cross_entropy_fused,
    residuals=("softmax", "columns", "shares"),
)


def _mse_loss(x: Array, y: Array) -> tuple[Array, Array]:
    """The mean of (x - y)² over all elements."""
    difference = asarray(x - y)
    flat = difference.reshape(-1)
    if difference.dtype.type is np.float16:  # squares are infinite from 256 on
        flat = flat.astype(np.float32)
    mean = flat.dot(flat) / difference.size
    if type(x) is np.ndarray and not math.isfinite(mean) and 0 < (largest := np.max(np.abs(flat), initial=0)) < np.inf:
        flat = flat / largest
        mean = flat.dot(flat) / difference.size * largest * largest
    return asarray(mean, difference.dtype), difference


def _mse_loss_fused(g: Array, needs: Needs, difference: Array) -> list[Array | None]:
    slope = difference * (g * (2 / max(difference.size, 1)))
    return [slope if needs[0] else None, -slope if needs[1] else None]


def _mse_slope(g: Any, x: Any, y: Any) -> Any:
    difference = x - y
    return difference * (g * (2 / max(difference.size, 1)))


mse_loss = primitive(
    "mse_loss",
    _mse_loss,
    lambda g, x, y: _mse_slope(g, x, y),
    lambda g, x, y: _mse_slope(g, y, x),
    fused=_mse_loss_fused,
    residuals=("difference",),
)

# gelu

_BLOCK = 2**18  # elements in a block: five arrays stay in a cache (12 million elements: 20 ms, 37 ms in one block)

_TANH_SCALE, _TANH_CUBE = math.sqrt(2 / math.pi), 0.044715


def _gelu(x: Array, approximate: Literal["none", "tanh"] = "none") -> tuple[Array, Array]:
    """GELU: x Φ(x), or its approximation by tanh.

    Φ is the normal distribution function (Hendrycks and Gimpel, 2016). Also returns the residual `odd`, the value of
    the error function or tanh, 2 Φ(x) - 1.
    """
    if x.dtype.type is np.float16:  # squares are infinite from 256 on
        out, odd = _gelu(x.astype(np.float32), approximate)
        return out.astype(np.float16), odd
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate is 'none' or 'tanh', got {approximate!r}")
    dtype = x.dtype.newbyteorder("=") if x.dtype.kind == "f" else np.float64
    odd, out = np.empty(x.shape, dtype, like=like_of(x)), np.empty(x.shape, dtype, like=like_of(x))
    xs, odds, outs = x.reshape(-1), odd.reshape(-1), out.reshape(-1)
    if x.size < LARGE or type(x) is not np.ndarray:
        _gelu_block(xs, odds, outs, approximate)
        return out, odd

    def work(start: int, stop: int) -> None:
        for at in range(start, stop, _BLOCK):
            part = slice(at, min(at + _BLOCK, stop))
            _gelu_block(xs[part], odds[part], outs[part], approximate)

    in_halves(work, x.size, x.size)
    return out, odd


def _gelu_block(x: Array, odd: Array, out: Array, approximate: str) -> None:
    """Fill `odd` and `out` for a block."""
    if approximate == "tanh":
        with np.errstate(over="ignore"):  # tanh of infinity is 1
            np.multiply(x, x, out=odd)
            odd *= _TANH_CUBE * _TANH_SCALE
            odd += _TANH_SCALE
            odd *= x
        np.tanh(odd, out=odd)
    else:
        np.multiply(x, math.sqrt(0.5), out=odd)
        erf_in_place(odd)
    np.add(odd, 1, out=out)
    out *= 0.5
    out *= x


def _gelu_rule(g: Any, x: Any, approximate: str) -> Any:
    """Φ(x) + x φ(x), or the derivative of the approximation."""
    if approximate == "tanh":
        t = tanh(x * (_TANH_SCALE + _TANH_SCALE * _TANH_CUBE * (x * x)))
        inner = _TANH_SCALE + 3 * _TANH_SCALE * _TANH_CUBE * (x * x)
        return g * (0.5 * (1 + t) + 0.5 * x * chain(1 - t * t, inner))
    density = exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi))
    return g * (0.5 * (1 + erf_of(x * math.sqrt(0.5))) + x * density)


_SATURATED = 1e4  # limit of squares: there Φ is 0 or 1 and its density 0, and 0 times infinity would be NaN


def _gelu_fused(g: Array, needs: Needs, x: Array, odd: Array, approximate: str) -> list[Array]:
    if x.dtype.type is np.float16:
        x = x.astype(np.float32)
    slope = np.empty(x.shape, x.dtype, like=like_of(x))
    gs, xs, odds, slopes = g.reshape(-1), x.reshape(-1), odd.reshape(-1), slope.reshape(-1)

    def work(start: int, stop: int) -> None:
        for at in range(start, stop, _BLOCK):
            part = slice(at, min(at + _BLOCK, stop))
            _gelu_slope_block(gs[part], xs[part], odds[part], slopes[part], approximate)

    if type(x) is np.ndarray:
        in_halves(work, x.size, x.size)
    else:
        _gelu_slope_block(gs, xs, odds, slopes, approximate)
    return [slope]


def _gelu_slope_block(g: Array, x: Array, odd: Array, out: Array, approximate: str) -> None:
    """Fill `out` with g times the derivative, for a block."""
    with np.errstate(over="ignore"):
        density = x * x  # becomes twice the density of Φ
    np.minimum(density, _SATURATED, out=density)
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
    out *= 0.5
    out *= g


gelu = primitive("gelu", _gelu, _gelu_rule, fused=_gelu_fused, residuals=("odd",))
