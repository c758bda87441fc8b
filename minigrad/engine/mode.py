"""Gradient mode and observer, as one context variable."""

from __future__ import annotations

from contextvars import ContextVar

from minigrad.engine.block import Block
from minigrad.engine.observer import Observer


class Mode:
    """The context's settings, which every operation reads.

    It is immutable; to change a setting, a context is given another Mode.

    Attributes:
        grad: whether operations are recorded for differentiation.
        observer: the observer that is notified of operations, or None.
    """

    __slots__ = ("grad", "observer")

    def __init__(self, grad: bool = True, observer: Observer | None = None) -> None:
        self.grad = grad
        self.observer = observer


_mode: ContextVar[Mode] = ContextVar("minigrad mode", default=Mode())  # noqa: B039 - never mutated

current_mode = _mode.get
"""Return the mode of the current context. It is a bound method, because looking that up costs more than calling it."""


class _ModeBlock(Block):
    variable = _mode


class no_grad(_ModeBlock):  # noqa: N801 - called like a function
    """Disable gradients within the block or the decorated function.

    Operations are not recorded and cannot be differentiated.
    """

    def value(self) -> Mode:
        """The surrounding mode, with gradients off."""
        return Mode(False, current_mode().observer)


class enable_grad(_ModeBlock):  # noqa: N801 - called like a function
    """Enable gradients within the block, also inside of `no_grad`."""

    def value(self) -> Mode:
        """The surrounding mode, with gradients on."""
        return Mode(True, current_mode().observer)


class observed(_ModeBlock):  # noqa: N801 - called like a function
    """Send operations to `observer` within the block.

    Gradient mode is unchanged.
    """

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self.observer = observer

    def value(self) -> Mode:
        """The surrounding mode, with this observer."""
        return Mode(current_mode().grad, self.observer)


def is_grad_enabled() -> bool:
    """Return whether operations are currently recorded for differentiation."""
    return current_mode().grad
