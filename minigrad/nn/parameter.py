"""The tensors that a module owns: what is learned, and what is only kept."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from minigrad.engine import Tensor


class Parameter(Tensor):
    """A tensor that a module learns: as an attribute of a `Module` it is one of its `parameters()`.

    Args:
        data: as for `Tensor`; an array is kept without a copy.
        requires_grad: False freezes it.

    Raises: TypeError if the data is not floating-point and `requires_grad` is set.
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike | Tensor, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad)


class Buffer(Tensor):
    """A tensor that a module keeps but does not learn, such as a running mean: one of its `buffers()`.

    Args:
        data: as for `Tensor`; an array is kept without a copy.
        persistent: whether it is part of the module's `state_dict()`; a table that the constructor computes need not.
    """

    __slots__ = ("persistent",)

    def __init__(self, data: ArrayLike | Tensor, persistent: bool = True) -> None:
        super().__init__(data)
        self.persistent = persistent

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        return Buffer(self.data.copy(), self.persistent)
