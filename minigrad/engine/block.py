"""Context variables set within a block or a decorated function.

The decorated object may be a function, a generator or a coroutine.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from functools import wraps
from inspect import isasyncgenfunction, isclass, iscoroutinefunction, isgeneratorfunction
from types import coroutine
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def within(block: Callable[..., AbstractContextManager[Any]], function: F) -> F:
    """Return `function`, computed within the context manager `block(*args)`.

    The steps of a generator or coroutine are within it and what its caller does in between is not, as in PyTorch. The
    context manager is made once for a call, and entered for each step.

    Raises:
        TypeError: for an asynchronous generator and a class.
    """
    if isasyncgenfunction(function) or isclass(function):
        raise TypeError(f"{function.__name__} is a class or an asynchronous generator: write `with` inside of it")

    def called(*args: Any, **kwargs: Any) -> Any:
        with block(*args, **kwargs):
            return function(*args, **kwargs)

    def stepped(*args: Any, **kwargs: Any) -> Any:
        return (yield from _stepwise(block(*args, **kwargs), function(*args, **kwargs)))

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return await _stepwise(block(*args, **kwargs), function(*args, **kwargs))

    wrapper = stepped if isgeneratorfunction(function) else awaited if iscoroutinefunction(function) else called
    return wraps(function)(wrapper)  # type: ignore[return-value]


@coroutine
def _stepwise(block: AbstractContextManager[Any], steps: Any) -> Generator[Any, Any, Any]:
    """Carry out a generator or coroutine, each step within the block."""
    resume, value = steps.send, None
    while True:
        with block:
            try:
                out = resume(value)
            except StopIteration as end:
                return end.value
        try:
            resume, value = steps.send, (yield out)
        except BaseException as error:  # of throw() and close()
            resume, value = steps.throw, error


class Block:
    """A context variable's value within a block or decorated function.

    The decorated object may be a function, a generator or a coroutine.

    Attributes:
        variable: the context variable.
    """

    variable: ContextVar[Any]

    def __init__(self) -> None:
        self._tokens: list[Token[Any]] = []  # one for each entry that has not been left

    def value(self) -> Any:
        """The value within the block, found as it is entered."""
        raise NotImplementedError

    def copy(self) -> Block:
        """A copy of the block, for one decorated call."""
        return type(self)()

    def __enter__(self) -> None:
        self._tokens.append(self.variable.set(self.value()))

    def __exit__(self, *exception: object) -> None:
        self.variable.reset(self._tokens.pop())

    def __call__(self, function: F) -> F:
        """Return the function, computed within the block. Errors are those of `within`."""
        return within(lambda *args, **kwargs: self.copy(), function)
