"""What the sizes of all layers have in common: they are integers from 1 on."""

from __future__ import annotations

import numpy as np


def require_sizes(**sizes: int) -> None:
    """Raises: TypeError, by its name, for a size that is no integer; ValueError for one below 1."""
    for name, size in sizes.items():
        if not isinstance(size, (int, np.integer)):
            raise TypeError(f"{name} must be an integer, got {size!r}")
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")
