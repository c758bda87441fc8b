"""Memory shared with other libraries' arrays."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor

ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.arange(6.0, dtype=np.float32).reshape(2, 3).T,
    np.asarray(2.0),
    np.zeros((0, 3)),
    np.array([True, False]),
    np.arange(4, dtype=np.int8)[::2],
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda x: f"{x.dtype}-{x.shape}")
def test_numpy_and_tensors_share_memory_both_ways(array):
    x = Tensor(array.copy())
    there = np.from_dlpack(x)
    back = minigrad.from_dlpack(x.data)
    for other in (there, back.data):
        assert (other.shape, other.dtype) == (array.shape, array.dtype)
        np.testing.assert_array_equal(other, array)
    assert np.shares_memory(x, there) == bool(array.size)
    assert np.shares_memory(back, x) == bool(array.size)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda x: f"{x.dtype}-{x.shape}")
@pytest.mark.parametrize("name", ["as_tensor", "from_dlpack", "tensor"])
def test_pytorch_takes_tensors(array, name):
    torch = pytest.importorskip("torch")
    x = Tensor(array.copy())
    there = getattr(torch, name)(x)
    np.testing.assert_array_equal(there.numpy(), array)
    if array.size:
        assert np.shares_memory(there.numpy(), x) == (name != "tensor")
        np.testing.assert_array_equal(minigrad.from_dlpack(there).data, array)


def test_what_would_lose_a_gradient_or_cannot_be_held_is_refused_with_a_sentence():
    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"this tensor requires gradients, .* use \.detach\(\)"):
        np.from_dlpack(x)
    with pytest.raises(TypeError, match=r"from_dlpack takes an array with __dlpack__, got list; use Tensor\(values\)"):
        minigrad.from_dlpack([1.0])
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"from_dlpack of torch\.Tensor: "):
        minigrad.from_dlpack(torch.ones(2, dtype=torch.bfloat16))
    with pytest.raises(TypeError, match=r"use tensor\.detach\(\)"):
        minigrad.from_dlpack(torch.ones(2, requires_grad=True))


def test_lists_of_tensors_are_stacked_or_refused_with_the_remedy():
    x = Tensor(2.0, requires_grad=True)
    for function in (np.array, np.mean, Tensor, np.linalg.norm, np.sum):
        with pytest.raises(RuntimeError, match=r"np\.stack joins a list of tensors"):
            function([x, x + 2])
        assert np.shape(function([x.detach(), Tensor(3.0)])) in ((), (2,))
    for function in (np.stack, np.hstack, np.block, np.column_stack):
        assert function([x, x + 2]).requires_grad
