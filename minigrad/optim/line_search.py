"""Line search with the strong Wolfe conditions.

Nocedal & Wright, "Numerical optimization", algorithms 3.5 and 3.6, with Schmidt's safeguards, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np

from minigrad.optim.bucket import Array

SUFFICIENT = 1e-4
"""c₁: the loss must fall by at least this fraction of the decrease that its initial slope predicts."""

CURVATURE = 0.9
"""c₂: the slope must shrink to at most this fraction of the initial slope."""


def largest(x: Array) -> float:
    """Return the largest |x|; 0 for an empty array."""
    return float(np.abs(x).max()) if x.size else 0.0


class Point(NamedTuple):
    """A point on the line: distance, loss, gradient (n,), slope."""

    t: float
    loss: float
    gradient: Array
    slope: float


class Line:
    """The line of a search, counting its evaluations.

    Args:
        along: a function that returns the loss and the gradient (n,) at distance t.
        d: the direction (n,).
        loss: the loss at the start.
        gradient: the gradient (n,) at the start.
        limit: the most evaluations after the first.
    """

    def __init__(
        self, along: Callable[[float], tuple[float, Array]], d: Array, loss: float, gradient: Array, limit: int
    ) -> None:
        self.along = along
        self.d = d
        self.start = Point(0, loss, gradient, float(gradient.dot(d)))
        self.limit = limit
        self.calls = 0

    def at(self, t: float) -> Point:
        """Evaluate the loss and the gradient at a point."""
        self.calls += 1
        loss, gradient = self.along(t)
        return Point(t, loss, gradient, float(gradient.dot(self.d)))

    @property
    def is_used_up(self) -> bool:
        """Whether the evaluation limit is reached."""
        return self.calls > self.limit

    def is_too_high(self, point: Point) -> bool:
        """Whether the loss is above f(0) + c₁ t f'(0)."""
        return point.loss > self.start.loss + SUFFICIENT * point.t * self.start.slope

    def is_flat(self, point: Point) -> bool:
        """Whether |f'(t)| ≤ c₂ |f'(0)|."""
        return abs(point.slope) <= -CURVATURE * self.start.slope


def strong_wolfe(line: Line, t: float, tolerance: float) -> Point:
    """Return the best point found by the line search.

    The strong Wolfe conditions hold there, unless the evaluations run out or the bracket becomes too short.

    Args:
        line: the line to search; its slope at the start must be below 0.
        t: the first guess, above 0.
        tolerance: stop when the bracket's length times the largest element of the direction is below this.
    """
    bracket = _bracket(line, t)
    return bracket[0] if len(bracket) == 1 else _divide(line, bracket, tolerance)


def _bracket(line: Line, t: float) -> list[Point]:
    """Extrapolate until a point fits or a bracket is found.

    A bracket is a pair of points with a point between them where the conditions hold.
    """
    previous, point = line.start, line.at(t)
    while not line.is_used_up:
        if line.is_too_high(point) or (line.calls > 2 and point.loss >= previous.loss):
            return [previous, point]
        if line.is_flat(point):
            return [point]
        if point.slope >= 0:
            return [previous, point]
        least, most = point.t + 0.01 * (point.t - previous.t), point.t * 10
        previous, point = point, line.at(_cubic_minimum(previous, point, least, most))
    return [line.start, point]


def _divide(line: Line, bracket: list[Point], tolerance: float) -> Point:
    """Shrink a bracket until its lower end meets the conditions."""
    low, high = sorted(bracket, key=lambda point: point.loss)
    was_near_an_end = False
    width = largest(line.d)
    while not line.is_used_up:
        left, right = sorted((low.t, high.t))
        if (right - left) * width < tolerance:
            break
        t = _cubic_minimum(low, high, left, right)
        margin = 0.1 * (right - left)
        is_near_an_end = min(right - t, t - left) < margin
        if is_near_an_end and (was_near_an_end or not left < t < right):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            is_near_an_end = False
        was_near_an_end = is_near_an_end
        point = line.at(t)
        if line.is_too_high(point) or point.loss >= low.loss:
            high = point
            low, high = sorted((low, high), key=lambda point: point.loss)
        else:
            if line.is_flat(point):
                return point
            if point.slope * (high.t - low.t) >= 0:
                high = low
            low = point
    return low


def _cubic_minimum(a: Point, b: Point, least: float, most: float) -> float:
    """Return the minimum of the cubic through two points.

    The cubic interpolates their losses and slopes. If it has no minimum between `least` and `most`, their midpoint is
    returned.
    """
    (x1, f1, _, g1), (x2, f2, _, g2) = (a, b) if a.t <= b.t else (b, a)
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    d2 = sqrt(max(square, 0))
    if not square >= 0 or g2 - g1 + 2 * d2 == 0:
        return (least + most) / 2
    return min(max(x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2)), least), most)
