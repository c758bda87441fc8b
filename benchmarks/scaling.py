"""What several ranks cost: a step and a sum of gradients measured here, and from these a model of many machines."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import ceil, log2
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.runner import ROOT, environment
from benchmarks.workloads.gpt import SMALL, TINY, Sizes

WORKLOADS = {
    "GPT 4 × 4 × 128": SMALL._replace(batch=6),
    "GPT 6 × 6 × 384": Sizes(batch=2, vocab_size=65, block_size=256, n_layer=6, n_head=6, n_embd=384),
}
"""GPTs by name; `batch` is that of each of two shards."""

LAYOUTS = ((1, 1), (1, 2), (2, 1))
"""Ranks, and threads of each."""

NETWORKS = {"Ethernet, 10 Gbit/s": (25e-6, 1.1e9), "InfiniBand, 100 Gbit/s": (2e-6, 11e9)}
"""Seconds of a message of no length, and bytes a second: orders of magnitude, that nobody has measured here."""

RANKS = tuple(2**k for k in range(11))
CHUNK, SLICE = 2**20, 2**16
"""Bytes of gradients that travel together, and of each rank's part of them, as in `minigrad.parallel.reduction`."""


@dataclass
class Steps:
    """The time of a step of one workload.

    Attributes:
        weight: of its gradients, in bytes.
        shard: seconds of a step of one rank that has one shard, without a sum.
        layouts: seconds of a step of two shards, by ranks and threads, of each turn.
    """

    workload: str
    weight: int = 0
    shard: float = 0.0
    layouts: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class Scaling:
    """All that was measured, and what follows from it.

    Attributes:
        sizes: of the sums, in bytes.
        seconds: of each, on two ranks.
        latency: seconds of a sum of next to nothing, by least squares.
        bandwidth: bytes a second.
        projected: efficiency by workload, network and kind of sum, at each of `RANKS`: a model, not a measurement.
        fault: why there is nothing, or None.
    """

    steps: list[Steps] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    latency: float = 0.0
    bandwidth: float = 0.0
    projected: dict[str, list[float]] = field(default_factory=dict)
    fault: str | None = None


def measure_scaling(rounds: int = 3, seconds: float = 2.0, smoke: bool = False) -> Scaling:
    """Measures steps and sums on one and two ranks of this machine, and projects them.

    Args:
        rounds: turns of each layout.
        seconds: of each turn.
        smoke: whether all sizes are tiny.
    """
    launcher = _launcher()
    if launcher is None:
        return Scaling(fault="several ranks need mpi4py and an MPI: pip install mpi4py mpich")
    sizes = [2**k for k in range(12, 15 if smoke else 27)]
    workloads = {"tiny GPT": TINY} if smoke else WORKLOADS
    found = Scaling(sizes=sizes)
    for name, of_shard in workloads.items():
        steps = Steps(name)
        for _ in range(rounds):
            for ranks, threads in LAYOUTS:
                done = _run(launcher, ranks, "step", sizes=of_shard, shards=2, threads=threads, seconds=seconds)
                steps.layouts.setdefault(f"{ranks} × {threads}", []).append(done["seconds"])
        alone = _run(launcher, 1, "step", sizes=of_shard, shards=1, threads=1, seconds=seconds)
        steps.weight, steps.shard = alone["bytes"], alone["seconds"]
        found.steps.append(steps)
    found.seconds = _run(launcher, 2, "sum", sizes=sizes, repeats=5 if smoke else 30)
    found.latency, found.bandwidth = fit(sizes, found.seconds)
    found.projected = {
        f"{steps.workload}, {network}, {kind}": [efficiency(steps, ranks, *costs, kind) for ranks in RANKS]
        for steps in found.steps
        for network, costs in {"memory of this machine": (found.latency / 2, found.bandwidth), **NETWORKS}.items()
        for kind in ("ordered", "fast")
    }
    return found


def fit(sizes: list[int], seconds: list[float]) -> tuple[float, float]:
    """Returns latency and bandwidth of seconds = latency + size / bandwidth: least squares of relative errors."""
    weights = 1 / np.array(seconds)
    columns = np.stack([np.ones(len(sizes)), np.array(sizes, float)], axis=1) * weights[:, np.newaxis]
    (latency, slope), *_ = np.linalg.lstsq(columns, np.ones(len(sizes)), rcond=None)
    return max(float(latency), 1e-9), 1 / max(float(slope), 1e-15)


def sum_seconds(weight: int, ranks: int, latency: float, bandwidth: float, kind: str) -> float:
    """Returns how long a sum over ranks takes by the model of latency and bandwidth.

    Each chunk is two messages between every two ranks if `ordered`, and 2 log2(ranks) rounds if `fast` (Thakur,
    Rabenseifner and Gropp, "Optimization of collective communication operations in MPICH", 2005). Either way a rank
    sends and receives 2 (ranks - 1) / ranks times the weight.
    """
    messages = 2 * (ranks - 1) if kind == "ordered" else 2 * ceil(log2(ranks))
    chunks = ceil(weight / max(CHUNK, SLICE * ranks))
    return chunks * messages * latency + 2 * (ranks - 1) / ranks * weight / bandwidth


def efficiency(steps: Steps, ranks: int, latency: float, bandwidth: float, kind: str) -> float:
    """Returns the share of its time in which a rank computes, with one shard on each, and nothing overlapped."""
    return steps.shard / (steps.shard + sum_seconds(steps.weight, ranks, latency, bandwidth, kind))


def render_scaling(found: Scaling) -> str:
    """For people."""
    if found.fault:
        return f"scaling: {found.fault}"
    lines = ["scaling: a step of two shards, ms, median of turns (lowest to highest)"]
    for steps in found.steps:
        lines.append(f"  {steps.workload}, {steps.weight / 2**20:.1f} MiB of gradients")
        for layout, times in steps.layouts.items():
            shown = f"{median(times) * 1e3:8.1f}  ({min(times) * 1e3:.1f} to {max(times) * 1e3:.1f})"
            lines.append(f"    {layout:6} ranks × threads  {shown}")
    lines.append("the ordered sum over two ranks here")
    lines += [f"  {size / 1024:8,.0f} KiB  {seconds * 1e6:10,.0f} µs"
              for size, seconds in zip(found.sizes, found.seconds, strict=True)]  # fmt: skip
    lines.append(f"  fitted: {found.latency * 1e6:.0f} µs, {found.bandwidth / 1e9:.2f} GB/s")
    lines.append("A MODEL, not a measurement: efficiency with one shard on each rank, nothing overlapped")
    lines.append("  " + " " * 56 + "".join(f"{ranks:>7,}" for ranks in RANKS[1::3]))
    for name, shares in found.projected.items():
        lines.append(f"  {name:56}" + "".join(f"{share:7.0%}" for share in shares[1::3]))
    return "\n".join(lines)


def _launcher() -> str | None:
    """The mpiexec that belongs to this Python, or that of the system; None without one, mpi4py or its library."""
    beside = Path(sys.executable).with_name("mpiexec")
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    if launcher is None or find_spec("mpi4py") is None:
        return None
    found = subprocess.run([sys.executable, "-c", "import mpi4py.MPI"], capture_output=True)  # it would start MPI here
    return None if found.returncode else launcher


def _run(launcher: str, ranks: int, task: str, **arguments: Any) -> Any:
    """What ranks of `benchmarks.ranks` find out, each with one BLAS thread."""
    command = [sys.executable, "-m", "benchmarks.ranks", task, json.dumps(arguments)]
    rooted = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}  # as in a container
    done = subprocess.run(
        [launcher, "-n", str(ranks), *command] if ranks > 1 else command,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**environment(1), **rooted},
    )
    return json.loads(done.stdout.splitlines()[-1])
