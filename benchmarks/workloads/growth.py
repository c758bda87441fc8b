"""The training step of a small GPT at many sizes: one of them is doubled again and again, the others are kept."""

from __future__ import annotations

from benchmarks.workload import Workload
from benchmarks.workloads import gpt
from benchmarks.workloads.library import LARGE_STEPS

BASE = gpt.Sizes(batch=4, vocab_size=65, block_size=128, n_layer=2, n_head=4, n_embd=64)

AXES = {"n_embd": "width", "n_layer": "depth", "batch": "sequences in a batch", "block_size": "length of a sequence"}
"""The sizes that are doubled, and what they are in words."""

DOUBLINGS = 3
"""How often a size is doubled at most."""


def name(axis: str, doublings: int) -> str:
    """The name of the workload; where nothing is doubled, all axes are the same."""
    return f"growth_{axis}_{doublings}" if doublings else "growth_0"


def sizes(axis: str, doublings: int, smoke: bool) -> gpt.Sizes:
    """The sizes of the workload; tiny ones if `smoke`."""
    base = gpt.TINY if smoke else BASE
    return base._replace(**{axis: getattr(base, axis) << doublings})


def _workload(axis: str, doublings: int) -> Workload:
    peers = gpt.network.peers(LARGE_STEPS)
    return Workload(
        name(axis, doublings),
        "a point of a curve",
        lambda dtype, smoke: gpt.task(sizes(axis, doublings, smoke), dtype),
        {peer: peers[peer] for peer in ("numpy", "minigrad", "torch")},
    )


POINTS = {point.name: point for point in (_workload(axis, k) for axis in AXES for k in range(DOUBLINGS + 1))}
"""By name."""
