"""Large arrays split over two threads.

NumPy releases the GIL in its loops. Each element is computed as before, so no bit changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from threading import Lock, Thread
from typing import Any

LARGE = 2**18
"""Elements from which on a few passes over an array take longer than handing over one half, 20 to 60 µs."""

_busy = Lock()
"""Held while the other thread works, and by code with threads of its own."""

blas_changes = Lock()
"""Held while the number of BLAS threads is changed temporarily."""


@cache
def has_threads() -> bool:
    """Whether this platform can start threads."""
    thread = Thread(target=bool)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join()
    return True


def in_halves(work: Callable[[int, int], object], n: int, size: int) -> None:
    """Run a large array's work in halves on two threads.

    It calls `work(0, n)` or, for a large array, `work(0, m)` here and `work(m, n)` on the other thread.

    The other thread is used for arrays of at least `LARGE` elements, if BLAS has more than one thread: so
    `OMP_NUM_THREADS`, `trainer.blas_threads` and `threadpool_limits` apply to both. It is not used within shards, which
    have threads of their own. While halves run, BLAS has one thread, as its others would wait for both halves.

    Args:
        work: computes a range of positions, in NumPy, and writes the result into existing arrays.
        n: the number of positions.
        size: the number of elements of the array.

    Raises:
        Exception: whatever `work` raises.
    """
    if size < LARGE or n < 2 or not _has_more_than_one() or not _busy.acquire(blocking=False):
        work(0, n)
        return
    try:
        middle = (n // 2 + 63) // 64 * 64 if n >= 256 else n // 2  # where NumPy's inner loops restart anyway
        with _one_blas_thread():
            other = _other_thread().submit(copy_context().run, work, middle, n)
            try:
                work(0, middle)
            finally:
                error = other.exception()
        if error is not None:
            raise error
    finally:
        _busy.release()


@contextmanager
def alone() -> Iterator[None]:
    """Within the block, split no operation on any thread.

    It is for code that divides its work over threads itself.
    """
    is_ours = _busy.acquire(blocking=False)
    try:
        yield
    finally:
        if is_ours:
            _busy.release()


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Within the block, BLAS has one thread."""
    with blas_changes:
        before = [(library, library.num_threads) for library in _libraries()]
        for library, _ in before:
            library.set_num_threads(1)
        try:
            yield
        finally:
            for library, number in before:
                library.set_num_threads(number)


def _has_more_than_one() -> bool:
    """Whether BLAS currently has more than one thread, by a call into each BLAS library (1 µs)."""
    return has_threads() and any(library.num_threads > 1 for library in _libraries())


@cache
def _libraries() -> list[Any]:
    """Return the controllers of BLAS's number of threads, searched among the process's libraries on first use."""
    from threadpoolctl import ThreadpoolController

    controllers: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return controllers


@cache
def _other_thread() -> Any:
    """Return the executor of the other thread. A forked process starts its own."""
    from concurrent.futures import ThreadPoolExecutor

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
    return ThreadPoolExecutor(1, "minigrad half")


def _forget() -> None:
    """Reset a forked process, which has no copy of the thread, and perhaps locks without a holder."""
    global _busy, blas_changes
    _busy, blas_changes = Lock(), Lock()
    _other_thread.cache_clear()
