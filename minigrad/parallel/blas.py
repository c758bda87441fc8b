"""The kernels and threads of BLAS, which affect rounding."""

from __future__ import annotations

from contextvars import ContextVar, Token
from functools import cache
from threading import Condition, Lock
from typing import Any

from threadpoolctl import ThreadpoolController

from minigrad import cores

_lock = Lock()
_change = Condition(_lock)
_waiting: list[int] = []
"""An entry for each block that waits for a change."""

_users: list[int] = []
"""The number of threads of each active block; all are equal."""

_before: list[int] = []
"""Each library's threads before the first block, restored after the last."""

_is_nested: ContextVar[bool] = ContextVar("minigrad BLAS threads are chosen", default=False)


class blas_threads:  # noqa: N801 - called like a function
    """Within the block, run BLAS on n threads.

    The setting is global to the process. A block waits for blocks of other threads with another number; those with the
    same number run at the same time. A nested block overrides the number.

    Args:
        n: the number of threads.
    """

    __slots__ = ("_before", "_n", "_token")

    def __init__(self, n: int) -> None:
        self._n = n

    def __enter__(self) -> None:
        self._token: Token[bool] | None = None
        if _is_nested.get():
            self._before = _set([self._n] * len(_libraries()))
            return
        with _lock:
            while _users and _users[0] != self._n:
                _waiting.append(1)
                _change.wait()
                _waiting.pop()
            if not _users:
                _before[:] = _set([self._n] * len(_libraries()))
            _users.append(self._n)
        self._token = _is_nested.set(True)

    def __exit__(self, *exception: object) -> None:
        if self._token is None:
            _set(self._before)
            return
        _is_nested.reset(self._token)
        with _lock:
            _users.pop()
            if not _users:
                if _before != [self._n] * len(_before):  # reading the number of threads takes 0.4 µs
                    _set(_before)
                if _waiting:
                    _change.notify_all()


def blas_kernels() -> str:
    """Return the name, version and kernels of NumPy's BLAS.

    They affect rounding. An example is "openblas 0.3.31 SkylakeX"; the text is empty if NumPy's BLAS is unknown. Of
    several libraries, NumPy's is the one that was loaded first.
    """
    if not _libraries():
        return ""
    first = _libraries()[0]
    return " ".join(filter(None, (first.internal_api, first.version, getattr(first, "architecture", None))))


@cache
def _libraries() -> list[Any]:
    """Return this process's BLAS libraries, cached.

    The search takes longer (140 µs) than a training step of a small network.
    """
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set(threads: list[int]) -> list[int]:
    """Set each library's number of threads; return the former ones."""
    with cores.blas_changes:
        before = [library.get_num_threads() for library in _libraries()]
        if before != threads:
            for library, number in zip(_libraries(), threads, strict=True):
                library.set_num_threads(number)
        return before
