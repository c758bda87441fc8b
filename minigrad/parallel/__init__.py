"""One step of training on several cores, or several machines: shards of a batch and one ordered sum of gradients."""

from minigrad.parallel.memory import keep_freed_memory
from minigrad.parallel.ranks import LaunchError, RankError, Ranks, launched
from minigrad.parallel.shards import Gradients, Shards, available_cores

__all__ = [
    "Gradients",
    "LaunchError",
    "RankError",
    "Ranks",
    "Shards",
    "available_cores",
    "keep_freed_memory",
    "launched",
]
