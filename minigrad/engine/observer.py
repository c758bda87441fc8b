"""The interface of observers of a context's operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from minigrad.engine.graph import Node
from minigrad.engine.primitive import Primitive

Values = Sequence[Any]


@runtime_checkable
class Module(Protocol):
    """The engine's view of a `minigrad.nn.Module`.

    A module's attributes decide which operations it applies.

    Attributes:
        changed_at: the clock's time when an attribute or hook was last set.
    """

    changed_at: int

    def modules(self) -> Iterable[Module]:
        """Yield this module and all below."""


class Observer:
    """Callbacks for the operations of a context.

    The context's mode holds the observer. A subclass overrides the callbacks it needs.
    """

    def on_forward(
        self, operation: Primitive, node: Node | None, arguments: Values, values: Values, results: Values
    ) -> None:
        """An operation was applied to a tensor.

        Args:
            operation: the operation's declaration.
            node: the node added to the graph, if any.
            arguments: the argument for each of `operation.parameters`.
            values: the arguments as the forward received them, with arrays in place of tensors.
            results: the output and the residuals.
        """

    def on_backward(self, node: Node, gradients: Values) -> None:
        """The rules of `node` returned these gradients of its inputs.

        The gradient is None for an input that needs none.
        """

    def on_read(self, array: NDArray[Any]) -> None:
        """A tensor's values were read as numbers.

        Later operations may depend on them.
        """

    def on_write(self, tensor: Any, index: Any, value: Any) -> None:
        """A value was written in place at an index.

        `value` is None if it is not known.
        """

    def on_draw(self, purpose: str) -> None:
        """Random numbers were drawn outside of operations."""

    def on_module(self, module: Module, is_called: bool = False) -> None:
        """A module is called, or was changed.

        The end of the call is `on_exit`.
        """

    def on_exit(self, module: Module) -> None:
        """A module's call has ended, possibly with an error."""
