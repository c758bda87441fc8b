"""Elementwise functions of large arrays, by blocks and on threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.cores import in_halves

Array = NDArray[Any]

BLOCK = 2**15
"""Elements in a block, so that intermediate results stay in a cache."""


CHAIN_BLOCK = 2**16
"""Elements in a block of a `Chain`, where more calls would cost more: a call takes 10 to 40 µs in float32."""


def in_blocks(function: Callable[..., Array], *arrays: Array) -> Array:
    """Return `function(*arrays)`, computed by blocks and on both cores.

    The result has the same bits.

    Args:
        function: an element-wise function.
        arrays: its arguments, of one shape.
    """
    dtype = function(*[array.reshape(-1)[:0] for array in arrays]).dtype

    def fill(*parts: Array) -> None:
        parts[-1][...] = function(*parts[:-1])

    return _fill_by_blocks(fill, arrays, dtype)


def fill_blocks(fill: Callable[..., None], *arrays: Array) -> Array:
    """Return the array that `fill(*arrays, out)` fills, by blocks.

    It has the dtype of the first array.
    """
    return _fill_by_blocks(fill, arrays, arrays[0].dtype)


def _fill_by_blocks(fill: Callable[..., None], arrays: Sequence[Array], dtype: Any) -> Array:
    out = np.empty(arrays[0].shape, dtype)
    flats = [array.reshape(-1) for array in (*arrays, out)]

    def work(start: int, stop: int) -> None:
        for at in range(start, stop, BLOCK):
            fill(*[flat[at : min(at + BLOCK, stop)] for flat in flats])

    in_halves(work, out.size, out.size)
    return out


ROWS = 2**16
"""Elements in a part of the first axis, so that parts fit a cache and calls are few."""


def by_parts(work: Callable[[slice], object], x: Array) -> None:
    """Call `work` with parts of x that fit the cache.

    The parts are slices of the first axis. The parts of a large x run on both cores.

    Args:
        work: a function of a slice, which writes its results into existing arrays.
        x: the array with the most elements per index of the first axis.
    """
    step = max(1, ROWS // max(1, x[:1].size)) if type(x) is np.ndarray else max(1, len(x))
    parts = [slice(start, start + step) for start in range(0, len(x), step)]

    def work_on(start: int, stop: int) -> None:
        for part in parts[start:stop]:
            work(part)

    in_halves(work_on, len(parts), x.size)


class Link(NamedTuple):
    """One function of a chain, with its inputs and output.

    Inputs and output are indices of values; the dtype is that of the output.
    """

    function: Callable[..., Any]
    arguments: Sequence[int]
    place: int
    dtype: Any


class Chain:
    """A chain of elementwise functions, computed by blocks.

    All arrays have one shape; blocks run on both cores. Ufuncs write their results into outputs, or into scratch
    arrays, which are reused when their values are no longer needed.

    Args:
        shape: the shape of all arrays.
        values: the constants at their indices; anything at the other indices.
        links: the functions, in order.
        inputs: the indices of the inputs.
        outputs: the indices of the outputs.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        values: Sequence[Any],
        links: Sequence[Link],
        inputs: list[int],
        outputs: list[int],
    ) -> None:
        self._shape, self._size, self._values = shape, prod(shape), list(values)
        self._inputs, self._outputs = inputs, outputs
        self._dtypes = [values[place].dtype for place in outputs]
        self._scratch_dtypes: list[Any] = []
        selectors = [_selector(link.arguments) for link in links]
        self._links = list(zip(links, selectors, self._assign_arrays(links), strict=True))

    def _assign_arrays(self, links: Sequence[Link]) -> list[int | None]:
        """Return the number of the output or scratch array of each link; None for a new array."""
        last = {place: i for i, link in enumerate(links) for place in link.arguments}
        for link in links:
            if not isinstance(link.function, np.ufunc):  # it may return its argument
                last.update(dict.fromkeys(link.arguments, len(links)))
        targets: list[int | None] = []
        used: dict[int, int] = {}
        free: list[int] = []
        for i, (function, arguments, place, dtype) in enumerate(links):
            free += [used.pop(x) for x in set(arguments) if x in used and last[x] == i]
            if not isinstance(function, np.ufunc):
                targets.append(None)
            elif place in self._outputs:
                targets.append(self._outputs.index(place))
            else:
                fitting = [j for j in free if self._scratch_dtypes[j] == dtype]
                if fitting:
                    free.remove(fitting[0])
                else:
                    fitting = [len(self._scratch_dtypes)]
                    self._scratch_dtypes.append(dtype)
                used[place] = fitting[0]
                targets.append(len(self._outputs) + fitting[0])
        return targets

    def __call__(self, *inputs: Any) -> list[Array]:
        """Return the outputs, each a new array.

        Raises:
            Exception: whatever the functions raise.
        """
        is_whole = [isinstance(x, np.ndarray) and x.shape == self._shape for x in inputs]
        flats: list[Any] = [_flat(x) if whole else x for x, whole in zip(inputs, is_whole, strict=True)]
        if any(whole and flat is None for flat, whole in zip(flats, is_whole, strict=True)):
            return self._at_once(inputs)
        outputs = [np.empty(self._shape, dtype) for dtype in self._dtypes]
        flat_outputs = [output.reshape(-1) for output in outputs]

        def work(start: int, stop: int) -> None:
            scratch = [np.empty(min(CHAIN_BLOCK, stop - start), dtype) for dtype in self._scratch_dtypes]
            for at in range(start, stop, CHAIN_BLOCK):
                end = min(at + CHAIN_BLOCK, stop)
                blocks = [x[at:end] if whole else x for x, whole in zip(flats, is_whole, strict=True)]
                self._block(blocks, [x[at:end] for x in flat_outputs], [x[: end - at] for x in scratch])

        in_halves(work, self._size, self._size)
        return outputs

    def _block(self, inputs: list[Any], outputs: list[Array], scratch: list[Array]) -> None:
        """Fill one block of the outputs."""
        values, into = self._values.copy(), [*outputs, *scratch]
        for place, value in zip(self._inputs, inputs, strict=True):
            values[place] = value
        for link, pick, target in self._links:
            if target is None:
                values[link.place] = link.function(*pick(values))
            else:
                values[link.place] = link.function(*pick(values), out=into[target])
        for output, place in zip(outputs, self._outputs, strict=True):
            if values[place] is not output:
                output[...] = values[place]

    def _at_once(self, inputs: Sequence[Any]) -> list[Array]:
        """Return the outputs for non-contiguous inputs, without blocks; they are not contiguous either."""
        values = self._values.copy()
        for place, value in zip(self._inputs, inputs, strict=True):
            values[place] = value
        for link, pick, _ in self._links:
            values[link.place] = link.function(*pick(values))
        taken = list(inputs)
        for place in self._outputs:
            output = values[place]
            taken.append(output.copy("K") if any(output is other for other in taken) else output)
        return taken[len(inputs) :]


def _selector(places: Sequence[int]) -> Callable[[list[Any]], Sequence[Any]]:
    """Return a function that returns the items at `places` as a tuple."""
    return itemgetter(*places) if len(places) > 1 else lambda values: tuple([values[place] for place in places])


def _flat(x: Array) -> Array | None:
    """Return the elements as a vector, a single one to be broadcast; None if the array is not contiguous."""
    if x.flags.c_contiguous:
        return x.reshape(-1)
    return None if any(x.strides) else np.broadcast_to(x[(0,) * x.ndim], x.size)
