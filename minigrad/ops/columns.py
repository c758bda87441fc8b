"""Convolution by im2col, a few images at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.ops.windows import Lengths, counts, within

Array = NDArray[Any]
_BLOCK = 2**18
"""Elements that are worked on at a time: 1 MB of float32, half of a core's cache."""

_LONG = 128
"""From these places in a line on copying takes half of the time of adding up."""


class Geometry(NamedTuple):
    """The kernel, stride, padding and dilation of a convolution.

    Attributes:
        stride: the step of the kernel along each axis.
        padding: the implicit zeros (before, after) each axis; negative numbers crop.
        dilation: the step between the elements of the kernel.
        groups: the number of groups of channels, each convolved separately.
    """

    stride: Lengths
    padding: tuple[tuple[int, int], ...]
    dilation: Lengths
    groups: int

    def turned(self, size: Lengths, kernel: Lengths, places: Lengths) -> Geometry:
        """Return the geometry of the adjoint, with a flipped kernel.

        It moves over results, back to images of a size.
        """
        reach = [d * (k - 1) for d, k in zip(self.dilation, kernel, strict=True)]
        before = [r - first for r, (first, _) in zip(reach, self.padding, strict=True)]
        after = [length + r - n - b for length, r, n, b in zip(size, reach, places, before, strict=True)]
        return self._replace(padding=tuple(zip(before, after, strict=True)))


class Plan(NamedTuple):
    """The blocking of a convolution of images of one size.

    A kernel is applied line by line along its first axis.

    A line of the kernel, at a place in a line of the image, sees the same whichever line of the kernel it is. So the
    columns of an image hold what one line sees, and lines of zeros where the image is padded; what each line of the
    kernel sees are views of them, a product of matrices each. Columns of what the whole kernel sees would be as many
    times more as it has lines.

    Attributes:
        size: of an image, (lines, *rest).
        kernel: its size.
        places: how often it fits.
        groups: of channels.
        area: what columns hold for an element of a line of the kernel: (lines, *places of the rest).
        lines: for each line of the kernel, the lines of the columns that it sees.
        moves: for each element in a line of the kernel, the index of its columns, and of what it sees of the images.
        is_copy: whether columns are the images themselves, as for a kernel of 1×1; nothing is copied then.
        step: how many images are worked on at a time, so few that their columns and products stay in a cache.
    """

    size: Lengths
    kernel: Lengths
    places: Lengths
    groups: int
    area: Lengths
    lines: tuple[slice, ...]
    moves: tuple[tuple[Any, Any], ...]
    is_copy: bool
    step: int

    def blocks(self, n: int) -> Iterator[slice]:
        """Yield blocks of n images."""
        for start in range(0, n, self.step):
            yield slice(start, min(n, start + self.step))

    def images(self, x: Array) -> Array:
        """View x (N, C, ...) as (N, groups, C/groups, *size)."""
        return x.reshape(len(x), self.groups, x.shape[1] // self.groups, *self.size)

    def results(self, y: Array) -> Array:
        """View y (N, O, ...) as (N, groups, O/groups, places).

        A copy where y is not contiguous.
        """
        return y.reshape(len(y), self.groups, y.shape[1] // self.groups, math.prod(self.places))

    def matrices(self, weight: Array) -> Array:
        """Reshape a weight into one matrix per kernel line.

        weight (O, C/groups, ...) as (kernel[0], groups, O/groups, C/groups · kernel[1:]).
        """
        (o, c), (lines, *rest) = weight.shape[:2], self.kernel
        weight = weight.reshape(self.groups, o // self.groups, c, lines, math.prod(rest)).transpose(3, 0, 1, 2, 4)
        return weight.reshape(lines, self.groups, o // self.groups, c * math.prod(rest))

    def weight(self, matrices: Array) -> Array:
        """Invert `matrices`: (O, C/groups, *kernel)."""
        lines, groups, o, columns = matrices.shape
        rest = self.kernel[1:]
        weight = matrices.reshape(lines, groups * o, columns // math.prod(rest), math.prod(rest))
        return weight.transpose(1, 2, 0, 3).reshape(groups * o, columns // math.prod(rest), lines, *rest)

    def seen(self, x: Array) -> Iterator[tuple[slice, list[Array]]]:
        """Yield the columns of each block and kernel line.

        x is (N, C, ...); columns are valid until the next.

        That is (images, groups, C/groups · kernel[1:], places).
        """
        images = self.images(x)
        shape = (*images.shape[1:3], *self.kernel[1:], *self.area)
        rows, places = shape[1] * math.prod(self.kernel[1:]), math.prod(self.places)
        wide = None
        for block in self.blocks(len(x)):
            part = images[block]
            if self.is_copy:
                wide = part
            else:
                if wide is None or len(wide) != len(part):
                    wide = np.zeros((len(part), *shape), x.dtype, like=x)
                for place, source in self.moves:
                    wide[place] = part[source]
            columns = wide.reshape(len(part), self.groups, rows, *self.area)
            yield block, [columns[:, :, :, line].reshape(*columns.shape[:3], places) for line in self.lines]

    def scatter(self, columns: Array, x: Array) -> None:
        """Add columns to the elements they were taken from.

        Columns are (images, groups, C/groups · kernel[1:], area), x (N, C, ...).
        """
        images = self.images(x)
        wide = columns.reshape(*images.shape[:3], *self.kernel[1:], *self.area)
        for place, source in self.moves:
            images[source] += wide[place]


@lru_cache(maxsize=256)
def plan_for(
    size: Lengths, kernel: Lengths, geometry: Geometry, inside: int, outside: int, whole: bool = False
) -> Plan:
    """Return the plan for images of `size`.

    They have `inside` channels, and results have `outside`.

    An image counts as one line, with all its axes as the rest, if that is asked for, if the kernel skips lines, or if
    there would be more products to add up than columns.
    """
    stride, padding, dilation, groups = geometry
    padded = tuple(before + length + after for (before, after), length in zip(padding, size, strict=True))
    places = counts(padded, kernel, stride, dilation)
    sums = outside * (2 if places[-1] >= _LONG else 1)
    if whole or stride[0] > 1 or sums > inside * math.prod(kernel[1:]):
        size, kernel, places = (1, *size), (1, *kernel), (1, *places)
        stride, padding, dilation = (1, *stride), ((0, 0), *padding), (1, *dilation)
    area = (places[0] + dilation[0] * (kernel[0] - 1), *places[1:])
    lines = tuple(slice(start, start + places[0]) for start in range(0, dilation[0] * kernel[0], dilation[0]))
    every = slice(None)
    moves: list[tuple[Any, Any]] = []
    for offset in np.ndindex(kernel[1:]):
        shifts = [o * d - before for o, d, (before, _) in zip((0, *offset), dilation, padding, strict=True)]
        meetings = [within(*meeting) for meeting in zip(size, area, shifts, stride, strict=True)]
        stands, sees = ([meeting[i] for meeting in meetings] for i in (0, 1))
        moves.append(((every, every, every, *offset, *stands), (..., *sees)))
    is_copy = area == size and max(stride) == 1 and not any(shifts) and len(moves) == 1
    step = max(1, _BLOCK // max(1, inside * math.prod(kernel[1:]) * math.prod(area) + 2 * outside * math.prod(places)))
    return Plan(size, kernel, places, groups, area, lines, tuple(moves), is_copy, step)
