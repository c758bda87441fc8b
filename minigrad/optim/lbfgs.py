"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from minigrad.arguments import as_integer, as_number
from minigrad.devices import moved
from minigrad.engine import Tensor
from minigrad.engine.arrays import asarray
from minigrad.engine.mode import enable_grad
from minigrad.optim.bucket import Array
from minigrad.optim.line_search import Line, largest, strong_wolfe
from minigrad.optim.optimizer import Optimizer

_STATE = {"func_evals", "n_iter", "d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss"}


class LBFGS(Optimizer):
    """L-BFGS: quasi-Newton steps from the last gradients.

    θ ← θ + t · d, with d = -H g, where H approximates the inverse Hessian from the last steps and gradients.

    Use it with few parameters and the same examples at every step: there it needs far fewer steps than gradient
    descent. Each `step` evaluates the loss several times, through a closure.

    Liu & Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45, 1989;
    as `torch.optim.LBFGS`.

    Args:
        params: the parameters, in a single group.
        lr: t, the length of an iteration's move; with a line search, its first guess.
        max_iter: the most iterations per `step`.
        max_eval: the most evaluations of the loss per `step`; 1.25 · max_iter if None.
        tolerance_grad: stop when no element of the gradient is larger than this.
        tolerance_change: stop when the move, or the change of the loss, is smaller than this.
        history_size: how many past moves H is built from.
        line_search_fn: "strong_wolfe" searches for a t that satisfies the strong Wolfe conditions; None uses t = lr.

    Raises:
        ValueError: for a number out of range, or more than one group.
    """

    evaluates: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: Literal["strong_wolfe"] | None = None,
    ) -> None:
        evaluations = as_integer("max_iter", max_iter, 1) * 5 // 4 if max_eval is None else max_eval
        options = {"lr": lr, "max_iter": max_iter, "max_eval": evaluations, "tolerance_grad": tolerance_grad}
        options |= {"tolerance_change": tolerance_change, "history_size": history_size}
        self._memory: dict[str, Any] = {}
        super().__init__(params, {**options, "line_search_fn": line_search_fn})

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError if an option is out of range."""
        for name in ("lr", "tolerance_grad", "tolerance_change"):
            as_number(name, options[name], at_least=0)
        for name in ("max_iter", "max_eval", "history_size"):
            as_integer(name, options[name], 1)
        if options["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(f"line_search_fn must be 'strong_wolfe' or None, got {options['line_search_fn']!r}")

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add the only parameter group.

        Raises:
            ValueError: as the constructor.
        """
        if self.param_groups:
            raise ValueError("LBFGS moves all parameters together, by one curvature: give it one group of them")
        super().add_param_group(group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Run up to `max_iter` iterations.

        Args:
            closure: clears the gradients, computes the loss, calls its `backward()`, and returns it.

        Returns:
            The loss of the first evaluation, as the closure returned it.

        Raises:
            TypeError: without a closure.
        """
        if closure is None:
            raise TypeError("LBFGS evaluates the loss several times in a step: give step() a function that computes it")
        group, memory = self.param_groups[0], self._memory
        result, loss, g = self._evaluate(closure)
        evaluations, moves = 1, 0
        memory["func_evals"] = memory.get("func_evals", 0) + 1
        arrived = largest(g) <= group["tolerance_grad"]
        while not arrived and moves < group["max_iter"]:
            moves += 1
            memory["n_iter"] = memory.get("n_iter", 0) + 1
            d = self._direction(g)
            first = memory["n_iter"] == 1  # no curvature is known yet
            t = min(1.0, 1.0 / float(np.abs(g).sum())) * group["lr"] if first else group["lr"]
            memory |= {"d": d, "t": t, "prev_flat_grad": g, "prev_loss": loss}
            if float(g.dot(d)) > -group["tolerance_change"]:
                break
            calls = 0
            if group["line_search_fn"] is not None:
                loss, g, calls = self._search(closure, loss, g, group["max_eval"] - evaluations)
            else:
                self._move([p.data for p in group["params"]], t, d)
                if moves < group["max_iter"]:  # the last gradients would not be used
                    _, loss, g = self._evaluate(closure)
                    calls = 1
            evaluations += calls
            memory["func_evals"] += calls
            arrived = largest(g) <= group["tolerance_grad"]
            stays = largest(d * memory["t"]) <= group["tolerance_change"]
            if stays or abs(loss - memory["prev_loss"]) < group["tolerance_change"] or evaluations >= group["max_eval"]:
                break
        return result

    def _search(self, closure: Callable[[], Any], loss: float, g: Array, limit: int) -> tuple[float, Array, int]:
        """Move along d as far as the line search says.

        Returns:
            The loss and the gradient there, and the number of evaluations.
        """
        params, memory = self.param_groups[0]["params"], self._memory
        start = [p.data.copy() for p in params]

        def along(t: float) -> tuple[float, Array]:
            self._move(start, t, memory["d"])
            _, loss, g = self._evaluate(closure)
            return loss, g

        line = Line(along, memory["d"], loss, g, limit)
        best = strong_wolfe(line, memory["t"], self.param_groups[0]["tolerance_change"])
        memory["t"] = best.t
        self._move(start, best.t, memory["d"])
        return best.loss, best.gradient, line.calls

    def _direction(self, g: Array) -> Array:
        """Return d = -H g by the two-loop recursion.

        Algorithm 7.4 in Nocedal & Wright, "Numerical optimization". It also adds the last move to the history: for move
        k, s = θₖ₊₁ - θₖ, y = gₖ₊₁ - gₖ and ρ = 1 / yᵀs.
        """
        memory = self._memory
        if memory["n_iter"] == 1:
            memory |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
            return -g
        ys, ss, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
        y, s = g - memory["prev_flat_grad"], memory["d"] * memory["t"]
        curvature = float(y.dot(s))
        if curvature > 1e-10:
            if len(ys) >= self.param_groups[0]["history_size"]:
                del ys[0], ss[0], ro[0]
            ys.append(y)
            ss.append(s)
            ro.append(1.0 / curvature)
            memory["H_diag"] = curvature / float(y.dot(y))
        q, al = -g, []
        for y, s, rho in zip(reversed(ys), reversed(ss), reversed(ro), strict=True):
            al.append(float(s.dot(q)) * rho)  # α = ρ sᵀq
            q -= y * al[-1]
        r = q * memory["H_diag"]
        for y, s, rho, alpha in zip(ys, ss, ro, reversed(al), strict=True):
            r += s * (alpha - float(y.dot(r)) * rho)  # β = ρ yᵀr
        return r

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Array]:
        """Return the closure's result, its value as a float, and the gradient (n,)."""
        with enable_grad():
            result = closure()
        params = self.param_groups[0]["params"]
        flat = [np.zeros(p.size, p.dtype, like=p.data) if (g := p.grad) is None else np.ravel(g) for p in params]
        return result, float(getattr(result, "data", result)), np.concatenate(flat)

    def _move(self, start: list[Array], t: float, d: Array) -> None:
        """Set the parameters to start + t · d."""
        first = 0
        for p, begin in zip(self.param_groups[0]["params"], start, strict=True):
            piece = d[first : first + p.size].reshape(p.shape)
            np.add(begin, piece * t, out=p.data, casting="same_kind")
            p.bump()
            first += p.size

    def state_dict(self) -> dict[str, Any]:
        """Return the state in PyTorch's structure.

        As in PyTorch, the whole history is stored under parameter 0.
        """
        memory = {name: list(value) if isinstance(value, list) else value for name, value in self._memory.items()}
        return {**super().state_dict(), "state": {0: memory} if memory else {}}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`, of this class or of PyTorch's.

        If it raises, nothing has been loaded.

        Raises:
            ValueError: if its groups, sizes or optimizer differ.
            TypeError: for anything but a `state_dict`.
        """
        is_state = isinstance(state_dict, Mapping) and "state" in state_dict
        memory = self._checked_history(state_dict["state"]) if is_state else {}
        super().load_state_dict({**state_dict, "state": {}} if is_state else state_dict)
        self._memory = memory

    def _checked_history(self, saved: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
        """Return the history of a saved state (under parameter 0), checked and copied."""
        found = saved.get(0, saved.get("0", {}))
        device = self.param_groups[0]["params"][0].device
        memory = {name: _own(value, device) for name, value in found.items() if name != "al"}  # PyTorch's dtype
        if memory and not {"func_evals"} <= set(memory) <= _STATE:
            raise ValueError(f"this is the state of another optimizer than LBFGS: it has {', '.join(memory)}")
        size = sum(p.size for p in self.param_groups[0]["params"])
        single = [memory[name] for name in ("d", "prev_flat_grad") if name in memory]
        for array in [*single, *memory.get("old_dirs", []), *memory.get("old_stps", [])]:
            if np.shape(array) != (size,):
                raise ValueError(f"expected directions of {size} numbers, got {np.size(array)}: is this another model?")
        return memory


def _own(value: Any, device: str) -> Any:
    """Convert NumPy and PyTorch scalars to Python numbers, and copy arrays to a device."""
    if isinstance(value, (list, tuple)):
        return [_own(item, device) for item in value]
    if np.ndim(value) == 0:
        return value.item() if hasattr(value, "item") else value
    return moved(asarray(value), device).copy()
