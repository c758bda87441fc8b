"""Differentiable copies between devices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.devices import devices, module_of, moved
from minigrad.engine import Tensor
from minigrad.engine.apply import primitive


def _to_device(x: NDArray[Any], device: str, source: str) -> NDArray[Any]:
    """Copy x from the device `source` to another."""
    return moved(x, device)


to_device = primitive("to_device", _to_device, lambda g, device, source: to_device(g, source, device))


def to(x: Tensor, device: str) -> Tensor:
    """Return the tensor on a device.

    If the tensor is already there, it is returned itself. Otherwise a copy is returned, through which gradients flow
    back.

    Args:
        x: the tensor.
        device: "cpu", "cuda", or the name of a registered device.

    Raises:
        ValueError: for an unknown device.
        RuntimeError: for "cuda" without CuPy or a GPU.
        TypeError: for a dtype.
    """
    if not isinstance(device, str) or _is_dtype(device):
        names = ", ".join(map(repr, devices()))
        raise TypeError(f"a tensor is moved to a device, one of {names}, got {device!r}; .astype(dtype) converts it")
    module_of(device)
    return x if x.device == device else to_device(x, device, x.device)


def _is_dtype(name: str) -> bool:
    try:
        return name not in devices() and bool(np.dtype(name))
    except TypeError:
        return False
