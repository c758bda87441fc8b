"""Large arrays split over two threads.

NumPy lets go of the interpreter's lock in its loops. Each element is computed as before, so that no bit depends on it.
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
"""Elements from which on some passes over an array take longer than to hand one half over, 20 to 60 µs."""

_busy = Lock()
"""Held while the other thread works, and by those who have threads of their own."""

blas_changes = Lock()
"""Held by who changes the number of BLAS's threads, as long as it is to be that for a moment."""


@cache
def has_threads() -> bool:
    """Whether this platform starts threads."""
    thread = Thread(target=bool)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join()
    return True


def in_halves(work: Callable[[int, int], object], n: int, size: int) -> None:
    """Run a large array's work in halves on two threads.

    Calls `work(0, n)`, or for a large array `work(0, m)` here and `work(m, n)` on another thread.

    There is one other thread, for arrays of at least `LARGE` elements, if BLAS has more than one: so `OMP_NUM_THREADS`,
    `trainer.blas_threads`, and `threadpool_limits` hold for both. Shards, which have threads of their own, get none.
    Each half has one thread of BLAS, whose others would wait for both halves.

    Args:
        work: computes the part from one place to another, in NumPy, and writes into arrays that are there.
        n: how many places there are.
        size: elements of the array.

    Errors of `work` are raised.
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

    For those who divide their work themselves.
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
    """Whether BLAS has more than one thread now: a call into each library of it, 1 µs."""
    return has_threads() and any(library.num_threads > 1 for library in _libraries())


@cache
def _libraries() -> list[Any]:
    """The controller of BLAS's number of threads; found among the process's libraries at the first use."""
    from threadpoolctl import ThreadpoolController

    controllers: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return controllers


@cache
def _other_thread() -> Any:
    """The other thread. A process that was forked starts its own."""
    from concurrent.futures import ThreadPoolExecutor

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
    return ThreadPoolExecutor(1, "minigrad half")


def _forget() -> None:
    """Reset a forked process: the thread is not copied, and a lock's holder may be gone."""
    global _busy, blas_changes
    _busy, blas_changes = Lock(), Lock()
    _other_thread.cache_clear()
