"""Streams of random numbers that are a pure function of where they are drawn.

The generator is the counter-based Philox of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC'11), as
NumPy implements it. Its key is (seed, purpose) and the high words of its counter are (step, shard, draw), so that two
streams never overlap, two dropouts of one step differ, and a step that is repeated, or computed by another thread or
rank, sees the same numbers.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from zlib import crc32

import numpy as np


class at:  # noqa: N801 - called like a function; a class, as a generator would take a noticeable part of a small step
    """Within the block, `generator` draws for this step and shard, from draw 0 on; afterwards all is as before.

    The block is local to its thread (and to a copied context), so that shards may be computed side by side.
    """

    __slots__ = ("_token", "draws", "shard", "step")

    def __init__(self, step: int = 0, shard: int = 0) -> None:
        self.step = step
        self.shard = shard
        self.draws: dict[str, int] = {}

    def copy(self) -> at:
        """Returns the same step and shard with the draws made so far, which go on for themselves."""
        copy = at(self.step, self.shard)
        copy.draws.update(self.draws)
        return copy

    def __enter__(self) -> None:
        self._token: Token[at] = _place.set(self)

    def __exit__(self, *exception: object) -> None:
        _place.reset(self._token)


_seed = 0
_place: ContextVar[at] = ContextVar("minigrad random place", default=at())  # noqa: B039 - advanced on purpose


def seed(n: int) -> None:
    """Sets the seed of all streams and begins each of them anew.

    Raises: ValueError if `n` is not an integer from 0 to 2**64 - 1.
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 0 <= n < 2**64:
        raise ValueError(f"a seed is an integer from 0 to 2**64 - 1, got {n!r}")
    global _seed
    _seed = int(n)
    _place.get().draws.clear()


def stream(purpose: str, step: int = 0, shard: int = 0, draw: int = 0) -> np.random.Generator:
    """Returns the generator of (seed, purpose, step, shard, draw): the same arguments give the same numbers.

    The lowest word of the counter is left to the generator: 2**64 blocks of numbers before it meets the next stream.
    """
    philox = np.random.Philox(key=[_seed, crc32(purpose.encode())], counter=[0, draw, shard, step])
    return np.random.Generator(philox)


def generator(purpose: str) -> np.random.Generator:
    """Returns the next draw of `purpose` at the present step and shard; each call advances the draw by one."""
    place = _place.get()
    draw = place.draws.get(purpose, 0)
    place.draws[purpose] = draw + 1
    return stream(purpose, place.step, place.shard, draw)


def place() -> at:
    """Returns the present step and shard with the draws made so far, for `at_place` to come back to."""
    return _place.get().copy()


def at_place(place: at) -> at:
    """Within the block, `generator` draws as it would have at `place`, which stays as it is."""
    return place.copy()
