"""Devices, and the libraries of their arrays.

An array is an object with NumPy's two protocols, `__array_ufunc__` and `__array_function__`: an array of NumPy, of
CuPy, or of a library registered here. Operations call NumPy's functions, which dispatch to the library of their
arguments, and create new arrays with `like=`, so little other code depends on the device.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

foreign: dict[type, str] = {}
"""The array types of other libraries than NumPy, with the names of their devices."""

_modules: dict[str, Any] = {}


def register(name: str, module: Any) -> None:
    """Admit a library's arrays as data of tensors.

    `name` becomes a device that tensors can be moved to. CuPy's device is known as "cuda", and need not be registered.

    Args:
        name: the name of the device, as used in `Tensor.to` and `trainer.device`.
        module: the library's module, which has, like CuPy, `ndarray`, the type of its arrays, with NumPy's two
            protocols; `asarray(x)`, which copies a NumPy array to the device; and `asnumpy(x)`, which copies one back.

    Raises:
        ValueError: for the name of an existing device.
        TypeError: for a module that lacks one of these.
    """
    if name == "cpu" or _modules.get(name, module) is not module:
        raise ValueError(f"there is a device {name!r} already; give this one another name")
    kind = getattr(module, "ndarray", None)
    needed = {"ndarray": kind, "ndarray.__array_function__": getattr(kind, "__array_function__", None)}
    needed |= {"ndarray.__array_ufunc__": getattr(kind, "__array_ufunc__", None)}
    needed |= {function: getattr(module, function, None) for function in ("asarray", "asnumpy")}
    if lacking := [part for part, value in needed.items() if value is None]:
        raise TypeError(f"device {name!r}: arrays of {module!r} cannot be data of tensors without {', '.join(lacking)}")
    _modules[name] = module
    foreign[module.ndarray] = name


def devices() -> list[str]:
    """The names of all known devices.

    They are "cpu", "cuda", and the registered ones.
    """
    return list(dict.fromkeys(["cpu", "cuda", *_modules]))


def module_of(device: str) -> Any:
    """Return a device's array library; NumPy for "cpu".

    Raises:
        ValueError: for an unknown device.
        RuntimeError: for "cuda" without CuPy or without a GPU.
    """
    if device == "cpu":
        return np
    if device == "cuda" and device not in _modules:
        register(device, _cupy())
    if not isinstance(device, str) or device not in _modules:
        raise ValueError(f"there is no device {device!r}; there are: {', '.join(devices())}")
    return _modules[device]


def _cupy() -> ModuleType:
    try:
        import cupy  # type: ignore[import-not-found]
    except ImportError as error:
        raise RuntimeError(
            f"the device 'cuda' needs CuPy, which is not here ({error}); install the extra 'gpu', or the package for "
            "your version of CUDA, such as cupy-cuda12x, or use the device 'cpu'"
        ) from None
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CuPy's own errors differ between its versions
        raise RuntimeError(f"the device 'cuda' needs a GPU, and CuPy finds none ({error}); use 'cpu'") from None
    if not count:
        raise RuntimeError("the device 'cuda' needs a GPU, and CuPy finds none; use 'cpu'")
    return cupy


def device_of(array: Any) -> str:
    """Return the name of an array's device."""
    return foreign.get(type(array), "cpu")


def moved(array: Any, device: str) -> Any:
    """Return an array on a device.

    It is the array itself if it is already there, else a copy.

    Errors are those of `module_of`.
    """
    own, module = device_of(array), module_of(device)
    if own == device:
        return array
    return module.asarray(array if own == "cpu" else _modules[own].asnumpy(array))


def on_cpu(array: Any) -> Any:
    """Return an array as one of NumPy.

    The result can be saved, printed and read element by element.
    """
    return array if type(array) not in foreign else moved(array, "cpu")
