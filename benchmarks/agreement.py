"""Whether a peer did the same arithmetic: nothing else is worth a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

TOLERANCE = 1e-4
"""What a number in float32 may differ from float64 after a few steps, as a part of the array's root mean square."""

OUTLIERS = 0.01
"""The part of an array that may differ more: a ReLU whose input is 0 to rounding falls to either side."""


def disagreement(report: Mapping[str, Any], reference: Mapping[str, Any]) -> str | None:
    """Returns in what a player's first `report` differs from the reference's, as a phrase; None if they agree."""
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
        if not error <= TOLERANCE:  # also if it is NaN
            return f"{what} off by {error:.1g} of their size"
    return None
