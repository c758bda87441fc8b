"""Fusion of chains of elementwise operations in a recording.

Unfused, each operation on a large array reads its inputs from memory and writes its result there. A fused chain takes
one block of the arrays through all operations while it is in a cache, on both cores, and never writes intermediate
results to memory. Each element is computed by the same NumPy functions in the same order, so no bit changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from math import prod
from typing import Any

import numpy as np

from minigrad.cores import LARGE
from minigrad.engine.mode import no_grad, observed
from minigrad.engine.observer import Observer, Values
from minigrad.engine.primitive import Primitive
from minigrad.engine.recording import Backward, Forward, Recorder, rewriters
from minigrad.engine.tensor import Tensor, wrap
from minigrad.ops import activation, elementwise
from minigrad.ops.blocks import Chain, Link

Shape = tuple[int, ...]


def join_chains(
    recorder: Recorder, forward: list[Forward], back: list[Backward], results: set[int]
) -> tuple[list[Forward], list[Backward]]:
    """Return the steps of a recording with chains fused.

    Only operations on large arrays are fused. This is one of the engine's `rewriters`, with their arguments.
    """
    arrays = recorder.arrays()
    shapes = {place: array.shape for place, array in arrays.items()}
    others = results.union(*[places for *_, places, _ in back])
    return _join_forward(recorder, forward, others, shapes), _join_back(recorder, back, shapes)


@cache
def _elementwise() -> tuple[set[Any], dict[Any, Primitive]]:
    """Return the element-wise forwards, and their operations by rule."""
    functions = [*vars(elementwise).values(), *vars(activation).values()]
    operations = [function.primitive for function in functions if hasattr(function, "primitive")]
    return {x.forward for x in operations}, {x.fused or x.vjp: x for x in operations if x.rules}


class _Builder(Observer):
    """Builds a chain by running operations on placeholder arrays.

    Attributes:
        links: the links of the chain, as `Chain` takes them.
        values: at each index the constant, or the placeholder of a block.
    """

    def __init__(self, recorder: Recorder, shape: Shape) -> None:
        self.links: list[Link] = []
        self.values: list[Any] = []
        self._known = recorder.arrays()
        self._constants = recorder.slots
        self._shape = shape
        self._places: dict[int, int] = {}

    def place(self, value: Any) -> int:
        """Return the index of a value, adding it if it is new."""
        value = value.data if isinstance(value, Tensor) else value
        if id(value) not in self._places:
            self._places[id(value)] = len(self.values)
            self.values.append(value)
        return self._places[id(value)]

    def of_slot(self, slot: int) -> Any:
        """Return the placeholder for a slot of the recording."""
        if slot not in self._known:
            return self._constants[slot]
        return self.block(self._known[slot].dtype, self._known[slot].shape == self._shape)

    def block(self, dtype: Any, is_whole: bool = True) -> Any:
        """Return a placeholder for a block, or for a single number."""
        return np.ones(2 if is_whole else (), dtype)

    def link(self, function: Any, values: Values, result: Any) -> None:
        """Add a function, its inputs, and the placeholder of its result."""
        self.links.append(Link(function, [self.place(value) for value in values], self.place(result), result.dtype))

    def on_forward(self, operation: Primitive, node: Any, arguments: Values, values: Values, results: Values) -> None:
        self.link(operation.forward, values, results[0])

    def chain(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> Chain:
        """Return the chain from input values to output values."""
        return Chain(self._shape, self.values, self.links, [*map(self.place, inputs)], [*map(self.place, outputs)])


# Forward steps.


def _join_forward(
    recorder: Recorder, steps: list[Forward], others: set[int], shapes: dict[int, Shape]
) -> list[Forward]:
    """Return the forward steps, with each chain as one step. `others` are the slots that other steps read."""
    readers = Counter(place for _, places, *_ in steps for place in set(places))
    readers.update(others)
    joined: list[Forward] = []
    for shape, group in groupby(steps, lambda step: _shape_forward(step, shapes)):
        run = list(group)
        joined += run if shape is None or len(run) < 2 else [_forward_chain(recorder, run, shape, readers)]
    return joined


def _shape_forward(step: Forward, shapes: dict[int, Shape]) -> Shape | None:
    """Return the result shape of an element-wise step; None for other steps."""
    function, places, (at, *more), _ = step
    if more or prod(shapes.get(at, ())) < LARGE or function not in _elementwise()[0]:
        return None
    return shapes[at] if {shapes.get(place, ()) for place in places} <= {shapes[at], ()} else None


def _forward_chain(recorder: Recorder, run: list[Forward], shape: Shape, readers: Counter[int]) -> Forward:
    """Return one step in place of several, with the results that other steps read."""
    builder = _Builder(recorder, shape)
    made = [at for _, _, (at,), _ in run]
    given = list(dict.fromkeys(place for _, places, *_ in run for place in places if place not in made))
    values = {slot: builder.of_slot(slot) for slot in (*given, *made)}
    for function, places, (at,), _ in run:
        builder.link(function, [values[place] for place in places], values[at])
    inside = Counter(place for _, places, *_ in run for place in set(places))
    read = [at for at in made if readers[at] > inside[at]] or made[-1:]
    chain = builder.chain([values[slot] for slot in given], [values[slot] for slot in read])
    return chain if len(read) > 1 else lambda *inputs: chain(*inputs)[0], given, read, False


# Backward steps.


def _join_back(recorder: Recorder, steps: list[Backward], shapes: dict[int, Shape]) -> list[Backward]:
    """Return the backward steps, with each chain as one step."""
    types = {to: input_type for *_, targets in steps for _, to, input_type in targets}
    seen: Counter[int] = Counter()
    joined: list[Backward] = []
    for shape, group in groupby(steps, lambda step: _shape_back(step, shapes, types)):
        for run in [[step] for step in group] if shape is None else _runs(group, seen):
            joined += run if shape is None or len(run) < 2 else [_back_chain(recorder, run, *types[run[0][0]])]
            seen.update(to for *_, targets in run for _, to, _ in targets)
    return joined


def _shape_back(step: Backward, shapes: dict[int, Shape], types: dict[int, tuple[Shape, Any]]) -> Shape | None:
    """Return the shape of an element-wise rule's gradients; None for other rules."""
    at, rule, _, places, targets = step
    shape = types[at][0] if at in types else ()
    if prod(shape) < LARGE or any(to_shape != shape for _, _, (to_shape, _) in targets):
        return None
    fits = {shapes.get(place, ()) for place in places} <= {shape, ()}
    return shape if fits and rule in _elementwise()[1] else None


def _runs(steps: Iterator[Backward], seen: Counter[int]) -> Iterator[list[Backward]]:
    """Yield runs of consecutive steps that depend on a single gradient.

    The parts of a gradient must be summed in order, so a gradient that a run sums itself must have no earlier part.

    Args:
        steps: steps of one shape, in order.
        seen: the number of parts each gradient got from earlier steps; the caller updates it for each run.
    """
    run: list[Backward] = []
    parts: Counter[int] = Counter()
    for step in steps:
        at, *_, targets = step
        own = Counter(to for _, to, _ in targets)
        if run and not (parts[at] and not seen[at] and _in_order(parts + own, seen)):
            yield run
            run, parts = [], Counter()
        run, parts = [*run, step], parts + own
        if not _in_order(parts, seen):  # an input that occurs twice: the step stays by itself
            yield run
            run, parts = [], Counter()
    if run:
        yield run


def _in_order(parts: Counter[int], seen: Counter[int]) -> bool:
    """Whether no gradient with earlier parts gets several more here."""
    return all(count == 1 or not seen[to] for to, count in parts.items())


def _back_chain(recorder: Recorder, run: list[Backward], shape: Shape, dtype: Any) -> Backward:
    """Return one backward step in place of several, from a gradient of `dtype`.

    The rules are run on tensors to find their operations.
    """
    builder = _Builder(recorder, shape)
    given = list(dict.fromkeys(place for *_, places, _ in run for place in places))
    values = {slot: builder.of_slot(slot) for slot in given}
    dtypes = {to: dtype for *_, targets in run for _, to, (_, dtype) in targets}
    first = run[0][0]
    gradients = {first: (start := builder.block(dtype))}
    for at, rule, needs, places, targets in run:
        saved = [_as_tensor(values[place]) for place in places]
        with no_grad(), observed(builder), np.errstate(all="ignore"):
            found = _elementwise()[1][rule].vjp(_as_tensor(gradients[at]), needs, *saved)
        for i, to, _ in targets:
            value = found[i].data
            if value.dtype != dtypes[to]:
                uncast, value = value, builder.block(dtypes[to])
                builder.link(_to(dtypes[to]), [uncast], value)
            if to in gradients:
                more, value = value, builder.block(dtypes[to])
                builder.link(np.add, [gradients[to], more], value)
            gradients[to] = value
    inner = {at for at, *_ in run}
    ends = [to for to in dtypes if to not in inner]
    chain = builder.chain([start, *values.values()], [gradients[to] for to in ends])
    targets = [(i, to, (shape, dtypes[to])) for i, to in enumerate(ends)]
    return first, lambda g, needs, *saved: chain(g, *saved), None, given, targets


def _as_tensor(value: Any) -> Any:
    return wrap(value, None, [0]) if isinstance(value, np.ndarray) else value


def _to(dtype: Any) -> Any:
    return lambda x: x.astype(dtype)


rewriters.append(join_chains)
