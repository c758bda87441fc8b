"""Compilation: record a computation once, then replay it.

To call an operation, record its node and walk back through it takes a few microseconds, which for small arrays is as
much as the arithmetic. The first call of a compiled function records which forwards ran on which arrays, and, from the
graph, which rules the backward pass calls. Later calls run exactly these, in the same order on the same kinds of
arrays, so every bit is the same.

A recording does not know what happened outside of operations. Reading a tensor's values during recording, and drawing
random numbers outside of operations, are errors; writes into buffers are recorded. The rest is verified: calls 2, 4, 8
and so on compute both ways and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.devices import device_of, foreign
from minigrad.engine import random
from minigrad.engine.arrays import as_array
from minigrad.engine.backward import Gradients, accumulated, collect
from minigrad.engine.mode import current_mode, observed
from minigrad.engine.recording import CompileError, Recorder
from minigrad.engine.replay import Program
from minigrad.engine.tensor import Tensor, wrap

Array = NDArray[Any]

MOST = 64
"""The most recordings of a function; inputs of further shapes are computed without one."""


def compile(function: Callable[..., Any], verify: bool = False) -> Compiled:
    """Compile a function together with its gradients, by recording it.

    Calling the result does what `results = function(*inputs)` and `results[0].backward()` do, with the same bits:
    gradients are added to the `.grad` of parameters and other leaves.

    There is one recording per combination of shapes and dtypes, up to 64. It is recorded anew when a module in use
    changes, as by `train()`, or when a parameter is given another array.

        step = minigrad.compile(lambda x, y: loss(model(x), y))
        step(x, y)
        optimizer.step()

    Args:
        function: takes arrays or tensors that need no gradients, and returns a one-element tensor, or several tensors
            of which the first has one element. Its control flow must not depend on computed values: no `if` on them, no
            `.item()`, no `.data`. It must draw random numbers through operations, as `Dropout` does; each replay draws
            its own. It may write buffers in place, as `BatchNorm` does, but must have no other side effects (setting
            attributes, computing gradients), as a replay would not repeat them. Its checks of values, such as a loss's
            check of its targets, run whenever the function itself is called.
        verify: compute both ways at every call, instead of at calls 2, 4, 8 and so on.

    Calling the result raises whatever the function raises, the errors of `backward`, and CompileError if the function
    cannot be recorded or if a replay gives different bits than the function itself.
    """
    return Compiled(function, verify)


class Compiled:
    """A function and the programs recorded of it; see `compile`."""

    def __init__(self, function: Callable[..., Any], verify: bool = False) -> None:
        self.function = function
        self.verify = verify
        self._programs: dict[Any, Program] = {}

    def __call__(self, *inputs: ArrayLike | Tensor) -> Any:
        """Return the function's results, without history, and accumulate gradients in the leaves."""
        collected: Gradients = {}
        results = self.collect(inputs, None, collected)
        for leaf, gradient in collected.items():
            leaf.grad = accumulated(leaf.grad, gradient)
        tensors = tuple([wrap(result, None, [0]) for result in results])
        return tensors if len(tensors) > 1 else tensors[0]

    def collect(
        self, inputs: Sequence[ArrayLike | Tensor], gradient: Array | None, collected: Gradients
    ) -> Sequence[Array]:
        """Return all results, and collect the gradients of the first.

        As `minigrad.engine.collect`, from the first result.

        Args:
            inputs: the function's inputs.
            gradient: the gradient at the first result; None means 1.
            collected: the dict of gradients by leaf, which is added to.
        """
        arrays = [x if type(x) is np.ndarray else x.data if isinstance(x, Tensor) else as_array(x) for x in inputs]
        mode = current_mode()
        if foreign and (elsewhere := {device_of(x) for x in arrays} - {"cpu"}):
            raise CompileError(f"recordings are of arrays on the CPU, and inputs lie on {', '.join(elsewhere)}")
        if mode.observer is not None or not mode.grad:  # an observer must see the operations
            return self._compute(arrays, gradient, collected)
        key = tuple([(x.shape, x.dtype) for x in arrays])
        program = self._programs.get(key)
        if program is None or not program.holds():
            if program is None and len(self._programs) >= MOST:
                return self._compute(arrays, gradient, collected)
            return self._record(key, program, arrays, gradient, collected)
        program.calls += 1
        if self.verify or program.calls & (program.calls - 1) == 0:
            return self._both_ways(key, program, arrays, gradient, collected)
        try:
            return program.run(arrays, gradient, collected)
        except Exception:  # the function itself has a better message for these inputs
            return self._both_ways(key, program, arrays, gradient, collected)

    def _compute(self, arrays: list[Array], gradient: Array | None, collected: Gradients) -> Sequence[Array]:
        results = as_tuple(self.function(*map(Tensor, arrays)))
        collect(results[0], gradient, collected)
        return [result.data for result in results]

    def _record(
        self, key: Any, last: Program | None, arrays: list[Array], gradient: Array | None, collected: Gradients
    ) -> Sequence[Array]:
        """Compute without a replay, and record it; `last` is the recording that no longer holds, if any."""
        recorder = Recorder(arrays, self.function)
        with observed(recorder):
            results = as_tuple(self.function(*recorder.inputs))
        collect(results[0], gradient, collected)
        program = Program(recorder, results)
        if not (program.is_settled() or last is None or last.is_settled()):  # the first call may have set it up
            raise CompileError(
                "an attribute of a module is set whenever the function is called, and a replay would not do it: "
                "modules are made before, and keep nothing from call to call"
            )
        self._programs[key] = program
        return [result.data for result in results]

    def _both_ways(
        self, key: Any, program: Program, arrays: list[Array], gradient: Array | None, collected: Gradients
    ) -> Sequence[Array]:
        replay, place = {leaf: array.copy() for leaf, array in collected.items()}, random.place()
        before = [tensor.data.copy() for tensor in program.written]
        results = self._compute(arrays, gradient, collected)
        after = [tensor.data.copy() for tensor in program.written]
        _restore(program.written, before)
        try:
            with place:
                replayed = program.run(arrays, gradient, replay)
        except Exception as error:
            self._programs.pop(key, None)
            raise CompileError(f"a replay failed, and the function itself did not: {error}") from error
        pairs = [*zip(replayed, results, strict=True), *((replay[leaf], collected[leaf]) for leaf in replay)]
        pairs += zip([tensor.data.copy() for tensor in program.written], after, strict=True)
        _restore(program.written, after)
        if replay.keys() != collected.keys() or any(one.tobytes() != other.tobytes() for one, other in pairs):
            self._programs.pop(key, None)
            raise CompileError(
                "a replay gave other numbers than the function itself: it computes something outside of operations "
                "on tensors, as from .data, or from what changes between calls"
            )
        return results


def _restore(tensors: Sequence[Tensor], arrays: Sequence[Array]) -> None:
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.data[...] = array


def as_tuple(results: Any) -> tuple[Tensor, ...]:
    """Return a function's results as a tuple of tensors.

    Raises:
        TypeError: if they are anything else.
    """
    several = results if isinstance(results, tuple) else (results,)
    for result in several:
        if not isinstance(result, Tensor):
            raise TypeError(f"a function that is compiled returns tensors, got {type(result).__name__}")
    return several
