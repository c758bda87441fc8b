"""Dropout, with new random numbers at each call and replay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine import random
from minigrad.engine.apply import primitive
from minigrad.engine.arrays import asarray_like

Array = NDArray[Any]


def _dropout(x: Array, p: float = 0.5) -> tuple[Array, Array]:
    """Zero elements with probability p, and scale the others.

    The others are divided by 1 - p. The random numbers are the next draw of "dropout" at the current step and shard
    (`minigrad.engine.random`).
    """
    kept = random.next_draw("dropout").random(x.shape, np.float32) >= p
    factor = asarray_like(kept * np.asarray(0 if p == 1 else 1 / (1 - p), x.dtype), x)
    return x * factor, factor


dropout = primitive("dropout", _dropout, lambda g, factor: g * factor, residuals=("factor",))
