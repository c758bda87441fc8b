"""What is measured, and by whom: a workload declares one problem, and for each peer a step that works on it."""

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
"""For each peer, how the table calls it and the package that it needs."""


STEPS = 4
"""How many steps are looked at before any is timed: few, for rounding grows with each (see `agreement`)."""


class Trial(NamedTuple):
    """A peer that is ready to work.

    Attributes:
        step: does the work once and returns its loss, which `float` can read. Each call goes on where the last ended.
        state: returns the arrays by which one sees whether the arithmetic was right: weights, or gradients.
    """

    step: Callable[[], Any]
    state: Callable[[], list[Array]]


class Goal(NamedTuple):
    """What a peer should need at least, as a multiple of what minigrad needs; None where nothing is aimed at.

    Attributes:
        time: of a step.
        memory: at the peak.
    """

    time: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Workload:
    """One comparison: a block of the table.

    Attributes:
        name: how the command line selects it.
        title: what the work is, with its sizes.
        problem: `problem(dtype, smoke)` makes the data, always the same; tiny if `smoke`.
        peers: for each peer, what makes a trial of the problem. The first one, with float64 data, is the reference
            that all must agree with.
        operations: how many operations a step is, where the time of one is asked for; else 1.
        goals: what minigrad is to reach, by peer.
        turn: seconds that a peer works before the next has its turn: enough that most steps are not the first after it.
    """

    name: str
    title: str
    problem: Callable[[str, bool], Any]
    peers: Mapping[str, Callable[[Any], Trial]]
    operations: int = 1
    goals: Mapping[str, Goal] = field(default_factory=dict)
    turn: float = 0.25

    def installed(self) -> list[str]:
        """The peers whose package is there."""
        return [peer for peer in self.peers if find_spec(PEERS[peer][1])]
