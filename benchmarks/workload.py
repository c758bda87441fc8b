"""Workloads: a problem, and for each library (peer) a step that computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]

PEERS = {
    "numpy": ("NumPy by hand", "numpy"),
    "minigrad": ("minigrad", "minigrad"),
    "bare": ("minigrad, bare loop", "minigrad"),
    "step": ("minigrad.train_step", "minigrad"),
    "trainer": ("minigrad, trainer", "minigrad"),
    "plain": ("plain write and fsync", "numpy"),
    "torch": ("PyTorch eager", "torch"),
    "torch_fused": ("PyTorch, fused optimizer", "torch"),
    "torch_compiled": ("PyTorch, compiled and fused", "torch"),
    "transformers": ("transformers on PyTorch", "transformers"),
    "jax": ("JAX jit", "jax"),
    "autograd": ("HIPS autograd", "autograd"),
    "tinygrad": ("tinygrad jit", "tinygrad"),
    "micrograd": ("micrograd", "micrograd"),
}
"""The name in tables and the required package of each peer."""


STEPS = 4
"""The steps that are compared before timing; few, because rounding errors grow (see `agreement`)."""


class Trial(NamedTuple):
    """A peer that is ready to run.

    Attributes:
        step: does one step and returns its loss, convertible by `float`. Each call continues from the previous one.
        state: returns the arrays to compare with other peers: weights or gradients.
    """

    step: Callable[[], Any]
    state: Callable[[], list[Array]]


class Goal(NamedTuple):
    """The minimum time and memory of a peer relative to minigrad's that is the goal; None for no goal.

    Attributes:
        time: the time of a step.
        memory: the peak memory.
    """

    time: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Workload:
    """One comparison, which is a table.

    Attributes:
        name: the name on the command line.
        title: a description with the sizes.
        problem: `problem(dtype, smoke)` makes the data, always the same; tiny if `smoke`.
        peers: the function of each peer from the problem to a trial. The first one, with float64 data, is the reference
            for the others.
        operations: the number of operations in a step, to report the time of one; else 1.
        goals: the goals for minigrad, by peer.
        turn: the seconds of a turn, long enough that its first steps have little weight.
    """

    name: str
    title: str
    problem: Callable[[str, bool], Any]
    peers: Mapping[str, Callable[[Any], Trial]]
    operations: int = 1
    goals: Mapping[str, Goal] = field(default_factory=dict)
    turn: float = 0.25

    def installed(self) -> list[str]:
        """Return the peers whose packages are installed."""
        return [peer for peer in self.peers if find_spec(PEERS[peer][1])]
