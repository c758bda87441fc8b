"""What the present context does with the operations that run in it: one variable, local to a thread of execution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Mode:
    """The settings that every operation looks at. Immutable by custom: a change sets another Mode in the context."""

    __slots__ = ("grad",)

    def __init__(self, grad: bool = True) -> None:
        self.grad = grad


mode: ContextVar[Mode] = ContextVar("minigrad mode", default=Mode())  # noqa: B039 - never mutated

current_mode = mode.get
"""The mode of the present context; a bound method, as looking it up costs more than calling it."""


@contextmanager
def no_grad() -> Iterator[None]:
    """Within the block (or the decorated function), operations remember nothing and cannot be differentiated."""
    token = mode.set(Mode(grad=False))
    try:
        yield
    finally:
        mode.reset(token)


@contextmanager
def enable_grad() -> Iterator[None]:
    """Within the block, operations remember how they came about, also inside of a `no_grad` block."""
    token = mode.set(Mode(grad=True))
    try:
        yield
    finally:
        mode.reset(token)


def is_grad_enabled() -> bool:
    """Whether operations of the present context remember how they came about."""
    return current_mode().grad
