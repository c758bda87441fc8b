"""What all optimizers share: parameter groups, the walk over them, state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket, pack

_Ready = tuple[Bucket, Sequence[Array], Mapping[str, Any]]  # with the gradients, and the options of its group


class Optimizer:
    """The base of optimizers: a subclass defines `update`, and `check` for its options.

    Args:
        params: the parameters, or groups of them: dicts with "params" and the options that differ from the defaults.
        defaults: the options of a group that does not name its own.

    Attributes:
        param_groups: a dict for each group, with "params" and all options; they may be changed between steps.

    Raises: ValueError if there are no parameters, one stands twice, or an option is out of range; TypeError for what is
        not a tensor, or an unknown option.
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._buckets: list[list[Bucket]] = []
        if isinstance(params, (Tensor, dict)):
            raise TypeError(f"params must be a list of parameters or of groups, got one {type(params).__name__}")
        if hasattr(params, "parameters"):
            raise TypeError(f"{type(self).__name__} takes the parameters of a module; pass module.parameters()")
        given: list[Any] = list(params)
        for group in given if given and isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Updates the parameters of one bucket; `bucket.step` counts this update already.

        The usual way is to `gather` the gradients into the flat `bucket.update`, to make of them, in place, what is to
        be taken from the parameters, with the help of arrays that are `kept`, and to `subtract` it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update()")

    def check(self, options: Mapping[str, Any]) -> None:
        """Raises ValueError if an option of a group is out of range."""

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Adds parameters with options of their own, as when layers are unfrozen. Raises: as the constructor."""
        params = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
        if not params:
            raise ValueError(
                f"{type(self).__name__} got no parameters; a module's layers must be its attributes, or stand in a "
                "ModuleList (a plain list hides them)"
            )
        known = {id(p) for other in self.param_groups for p in other["params"]}
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{type(self).__name__} takes tensors, such as module.parameters(), got {p!r}")
            if not p.is_leaf:
                raise ValueError(f"parameter {i}, of shape {p.shape}, was computed; only what was given is optimized")
            if id(p) in known:
                raise ValueError(f"parameter {i}, of shape {p.shape}, is in this optimizer already")
            known.add(id(p))
        for name in group:
            if name != "params" and name not in self.defaults:
                from difflib import get_close_matches  # only for a mistake

                near = get_close_matches(name, self.defaults, n=1)
                raise TypeError(
                    f"{type(self).__name__} has no option {name!r}"
                    + (f"; did you mean {near[0]!r}?" if near else f"; it has: {', '.join(self.defaults)}")
                )
        options = {**self.defaults, **group, "params": params}
        self.check(options)
        self.param_groups.append(options)
        self._buckets.append([])

    def step(self) -> None:
        """Updates every parameter that has a gradient; the others, and their state, stay as they are."""
        self._update(self._all_ready())

    def lanes(self) -> list[Callable[[], None]]:
        """Returns what `step` does as calls that may run side by side, each on parameters and state of its own."""
        lanes: dict[int, list[_Ready]] = {}
        for ready in self._all_ready():
            lanes.setdefault(ready[0].lane, []).append(ready)
        return [partial(self._update, lane) for lane in lanes.values()]

    def _update(self, ready: Iterable[_Ready]) -> None:
        for bucket, gradients, group in ready:
            bucket.step += 1
            self.update(bucket, gradients, group)

    def _all_ready(self) -> Iterator[_Ready]:
        for i, group in enumerate(self.param_groups):
            for bucket, gradients in self._ready(i):
                yield bucket, gradients, group

    def zero_grad(self) -> None:
        """Lets go of the gradients of all parameters: each `.grad` is None."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def _ready(self, i: int) -> list[tuple[Bucket, list[Array]]]:
        """The buckets of group i that have gradients, with these."""
        ready = []
        for bucket in self._buckets[i] or self._repack(i):
            gradients = [gradient for p in bucket.params if (gradient := p.grad) is not None]
            if len(gradients) == len(bucket.params):
                ready.append((bucket, gradients))
            elif gradients:
                self._repack(i)
                return self._ready(i)
        return ready

    def _repack(self, i: int) -> list[Bucket]:
        """Lays group i into buckets of which each has all gradients or none."""
        states = self._states(i)
        params = sorted(self.param_groups[i]["params"], key=lambda p: p.grad is None)
        self._buckets[i] = pack(params, [states.get(id(p), {}) for p in params])
        return self._buckets[i]

    def _states(self, i: int) -> dict[int, dict[str, Any]]:
        """The states of the parameters of group i that have been updated, by id."""
        return {
            id(p): state
            for bucket in self._buckets[i]
            if bucket.step or bucket.state
            for p, state in zip(bucket.params, bucket.states(), strict=True)
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns numbers and live arrays in PyTorch's structure, with parameters by their number over all groups.

        Under "state" stand, for each that was updated, its `step` and arrays of its shape; under "param_groups" the
        options.
        """
        state: dict[int, dict[str, Any]] = {}
        groups = []
        first = 0
        for i, group in enumerate(self.param_groups):
            states = self._states(i)
            numbers = range(first, first + len(group["params"]))
            state |= {n: states[id(p)] for n, p in zip(numbers, group["params"], strict=True) if id(p) in states}
            groups.append({**group, "params": list(numbers)})
            first = numbers.stop
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Goes on from a `state_dict`, of this class or of PyTorch's: options are taken over, arrays copied.

        Raises: ValueError if it is of other groups or other shapes; nothing is loaded then.
        """
        saved_groups = state_dict["param_groups"]
        expected = [len(group["params"]) for group in self.param_groups]
        found = [len(group["params"]) for group in saved_groups]
        if found != expected:
            raise ValueError(f"expected the state of groups of {expected} parameters, got groups of {found}")
        states = {int(n): state for n, state in state_dict["state"].items()}
        loaded = []
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            loaded.append(
                [_state_of(p, n, states.get(n, {})) for p, n in zip(group["params"], saved["params"], strict=True)]
            )
        for i, (group, saved) in enumerate(zip(self.param_groups, saved_groups, strict=True)):
            group |= {name: saved[name] for name in (*self.defaults, "initial_lr") if name in saved}
            self._buckets[i] = pack(group["params"], loaded[i])

    def __repr__(self) -> str:
        groups = [
            f"{len(group['params'])} parameters, " + ", ".join(f"{name}={group[name]}" for name in self.defaults)
            for group in self.param_groups
        ]
        return f"{type(self).__name__}({'; '.join(groups)})"


def _state_of(p: Tensor, number: int, saved: Mapping[str, Any]) -> dict[str, Any]:
    """The saved state of one parameter, checked: `step` is a number, all else an array of its shape, or left out."""
    state: dict[str, Any] = {"step": int(saved["step"])} if "step" in saved else {}
    for name, value in saved.items():
        if name != "step" and value is not None:
            state[name] = np.asarray(value)
            if state[name].shape != p.shape:
                raise ValueError(
                    f"{name} of parameter {number}: expected shape {p.shape}, got {state[name].shape}; is this the "
                    "state of another model?"
                )
    return state
