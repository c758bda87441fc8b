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
    """Return `function`, run within the context manager `block(*args)`.

    As in PyTorch, a generator or coroutine runs each of its steps within it, but not what its caller does in between.
    The context manager is created once per call and entered for each step.

    Args:
        block: a function that returns the context manager, given the arguments of the call.
        function: the function to run within it.

    Raises:
        TypeError: for an asynchronous generator or a class.
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
    """Run a generator or coroutine, each step within the block."""
    resume, value = steps.send, None
    while True:
        with block:
            try:
                out = resume(value)
            except StopIteration as end:
                return end.value
        try:
            resume, value = steps.send, (yield out)
        except BaseException as error:  # from throw() or close()
            resume, value = steps.throw, error


class Block:
    """A context variable's value within a block or decorated function.

    The decorated object may be a function, a generator or a coroutine.

    Attributes:
        variable: the context variable.
    """

    variable: ContextVar[Any]

    def __init__(self) -> None:
        self._tokens: list[Token[Any]] = []  # one for each entry not exited yet

    def value(self) -> Any:
        """The value within the block, evaluated on entry."""
        raise NotImplementedError

    def copy(self) -> Block:
        """Return a copy of the block, for one decorated call."""
        return type(self)()

    def __enter__(self) -> None:
        self._tokens.append(self.variable.set(self.value()))

    def __exit__(self, *exception: object) -> None:
        self.variable.reset(self._tokens.pop())

    def __call__(self, function: F) -> F:
        """Return the function, run within the block.

        Raises:
            TypeError: as `within`.
        """
        return within(lambda *args, **kwargs: self.copy(), function)
