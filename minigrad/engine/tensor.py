"""The tensor: an ndarray with the history of its computation.

References only point backwards, `Tensor -> Node -> parent Nodes`, so there are no cycles, and reference counting frees
a graph with its last tensor. A node is not a tensor: it holds arrays, and only those that a rule of its operation
names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from minigrad.devices import device_of, foreign
from minigrad.engine.arrays import as_array, asarray
from minigrad.engine.graph import Leaf, Node, next_sequence
from minigrad.engine.mode import current_mode


class Tensor:
    """An n-dimensional differentiable array with NumPy's operators and methods.

    Args:
        data: an ndarray (not copied; its dtype is kept), a number or nested lists (copied to float32, booleans to
            bool), or another tensor (its array is shared, but not its history).
        requires_grad: whether operations on this tensor are recorded, so that `backward()` computes its gradient.
        dtype: the dtype to convert to, if any.

    Raises:
        TypeError: for data that is not numeric, and for integers or booleans with `requires_grad`.
    """

    __slots__ = ("_data", "node", "source", "version")

    _data: NDArray[Any]  # read by operations: the property would be a noticeable part of a small one's cost
    node: Node | None
    source: tuple[Tensor, Any]  # the tensor that a view such as x[0] was taken from, and the index; for recorded writes
    version: list[int]  # shared by all tensors on the same memory: the clock at the last write

    def __init__(self, data: ArrayLike | Tensor, requires_grad: bool = False, dtype: DTypeLike | None = None):
        shared = isinstance(data, Tensor)
        self._data = as_array(data.data if isinstance(data, Tensor) else data, dtype)
        self.version = data.version if shared and self._data is data.data else [0]  # type: ignore[union-attr]
        self.node = None
        if requires_grad:
            self.requires_grad = True

    @property
    def data(self) -> NDArray[Any]:
        """The values, an ndarray.

        You may assign an array: it is not copied if it has the tensor's dtype. Numbers, lists and integers are
        converted to the tensor's dtype.

        Raises:
            TypeError: for values that the dtype cannot hold, such as floats for integers.
        """
        return self._data

    @data.setter
    def data(self, value: ArrayLike | Tensor) -> None:
        array = as_array(asarray(value.data if isinstance(value, Tensor) else value))
        if not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise TypeError(f"a tensor of {self.dtype} cannot hold {array.dtype}; convert the values with .astype()")
        is_alike = array.dtype.kind == self.dtype.kind and hasattr(value, "dtype")
        self._data = array if is_alike else array.astype(self.dtype)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
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
        """Whether this tensor is a leaf of the graph.

        A leaf is a tensor that was not computed from tensors that require gradients.
        """
        return self.node is None or isinstance(self.node, Leaf)

    @property
    def grad(self) -> NDArray[Any] | None:
        """The accumulated gradient of a leaf, an ndarray.

        It is None before `backward()`, and for tensors that are not leaves.
        """
        if not isinstance(self.node, Leaf):
            return None
        if hasattr(self.node.grad, "whole"):  # a sparse gradient, converted to an array
            self.node.grad = self.node.grad.whole()
        return self.node.grad

    @grad.setter
    def grad(self, value: NDArray[Any] | None) -> None:
        if isinstance(self.node, Leaf):
            if value is not None and np.shape(value) != self.data.shape:
                raise ValueError(f"a gradient has the shape of its tensor, {self.data.shape}, got {np.shape(value)}")
            self.node.grad = None if value is None else as_array(asarray(value), self.data.dtype)
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
        """The dtype of the elements."""
        return self.data.dtype

    @property
    def device(self) -> str:
        """The device's name: "cpu", "cuda", or a registered one."""
        return device_of(self._data)

    def numpy(self) -> NDArray[Any]:
        """The values, as an ndarray that shares the memory.

        Raises:
            RuntimeError: if the tensor requires gradients.
            TypeError: if it is not on the CPU.
        """
        if self.node is not None:
            raise RuntimeError(
                "this tensor requires gradients, and an array would lose them without a word; "
                "use .detach().numpy(), or .data to look at the values; np.stack joins a list of tensors"
            )
        if type(self._data) in foreign:
            raise TypeError(f"NumPy has no arrays on the device {self.device!r}; copy the tensor with .to('cpu')")
        return self._read()

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number.

        Raises:
            ValueError: for any other size.
        """
        if self.data.size != 1:
            raise ValueError(f"item() takes a tensor of one element, got shape {self.data.shape}")
        return self._read().item()

    def tolist(self) -> Any:
        """The values as nested lists, or as a number."""
        return self._read().tolist()

    def _read(self) -> NDArray[Any]:
        """Return the values, and notify observers that they are read."""
        if (observer := current_mode().observer) is not None:
            observer.on_read(self.data)
        return self.data

    def detach(self) -> Tensor:
        """Return a constant without history that shares the memory."""
        return wrap(self.data, None, self.version)

    def bump(self, index: Any = ..., value: Any = None) -> None:
        """Count a write into `.data` as a new version.

        After it, a graph that saved the old values raises an error instead of using the new ones.

        Args:
            index: the index that was written to.
            value: the value that was written; None if a replay cannot write it again.
        """
        self.version[0] = next_sequence()
        if (observer := current_mode().observer) is not None:
            observer.on_write(self, index, value)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[Any, Any]:
        return self.data.__dlpack_device__()

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
        dtype += "" if self.device == "cpu" else f", device={self.device!r}"
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
        twin._data, twin.node, twin.version = self.data.copy(), None, [0]
        if self.node is not None:
            twin.requires_grad = True
            twin.grad = None if self.grad is None else self.grad.copy()
        return twin

    if TYPE_CHECKING:  # minigrad/ops/methods.py installs the operators and methods

        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __add__(self, other: Any) -> Tensor: ...

        __sub__ = __mul__ = __truediv__ = __pow__ = __matmul__ = __lt__ = __le__ = __gt__ = __ge__ = __add__
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = __rmatmul__ = __add__


def wrap(data: NDArray[Any], node: Node | None, version: list[int]) -> Tensor:
    """Return a tensor with these attributes, without the constructor's checks."""
    tensor = object.__new__(Tensor)
    tensor._data = data
    tensor.node = node
    tensor.version = version
    return tensor


def write(tensor: Tensor, index: Any, value: Any) -> None:
    """Write a value into `tensor.data[index]`.

    The value may be anything that can be assigned to an array.
    """
    tensor._data[index] = value.data if isinstance(value, Tensor) else value
    tensor.bump(index, value)


def from_dlpack(x: Any) -> Tensor:
    """Return a tensor sharing another library's array, by DLPack.

    Writes into one are visible in the other, but a graph that saved the old values does not notice them.

    Raises:
        TypeError: for an object without DLPack, or an array that NumPy cannot hold, such as bfloat16 or device memory.
    """
    if not hasattr(x, "__dlpack__"):
        raise TypeError(f"from_dlpack takes an array with __dlpack__, got {type(x).__name__}; use Tensor(values)")
    try:
        return Tensor(np.from_dlpack(x))
    except (RuntimeError, BufferError, ValueError, TypeError) as error:
        raise TypeError(f"from_dlpack of {type(x).__module__}.{type(x).__name__}: {error}") from None
