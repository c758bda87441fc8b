"""An ndarray that remembers how it was made.

`Tensor -> Node -> parent Nodes`: the arrows point backwards only, so there is no reference cycle, and plain reference
counting frees a graph as soon as its last tensor goes. A node is not a tensor: it holds raw arrays, and only those that
a rule of its operation names.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from minigrad.engine.mode import current_mode

if TYPE_CHECKING:
    from minigrad.engine.primitive import Primitive

next_number = count().__next__


class Node:
    """How a tensor was made: the operation, the nodes of its inputs, and what the rules of the operation keep.

    `parents[i]` is None where input i needs no gradient; `forms[i]` is else its (shape, dtype). `saved` are the values
    of the primitive's `frame`, None for what no needed rule names; all of it is None once consumed. `cells` are the
    version cells of the kept arrays, `seen` the sum of their counts.
    """

    __slots__ = ("cells", "forms", "number", "parents", "primitive", "saved", "seen")

    number: int
    primitive: Primitive
    parents: tuple[Node | None, ...]
    saved: tuple[Any, ...] | None
    forms: tuple[Any, ...]
    cells: tuple[list[int], ...]
    seen: int


class Leaf(Node):
    """The node of a tensor that was not computed: the place where its gradient accumulates; `version` is its cell."""

    __slots__ = ("grad", "version")

    def __init__(self, version: list[int]) -> None:
        self.version = version
        self.number = -1  # before every operation: a walk reaches its leaves last
        self.parents = ()
        self.grad: NDArray[Any] | None = None


def as_array(data: ArrayLike, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Returns `data` as an ndarray: arrays keep their dtype and are not copied, Python numbers become float32.

    Raises: TypeError if `data` is not made of numbers, ValueError if it is ragged.
    """
    if isinstance(data, np.ndarray):
        array = data
    elif isinstance(data, np.generic):
        array = np.asarray(data)
    else:
        try:
            array = np.asarray(data)
        except ValueError as error:
            raise ValueError(f"a tensor is a full rectangle of numbers, got a ragged nest: {error}") from None
        if dtype is None and array.dtype.kind in "if" and not hasattr(data, "__array__"):
            array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a tensor holds numbers, got {type(data).__name__} of dtype {array.dtype}")
    return array if dtype is None else array.astype(dtype, copy=False)


class Tensor:
    """An n-dimensional array of numbers with NumPy's operators and methods, which can be differentiated.

    Args:
        data: an ndarray (kept, not copied, with its dtype), a number or a nest of lists (copied, as float32; truth
            values as bool), or another tensor (its array is shared, its history is not).
        requires_grad: whether operations on this tensor are remembered, so that `backward()` finds its gradient.
        dtype: another dtype to convert to.

    Raises: TypeError for what is not numeric, and where integers or truth values are asked to have a gradient.
    """

    __slots__ = ("data", "node", "version")

    data: NDArray[Any]
    node: Node | None
    version: list[int]  # one cell for all tensors on the same memory: the count of writes in place

    def __init__(self, data: ArrayLike | Tensor, requires_grad: bool = False, dtype: DTypeLike | None = None):
        shared = isinstance(data, Tensor)
        self.data = as_array(data.data if isinstance(data, Tensor) else data, dtype)
        self.version = data.version if shared and self.data is data.data else [0]  # type: ignore[union-attr]
        self.node = None
        if requires_grad:
            self.requires_grad = True

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are remembered."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if bool(value) == (self.node is not None):
            return
        if not value:
            if not isinstance(self.node, Leaf):
                raise RuntimeError(
                    "only a tensor that was not computed can stop requiring gradients; use .detach() for a "
                    "constant with the same values"
                )
            self.node = None
        elif self.data.dtype.kind != "f":
            raise TypeError(
                f"only floating-point tensors can require gradients, got {self.data.dtype}; convert first, e.g. "
                "Tensor(x, dtype=np.float32, requires_grad=True)"
            )
        else:
            self.node = Leaf(self.version)

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was given rather than computed from tensors that require gradients."""
        return self.node is None or isinstance(self.node, Leaf)

    @property
    def grad(self) -> NDArray[Any] | None:
        """The accumulated gradient of a leaf, an ndarray like `.data`; None before `backward()` or if not a leaf."""
        return self.node.grad if isinstance(self.node, Leaf) else None

    @grad.setter
    def grad(self, value: NDArray[Any] | None) -> None:
        if isinstance(self.node, Leaf):
            if value is not None and np.shape(value) != self.data.shape:
                raise ValueError(f"a gradient has the shape of its tensor, {self.data.shape}, got {np.shape(value)}")
            self.node.grad = None if value is None else np.asarray(value, self.data.dtype)
        elif value is not None:
            raise RuntimeError("only a tensor that was made with requires_grad=True has a gradient to set")

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self.data.dtype

    def numpy(self) -> NDArray[Any]:
        """The values as an ndarray on the same memory. Raises: RuntimeError if the tensor requires gradients."""
        if self.node is not None:
            raise RuntimeError(
                "this tensor requires gradients, and an array would lose them without a word; "
                "use .detach().numpy(), or .data to look at the values"
            )
        return self._read()

    def item(self) -> Any:
        """The value of a tensor of one element as a Python number. Raises: ValueError for any other size."""
        if self.data.size != 1:
            raise ValueError(f"item() takes a tensor of one element, got shape {self.data.shape}")
        return self._read().item()

    def tolist(self) -> Any:
        """The values as a nest of Python lists (a number for a 0-d tensor)."""
        return self._read().tolist()

    def _read(self) -> NDArray[Any]:
        """The values, for those who will look at them: whoever watches is told."""
        if (watcher := current_mode().watcher) is not None:
            watcher.read(self)
        return self.data

    def detach(self) -> Tensor:
        """A constant on the same memory: the values without their history."""
        return wrap(self.data, None, self.version)

    def bump(self) -> None:
        """Counts a write into `.data`, so that a graph that kept the old values refuses to use the new ones."""
        self.version[0] += 1
        if (watcher := current_mode().watcher) is not None:
            watcher.written(self)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __len__(self) -> int:
        if not self.data.ndim:
            raise TypeError("a 0-d tensor has no length")
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self._read())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return self._read().__index__()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", prefix="Tensor(")
        dtype = "" if self.data.dtype in (np.float32, np.bool_, np.int64) else f", dtype={self.data.dtype}"
        made = "" if self.node is None else ", requires_grad=True"
        if self.node is not None and not isinstance(self.node, Leaf):
            made = f", made by {self.node.primitive.name}"
        return f"Tensor({values}{dtype}{made})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "tensors are not pickled, since a pickle can run code when it is loaded; save .data with numpy.save, or "
            "a module's state_dict() as safetensors"
        )

    def __copy__(self) -> Tensor:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("a computed tensor cannot be copied apart from its history; copy its .detach()")
        twin = object.__new__(type(self))
        twin.data, twin.node, twin.version = self.data.copy(), None, [0]
        if self.node is not None:
            twin.requires_grad = True
            twin.grad = None if self.grad is None else self.grad.copy()
        return twin

    if TYPE_CHECKING:  # operators and methods are the table's: minigrad/ops/methods.py puts them here

        def __getattr__(self, name: str) -> Any: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...


_new = object.__new__


def wrap(data: NDArray[Any], node: Node | None, version: list[int]) -> Tensor:
    """Makes a tensor of ready parts, without the checks of the constructor."""
    tensor = _new(Tensor)
    tensor.data = data
    tensor.node = node
    tensor.version = version
    return tensor
