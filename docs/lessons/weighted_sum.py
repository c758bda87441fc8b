"""What lesson 1 computes: a weighted sum, and how it is distributed where the weights or the activations are random."""

from __future__ import annotations

from math import sqrt

import numpy as np

ACTIVATIONS = np.array([1.0, 2.0, -5.0, 3.0, 0.0])
WEIGHTS = np.array([0.1, 0.0, 0.3, -0.1, 0.9])
BIAS = 3.0
DRAWS = 10_000


def sums(fixed: np.ndarray) -> np.ndarray:
    """Returns weighted sums (DRAWS,) of the numbers `fixed` (n,) and as many that are random: normal, 0 ± 1."""
    return np.random.default_rng(0).normal(size=(DRAWS, len(fixed))) @ fixed


def expected_std(fixed: np.ndarray) -> float:
    """Returns the standard deviation of such sums in theory: variances add, each times the square of its weight."""
    return sqrt(np.square(fixed).sum())
