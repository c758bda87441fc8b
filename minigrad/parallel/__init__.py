"""One step of training on several cores: shards of a batch, computed side by side, and one ordered sum of gradients."""

from minigrad.parallel.memory import keep_freed_memory
from minigrad.parallel.shards import Gradients, Shards, available_cores

__all__ = ["Gradients", "Shards", "available_cores", "keep_freed_memory"]
