"""The pictures of each lesson. They need matplotlib: the extra `plots`."""

from __future__ import annotations

from collections.abc import Callable

from lessons.pictures import sunny_day, weighted_sum
from minigrad.plots import Picture

LESSONS: dict[int, tuple[Callable[[], Picture], ...]] = {
    1: weighted_sum.PICTURES,
    2: sunny_day.PICTURES,
}
"""By the number of the lesson; the picture that `name()` of lesson 1 returns is named `1_name`."""
