"""Code of lesson 1: the distribution of weighted sums with random weights or activations."""

from __future__ import annotations

from math import sqrt

import numpy as np

ACTIVATIONS = np.array([1.0, 2.0, -5.0, 3.0, 0.0])
WEIGHTS = np.array([0.1, 0.0, 0.3, -0.1, 0.9])
BIAS = 3.0
DRAWS = 10_000


def sums(fixed: np.ndarray) -> np.ndarray:
    """Return weighted sums (DRAWS,) of the numbers `fixed` (n,) with random normal numbers, 0 ± 1."""
    return np.random.default_rng(0).normal(size=(DRAWS, len(fixed))) @ fixed


def expected_std(fixed: np.ndarray) -> float:
    """Return the theoretical standard deviation of such sums, from the sum of variances times squared weights."""
    return sqrt(np.square(fixed).sum())
