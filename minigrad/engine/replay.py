"""Replays of recordings as generated Python functions.

The slots of the recording are the function's variables.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.arrays import as_array
from minigrad.engine.backward import Gradients, accumulated
from minigrad.engine.broadcast import cast, sum_to
from minigrad.engine.graph import Leaf, Node, reachable
from minigrad.engine.recording import Backward, CompileError, Recorder, rewriters
from minigrad.engine.tensor import Tensor

Array = NDArray[Any]


class Program:
    """A recording that can be replayed on other arrays.

    Attributes:
        calls: the number of calls, the recorded one included.
        written: the tensors that the recording writes to.
        run: the function `run(arrays, gradient, collected)` that replays the recording, as `Compiled.collect`.

    Args:
        recorder: the recorder of the computation.
        results: the tensors that the function returned.
    """

    def __init__(self, recorder: Recorder, results: Sequence[Tensor]) -> None:
        self.calls = 1
        self._began = recorder.began
        self._modules = list(recorder.modules.values())
        self._held = recorder.held
        self.written = list(dict.fromkeys(recorder.written))
        self.run = _replay(recorder, results)

    def holds(self) -> bool:
        """Whether everything the recording depends on is unchanged."""
        moved = [tensor for tensor, array, node in self._held if tensor._data is not array or tensor.node is not node]
        return not moved and self.is_settled()

    def is_settled(self) -> bool:
        """Whether no module in use changed since the recording began."""
        return max([module.changed_at for module in self._modules], default=0) <= self._began


def _replay(recorder: Recorder, results: Sequence[Tensor]) -> Callable[[list[Array], Any, Gradients], Sequence[Array]]:
    """Return the function that replays a recording.

    Each value is freed after the last step that reads it, so a replay needs no more memory than a walk through the
    graph. Compared with a loop over the steps, the generated function has 40 % less overhead on small steps.
    """
    returned = [recorder.place(result, result.data) for result in results]
    nodes = reachable([results[0].node])  # type: ignore[list-item]
    forward, back = recorder.forward, _walk_back(nodes, recorder)
    for rewrite in rewriters:
        forward, back = rewrite(recorder, forward, back, set(returned))
    functions = (as_array, accumulated, cast, sum_to, np.asarray, np.errstate, np.ndarray)
    scope: dict[str, Any] = {function.__name__: function for function in functions}
    scope |= {"one": np.ones(results[0].shape, results[0].dtype)}
    scope |= {f"v{at}": value for at, value in enumerate(recorder.slots)}
    variables = set(range(len(recorder.inputs)))  # the other slots are constants
    lines = [f"[{_slot_names(sorted(variables))}] = arrays"]
    for i, (function, places, made, may_be_number) in enumerate(forward):
        scope[f"f{i}"] = function
        variables.update(made)
        lines.append(f"{_slot_names(made) if len(made) > 1 else f'v{made[0]}'} = f{i}({_slot_names(places)})")
        if may_be_number:
            lines.append(f"if type(v{made[0]}) is not ndarray: v{made[0]} = asarray(v{made[0]})")
    lines.append("g0, own0 = one if gradient is None else as_array(gradient, one.dtype), False")
    leaves = {at: node for at, node in enumerate(nodes) if isinstance(node, Leaf)}
    lines += ["with errstate(all='ignore'):", *_backward_lines(back, set(leaves), scope)]
    for at, leaf in leaves.items():
        scope[f"leaf{at}"] = leaf
        total = f"accumulated(collected.get(leaf{at}), g{at}, own{at})"
        lines.append(f" if g{at} is not None: collected[leaf{at}] = {total}")
    lines.append(f"return ({_slot_names(returned)})")
    source = "\n ".join(["def replay(arrays, gradient, collected):", *_with_frees(lines, variables)])
    exec(compile(source, "<replay>", "exec"), scope)
    return scope.pop("replay")


def _walk_back(nodes: Sequence[Node], recorder: Recorder) -> list[Backward]:
    """Return the backward steps through `nodes`, newest first. A gradient has the index of its node in `nodes`."""
    places = {node: at for at, node in enumerate(nodes)}
    steps: list[Backward] = []
    for node in [node for node in nodes if not isinstance(node, Leaf)]:
        if node not in recorder.saved:
            raise CompileError(f"{node.primitive.name} was computed before the function began, or by checkpoint()")
        targets = [(i, places[p], node.input_types[i]) for i, p in enumerate(node.parents) if p is not None]
        needs = [parent if isinstance(parent, Leaf) else parent is not None for parent in node.parents]
        rule = node.primitive.fused or node.primitive.vjp
        steps.append((places[node], rule, needs, recorder.saved[node], targets))
    return steps


def _backward_lines(steps: Sequence[Backward], leaves: set[int], scope: dict[str, Any]) -> list[str]:
    """Return the lines of the backward steps.

    `g3` is the gradient at index 3. `own3` says whether that array is referenced nowhere else; it exists for leaves and
    for nodes whose gradient has several parts.
    """
    parts = Counter(to for *_, targets in steps for _, to, _ in targets)
    lines = [" " + " = ".join([*[f"g{to}" for to in parts], "None"])]
    for at, rule, needs, saved, targets in steps:
        scope |= {f"vjp{at}": rule, f"needs{at}": needs, f"none{at}": [None] * (1 + max(i for i, *_ in targets))}
        lines.append(f" w = none{at} if g{at} is None else vjp{at}(g{at}, needs{at}, {_slot_names(saved)})")
        for i, to, (shape, dtype) in targets:
            scope[kind := f"dtype{id(dtype)}"] = dtype
            lines += [f" if (x := w[{i}]) is not None:", f"  if x.shape != {shape}: x = sum_to(x, {shape})"]
            lines.append(f"  if x.dtype is not {kind}: x = cast(x, {kind})")
            own = f"own{to} = x is not g{at} and x.base is None; " if to in leaves or parts[to] > 1 else ""
            lines.append(f"  {f'if g{to} is None: ' * (parts[to] > 1)}{own}g{to} = x")
            if parts[to] > 1:  # summed in place as in the walk, because results may depend on the layout
                lines += [f"  elif own{to}: g{to} += x", f"  else: g{to} = g{to} + x; own{to} = True"]
        lines.append(f" g{at} = None")
    return lines


def _with_frees(lines: Sequence[str], variables: set[int]) -> list[str]:
    """Return the lines, with each variable freed after its last use."""
    later: set[int] = set()
    text: list[str] = []
    for line in reversed(lines):
        last = sorted((variables - later).intersection(map(int, re.findall(r"\bv(\d+)", line))))
        later.update(last)
        if last and not line.startswith("return"):
            text.append(" " * line.startswith(" ") + " = ".join([*[f"v{slot}" for slot in last], "None"]))
        text.append(line)
    return text[::-1]


def _slot_names(slots: Iterable[int]) -> str:
    return "".join([f"v{slot}, " for slot in slots])
