"""The work of each rank in `benchmarks.scaling`: `python -m benchmarks.ranks step|sum …`, alone or with mpiexec."""

from __future__ import annotations

import json
import sys
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.workloads.gpt import Sizes
from minigrad import Tensor, nn, optim
from minigrad.engine import collect
from minigrad.engine.graph import Leaf
from minigrad.parallel import Gradients, Ranks, launched
from models.gpt import GPT

WARM_UP = 3


def time_steps(ranks: Ranks, sizes: Sizes, shards: int, threads: int, seconds: float) -> dict[str, Any]:
    """Train a GPT on noise; return the median time of a step, and the size of its gradients.

    Args:
        ranks: the processes that share the shards.
        sizes: the sizes of the GPT; each shard has `batch` sequences.
        shards: the parts of a batch.
        threads: the threads of this rank.
        seconds: the duration of the training.
    """
    batch, vocab_size, block_size, n_layer, n_head, n_embd = sizes
    model = GPT(vocab_size, block_size, n_layer, n_head, n_embd)
    parameters = list(model.parameters())
    optimizer, loss = optim.AdamW(parameters, lr=1e-4), nn.CrossEntropyLoss(axis=-1)
    numbers = np.random.default_rng(0)
    tokens = Tensor(numbers.integers(0, vocab_size, (batch, block_size)))
    division = ranks.shards(shards, threads, parameters)

    def work(shard: int, collected: Gradients) -> None:
        collect(loss(model(tokens), tokens), np.array(1 / shards), collected, collected.ready)

    times: list[float] = []
    while ranks.broadcast(len(times) < 2 * WARM_UP or sum(times) < seconds):
        start = perf_counter()
        division.gradients(work)
        division.update(optimizer)
        optimizer.zero_grad()
        times.append(perf_counter() - start)
    return {"seconds": float(np.median(times[WARM_UP:])), "bytes": sum(p.data.nbytes for p in parameters)}


def time_sums(ranks: Ranks, sizes: list[int], repeats: int) -> list[float]:
    """Return the median time of an ordered sum of a gradient over two shards, for each size in bytes."""
    found = []
    for size in sizes:
        p = nn.Parameter(np.zeros(size // 4, np.float32))
        gradient = np.ones_like(p.data)
        division = ranks.shards(2, 1, [p])

        def work(shard: int, collected: Gradients, p: nn.Parameter = p, gradient: np.ndarray = gradient) -> None:
            leaf = p.node
            assert isinstance(leaf, Leaf)
            collected[leaf] = gradient  # instead of computing it

        times = []
        for _ in range(repeats + WARM_UP):
            ranks.allgather(0)
            start = perf_counter()
            division.gradients(work)
            times.append(perf_counter() - start)
        found.append(float(np.median(times[WARM_UP:])))
    return found


def main(task: str, arguments: str) -> None:
    """Run a task, and print its result as JSON."""
    with launched() as ranks:
        given = json.loads(arguments)
        if task == "step":
            found: Any = time_steps(ranks, **{**given, "sizes": Sizes(*given["sizes"])})
        else:
            found = time_sums(ranks, **given)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
