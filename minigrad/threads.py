"""Thread pools, with a fallback where threads cannot start.

Threads cannot start in a browser, for example.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from minigrad.cores import has_threads

T = TypeVar("T")


def executor(threads: int) -> Executor:
    """Return an executor with a number of threads.

    If threads cannot start, it runs each call when it is submitted.
    """
    return ThreadPoolExecutor(threads) if has_threads() else _AtOnce()


class _AtOnce(Executor):
    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
