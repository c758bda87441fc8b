"""What lesson 1 computes: a weighted sum, and how it is distributed where the weights or the activations are random."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

ACTIVATIONS = np.array([1.0, 2.0, -5.0, 3.0, 0.0])
WEIGHTS = np.array([0.1, 0.0, 0.3, -0.1, 0.9])
BIAS = 3.0
DRAWS = 10_000


class Moments(NamedTuple):
    """Where a distribution has its middle, and how wide it is."""

    mean: float
    std: float


def sums(fixed: np.ndarray) -> np.ndarray:
    """Returns weighted sums (DRAWS,) of the numbers `fixed` (n,) and as many that are random: normal, 0 ± 1."""
    return np.random.default_rng(0).normal(size=(DRAWS, len(fixed))) @ fixed


def theory(fixed: np.ndarray, mean: float = 0.0, std: float = 1.0) -> Moments:
    """Returns what theory says of such sums, where each random number has this mean and standard deviation.

    An expectation is linear: E[Σ wᵢaᵢ] = Σ wᵢ E[aᵢ]. Variances of independent numbers add: Var[Σ wᵢaᵢ] = Σ wᵢ² Var[aᵢ].
    """
    return Moments(float(mean * fixed.sum()), std * sqrt((fixed**2).sum()))
