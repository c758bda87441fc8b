"""Record and replay: a computation whose steps are always the same is remembered once, and then only carried out.

An operation on small arrays costs a few microseconds to call, to remember and to walk back through, which is as much as
its numbers cost. The first call of a compiled function records which forwards ran on what, and from the graph which
rules would; later calls run just these, in the same order on the same kinds of arrays, so that every bit is the same.

What a recording cannot know is what happened outside of operations. Asking a tensor for its numbers while it is made,
writing to one and drawing random ones are errors. For the rest there is proof: calls number 2, 4, 8 and so on compute
both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.engine import random
from minigrad.engine.backward import collect, reachable
from minigrad.engine.broadcast import cast, sum_to
from minigrad.engine.dispatch import operand
from minigrad.engine.mode import Mode, Watcher, current_mode, entered, structure
from minigrad.engine.primitive import Primitive, selector
from minigrad.engine.tensor import Leaf, Node, Tensor, as_array, wrap

Array = NDArray[Any]
Slots = list[Any]
Collected = dict[Leaf, Array]


class CompileError(RuntimeError):
    """A function that cannot be replayed: what it does that its operations do not tell of."""


MOST = 64
"""Recordings that a function has at most; inputs of yet other shapes are computed without."""


def compile(function: Callable[..., Any], verify: bool = False) -> Compiled:
    """The function that computes `function(*inputs)` and its gradients in one go, from a recording.

    Calling it does what `results = function(*inputs)` and `results[0].backward()` do, with the same bits: gradients are
    added to the `.grad` of parameters and other leaves. There is a recording for each combination of shapes and
    dtypes, up to 64, and a new one when a module was changed, as by `train()`, or a parameter was given another array.

        step = minigrad.compile(lambda x, y: loss(model(x), y))
        step(x, y)
        optimizer.step()

    Args:
        function: takes arrays or tensors that need no gradients, and returns a tensor of one element, or several
            tensors of which the first is one. What it does must not depend on numbers: no `if`, `.item()` or
            `.data` of what is computed, and no random draws, as those of `Dropout`. It leaves nothing behind: no
            attribute set, no buffer written, no gradients computed; a replay would not do it. Checks of numbers that
            it makes, as a loss does of its targets, are made when it is called.
        verify: compute both ways at every call, instead of at calls number 2, 4, 8 and so on.

    The call raises: what the function does; CompileError if the function cannot be recorded, or if a replay gives other
        bits than the function itself; and as `backward`.
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
        collected: Collected = {}
        results = self.collect(inputs, None, collected)
        for leaf, gradient in collected.items():
            if leaf.grad is None:
                leaf.grad = gradient
            else:
                leaf.grad += gradient
        tensors = tuple([wrap(result, None, [0]) for result in results])
        return tensors if len(tensors) > 1 else tensors[0]

    def collect(
        self, inputs: Sequence[ArrayLike | Tensor], gradient: Array | None, collected: Collected
    ) -> Sequence[Array]:
        """As `minigrad.engine.collect` of the first result, whose gradient is `gradient`. Returns all results."""
        arrays = [x.data if isinstance(x, Tensor) else x if type(x) is np.ndarray else as_array(x) for x in inputs]
        mode = current_mode()
        if mode.watcher is not None or not mode.grad:  # who looks on is to see operations
            return self._plainly(arrays, gradient, collected)
        key = tuple([(x.shape, x.dtype) for x in arrays])
        program = self._programs.get(key)
        if program is None or not program.holds():
            if program is None and len(self._programs) >= MOST:
                return self._plainly(arrays, gradient, collected)
            return self._record(key, program, arrays, gradient, collected)
        program.calls += 1
        if self.verify or program.calls & (program.calls - 1) == 0:
            return self._both_ways(key, program, arrays, gradient, collected)
        try:
            return program.run(arrays, gradient, collected)
        except Exception:  # the function itself says better what is wrong with these inputs
            return self._both_ways(key, program, arrays, gradient, collected)

    def _plainly(self, arrays: list[Array], gradient: Array | None, collected: Collected) -> Sequence[Array]:
        results = as_tuple(self.function(*map(Tensor, arrays)))
        collect(results[0], gradient, collected)
        return [result.data for result in results]

    def _record(
        self, key: Any, last: Program | None, arrays: list[Array], gradient: Array | None, collected: Collected
    ) -> Sequence[Array]:
        """Computes plainly, and remembers how; `last` is the recording that holds no more."""
        before, draws = structure[0], random.place().draws
        recorder = Recorder(arrays)
        with entered(Mode(True, recorder)):
            results = as_tuple(self.function(*recorder.inputs))
        if random.place().draws != draws:
            raise CompileError("random numbers were drawn while a function was recorded, which a replay would repeat")
        collect(results[0], gradient, collected)
        program = Program(recorder, results, before)
        if not (program.is_settled or last is None or last.is_settled):  # the first call may have set up something
            raise CompileError(
                "an attribute of a module is set whenever the function is called, and a replay would not do it: "
                "modules are made before, and keep nothing from call to call"
            )
        self._programs[key] = program
        return [result.data for result in results]

    def _both_ways(
        self, key: Any, program: Program, arrays: list[Array], gradient: Array | None, collected: Collected
    ) -> Sequence[Array]:
        replay = {leaf: array.copy() for leaf, array in collected.items()}
        results = self._plainly(arrays, gradient, collected)
        try:
            replayed = program.run(arrays, gradient, replay)
        except Exception as error:
            self._programs.pop(key, None)
            raise CompileError(f"a replay failed, and the function itself did not: {error}") from error
        same = replay.keys() == collected.keys() and all(
            one.tobytes() == other.tobytes()
            for one, other in [
                *zip(replayed, results, strict=True),
                *((replay[leaf], collected[leaf]) for leaf in replay),
            ]
        )
        if not same:
            self._programs.pop(key, None)
            raise CompileError(
                "a replay gave other numbers than the function itself: it computes something outside of operations "
                "on tensors, as from .data, or from what changes between calls"
            )
        return results


class Recorder(Watcher):
    """Writes down each operation of a function: what it does, with what, and where its results go.

    Values stand in numbered slots: what never changes from the start, the rest anew in each run.

    Attributes:
        inputs: what the function is to be called with.
        slots: the values that never change, None for the rest.
        held: tensors from outside, with their arrays and nodes as they were found.
        forward: for each step a function, what picks its arguments out of the slots, and where its results go: the
            first slot and how many, 0 for what is put into one slot as it is.
        frames: for each node of the graph the slots of the `frame` of its operation.
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.inputs = [Tensor(array.view()) for array in arrays]  # each an array of its own, also where two are one
        self.slots: Slots = [None] * len(arrays)
        self.held: list[tuple[Tensor, Array, Node | None]] = []
        self.forward: list[tuple[Callable[..., Any], Callable[[Slots], Any], int, int]] = []
        self.frames: dict[Node, list[int]] = {}
        self._known = [x.data for x in self.inputs]  # alive, so that no other array has the id of one of them
        self._places = {id(array): place for place, array in enumerate(self._known)}
        self._changing = self._known.copy()  # what has other numbers, on memory of its own, in each run

    def made(  # noqa: D102 - Watcher says it, also of the next
        self, operation: Primitive, node: Node | None, arguments: Sequence[Any], results: tuple[Any, ...]
    ) -> None:
        values = list(arguments)
        if operation.variadic:
            inputs = values[0] = [x if isinstance(x, Tensor) else as_array(operand(x)) for x in values[0]]
            asked: list[Any] = [[getattr(x, attribute) for x in inputs] for _, attribute in operation.derived]
        else:
            arity = operation.arity
            values[:arity] = [x if x is None or isinstance(x, Tensor) else operand(x) for x in values[:arity]]
            asked = [getattr(values[i], attribute, None) for i, attribute in operation.derived]
        places = [self.place(value) for value in values]
        if operation.name == "getitem":
            self._refuse_choice(values[1])
        at = self._add(operation.forward, places, len(results))
        self._places[id(results[0])] = at  # what else a forward returns is for rules alone
        self._known.append(results[0])
        if results[0].base is None:
            self._changing.append(results[0])
        if node is not None:
            self.frames[node] = [*places, *range(at, len(self.slots) + len(asked))]
            self.slots += asked

    def differentiated(self, node: Node, gradients: Any) -> None:  # noqa: D102
        if not all(gradient is None or isinstance(gradient, Tensor) for gradient in gradients):
            raise CompileError(
                "gradients were computed while a function was recorded, by backward(), another compiled function, or "
                "grad() without create_graph=True; a replay would not do it"
            )

    def read(self, tensor: Tensor) -> None:  # noqa: D102
        raise CompileError(
            f"the numbers of a tensor of shape {tensor.shape} were asked for while a function was recorded: what it "
            "does may not depend on them"
        )

    def written(self, tensor: Tensor) -> None:  # noqa: D102
        raise CompileError(
            f"a tensor of shape {tensor.shape} was written to while a function was recorded: a function that is "
            "compiled makes new tensors, as by x = x + 1 or where(), and changes no buffers, as BatchNorm does"
        )

    def place(self, value: Any) -> int:
        """Returns the slot of a value that an operation was given."""
        if type(value) in (list, tuple) and _has_arrays(value):
            kind = type(value)
            return self._add(lambda *parts: kind(parts), [self.place(part) for part in value], 0)
        array = value.data if isinstance(value, Tensor) else value
        if isinstance(array, np.ndarray):
            if id(array) in self._places:
                return self._places[id(array)]
            if isinstance(value, Tensor):
                self.held.append((value, array, value.node))
            if not (isinstance(value, Tensor) and value.requires_grad):
                self._refuse_part(array)
            self._known.append(array)
            self._places[id(array)] = len(self.slots)
        self.slots.append(array)
        return len(self.slots) - 1

    def _add(self, function: Callable[..., Any], places: Sequence[int], count: int) -> int:
        """Adds a step, and returns the first slot of its results."""
        at = len(self.slots)
        self.forward.append((function, selector(places), at, count))
        self.slots += [None] * (count or 1)
        return at

    def _refuse_choice(self, index: Any) -> None:
        """Raises: CompileError for an index of truth values that change, which choose now more elements, now fewer."""
        for part in index if isinstance(index, tuple) else (index,):
            mask = part.data if isinstance(part, Tensor) else part
            if isinstance(mask, np.ndarray) and mask.dtype == bool and self.slots[self._places[id(mask)]] is None:
                raise CompileError(
                    "x[mask] has as many elements as truth values hold, which a recording cannot know: keep the shape, "
                    "as with where(mask, x, 0)"
                )

    def _refuse_part(self, array: Array) -> None:
        """Raises: CompileError for a constant that shows numbers which change from call to call."""
        for changing in self._changing:
            if np.may_share_memory(array, changing):
                raise CompileError(
                    f"an array of shape {array.shape} was taken of a tensor of shape {changing.shape} outside of "
                    "operations: use the tensor itself, instead of its .data"
                )


class Program:
    """The steps of one recording, to be carried out on other arrays.

    A backward step is where the gradient of a result stands, what makes of it the gradients of the inputs, and where
    each goes.

    Args:
        recorder: what was done.
        results: what the function returned.
        before: the state of all modules when it began.
    """

    def __init__(self, recorder: Recorder, results: Sequence[Tensor], before: int) -> None:
        self.calls = 1
        self.is_settled = structure[0] == before
        self._structure = before
        self._results = selector([recorder.place(result) for result in results])
        self._held = recorder.held
        self._slots = recorder.slots
        self._forward = recorder.forward
        self._gradients = _walk_back(results[0], recorder.frames)
        self._is_smooth = all(node.primitive.smooth for node in recorder.frames)
        self._one = np.ones(results[0].shape, results[0].dtype)

    def holds(self) -> bool:
        """Whether all that the recording relies on is as it was."""
        held = [tensor.data is array and tensor.node is node for tensor, array, node in self._held]
        return self._structure == structure[0] and all(held)

    def run(self, arrays: list[Array], gradient: Array | None, collected: Collected) -> Sequence[Array]:
        """Carries out all steps on `arrays`; see `Compiled.collect`."""
        slots = self._slots.copy()
        slots[: len(arrays)] = arrays
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
            self._run_back(slots, gradient, collected)
        else:
            with np.errstate(all="ignore"):
                self._run_back(slots, gradient, collected)
        return results

    def _run_back(self, slots: Slots, gradient: Array | None, collected: Collected) -> None:
        steps, leaves, count = self._gradients
        gradients: Slots = [None] * count
        gradients[0] = self._one if gradient is None else as_array(gradient, self._one.dtype)
        borrowed = {0}  # places whose gradient is, or may be, an array of somebody else
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
            if value is None:
                continue
            if leaf in collected:
                collected[leaf] += value
            else:
                collected[leaf] = value.copy() if at in borrowed else np.asarray(value)


def _walk_back(root: Tensor, frames: dict[Node, list[int]]) -> tuple[Any, Any, int]:
    """The backward steps, the leaves with the places of their gradients, and the number of places."""
    order = reachable([root.node])  # type: ignore[list-item]
    places = {node: at for at, node in enumerate(order)}
    steps = []
    for node in order:
        if isinstance(node, Leaf):
            continue
        if node not in frames:
            raise CompileError(f"{node.primitive.name} was computed before the function began, or by checkpoint()")
        targets = [(i, places[p], node.forms[i]) for i, p in enumerate(node.parents) if p is not None]
        needs = [parent is not None for parent in node.parents]
        steps.append((places[node], _rules(node.primitive, needs, frames[node]), targets))
    return steps, [(node, at) for node, at in places.items() if isinstance(node, Leaf)], len(order)


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


def _has_arrays(values: Sequence[Any]) -> bool:
    return any(
        _has_arrays(value) if type(value) in (list, tuple) else isinstance(value, (Tensor, np.ndarray))
        for value in values
    )


def as_tuple(results: Any) -> tuple[Tensor, ...]:
    """What a function returned, as several tensors. Raises: TypeError if it is anything else."""
    several = results if isinstance(results, tuple) else (results,)
    for result in several:
        if not isinstance(result, Tensor):
            raise TypeError(f"a function that is compiled returns tensors, got {type(result).__name__}")
    return several
