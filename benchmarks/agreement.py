"""Agreement of libraries: only equal computations are worth timing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

TOLERANCE = 1e-4
"""The tolerated difference of float32 from float64 after a few steps, relative to the array's root mean square."""

OUTLIERS = 0.01
"""The fraction of an array that may differ more: a ReLU with an input of almost 0 may go either way."""


def disagreement(report: Mapping[str, Any], reference: Mapping[str, Any]) -> str | None:
    """Describe how a player's first `report` differs from the reference's; None if they agree."""
    if len(report["state"]) != len(reference["state"]):
        return f"{len(report['state'])} arrays, expected {len(reference['state'])}"
    pairs = [("losses", report["losses"], reference["losses"])]
    pairs += [
        (f"numbers of array {i}", got, expected)
        for i, (got, expected) in enumerate(zip(report["state"], reference["state"], strict=True))
    ]
    for what, *values in pairs:
        got, expected = map(np.asarray, values)
        if got.shape != expected.shape:
            return f"{what} of shape {got.shape}, expected {expected.shape}"
        error = np.quantile(np.abs(got - expected), 1 - OUTLIERS) / np.sqrt(np.mean(expected * expected))
        if not error <= TOLERANCE:  # true for NaN, too
            return f"{what} off by {error:.1g} of their size"
    return None
