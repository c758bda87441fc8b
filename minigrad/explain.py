"""One neuron's weighted sum as a table of its terms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from math import floor, log10

import numpy as np
from numpy.typing import ArrayLike

from minigrad.engine import Tensor
from minigrad.nn import Linear, Module

_DIGITS = 4  # significant digits of a column's largest number


def explain(
    layer: Module, x: Tensor | ArrayLike, neuron: int = 0, names: Sequence[str] = (), max_rows: int = 20
) -> str:
    """Return a table of one neuron's weighted sum.

    Columns: activation × weight = product, and the running total. The last rows are the bias and the result. Numbers
    are rounded to four digits of the largest in their column. A layer of many inputs shows those whose products are
    largest in magnitude, in input order, and the sum of the others.

    Args:
        layer: the `Linear` that the neuron belongs to.
        x: the activations: one input (in_features,).
        neuron: the index of the neuron among the outputs.
        names: the names of the inputs; default: their numbers.
        max_rows: the maximum number of inputs shown.

    Raises:
        TypeError: if the layer is not a `Linear`.
        ValueError: if x is not a single input of real numbers that matches the layer, if there are not as many names as
            inputs, or if max_rows is below 1.
        IndexError: if there is no such neuron.
    """
    if not isinstance(layer, Linear):
        where = "that of a model is one of its attributes or items"
        raise TypeError(f"explain takes a Linear layer, got {type(layer).__name__}; {where}")
    n = layer.in_features
    activations = x.data if isinstance(x, Tensor) else np.asarray(x)
    if activations.shape != (n,):
        remedy = "; x[0] is the first of them" if activations.shape[1:] == (n,) else ""
        raise ValueError(f"expected one input of shape ({n},), got {activations.shape}{remedy}")
    if activations.dtype.kind not in "biuf":
        raise ValueError(f"expected an input of real numbers, got {activations.dtype}")
    if not 0 <= neuron < layer.out_features:
        raise IndexError(f"expected a neuron from 0 to {layer.out_features - 1}, got {neuron}")
    if names and len(names) != n:
        raise ValueError(f"expected one name for each of {n} inputs, got {len(names)}")
    if max_rows < 1:
        raise ValueError(f"max_rows must be at least 1, got {max_rows}")

    activations = activations.astype(np.float64)
    weights = layer.weight.data[neuron].astype(np.float64)
    with np.errstate(invalid="ignore"):  # inf × 0, which the table shows as nan
        products = activations * weights
    order = np.argsort(-np.nan_to_num(np.abs(products), nan=np.inf), kind="stable")
    shown, others = np.sort(order[:max_rows]), order[max_rows:]
    labels = [names[i] if names else str(i) for i in shown]
    terms = list(products[shown])
    if len(others):
        labels.append(f"{len(others):,} others")
        terms.append(products[others].sum())
    if layer.bias is not None:
        labels.append("bias")
        terms.append(layer.bias.data[neuron])
    with np.errstate(invalid="ignore"):
        totals = np.cumsum(terms)
    columns = [
        ["input", *labels, "result"],
        ["activation", *_numbers(activations[shown])],
        ["× weight", *_numbers(weights[shown])],
        ["= product", *_numbers(np.array(terms))],
        ["total", *_numbers(np.append(totals, totals[-1]))],
    ]
    widths = [max(map(len, column)) for column in columns]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)


def _numbers(values: np.ndarray) -> list[str]:
    """Format `values` with four significant digits of the largest, without trailing zeros."""
    largest = max(np.abs(values[np.isfinite(values)]), default=0)
    decimals = max(0, _DIGITS - 1 - floor(log10(largest))) if largest else 0
    rounded = values.round(decimals) + 0.0  # no negative zeros
    texts = [f"{value:.{decimals}f}" for value in rounded]
    while decimals and all(text.endswith("0") for text in texts):
        texts = [text[:-1] for text in texts]
        decimals -= 1
    return [text.removesuffix(".") for text in texts]
