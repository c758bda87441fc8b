"""What the engine makes of arrays however they lie in memory: 0-d, empty, strided, of any byte order, read-only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Tensor, check_gradients, func, grad, ops
from minigrad.engine import checkpoint, compile

SHAPES = ((), (1,), (3,), (0,), (2, 3), (0, 3), (2, 0), (2, 1, 3))
DTYPES = ("float16", "float32", "float64", ">f4", ">f8", "<f2")
LAYOUTS = {
    "plain": lambda x: x,
    "Fortran": lambda x: np.array(x, order="F"),
    "backwards": lambda x: np.flip(np.flip(x).copy()),
    "gaps": lambda x: np.repeat(x[..., None], 2, axis=-1)[..., 0],
    "transposed": lambda x: np.array(x.T, order="C").T,
    "read-only": lambda x: _read_only(x.copy()),
    "broadcast": lambda x: np.broadcast_to(x, x.shape),
}
cases = given(shape=st.sampled_from(SHAPES), dtype=st.sampled_from(DTYPES), layout=st.sampled_from(list(LAYOUTS)))
few = settings(max_examples=80, derandomize=True, deadline=None)


def _read_only(x):
    x.flags.writeable = False
    return x


def made(shape, dtype, layout):
    """The same numbers as a plain array of the machine's byte order, and as they are asked for."""
    x = np.linspace(-1.0, 1.5, int(np.prod(shape))).reshape(shape).astype(dtype)
    return x.astype(x.dtype.newbyteorder("=")), LAYOUTS[layout](x)


def f(x):
    """Uses, views, sums and broadcasts of x, and a part of it."""
    y = np.tanh(x) * x.T.reshape(x.shape) + x.sum() + 0.5
    return (y[..., None] * ops.exp(x)[..., None]).sum(axis=-1)


def close(dtype):
    tolerance = {2: 2e-2, 4: 1e-4, 8: 1e-10}[np.dtype(dtype).itemsize]
    return {"rtol": tolerance, "atol": tolerance}


def slope(x, way):
    """The gradient of the sum of f at x in one of the ways there are."""
    leaf = Tensor(x, requires_grad=True)
    if way == "backward":
        f(leaf).sum().backward()
        return leaf.grad
    if way == "grad":
        return grad(f(leaf).sum(), leaf, create_graph=True)[0].data
    if way == "checkpoint":
        checkpoint(f, leaf).sum().backward()
        return leaf.grad
    if way == "func.grad":
        return func.grad(lambda x: f(x).sum())(x).data
    if way == "func.vjp":
        value, pull = func.vjp(f, x)
        return pull(np.ones(value.shape, value.dtype))[0].data
    if way == "jacobian":
        return np.asarray(func.jacobian(f)(x).data.sum(axis=tuple(range(x.ndim))))
    step = compile(lambda y: (f(leaf) * y).sum(), verify=True)
    for _ in range(3):
        leaf.grad = None
        step(np.ones(x.shape, x.dtype))
    return leaf.grad


@pytest.mark.parametrize("way", ["backward", "grad", "checkpoint", "func.grad", "func.vjp", "jacobian", "compile"])
@few
@cases
def test_gradients_are_those_of_a_plain_array_and_have_the_dtype_of_theirs(way, shape, dtype, layout):
    plain, x = made(shape, dtype, layout)
    before = x.copy()
    found = slope(x, way)
    assert isinstance(found, np.ndarray)
    assert found.shape == shape
    assert found.dtype == plain.dtype
    np.testing.assert_allclose(found, slope(plain, "backward"), **close(dtype))
    np.testing.assert_array_equal(x, before)


@few
@cases
def test_gradients_add_up_in_memory_of_their_own(shape, dtype, layout):
    _, x = made(shape, dtype, layout)
    leaf = Tensor(x, requires_grad=True)
    given = np.broadcast_to(np.asarray(1, x.dtype), shape)
    for _ in range(2):
        (leaf * 1).backward(given)
        (leaf.T.reshape(shape) if leaf.ndim == 1 else leaf * 2).backward(given)
    np.testing.assert_array_equal(leaf.grad, np.full(shape, 4 if leaf.ndim == 1 else 6, x.dtype))
    assert leaf.grad.flags.writeable
    assert not np.shares_memory(leaf.grad, given)


@few
@cases
def test_second_derivatives_are_measured_alike_for_all(shape, dtype, layout):
    _, x = made(shape, dtype, layout)
    check_gradients(f, x)
    (product,) = func.hvp(lambda x: f(x).sum(), [x], [np.ones(shape, x.dtype)])
    assert product.shape == shape


@few
@cases
def test_a_write_is_noticed_whatever_the_layout(shape, dtype, layout):
    _, x = made(shape, dtype, layout)
    leaf = Tensor(x.copy(), requires_grad=True)
    constant = Tensor(np.array(x))
    loss = (leaf * constant).sum()
    constant[...] = 0
    with pytest.raises(RuntimeError, match="written to in place"):
        loss.backward()
