"""Parameters and buffers: the tensors of a module."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from minigrad.engine import Tensor


class Parameter(Tensor):
    """A learned tensor of a module.

    Set as an attribute of a `Module`, it is one of the module's `parameters()`.

    Args:
        data: as for `Tensor`; an array is not copied.
        requires_grad: whether it is trained; False freezes it.

    Raises:
        TypeError: if the data is not floating-point and `requires_grad` is set.
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike | Tensor, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad)


class Buffer(Tensor):
    """A tensor of a module that is not learned.

    An example is a running mean. Set as an attribute of a `Module`, it is one of the module's `buffers()`.

    Args:
        data: as for `Tensor`; an array is not copied.
        persistent: whether it is part of the module's `state_dict()`. A table that the constructor computes need not
            be.
    """

    __slots__ = ("persistent",)

    def __init__(self, data: ArrayLike | Tensor, persistent: bool = True) -> None:
        super().__init__(data)
        self.persistent = persistent

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        twin: Any = super().__deepcopy__(memo)
        twin.persistent = self.persistent
        return twin
