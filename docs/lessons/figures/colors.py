"""Colours for numbers that have a sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.plots.picture import BLUE, ORANGE, tint


def signed(values: np.ndarray, limit: float) -> Any:
    """Returns `values` (...) as RGBA (..., 4): no colour at 0, full BLUE from `limit` on, full ORANGE from `-limit`."""
    strength = np.minimum(np.abs(values) / limit, 1)
    return np.where(values[..., np.newaxis] > 0, tint(BLUE, strength), tint(ORANGE, strength))
