"""Counter-based random streams, keyed by seed, purpose and place.

The generator is Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11), as implemented by NumPy.
Its key is (seed, purpose), and the high words of its counter are (step, shard, draw). So two streams never overlap, two
dropouts of one step differ, and a step that is repeated, or computed by another thread or rank, draws the same numbers.
"""

from __future__ import annotations

from contextvars import ContextVar
from zlib import crc32

import numpy as np

from minigrad.engine.block import Block
from minigrad.engine.mode import current_mode

_place: ContextVar[at] = ContextVar("minigrad random place")


def _word(what: str, n: int) -> int:
    """Return `n` as a Python integer.

    Raises:
        ValueError: if it is not an unsigned 64-bit integer.
    """
    if type(n) is bool or not isinstance(n, (int, np.integer)) or not 0 <= n < 2**64:
        raise ValueError(f"{what} is an integer from 0 to 2**64 - 1, got {n!r}")
    return int(n)


class at(Block):  # noqa: N801 - called like a function
    """Draw for this step and shard within the block.

    Draws are counted from 0 within the block; the surrounding state is restored afterwards. The block is local to its
    thread (and to a copied context), so that shards may be computed in parallel.

    Args:
        step: the training step.
        shard: the shard of the batch.
        seed: the seed of the streams within the block, which takes precedence over `minigrad.seed`; if None, the
            surrounding seed.

    Raises:
        ValueError: if the seed is not an integer from 0 to 2**64 - 1.
    """

    variable = _place

    def __init__(self, step: int = 0, shard: int = 0, seed: int | None = None) -> None:
        self._tokens = []
        self.step = step
        self.shard = shard
        self.seed = None if seed is None else _word("a seed", seed)
        self.draws: dict[str, int] = {}

    def copy(self) -> at:
        """Return an independent copy, with the draws made so far."""
        copy = at(self.step, self.shard, self.seed)
        copy.draws.update(self.draws)
        return copy

    def value(self) -> at:
        """This place, with the seed in effect on entry."""
        if self.seed is None:
            self.seed = _place.get(_outside).seed
        return self


_outside = at(seed=0)
"""The place used outside of any block."""


def seed(n: int) -> None:
    """Set the global seed, and restart each of its streams.

    It applies to numbers drawn outside of a run. An experiment builds and trains with a seed of its own, even if this
    function is called in between.

    Raises:
        ValueError: if `n` is not an integer from 0 to 2**64 - 1.
    """
    _outside.seed = _word("a seed", n)
    _outside.draws.clear()


def stream(purpose: str, step: int = 0, shard: int = 0, draw: int = 0) -> np.random.Generator:
    """Return the generator of (seed, purpose, step, shard, draw).

    The same arguments give the same numbers. The lowest word of the counter belongs to the generator, which can draw
    2**64 blocks of numbers before it reaches the next stream.

    Raises:
        ValueError: if step, shard or draw is not an integer from 0 to 2**64 - 1.
    """
    key = [_place.get(_outside).seed, crc32(purpose.encode())]
    counter = [0, _word("a draw", draw), _word("a shard", shard), _word("a step", step)]
    # uint64 from the start: NumPy would convert a list with a 64-bit number to floats, losing 11 bits.
    philox = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(counter, np.uint64))
    return np.random.Generator(philox)


def generator(purpose: str) -> np.random.Generator:
    """Return the generator of the next draw of `purpose`.

    It belongs to the current step and shard; each call advances the draw by one. In the forward of an operation use
    `next_draw`, which does not notify observers: repeating the operation draws again.
    """
    if (observer := current_mode().observer) is not None:
        observer.on_draw(purpose)
    return next_draw(purpose)


def next_draw(purpose: str) -> np.random.Generator:
    """As `generator`, for use in the forward of an operation."""
    place = _place.get(_outside)
    place.draws[purpose] = (draw := place.draws.get(purpose, 0)) + 1
    return stream(purpose, place.step, place.shard, draw)


def place() -> at:
    """Return the current step and shard, to restore later.

    The result also holds the seed and the draws made so far; a block on a copy of it continues from there.
    """
    return _place.get(_outside).copy()
