"""Benchmark of several ranks: measured steps and sums of gradients, and a model of many machines."""

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
"""GPTs by name; `batch` is the batch size of each of two shards."""

LAYOUTS = ((1, 1), (1, 2), (2, 1))
"""The numbers of ranks, and of threads per rank."""

NETWORKS = {"Ethernet, 10 Gbit/s": (25e-6, 1.1e9), "InfiniBand, 100 Gbit/s": (2e-6, 11e9)}
"""Latency in seconds and bandwidth in bytes per second: typical orders of magnitude, not measurements."""

RANKS = tuple(2**k for k in range(11))
CHUNK, SLICE = 2**20, 2**16
"""Bytes of a bucket of gradients, and of each rank's part of it, as in `minigrad.parallel.reduction`."""


@dataclass
class Steps:
    """The time of a step of one workload.

    Attributes:
        weight: the size of its gradients in bytes.
        shard: the seconds of a step of one rank with one shard, without a sum.
        layouts: the seconds of a step of two shards in each turn, by ranks and threads.
    """

    workload: str
    weight: int = 0
    shard: float = 0.0
    layouts: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class Scaling:
    """The measurements and projections.

    Attributes:
        sizes: the sizes of the sums in bytes.
        seconds: the time of each sum on two ranks.
        latency: the fitted latency in seconds.
        bandwidth: the fitted bandwidth in bytes per second.
        projected: efficiency by workload, network and kind of sum, at each of `RANKS`: a model, not a measurement.
        fault: why there are no measurements; None if there are.
    """

    steps: list[Steps] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    latency: float = 0.0
    bandwidth: float = 0.0
    projected: dict[str, list[float]] = field(default_factory=dict)
    fault: str | None = None


def measure_scaling(rounds: int = 3, seconds: float = 2.0, smoke: bool = False) -> Scaling:
    """Measure steps and sums on one and two ranks of this machine, and project them to more.

    Args:
        rounds: turns of each layout.
        seconds: the length of a turn.
        smoke: whether to use tiny sizes.
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
    """Return latency and bandwidth of seconds = latency + size / bandwidth, by least squares of relative errors."""
    weights = 1 / np.array(seconds)
    columns = np.stack([np.ones(len(sizes)), np.array(sizes, float)], axis=1) * weights[:, np.newaxis]
    (latency, slope), *_ = np.linalg.lstsq(columns, np.ones(len(sizes)), rcond=None)
    return max(float(latency), 1e-9), 1 / max(float(slope), 1e-15)


def sum_seconds(weight: int, ranks: int, latency: float, bandwidth: float, kind: str) -> float:
    """Return the time of a sum over ranks in the model of latency and bandwidth.

    Each chunk takes two messages between every two ranks if `ordered`, and 2 log2(ranks) rounds if `fast` (Thakur,
    Rabenseifner and Gropp, "Optimization of collective communication operations in MPICH", 2005). In both cases, a rank
    sends and receives 2 (ranks - 1) / ranks times the weight.
    """
    messages = 2 * (ranks - 1) if kind == "ordered" else 2 * ceil(log2(ranks))
    chunks = ceil(weight / max(CHUNK, SLICE * ranks))
    return chunks * messages * latency + 2 * (ranks - 1) / ranks * weight / bandwidth


def efficiency(steps: Steps, ranks: int, latency: float, bandwidth: float, kind: str) -> float:
    """Return the share of time in which a rank computes, with one shard on each rank and no overlap."""
    return steps.shard / (steps.shard + sum_seconds(steps.weight, ranks, latency, bandwidth, kind))


def render_scaling(found: Scaling) -> str:
    """Return the results as text."""
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
    """Return the mpiexec of this Python or of the system; None without mpiexec, mpi4py or an MPI library."""
    beside = Path(sys.executable).with_name("mpiexec")
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    if launcher is None or find_spec("mpi4py") is None:
        return None
    found = subprocess.run([sys.executable, "-c", "import mpi4py.MPI"], capture_output=True)  # would start MPI
    return None if found.returncode else launcher


def _run(launcher: str, ranks: int, task: str, **arguments: Any) -> Any:
    """Return the result of a task of `benchmarks.ranks`, with one BLAS thread per rank."""
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
