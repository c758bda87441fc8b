"""Convolution as a product of matrices: the columns of what a kernel sees of images, a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.ops.windows import Lengths, counts, within

Array = NDArray[Any]
Pairs = tuple[tuple[Any, Any], ...]
_BLOCK = 3 * 2**18  # elements that are worked on at a time: 3 MB of float32


class Geometry(NamedTuple):
    """How a kernel moves.

    Attributes:
        stride: the step of the kernel along each axis.
        padding: the zeros that are thought (before, after) each axis; below zero after it, so much is left out.
        dilation: the step between the elements of the kernel.
        groups: in so many parts the channels are divided, each of which sees only its own.
    """

    stride: Lengths
    padding: tuple[tuple[int, int], ...]
    dilation: Lengths
    groups: int


class Plan(NamedTuple):
    """How images of one size are convolved: by lines, of which an image has as many as its first axis is long.

    A line of the kernel, at a place in a line of the image, sees the same whichever line of the kernel it is. So the
    columns hold what one line sees; their products with all lines of the kernel come from one product of matrices, and
    are added up, those of each line moved to the height where they belong. Columns of what the whole kernel sees would
    be as many times more as it has lines.

    Attributes:
        size: of an image, (lines, *rest).
        kernel: its size.
        places: how often it fits.
        groups: of channels.
        step: how many images are worked on at a time, so few that their columns and products stay in a cache.
        moves: for each element in a line of the kernel, the index of its columns, and of what it sees of the images.
        heights: for each line of the kernel, the index of its products, and of the results that they are parts of.
    """

    size: Lengths
    kernel: Lengths
    places: Lengths
    groups: int
    step: int
    moves: Pairs
    heights: Pairs

    @property
    def area(self) -> Lengths:
        """What columns and products hold for an image: its lines, and the places in a line."""
        return (self.size[0], *self.places[1:])

    def batches(self, n: int) -> Iterator[slice]:
        """Yields stretches of n images."""
        for start in range(0, n, self.step):
            yield slice(start, min(n, start + self.step))

    def images(self, x: Array) -> Array:
        """x (N, C, ...) as (groups, C/groups, N, *size), a view."""
        return self._by_channel(x, self.size)

    def results(self, y: Array) -> Array:
        """y (N, O, ...) as (groups, O/groups, N, *places), a view where y is in order."""
        return self._by_channel(y, self.places)

    def matrices(self, weight: Array) -> Array:
        """weight (O, C/groups, ...) as (groups, kernel[0] · O/groups, C/groups · kernel[1:])."""
        (o, c), (lines, *rest) = weight.shape[:2], self.kernel
        weight = weight.reshape(self.groups, o // self.groups, c, lines, math.prod(rest)).transpose(0, 3, 1, 2, 4)
        return weight.reshape(self.groups, lines * o // self.groups, -1)

    def columns(self, x: Array) -> Iterator[Array]:
        """Yields for each batch of x (N, C, ...) what a line of the kernel sees, valid until the next.

        That is (groups, C/groups · kernel[1:], images · area).
        """
        images = self.images(x)
        return self._spread(images, (*images.shape[:2], *self.kernel[1:]), self.moves)

    def products(self, y: Array) -> Iterator[Array]:
        """Yields for each batch of y (N, O, ...) the products that each number is a sum of, valid until the next.

        That is (groups, kernel[0] · O/groups, images · area).
        """
        results = self.results(y)
        return self._spread(results, (self.groups, self.kernel[0], results.shape[1]), self.heights)

    def _by_channel(self, x: Array, size: Lengths) -> Array:
        x = x.reshape(len(x), self.groups, x.shape[1] // self.groups, *size)
        return x.transpose(1, 2, 0, *range(3, x.ndim))

    def _spread(self, narrow: Array, rows: Lengths, pairs: Pairs) -> Iterator[Array]:
        """Copies each batch to the places that the pairs tell; elsewhere are zeros."""
        wide = np.empty((*rows, 0, *self.area), narrow.dtype)
        for batch in self.batches(narrow.shape[2]):
            part = narrow[:, :, batch]
            if wide.shape[len(rows)] != part.shape[2]:
                wide = np.zeros((*rows, part.shape[2], *self.area), narrow.dtype)
            for place, source in pairs:
                wide[place] = part[source]
            yield wide.reshape(self.groups, math.prod(rows) // self.groups, -1)


def collect(wide: Array, narrow: Array, pairs: Pairs, start: Array | int = 0) -> None:
    """Writes into `narrow` the sum of `start` and of what the pairs of a plan, moves or heights, tell of `wide`.

    `wide` may be overwritten: it lies in a cache, and in order.
    """
    (source, _), *others = pairs
    total = wide[source]
    if total.shape == narrow.shape:
        for source, place in others:
            total[place] += wide[source]
        np.add(total, start, out=narrow)
    else:
        narrow[...] = start
        for source, place in pairs:
            narrow[place] += wide[source]


@lru_cache(maxsize=256)
def plan_for(size: Lengths, kernel: Lengths, geometry: Geometry, inside: int, outside: int) -> Plan:
    """How to convolve images of `size` that have `inside` channels and results of `outside`.

    An image counts as one line, with all its axes as the rest, if there would be more products than columns, if the
    kernel skips lines, or if it stands on less than two thirds of them.
    """
    stride, padding, dilation, groups = geometry
    padded = tuple(before + length + after for (before, after), length in zip(padding, size, strict=True))
    places = counts(padded, kernel, stride, dilation)
    if outside > inside * math.prod(kernel[1:]) or stride[0] > 1 or 2 * size[0] > 3 * places[0]:
        size, kernel, places = (1, *size), (1, *kernel), (1, *places)
        stride, padding, dilation = (1, *stride), ((0, 0), *padding), (1, *dilation)

    def meet(axis: int, offset: int) -> tuple[slice, slice]:
        """The places where an element of the kernel is on the axis, and what it sees there."""
        return within(size[axis], places[axis], offset * dilation[axis] - padding[axis][0], stride[axis])

    every = slice(None)
    heights: list[tuple[Any, Any]] = []
    for line in range(kernel[0]):
        place, seen = meet(0, line)
        heights.append(((every, line, every, every, seen), (every, every, every, place)))
    moves: list[tuple[Any, Any]] = []
    for offset in np.ndindex(kernel[1:]):
        meetings = [meet(axis, o) for axis, o in enumerate(offset, 1)]
        stands, sees = ([meeting[i] for meeting in meetings] for i in (0, 1))
        moves.append(((every, every, *offset, every, every, *stands), (..., *sees)))
    for pairs, narrow in ((moves, size), (heights, places)):
        # `collect` gains from a first pair that tells of all there is.
        array = np.broadcast_to(0, (1, 1, 1, *narrow))
        pairs.sort(key=lambda pair: array[pair[1]].size, reverse=True)
    rows = inside * math.prod(kernel[1:]) + outside * kernel[0]
    step = max(1, _BLOCK // max(1, rows * size[0] * math.prod(places[1:])))
    return Plan(size, kernel, places, groups, step, tuple(moves), tuple(heights))
