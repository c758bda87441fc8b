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

    An object whose attributes decide which operations it applies.

    Attributes:
        changed_at: when an attribute or a hook of it was last set, by the clock that numbers nodes.
    """

    changed_at: int

    def modules(self) -> Iterable[Module]:
        """Yield this module and all below."""


class Observer:
    """Callbacks for the operations of a context.

    It is set in the context's mode; a subclass overrides the callbacks it needs.
    """

    def on_forward(
        self, operation: Primitive, node: Node | None, arguments: Values, values: Values, results: Values
    ) -> None:
        """An operation was applied to a tensor.

        Args:
            operation: its declaration.
            node: what it added to the graph, if anything.
            arguments: what it was given for each of `operation.parameters`.
            values: the same as the forward received it: arrays for tensors.
            results: the output and the residuals.
        """

    def on_backward(self, node: Node, gradients: Values) -> None:
        """The rules of `node` returned these gradients of its inputs.

        None for inputs that need no gradient.
        """

    def on_read(self, array: NDArray[Any]) -> None:
        """A tensor's values were read as numbers.

        What follows may depend on them.
        """

    def on_write(self, tensor: Any, index: Any, value: Any) -> None:
        """A value was written in place at an index.

        None where that is not known.
        """

    def on_draw(self, purpose: str) -> None:
        """Random numbers were drawn outside of operations."""

    def on_module(self, module: Module, is_called: bool = False) -> None:
        """A module is called, which `on_exit` ends, or was changed."""

    def on_exit(self, module: Module) -> None:
        """A module's call has ended, perhaps by an error."""
