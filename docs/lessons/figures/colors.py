"""Colors of signed numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.plots.picture import BLUE, ORANGE, tint


def signed(values: np.ndarray, limit: float) -> Any:
    """Return `values` (...) as RGBA (..., 4): transparent at 0, BLUE from `limit` up, ORANGE from `-limit` down."""
    strength = np.minimum(np.abs(values) / limit, 1)
    return np.where(values[..., np.newaxis] > 0, tint(BLUE, strength), tint(ORANGE, strength))
