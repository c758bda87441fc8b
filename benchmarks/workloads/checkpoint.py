"""Workload: a checkpoint of 10 million parameters with AdamW's state, compared with write and fsync."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from benchmarks.workload import Array, Goal, Trial, Workload

LAYERS = 10


def _problem(dtype: str, smoke: bool) -> dict[str, Array]:
    """Return the weights, first and second moments of some layers."""
    random = np.random.default_rng(0)
    size = 100 if smoke else 10**6
    names = (f"{i}.{name}" for i in range(LAYERS) for name in ("weight", "exp_avg", "exp_avg_sq"))
    return {name: random.random(size).astype(dtype) for name in names}


def _trial(arrays: dict[str, Array], write: Callable[[Path], None], read: Callable[[Path], list[Array]]) -> Trial:
    """Return a trial that writes a file and deletes it; its state is the means of the arrays in the file."""
    path = Path(gettempdir()) / f"minigrad-benchmark-{os.getpid()}.safetensors"

    def step() -> float:
        write(path)
        path.unlink()
        return float(len(arrays))

    def state() -> list[Array]:
        write(path)
        means = [np.array([array.mean()]) for array in read(path)]
        path.unlink()
        return means

    return Trial(step, state)


def _plain(arrays: dict[str, Array]) -> Trial:
    """Write the bytes without checksums; a crash leaves an incomplete file."""
    content = b"".join(array.tobytes() for array in arrays.values())
    dtype = next(iter(arrays.values())).dtype

    def write(path: Path) -> None:
        with open(path, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    return _trial(arrays, write, lambda path: np.split(np.fromfile(path, dtype), len(arrays)))


def _minigrad(arrays: dict[str, Array]) -> Trial:
    from minigrad.runs.checkpoint import read_checkpoint, write_checkpoint

    return _trial(
        arrays,
        lambda path: write_checkpoint(path, arrays, {}),
        lambda path: [read_checkpoint(path)[0][name] for name in arrays],
    )


workload = Workload(
    "checkpoint",
    "a checkpoint of 10 million parameters with AdamW's moments (120 MB), durable and summed",
    _problem,
    {"plain": _plain, "minigrad": _minigrad},
    goals={"plain": Goal(1 / 1.5)},
)
