import copy

import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import Buffer, Parameter


def test_a_parameter_is_a_tensor_that_requires_gradients():
    p = Parameter([1.0, 2.0])
    (p * p).sum().backward()
    assert isinstance(p, Tensor)
    assert p.grad.tolist() == [2, 4]


def test_a_frozen_parameter_and_a_buffer_require_none():
    assert not Parameter([1.0], requires_grad=False).requires_grad
    assert not Buffer([1.0]).requires_grad


def test_an_array_is_kept_without_a_copy():
    array = np.ones(3)
    assert Parameter(array).data is array
    assert Buffer(array).data is array


def test_a_parameter_of_integers_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match="only floating-point tensors can require gradients, got int64"):
        Parameter(np.arange(3))


def test_a_copied_buffer_is_a_buffer_of_the_same_persistence():
    twin = copy.deepcopy(Buffer(np.ones(3), persistent=False))
    assert isinstance(twin, Buffer)
    assert not twin.persistent
