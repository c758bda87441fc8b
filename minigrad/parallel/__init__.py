"""Data-parallel training steps: shards, ranks, ordered gradient sums."""

from minigrad.parallel.blas import blas_kernels, blas_threads
from minigrad.parallel.launch import launched
from minigrad.parallel.ranks import LaunchError, RankError, Ranks
from minigrad.parallel.shards import Gradients, Shards, available_cores

__all__ = [
    "Gradients",
    "LaunchError",
    "RankError",
    "Ranks",
    "Shards",
    "available_cores",
    "blas_kernels",
    "blas_threads",
    "launched",
]
