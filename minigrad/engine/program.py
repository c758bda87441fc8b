"""Record and replay: a computation whose steps are always the same is remembered once, and then only carried out.

An operation on small arrays costs a few microseconds to call, to remember and to walk back through, which is as much as
its numbers cost. The first call of a compiled function records which forwards ran on what, and from the graph which
rules would; later calls run just these, in the same order on the same kinds of arrays, so that every bit is the same.

What a recording cannot know is what happened outside of operations. Asking a tensor for its numbers while it is made,
and drawing random ones, are errors. For the rest there is proof: calls number 2, 4, 8 and so on compute both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.engine import random
from minigrad.engine.backward import collect, leads_to, reachable
from minigrad.engine.broadcast import cast, sum_to
from minigrad.engine.dispatch import operand
from minigrad.engine.mode import Mode, Watcher, current_mode, entered, structure
from minigrad.engine.primitive import Primitive, selector
from minigrad.engine.tensor import Leaf, Node, Tensor, as_array, wrap

Array = NDArray[Any]
Slots = list[Any]


class CompileError(RuntimeError):
    """A function that cannot be replayed: what it does that its operations do not tell of."""


def compile(function: Callable[..., Any], verify: bool = False) -> Compiled:
    """The function that computes `function(*inputs)` and its gradients in one go, from a recording.

    Calling it does what `results = function(*inputs)` and `results[0].backward()` do, with the same bits: gradients are
    added to the `.grad` of parameters and other leaves. There is a recording for each combination of shapes and
    dtypes, and a new one when a module was changed, as by `train()`, or a parameter was given another array.

        step = minigrad.compile(lambda x, y: loss(model(x), y))
        step(x, y)
        optimizer.step()

    Args:
        function: takes arrays or tensors that need no gradients, and returns a tensor of one element, or several
            tensors of which the first is one. What it does must not depend on numbers: no `if`, `.item()` or
            `.data` of what is computed, and no random draws, as those of `Dropout`.
        verify: compute both ways at every call, instead of at calls number 2, 4, 8 and so on.

    The call raises: CompileError if the function reads numbers or draws random ones while it is recorded, or if a
        replay gives other bits than the function itself; and as `backward`.
    """
    return Compiled(function, verify)


class Compiled:
    """A function and the programs that were recorded of it; see `compile`."""

    def __init__(self, function: Callable[..., Any], verify: bool = False) -> None:
        self.function = function
        self.verify = verify
        self._programs: dict[Any, Program] = {}

    def __call__(self, *inputs: ArrayLike | Tensor) -> Any:
        """Returns what the function returns, without history, and adds the gradients to the leaves."""
        collected: dict[Leaf, Array] = {}
        results = self.collect(inputs, None, collected)
        for leaf, gradient in collected.items():
            if leaf.grad is None:
                leaf.grad = gradient
            else:
                leaf.grad += gradient
        tensors = tuple([wrap(result, None, [0]) for result in results])
        return tensors if len(tensors) > 1 else tensors[0]

    def collect(
        self, inputs: Sequence[ArrayLike | Tensor], gradient: Array | None, collected: dict[Leaf, Array]
    ) -> Sequence[Array]:
        """As `minigrad.engine.collect` of the first result, whose gradient is `gradient`. Returns all results."""
        arrays = [x.data if isinstance(x, Tensor) else x if type(x) is np.ndarray else as_array(x) for x in inputs]
        mode = current_mode()
        if mode.watcher is not None or not mode.grad:  # who looks on is to see operations
            return self._plainly(arrays, gradient, collected)
        key = tuple([(x.shape, x.dtype) for x in arrays])
        program = self._programs.get(key)
        if program is None or not program.holds():
            results = self._plainly(arrays, gradient, collected)
            self._programs[key] = Program(self.function, arrays)
            return results
        program.calls += 1
        if self.verify or program.calls & (program.calls - 1) == 0:
            return self._both_ways(program, arrays, gradient, collected)
        return program.run(arrays, gradient, collected)

    def _plainly(self, arrays: list[Array], gradient: Array | None, collected: dict[Leaf, Array]) -> Sequence[Array]:
        results = as_tuple(self.function(*map(Tensor, arrays)))
        collect(results[0], gradient, collected)
        return [result.data for result in results]

    def _both_ways(
        self, program: Program, arrays: list[Array], gradient: Array | None, collected: dict[Leaf, Array]
    ) -> Sequence[Array]:
        before = {leaf: array.copy() for leaf, array in collected.items()}
        replayed = program.run(arrays, gradient, before)
        results = self._plainly(arrays, gradient, collected)
        program.structure = structure[0]  # the forward of a module may have set its attributes
        same = before.keys() == collected.keys() and all(
            one.tobytes() == other.tobytes()
            for one, other in [
                *zip(replayed, results, strict=True),
                *((before[leaf], collected[leaf]) for leaf in before),
            ]
        )
        if not same:
            raise CompileError(
                "a replay gave other numbers than the function itself: it computes something outside of operations "
                "on tensors that need gradients, as from .data, from integers, or from what changes between calls"
            )
        return results


class _Recorder(Watcher):
    """Writes down each operation with what it was given and what it gave."""

    def __init__(self) -> None:
        self.steps: list[tuple[Node, Sequence[Any], tuple[Any, ...]]] = []

    def made(self, node: Node, arguments: Sequence[Any], results: tuple[Any, ...]) -> None:
        self.steps.append((node, arguments, results))

    def read(self, tensor: Tensor) -> None:
        raise CompileError(
            f"the numbers of a tensor of shape {tensor.shape} were asked for while a function was recorded: what it "
            "does may not depend on them"
        )


class Program:
    """The steps of one recording. Values stand in numbered slots: what never changes from the start, the rest each run.

    A forward step is a function, what picks its arguments out of the slots, and where its results go. A backward step
    is where the gradient of a result stands, what makes of it the gradients of the inputs, and where each goes.
    """

    def __init__(self, function: Callable[..., Any], arrays: list[Array]) -> None:
        self.calls = 1
        self.structure = structure[0]
        self._arrays = arrays
        self._slots: Slots = list(arrays)
        self._places = {id(array): place for place, array in enumerate(arrays)}
        self._views: list[tuple[int, int, tuple[int, ...]]] = []  # slots that show an input in another shape
        self._held: list[tuple[Tensor, Array, Node | None]] = []  # tensors from outside, as they were found
        self._forward: list[tuple[Callable[..., Any], Callable[[Slots], Any], int, int]] = []
        inputs = [Tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
        recorder = _Recorder()
        draws = random.place().draws
        with entered(Mode(True, recorder)):
            results = as_tuple(function(*inputs))
        if random.place().draws != draws:
            raise CompileError("random numbers were drawn while a function was recorded, which a replay would repeat")
        frames = {node: self._step(node.primitive, given, made) for node, given, made in recorder.steps}
        self._results = selector([self._place(result) for result in results])
        self._gradients = self._walk_back(results[0], {x.node for x in inputs}, frames)
        self._is_smooth = all(node.primitive.smooth for node in frames)
        for place in (*range(len(arrays)), *(at for at, _, _ in self._views)):
            self._slots[place] = None
        del self._arrays, self._places  # the batch of the recording may go

    def holds(self) -> bool:
        """Whether all that the recording relies on is as it was."""
        held = [tensor.data is array and tensor.node is node for tensor, array, node in self._held]
        return self.structure == structure[0] and all(held)

    def run(self, arrays: list[Array], gradient: Array | None, collected: dict[Leaf, Array]) -> Sequence[Array]:
        """Carries out all steps on `arrays`; see `Compiled.collect`."""
        slots = self._slots.copy()
        slots[: len(arrays)] = arrays
        for at, source, shape in self._views:
            slots[at] = slots[source].reshape(shape)
        for forward, pick, at, count in self._forward:
            made = forward(*pick(slots))
            if count == 1:
                slots[at] = made if type(made) is np.ndarray else np.asarray(made)
            elif count:
                slots[at : at + count] = np.asarray(made[0]), *made[1:]
            else:
                slots[at] = made
        results: Sequence[Array] = self._results(slots)
        if self._is_smooth:
            self._run_back(slots, results[0], gradient, collected)
        else:
            with np.errstate(all="ignore"):
                self._run_back(slots, results[0], gradient, collected)
        return results

    def _run_back(self, slots: Slots, root: Array, gradient: Array | None, collected: dict[Leaf, Array]) -> None:
        steps, leaves, count = self._gradients
        gradients: Slots = [None] * count
        gradients[0] = as_array(1.0 if gradient is None else gradient, root.dtype)
        borrowed = set()  # places whose gradient is, or may be, an array of somebody else
        for at, rules, targets in steps:
            g = gradients[at]
            if g is None:
                continue
            values = rules(g, slots)
            for i, to, (shape, dtype) in targets:
                value = values[i]
                if value is None:
                    continue
                if value.shape != shape:
                    value = sum_to(value, shape)
                if value.dtype is not dtype:
                    value = cast(value, dtype)
                if gradients[to] is None:
                    gradients[to] = value
                    if value is g or value.base is not None:
                        borrowed.add(to)
                else:
                    gradients[to] = gradients[to] + value
                    borrowed.discard(to)
            gradients[at] = None
        for leaf, at in leaves:
            value = gradients[at]
            if leaf in collected:
                collected[leaf] += value
            elif value is not None:
                collected[leaf] = value.copy() if at in borrowed else np.asarray(value)

    def _place(self, value: Any) -> int:
        """The slot of a value that an operation was given."""
        array = value.data if isinstance(value, Tensor) else value
        if isinstance(array, np.ndarray):
            if id(array) in self._places:
                return self._places[id(array)]
            self._places[id(array)] = len(self._slots)
            for source, given in enumerate(self._arrays):
                if np.may_share_memory(array, given):
                    if array.size != given.size or not (array.flags.c_contiguous and given.flags.c_contiguous):
                        raise CompileError(
                            f"a part of shape {array.shape} was taken of an input of shape {given.shape} outside of "
                            "operations on tensors that need gradients: pass it as an input of its own"
                        )
                    self._views.append((len(self._slots), source, array.shape))
                    break
            else:
                if isinstance(value, Tensor):
                    self._held.append((value, array, value.node))
        self._slots.append(array)
        return len(self._slots) - 1

    def _step(self, operation: Primitive, arguments: Sequence[Any], results: tuple[Any, ...]) -> list[int]:
        """Adds the forward of an operation, and returns the slots of its `frame`."""
        values = list(arguments)
        if operation.variadic:
            inputs = values[0] = [x if isinstance(x, Tensor) else as_array(operand(x)) for x in values[0]]
            asked: list[Any] = [[getattr(x, attribute) for x in inputs] for _, attribute in operation.derived]
            places = [self._gathered(inputs), *map(self._place, values[1:])]
        else:
            arity = operation.arity
            values[:arity] = [x if x is None or isinstance(x, Tensor) else operand(x) for x in values[:arity]]
            asked = [getattr(values[i], attribute, None) for i, attribute in operation.derived]
            places = [self._place(value) for value in values]
        at = len(self._slots)
        self._slots += [None] * len(results)
        self._places |= {id(array): at + i for i, array in enumerate(results)}
        self._forward.append((operation.forward, selector(places), at, len(results)))
        self._slots += asked
        return [*places, *range(at, len(self._slots))]

    def _gathered(self, values: Sequence[Any]) -> int:
        """The slot of a list of values, which a step of its own puts there."""
        pick = selector([self._place(value) for value in values])
        self._slots.append(None)
        self._forward.append((lambda *items: list(items), pick, len(self._slots) - 1, 0))
        return len(self._slots) - 1

    def _walk_back(self, root: Tensor, inputs: set[Node | None], frames: dict[Node, list[int]]) -> tuple[Any, Any, int]:
        """The backward steps, the leaves with the places of their gradients, and the number of places."""
        order = reachable([root.node])  # type: ignore[list-item]
        leaves = [node for node in order if isinstance(node, Leaf) and node not in inputs]
        useful = leads_to(leaves, order)
        nodes = [node for node in order if node in useful]
        places = {node: at for at, node in enumerate(nodes)}
        steps = []
        for node in nodes:
            if isinstance(node, Leaf):
                continue
            if node not in frames:
                raise CompileError(f"{node.primitive.name} was computed before the function began, or by checkpoint()")
            needs = [parent in useful for parent in node.parents]
            targets = [
                (i, places[parent], node.forms[i])
                for i, parent in enumerate(node.parents)
                if parent is not None and needs[i]
            ]
            steps.append((places[node], _rules(node.primitive, needs, frames[node]), targets))
        return steps, [(leaf, places[leaf]) for leaf in leaves], len(nodes)


def _rules(operation: Primitive, needs: list[bool], frame: list[int]) -> Callable[[Any, Slots], Sequence[Any]]:
    """The function from the gradient of a result, and the slots, to the gradients of the inputs."""
    picks = [selector([frame[operation.frame.index(name)] for name in names]) for names in operation.names]
    if (fast := operation.fast) is not None:
        return lambda g, slots: fast(g, needs, *picks[-1](slots))
    rules: Any = operation.rules
    if operation.variadic:
        return lambda g, slots: rules[0](g, *picks[0](slots))
    if len(rules) == 1:
        return lambda g, slots: (rules[0](g, *picks[0](slots)),)
    needed = list(zip(rules, picks, needs, strict=False))
    return lambda g, slots: [rule(g, *pick(slots)) if need else None for rule, pick, need in needed]


def as_tuple(results: Any) -> tuple[Tensor, ...]:
    """What a function returned, as several tensors. Raises: TypeError if it is anything else."""
    several = results if isinstance(results, tuple) else (results,)
    for result in several:
        if not isinstance(result, Tensor):
            raise TypeError(f"a function that is compiled returns tensors, got {type(result).__name__}")
    return several
