"""What the present context does with the operations that run in it: one variable, local to a thread of execution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minigrad.engine.primitive import Primitive
    from minigrad.engine.tensor import Node, Tensor


class Watcher:
    """Is told of the operations of a context: subclassed by what looks on, such as the search for NaN."""

    def made(self, operation: Primitive, node: Node | None, arguments: Sequence[Any], results: tuple[Any, ...]) -> None:
        """An operation ran on a tensor: what it added to the graph, if anything, what it was given, and what its
        forward returned."""

    def differentiated(self, node: Node, gradients: Any) -> None:
        """The rules of `node` gave these gradients of its inputs, None for those that nobody wants."""

    def read(self, tensor: Tensor) -> None:
        """Values of a tensor were asked for as numbers, on which what follows may depend."""

    def written(self, tensor: Tensor) -> None:
        """Values of a tensor were written in place."""


class Mode:
    """The settings that every operation looks at. Immutable by custom: a change sets another Mode in the context.

    Attributes:
        grad: whether operations are remembered.
        watcher: who is told of them, or None.
    """

    __slots__ = ("grad", "watcher")

    def __init__(self, grad: bool = True, watcher: Watcher | None = None) -> None:
        self.grad = grad
        self.watcher = watcher


_mode: ContextVar[Mode] = ContextVar("minigrad mode", default=Mode())  # noqa: B039 - never mutated

structure = [0]
"""How often something was changed that decides which operations a module calls: its attributes, its hooks."""

current_mode = _mode.get
"""The mode of the present context; a bound method, as looking it up costs more than calling it."""


class entered:  # noqa: N801 - a class, as a generator costs 1 µs more, and every walk enters one
    """Within the block, `mode` is the mode of the context."""

    __slots__ = ("mode", "token")

    def __init__(self, mode: Mode) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self.token = _mode.set(self.mode)

    def __exit__(self, *error: object) -> None:
        _mode.reset(self.token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Within the block (or the decorated function), operations remember nothing and cannot be differentiated."""
    with entered(Mode(False, current_mode().watcher)):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    """Within the block, operations remember how they came about, also inside of a `no_grad` block."""
    with entered(Mode(True, current_mode().watcher)):
        yield


def is_grad_enabled() -> bool:
    """Whether operations of the present context remember how they came about."""
    return current_mode().grad
