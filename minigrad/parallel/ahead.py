"""Prefetching: work on a thread, some items ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

from minigrad.threads import executor

T = TypeVar("T")

MOST = 2
"""Items prepared besides the one in use: one in progress, one waiting."""


def ahead(items: Iterable[T], prepare: Callable[[T], object]) -> Generator[T, None, None]:
    """Yield items, each prepared ahead on a thread.

    `items` is iterated here; only `prepare` runs on the thread, in a copy of the context in which the item was made.
    The thread ends with the generator, even if that is closed or collected early.

    Args:
        items: the items.
        prepare: called with each item while earlier ones are in use.

    Raises:
        Exception: what `prepare` or `items` raises, in place of the item.
    """
    pool = executor(1)
    waiting: deque[tuple[T, Future[object]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(copy_context().run, prepare, item)))
            if len(waiting) > MOST:
                yield _prepared(*waiting.popleft())
        while waiting:
            yield _prepared(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _prepared(item: T, future: Future[object]) -> T:
    future.result()
    return item
