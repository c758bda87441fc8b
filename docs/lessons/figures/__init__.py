"""The pictures of the lessons, which need matplotlib (the extra `plots`)."""

from __future__ import annotations

from collections.abc import Callable

from minigrad.plots import Picture  # first, because its error tells how to install matplotlib

# isort: split
from docs.lessons.figures import backpropagation, digit_network, language_model, sunny_day, transformer, weighted_sum

LESSONS: dict[int, tuple[Callable[[], Picture | backpropagation.Graph], ...]] = {
    1: weighted_sum.PICTURES,
    2: sunny_day.PICTURES,
    3: backpropagation.PICTURES,
    4: digit_network.PICTURES,
    5: transformer.PICTURES,
    6: language_model.PICTURES,
}
"""The functions by lesson; the picture of the function `name` of lesson 1 is called `1_name`."""
