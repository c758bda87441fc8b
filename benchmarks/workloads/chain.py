"""Workload: the overhead of an operation, in long chains of operations on arrays of 16 numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import Array, Trial, Workload
from benchmarks.workloads.library import Library, on_libraries


class Link(NamedTuple):
    """One operation: `forward(np, y, w)` with NumPy's functions, and the gradients of y and w in plain NumPy."""

    forward: Callable[[Any, Any, Any], Any]
    slope_y: Callable[[Array, Array, Array], Array]
    slope_w: Callable[[Array, Array], Array] | None = None


TANH = Link(lambda np, y, w: np.tanh(y), lambda g, w, out: g * (1 - out * out))
NEGATIVE = Link(lambda np, y, w: np.negative(y), lambda g, w, out: -g)
MULTIPLY = Link(lambda np, y, w: y * w, lambda g, w, out: g * w, lambda g, y: g * y)
ADD = Link(lambda np, y, w: y + w, lambda g, w, out: g, lambda g, y: g)


class Chain(NamedTuple):
    """Consecutive operations on x, which requires gradients; each also takes w, which may require gradients."""

    links: tuple[Link, ...]
    track_w: bool
    x: Array
    w: Array

    def forward(self, np: Any, x: Any, w: Any) -> Any:
        """Return the end of the chain, for arrays of the library whose functions are in `np`."""
        for link in self.links:
            x = link.forward(np, x, w)
        return x


def _forward_by_hand(chain: Chain) -> Trial:
    forward = lambda: chain.forward(np, chain.x, chain.w)
    return Trial(lambda: forward().sum(), lambda: [forward()])


def _backward_by_hand(chain: Chain) -> Trial:
    gradients: list[Array] = []

    def step() -> Any:
        values = [chain.x]
        for link in chain.links:
            values.append(link.forward(np, values[-1], chain.w))
        g, g_w = np.ones_like(chain.x), np.zeros_like(chain.w)
        for link, y, out in zip(reversed(chain.links), values[-2::-1], reversed(values), strict=False):
            if chain.track_w and link.slope_w:
                g_w += link.slope_w(g, y)
            g = link.slope_y(g, chain.w, out)
        gradients[:] = [g, g_w] if chain.track_w else [g]
        return values[-1].sum()

    return Trial(step, lambda: gradients)


def _leaves(library: Library, chain: Chain) -> tuple[Any, Any]:
    """Return the tensors x and w."""
    x, w = library.tensor(chain.x), library.tensor(chain.w)
    x.requires_grad, w.requires_grad = True, chain.track_w
    return x, w


def _forward(library: Library, chain: Chain) -> Trial:
    x, w = _leaves(library, chain)
    forward = lambda: chain.forward(library.functions, x, w).detach()
    return Trial(lambda: forward().sum(), lambda: [forward().numpy()])


def _no_grad(library: Library, chain: Chain) -> Trial:
    x, w = _leaves(library, chain)

    def forward() -> Any:
        with library.no_grad():
            return chain.forward(library.functions, x, w)

    return Trial(lambda: forward().sum(), lambda: [forward().numpy()])


def _backward(library: Library, chain: Chain) -> Trial:
    x, w = _leaves(library, chain)

    def step() -> Any:
        x.grad = w.grad = None
        loss = chain.forward(library.functions, x, w).sum()
        loss.backward()
        return loss.detach()

    return Trial(step, lambda: [np.asarray(leaf.grad) for leaf in (x, w) if leaf.requires_grad])


def _autograd(chain: Chain) -> Trial:
    import autograd
    import autograd.numpy

    places = (0, 1) if chain.track_w else (0,)
    gradient = autograd.value_and_grad(lambda x, w: chain.forward(autograd.numpy, x, w).sum(), places)
    found: list[Array] = []

    def step() -> Any:
        loss, found[:] = gradient(chain.x, chain.w)
        return loss

    return Trial(step, lambda: found)


CHAINS = {
    "unary": ("tanh", (TANH,) * 60, False),
    "binary": ("product with a constant", (MULTIPLY,) * 60, False),
    "both": ("product with a tracked array", (MULTIPLY,) * 60, True),
    "mixed": ("product, sum and negative in turn", (MULTIPLY, ADD, NEGATIVE) * 20, True),
}
MODES: dict[str, tuple[str, dict[str, Callable[[Chain], Trial]]]] = {
    "forward": ("recorded for the backward pass", {"numpy": _forward_by_hand, **on_libraries(_forward)}),
    "no_grad": ("under no_grad", {"numpy": _forward_by_hand, **on_libraries(_no_grad)}),
    "backward": (
        "forward and backward",
        {"numpy": _backward_by_hand, **on_libraries(_backward), "autograd": _autograd},
    ),
}


def _workload(mode: str, chain: str) -> Workload:
    manner, peers = MODES[mode]
    operations, links, track_w = CHAINS[chain]

    def problem(dtype: str, smoke: bool) -> Chain:
        random = np.random.default_rng(0)
        x, w = (random.uniform(0.9, 1.1, (4, 4)).astype(dtype) for _ in range(2))
        return Chain(links, track_w, x, w)

    return Workload(f"{mode}_{chain}", f"one small operation, {manner}: {operations}", problem, peers, len(links))


workloads = [_workload(mode, chain) for mode in MODES for chain in CHAINS if (mode, chain) != ("no_grad", "both")]
