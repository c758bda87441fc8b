"""Base of optimizers: parameter groups, updates, state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, ClassVar, TypeVar

import numpy as np

from minigrad.arguments import as_number
from minigrad.constructors import Constructed
from minigrad.cores import LARGE, in_halves
from minigrad.devices import device_of, moved
from minigrad.engine import Tensor
from minigrad.engine.arrays import asarray
from minigrad.engine.graph import Leaf
from minigrad.ops.row_gradient import RowGradient
from minigrad.optim.bucket import Array, Bucket, pack
from minigrad.optim.parameters import gradient_of, listed
from minigrad.suggest import most_similar

T = TypeVar("T")
_Ready = tuple[Bucket, Sequence[Array], Mapping[str, Any]]  # a bucket, its gradients, and its group's options


class Optimizer(Constructed):
    """The base of optimizers.

    A subclass defines `update`, and `check` to validate its options.

    Args:
        params: the parameters, or groups of them: dicts with "params" and the options that differ from the defaults.
        defaults: the options of groups that do not set their own.

    Attributes:
        param_groups: a dict per group, with "params" and all options, which you may change between steps.
        keeps: the names of the state arrays that `update` uses; a loaded state with others is refused. None allows any.
        numbers: the names of the state numbers besides `step`, stored in `bucket.numbers`.
        evaluates: whether `step` requires a closure and calls it several times, as a line search does.
        reads_rows: whether `update` only passes gradients on to its bucket, so that they may be `RowGradient`s.
        is_elementwise: whether `update` is element-wise, so that large parameters may be split into chunks.
        implies: PyTorch options that this class lacks because it always behaves as if they had this value.

    Raises:
        ValueError: if there are no parameters, if one is listed twice, or if an option is out of range.
        TypeError: for a parameter that is not a tensor, or an unknown option.
    """

    keeps: ClassVar[tuple[str, ...] | None] = None
    numbers: ClassVar[tuple[str, ...]] = ()
    evaluates: ClassVar[bool] = False
    reads_rows: ClassVar[bool] = False
    is_elementwise: ClassVar[bool] = False
    implies: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._buckets: list[list[Bucket]] = []
        if isinstance(params, (Tensor, dict)):
            raise TypeError(f"params must be a list of parameters or of groups, got one {type(params).__name__}")
        given = listed(params, type(self).__name__)
        for group in given if given and isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update the parameters of one bucket.

        `bucket.step` already counts this update. A typical optimizer gathers the gradients into the flat
        `bucket.update` (`gather`), turns them in place into the update with the help of state arrays (`state_array`),
        and subtracts it from the parameters (`subtract`).

        Args:
            bucket: the bucket.
            gradients: the gradient of each of its parameters.
            group: the options of its parameter group.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update()")

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError if an option is out of range."""

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add a parameter group. Errors are those of the constructor.

        Use it, for example, to unfreeze layers during training.
        """
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(f'{type(self).__name__} takes groups as dicts with "params" and options, got {group!r}')
        given = group["params"]
        params = [given] if isinstance(given, Tensor) else listed(given, type(self).__name__)
        if not params:
            raise ValueError(
                f"{type(self).__name__} got no parameters; a module's layers must be its attributes, or stand in a "
                "ModuleList (a plain list hides them), and a generator such as module.parameters() is used up at once"
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
                near = most_similar(name, self.defaults)
                raise TypeError(
                    f"{type(self).__name__} has no option {name!r}"
                    + (f"; did you mean {near!r}?" if near else f"; it has: {', '.join(self.defaults)}")
                )
        options = {name: _plain(value) for name, value in {**self.defaults, **group, "params": params}.items()}
        self.check(options)
        self.param_groups.append(options)
        self._buckets.append([])

    def step(self, closure: Callable[[], T] | None = None) -> T | None:
        """Update every parameter that has a gradient.

        Parameters without a gradient, and their state, do not change.

        Args:
            closure: called first, to compute the gradients.

        Returns:
            What the closure returned, such as the loss; None without a closure.
        """
        result = None if closure is None else closure()
        ready = self._all_ready()
        if len(ready) < 2:
            self._update(ready)
            return result
        size = sum([bucket.update.size for bucket, _, _ in ready])
        if size < LARGE or type(ready[0][0].update) is not np.ndarray:
            self._update(ready)
        else:
            lanes = self._by_lane(ready)
            in_halves(lambda start, stop: self._update(chain(*lanes[start:stop])), len(lanes), size)
        return result

    def lanes(self) -> list[Callable[[], None]]:
        """Return the step as calls that may run in parallel.

        No two of them share parameters or state.
        """
        return [partial(self._update, lane) for lane in self._by_lane(self._all_ready())]

    def _by_lane(self, ready: Iterable[_Ready]) -> list[list[_Ready]]:
        """Group the ready buckets by the working memory they share."""
        lanes: dict[int, list[_Ready]] = {}
        for each in ready:
            lanes.setdefault(each[0].lane, []).append(each)
        return list(lanes.values())

    def _update(self, ready: Iterable[_Ready]) -> None:
        for bucket, gradients, group in ready:
            bucket.step += 1
            self.update(bucket, gradients, group)

    def _all_ready(self) -> list[_Ready]:
        ready: list[_Ready] = []
        for i, group in enumerate(self.param_groups):
            ready += [(bucket, gradients, group) for bucket, gradients in self._ready(i)]
        return ready

    def zero_grad(self) -> None:
        """Set `.grad` of all parameters to None."""
        for group in self.param_groups:
            for p in group["params"]:
                if isinstance(p.node, Leaf):
                    p.node.grad = None

    def _ready(self, i: int) -> list[tuple[Bucket, list[Any]]]:
        """Return the buckets of group i that have gradients, with the gradients."""
        ready: list[tuple[Bucket, list[Any]]] = []
        for bucket in self._buckets[i] or self._repack(i):
            # `gradient_of`, inlined: in a small step its calls are noticeable.
            gradients = [gradient for p in bucket.params if (gradient := getattr(p.node, "grad", None)) is not None]
            if len(gradients) == len(bucket.params):
                if not self.reads_rows:
                    gradients = [g.whole() if isinstance(g, RowGradient) else g for g in gradients]
                ready.append((bucket, gradients))
            elif gradients:
                self._repack(i)
                return self._ready(i)
        return ready

    def _repack(self, i: int) -> list[Bucket]:
        """Repack group i: each bucket has all gradients or none."""
        states = self._states(i)
        params = sorted(self.param_groups[i]["params"], key=lambda p: gradient_of(p) is None)
        self._buckets[i] = pack(params, [states.get(id(p), {}) for p in params], self.is_elementwise)
        return self._buckets[i]

    def _states(self, i: int) -> dict[int, dict[str, Any]]:
        """Return the states of group i's updated parameters, by id."""
        return {
            id(p): state
            for bucket in self._buckets[i]
            if bucket.step or bucket.state
            for p, state in zip(bucket.params, bucket.states(), strict=True)
        }

    def state_dict(self) -> dict[str, Any]:
        """Return the state in PyTorch's structure.

        "state" maps the number of each updated parameter to its `step` and its state arrays, which have its shape;
        "param_groups" lists the options. Parameters are numbered across all groups. The arrays are not copied.
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
        """Load a `state_dict`, of this class or of PyTorch's.

        Options are replaced and arrays copied. A PyTorch option that this class lacks is accepted if it is off, or if
        it only selects an implementation, such as `foreach`. If this method raises, nothing has been loaded.

        Raises:
            ValueError: if its groups or shapes differ, or if its options or arrays belong to an optimizer that behaves
                differently.
            TypeError: for anything but a `state_dict`.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise TypeError('expected the state_dict of an optimizer, with "state" and "param_groups"')
        saved_groups = state_dict["param_groups"]
        expected = [len(group["params"]) for group in self.param_groups]
        found = [len(group["params"]) for group in saved_groups]
        if found != expected:
            raise ValueError(f"expected the state of groups of {expected} parameters, got groups of {found}")
        options = [self._options_of(saved) for saved in saved_groups]
        states = {int(n): state for n, state in state_dict["state"].items()}
        loaded = []
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            loaded.append(
                [self._state_of(p, n, states.get(n, {})) for p, n in zip(group["params"], saved["params"], strict=True)]
            )
        for i, group in enumerate(self.param_groups):
            group |= options[i]
            self._buckets[i] = pack(group["params"], loaded[i], self.is_elementwise)

    def _options_of(self, saved: Mapping[str, Any]) -> dict[str, Any]:
        """Return the checked options of a saved group.

        These are the options of this class, and the initial rate that a schedule starts from.
        """
        name = type(self).__name__
        foreign = {option: value for option, value in saved.items() if option not in (*self.defaults, *_NOTES)}
        acting = [f"{option}={value!r}" for option, value in foreign.items() if self._acts(option, value)]
        missing = [option for option in self.defaults if option not in saved]
        if acting:
            raise ValueError(f"this state was made with {', '.join(acting)}, and {name} has no such option")
        if foreign and missing:
            raise ValueError(f"this is the state of another optimizer than {name}: it has no {', '.join(missing)}")
        options = {name: _plain(saved[name]) for name in (*self.defaults, "initial_lr") if name in saved}
        self.check({**self.defaults, **options})
        return options

    def _acts(self, option: str, value: Any) -> bool:
        """Whether an option that this class lacks changes its steps."""
        return bool(value != self.implies[option] if option in self.implies else value)

    def _state_of(self, p: Tensor, number: int, saved: Mapping[str, Any]) -> dict[str, Any]:
        """Return the checked state of one parameter, or None.

        The state is `step`, other numbers, and arrays of the parameter's shape.
        """
        state: dict[str, Any] = {"step": int(saved["step"])} if "step" in saved else {}
        for name, value in saved.items():
            if name == "step" or value is None:
                continue
            if name in self.numbers:
                state[name] = as_number(name, _plain(value))
                continue
            if self.keeps is not None and name not in self.keeps:
                raise ValueError(f"parameter {number} has the state {name!r}, which {type(self).__name__} has not")
            state[name] = moved(asarray(value), device_of(p.data))
            if state[name].shape != p.shape:
                raise ValueError(
                    f"{name} of parameter {number}: expected shape {p.shape}, got {state[name].shape}; is this the "
                    "state of another model?"
                )
        return state

    def __repr__(self) -> str:
        groups = [
            f"{len(group['params'])} parameters, " + ", ".join(f"{name}={group[name]}" for name in self.defaults)
            for group in self.param_groups
        ]
        return f"{type(self).__name__}({'; '.join(groups)})"


_NOTES = {"params", "param_names", "foreach", "fused", "capturable", "differentiable"}
_NOTES |= {"initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum"}
"""Keys of PyTorch's groups that change no result: names, implementation choices, and values stored by schedules."""


def _plain(value: Any) -> Any:
    """Convert a NumPy or PyTorch scalar to a Python number."""
    return value.item() if hasattr(value, "item") and np.ndim(value) == 0 else value
