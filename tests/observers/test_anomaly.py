"""The search for the line that made a NaN."""

import numpy as np
import pytest

from minigrad import Tensor, detect_anomaly, grad, ops
from minigrad.observers import AnomalyError


def test_the_line_whose_derivative_is_nan_is_named():
    x = Tensor([1.0, 4.0], requires_grad=True)
    with detect_anomaly():
        inside = x * np.array([0, 1], np.float32)  # the line to blame: infinity times zero
        total = ops.sqrt(inside).sum()
        with pytest.raises(AnomalyError) as caught:
            total.backward()
    assert "the derivative of multiply with respect to its input 0 is NaN in 1 of 2 elements" in str(caught.value)
    assert "# the line to blame" in str(caught.value)
    assert "test_anomaly.py" in str(caught.value)


def test_a_nan_in_a_second_derivative_is_found_too():
    x = Tensor([0.0, 1.0], requires_grad=True)
    with detect_anomaly():
        (slope,) = grad((x**2).sum(), x, create_graph=True)
        total = ops.sqrt(slope * slope * 0.0).sum()
        with pytest.raises(AnomalyError, match="derivative of multiply"):
            grad(total, x)


def test_sound_gradients_pass_and_are_the_same():
    x = Tensor([1.0, 4.0], requires_grad=True)
    with detect_anomaly():
        ops.sqrt(x).sum().backward()
    np.testing.assert_allclose(x.grad, [0.5, 0.25])


def test_outside_of_it_a_nan_passes_silently():
    x = Tensor([1.0], requires_grad=True)
    ops.sqrt(x * 0.0).sum().backward()
    assert np.isnan(x.grad).all()
