"""Workloads: training steps in which one size is doubled repeatedly, and the others are constant."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from benchmarks.workload import Trial, Workload
from benchmarks.workloads import gpt
from benchmarks.workloads.descent import SGD
from benchmarks.workloads.library import LARGE_STEPS, PYTORCH, Library, Stepping, on_libraries
from benchmarks.workloads.panel import Row
from benchmarks.workloads.panel_networks import cnn, labels, recurrent

BASE = gpt.Sizes(batch=4, vocab_size=65, block_size=128, n_layer=2, n_head=4, n_embd=64)


class Other(NamedTuple):
    """The sizes of other networks than the GPT: the edge of an image, and the steps of an LSTM."""

    image: int
    length: int


OTHER, TINY_OTHER = Other(image=16, length=16), Other(image=8, length=4)

AXES = {
    "n_embd": "width",
    "n_layer": "depth",
    "batch": "sequences in a batch",
    "block_size": "length of a sequence",
    "vocab_size": "size of the vocabulary",
    "image": "side of an image (CNN)",
    "length": "steps of an LSTM",
}
"""The descriptions of the sizes that are doubled, by default of a GPT."""

DOUBLINGS = 3
"""The maximum number of doublings of a size."""


def name(axis: str, doublings: int) -> str:
    """Return the name of the workload; without doublings, all axes of the GPT have the same."""
    return f"growth_{axis}_{doublings}" if doublings or axis in Other._fields else "growth_0"


def sizes(axis: str, doublings: int, smoke: bool) -> Any:
    """Return the sizes of the workload; tiny ones if `smoke`."""
    base: Any = (TINY_OTHER if smoke else OTHER) if axis in Other._fields else gpt.TINY if smoke else BASE
    return base._replace(**{axis: getattr(base, axis) << doublings})


def _row(axis: str, size: int) -> Row:
    """Return a network, other than the GPT, of this size."""
    if axis == "image":
        shape = (16, 3, size, size)
        # SGD, because Adam would amplify gradients that are only rounding errors
        descent = SGD(0.01)
        return Row(0, axis, "", partial(cnn, side=size), labels(shape, 10, (3, *shape[1:])), descent)
    return Row(0, axis, "", recurrent("LSTM", 64, 128), labels((16, size, 64), 10, (3, size, 5)))


def _trial(library: Library, problem: tuple[Row, Any]) -> Trial:
    row, rest = problem
    return row.trial(library, rest)


def _workload(axis: str, doublings: int) -> Workload:
    if axis in Other._fields:

        def problem(dtype: str, smoke: bool) -> tuple[Row, Any]:
            row = _row(axis, getattr(sizes(axis, doublings, smoke), axis))
            return row, row.problem(dtype, smoke)

        libraries = {"torch": PYTORCH["torch"], "minigrad": Stepping}
        return Workload(name(axis, doublings), "a point of a curve", problem, on_libraries(_trial, libraries))
    peers = gpt.network.peers(LARGE_STEPS)
    return Workload(
        name(axis, doublings),
        "a point of a curve",
        lambda dtype, smoke: gpt.task(sizes(axis, doublings, smoke), dtype),
        {peer: peers[peer] for peer in ("numpy", "minigrad", "torch")},
    )


POINTS = {point.name: point for point in (_workload(axis, k) for axis in AXES for k in range(DOUBLINGS + 1))}
"""By name."""
