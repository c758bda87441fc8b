"""Recordings of computations, for replay on other arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.graph import Node, next_sequence
from minigrad.engine.observer import Module, Observer, Values
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor, write
from minigrad.nests import leaves

Array = NDArray[Any]

# A forward step is a function, the slots of its arguments, the slots of its results, and whether it may return a scalar
# in place of an array, as NumPy does. A backward step is the index of a gradient, a vjp, its `needs`, the slots of the
# saved values, and the indices of the resulting gradients.
Forward = tuple[Callable[..., Any], Sequence[int], Sequence[int], bool]
Backward = tuple[int, Callable[..., Any], Any, Sequence[int], Sequence[Any]]

# Optimizations registered by upper layers, which rewrite the steps of a recording to give the same bits in less time.
# Each takes the recorder, the forward and backward steps, and the slots of the results.
rewriters: list[Callable[..., tuple[list[Forward], list[Backward]]]] = []


class CompileError(RuntimeError):
    """A function that cannot be recorded for replay."""


class Recorder(Observer):
    """An observer that records each operation of a function.

    It records the operation's function, its arguments, and where its results go. Values are in numbered slots:
    constants are there from the start, the others are set by each run.

    Attributes:
        inputs: the tensors to call the function with.
        slots: the values that never change; None for the others.
        held: tensors from outside the function, with the arrays and nodes they had when first seen.
        forward: the forward steps.
        saved: the slots of the saved values of each node of the graph.
        began: the clock's time when the recording began.
        modules: the modules that the function calls, changes or refers to, and all below them, by id.
        written: tensors from outside that the function writes to in place, such as buffers.
    """

    def __init__(self, arrays: Sequence[Array], function: Callable[..., Any]) -> None:
        self.inputs = [Tensor(array.view()) for array in arrays]  # separate objects, even for one array passed twice
        self.slots: list[Any] = [None] * len(arrays)
        self.held: list[tuple[Tensor, Array, Node | None]] = []
        self.forward: list[Forward] = []
        self.saved: dict[Node, list[int]] = {}
        self.began = next_sequence()
        self.modules: dict[int, Module] = {}
        self.written: list[Tensor] = []
        for value in _references(function):
            if isinstance(value, Module):
                self.on_module(value)
        self._known = [x.data for x in self.inputs]  # held, so that no other array gets their ids
        self._places = {id(array): place for place, array in enumerate(self._known)}
        self._changing = self._known.copy()  # arrays that own their memory and whose values change in each run

    def on_forward(  # noqa: D102 - as in Observer, like the next four
        self, operation: Primitive, node: Node | None, arguments: Values, values: Values, results: Values
    ) -> None:
        places = [self.place(given, value) for given, value in zip(arguments, values, strict=True)]
        if operation.name == "getitem":
            self._refuse_choice(arguments[1])
        at = self._add(operation.forward, places, len(results))
        for i, made in enumerate(results):  # residuals too: rules read them
            if isinstance(made, np.ndarray) and id(made) not in self._places:
                self._places[id(made)] = at + i
                self._known.append(made)
                if made.base is None:
                    self._changing.append(made)
        if node is not None and node.saved is not None:
            names = ("out", *operation.residuals, *operation.parameters)
            of = dict(zip(names, (*range(at, at + len(results)), *places), strict=True))
            self.saved[node] = [
                # other saved values are shapes or dtypes; an input that no needed rule reads is None
                of[name] if name in of and not (value is None and name in operation.inputs) else self._constant(value)
                for name, value in zip(operation.saved, node.saved, strict=True)
            ]

    def on_backward(self, node: Node, gradients: Values) -> None:  # noqa: D102
        if not all(gradient is None or isinstance(gradient, Tensor) for gradient in gradients):
            raise CompileError(
                "gradients were computed while a function was recorded, by backward(), another compiled function, or "
                "grad() without create_graph=True; a replay would not do it"
            )

    def on_read(self, array: Array) -> None:  # noqa: D102
        raise CompileError(
            f"the numbers of a tensor of shape {array.shape} were asked for while a function was recorded: what it "
            "does may not depend on them"
        )

    def on_write(self, tensor: Tensor, index: Any, value: Any) -> None:  # noqa: D102
        if value is None or any(np.may_share_memory(tensor.data, array) for array in self._changing):
            raise CompileError(
                f"a tensor of shape {tensor.shape} was written to while a function was recorded: of what is computed "
                "make a new one, as by x = x + 1 or where(); write to a buffer by += or [...] ="
            )
        self._add(partial(write, tensor), [self.place(index, index), self.place(value, value)], 0)
        self.written.append(tensor)

    def on_draw(self, purpose: str) -> None:  # noqa: D102
        raise CompileError(f"random numbers were drawn for {purpose!r} while a function was recorded; draw inside ops")

    def on_module(self, module: Module, is_called: bool = False) -> None:  # noqa: D102
        if id(module) not in self.modules:
            self.modules.update({id(part): part for part in module.modules()})

    def arrays(self) -> dict[int, Array]:
        """Return the arrays in slots, apart from constants.

        These are the inputs, arrays from outside, and outputs of operations.
        """
        return {self._places[id(array)]: array for array in self._known}

    def place(self, given: Any, value: Any) -> int:
        """Return the slot of an operation's argument.

        Args:
            given: the argument.
            value: the same as the forward received it; a tensor is looked up by its array.
        """
        several = list(leaves(value)) if isinstance(value, (list, tuple)) else []
        if any(isinstance(part, (Tensor, np.ndarray)) for _, part in several):
            made_of = getattr(value, "_make", type(value))  # `_make` for a named tuple
            places = [self.place(*pair) for pair in zip(given, value, strict=True)]
            return self._add(lambda *parts: made_of(parts), places, 0)
        array = value.data if isinstance(value, Tensor) else value
        if isinstance(array, np.ndarray):
            if id(array) in self._places:
                return self._places[id(array)]
            if isinstance(given, Tensor):
                self.held.append((given, array, given.node))
            if not (isinstance(given, Tensor) and given.requires_grad):
                self._refuse_part(array)
            self._known.append(array)
            self._places[id(array)] = len(self.slots)
        return self._constant(array)

    def _constant(self, value: Any) -> int:
        """Add a value that never changes, and return its slot."""
        self.slots.append(value)
        return len(self.slots) - 1

    def _add(self, function: Callable[..., Any], places: Sequence[int], count: int) -> int:
        """Add a step, and return the first slot of its results."""
        at = len(self.slots)
        self.slots += [None] * (count or 1)
        self.forward.append((function, places, range(at, len(self.slots)), count > 0))
        return at

    def _refuse_choice(self, index: Any) -> None:
        """Raise CompileError for a boolean index that changes between calls.

        It would select a different number of elements.
        """
        for part in index if isinstance(index, tuple) else (index,):
            mask = part.data if isinstance(part, Tensor) else part
            if isinstance(mask, np.ndarray) and mask.dtype == bool and self.slots[self._places[id(mask)]] is None:
                raise CompileError(
                    "x[mask] has as many elements as truth values hold, which a recording cannot know: keep the shape, "
                    "as with where(mask, x, 0)"
                )

    def _refuse_part(self, array: Array) -> None:
        """Raise CompileError for a constant that shares memory with changing values."""
        for changing in self._changing:
            if np.may_share_memory(array, changing):
                raise CompileError(
                    f"an array of shape {array.shape} was taken of a tensor of shape {changing.shape} outside of "
                    "operations: use the tensor itself, instead of its .data"
                )


def _references(function: Any) -> Iterator[Any]:
    """Yield the objects that a function refers to: it is bound to them, closes over them, or names them as globals."""
    yield getattr(function, "__self__", None)
    yield from [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    if code := getattr(function, "__code__", None):
        yield from [function.__globals__.get(name) for name in code.co_names]
