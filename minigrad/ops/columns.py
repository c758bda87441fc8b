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
"""Elements in a block of images: 1 MiB of float32, half of a core's cache."""

_LONG = 128
"""The places in a line from which on copying columns takes half as long as summing more products."""


class Geometry(NamedTuple):
    """The kernel, stride, padding and dilation of a convolution.

    Attributes:
        stride: the step of the kernel along each axis.
        padding: the zeros added (before, after) each axis; negative numbers crop.
        dilation: the step between the elements of the kernel.
        groups: the number of groups of channels, each convolved separately.
    """

    stride: Lengths
    padding: tuple[tuple[int, int], ...]
    dilation: Lengths
    groups: int

    def adjoint(self, size: Lengths, kernel: Lengths, places: Lengths) -> Geometry:
        """Return the geometry of the adjoint, with a flipped kernel.

        The adjoint convolves results (*places) back to images of `size`.
        """
        reach = [d * (k - 1) for d, k in zip(self.dilation, kernel, strict=True)]
        before = [r - first for r, (first, _) in zip(reach, self.padding, strict=True)]
        after = [length + r - n - b for length, r, n, b in zip(size, reach, places, before, strict=True)]
        return self._replace(padding=tuple(zip(before, after, strict=True)))


class Plan(NamedTuple):
    """The blocking of a convolution of images of one size.

    The kernel is applied line by line along its first axis (a line of a 2-D kernel is a row). All lines of the kernel
    read the same patches of the image, from different image lines. So the columns hold the patches of a single kernel
    line, with lines of zeros for padding; each kernel line reads a view of them, and is one matrix product. Full im2col
    would make the columns larger by the number of kernel lines.

    Attributes:
        size: the size of an image, (lines, *rest).
        kernel: the size of the kernel.
        places: the number of kernel positions along each axis.
        groups: the number of channel groups.
        area: the shape of the columns for one element of a kernel line, (lines, *places of the other axes).
        lines: for each kernel line, the lines of the columns that it reads.
        moves: for each element of a kernel line, the index of its columns and the index of the image elements it reads.
        is_copy: whether the columns are the images themselves, as for a 1×1 kernel; nothing is copied then.
        step: the number of images in a block, so that their columns and products stay in a cache.
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
        """Yield slices of n images, one per block."""
        for start in range(0, n, self.step):
            yield slice(start, min(n, start + self.step))

    def images(self, x: Array) -> Array:
        """View x (N, C, ...) as (N, groups, C/groups, *size)."""
        return x.reshape(len(x), self.groups, x.shape[1] // self.groups, *self.size)

    def results(self, y: Array) -> Array:
        """View y (N, O, ...) as (N, groups, O/groups, places).

        It is a copy if y is not contiguous.
        """
        return y.reshape(len(y), self.groups, y.shape[1] // self.groups, math.prod(self.places))

    def matrices(self, weight: Array) -> Array:
        """Reshape a weight into one matrix per kernel line.

        (O, C/groups, *kernel) becomes (kernel[0], groups, O/groups, C/groups · kernel[1:]).
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

        x is (N, C, ...). The columns of each kernel line are (images, groups, C/groups · kernel[1:], places), and valid
        until the next block.
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

    The whole image is treated as a single line if `whole` is set, if the kernel skips lines, or if summing the products
    of all kernel lines would cost more than copying full columns.

    Args:
        size: the size of an image.
        kernel: the size of the kernel.
        geometry: the stride, padding, dilation and groups.
        inside: the number of channels of an image.
        outside: the number of channels of a result.
        whole: whether to treat the image as a single line.
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
