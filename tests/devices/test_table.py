"""Every operation on arrays of another make, over the samples of each."""

import numpy as np

from minigrad import Tensor, grad
from minigrad.devices import device_of

from ..ops.operations import OPERATIONS, arguments, as_list, converted, is_differentiable, samples
from ..ops.samples import CASES
from .stand_in import NAME, asarray, asnumpy


def on_device(value):
    """The value with its arrays on the device, in lists and tuples too."""
    if isinstance(value, np.ndarray):
        return asarray(value)
    return type(value)(map(on_device, value)) if type(value) in (list, tuple) else value


def on_host(value):
    return asnumpy(value.data if isinstance(value, Tensor) else value)


def float32(value):
    return converted(value, lambda array: array.astype(np.float32))


def results_of(name, args, kwargs):
    return [x for x in as_list(OPERATIONS[name](*args, **kwargs)) if hasattr(x, "dtype")]


@samples(lambda name: name != "to_device")
def test_values_are_those_of_numpy(name, i):
    args, kwargs = CASES[name].calls[i]
    args = float32(list(args))
    wanted = results_of(name, args, kwargs)
    found = results_of(name, on_device(args), kwargs)
    for x, y in zip(found, wanted, strict=True):
        assert device_of(x) == NAME
        assert x.dtype == y.dtype
        np.testing.assert_allclose(on_host(x), y, rtol=1e-5, atol=1e-6)


def derivatives(name, i, put):
    """The first derivatives of a call, and those of their squares."""
    leaves = []

    def leaf(array):
        leaves.append(Tensor(put(array), requires_grad=True))
        return leaves[-1]

    args, kwargs = arguments(name, i, leaf)
    args = [x if isinstance(x, Tensor) else [y if isinstance(y, Tensor) else put(y) for y in x]
            if isinstance(x, list) and any(isinstance(y, Tensor) for y in x) else put(x) for x in args]  # fmt: skip
    results = [x for x in as_list(OPERATIONS[name](*args, **kwargs)) if isinstance(x, Tensor) and x.requires_grad]
    if not results:
        return []
    starts = [put(np.linspace(0.5, 1.5, x.size).astype(x.dtype).reshape(x.shape)) for x in results]
    plain = grad(results, leaves, starts, retain_graph=True, allow_unused=True)
    first = grad(results, leaves, starts, create_graph=True, allow_unused=True)
    total = [(x * x).sum() for x in first if x is not None and x.requires_grad]
    second = grad(total, leaves, allow_unused=True) if total else ()
    return [x for x in (*plain, *first, *second) if x is not None]


@samples(lambda name: is_differentiable(name) and name != "to_device")
def test_derivatives_of_both_orders_are_those_of_numpy(name, i):
    found, wanted = derivatives(name, i, on_device), derivatives(name, i, lambda value: value)
    for x, y in zip(found, wanted, strict=True):
        assert device_of(x.data) == NAME
        np.testing.assert_allclose(on_host(x), y.data, rtol=1e-9, atol=1e-9)
