"""The shipped `configs/` and `models/`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

PACKAGE = Path(__file__).parents[1]


def shipped_folder(name: Literal["configs", "models"]) -> Path:
    """Return the folder of the shipped configs or models.

    In a clone it is next to the package.
    """
    installed = PACKAGE / "shipped" / name
    return installed if installed.is_dir() else PACKAGE.parent / name
