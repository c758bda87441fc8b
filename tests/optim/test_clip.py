import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import clip_grad_norm_


def parameters(*gradients):
    result = []
    for gradient in gradients:
        result.append(Parameter(np.zeros_like(gradient)))
        result[-1].grad = gradient.copy()
    return result


GRADIENTS = [np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([12.0])]  # norm 13


def test_long_gradients_are_scaled_to_the_norm_by_one_factor():
    clipped = parameters(*GRADIENTS)
    assert clip_grad_norm_(clipped, 6.5) == 13
    for p, gradient in zip(clipped, GRADIENTS, strict=True):
        np.testing.assert_allclose(p.grad, gradient / 2, rtol=1e-6)


def test_short_gradients_are_left_alone():
    kept = parameters(*GRADIENTS)
    assert clip_grad_norm_(iter(kept), 13.5) == 13
    assert all(np.array_equal(p.grad, gradient) for p, gradient in zip(kept, GRADIENTS, strict=True))


def test_parameters_without_gradients_count_for_nothing():
    assert clip_grad_norm_([*parameters(*GRADIENTS), Parameter([1.0])], 20) == 13
    assert clip_grad_norm_([Parameter([1.0])], 20) == 0


def test_a_transposed_gradient_is_measured_and_scaled_in_place():
    (p,) = parameters(np.zeros((2, 3)))
    p.grad = np.arange(6.0).reshape(3, 2).T
    array = p.grad
    assert clip_grad_norm_([p], 1.0) == pytest.approx(np.sqrt(55))
    assert p.grad is array
    assert np.linalg.norm(array) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_is_returned_and_nothing_is_scaled(wrong):
    clipped = parameters(np.array([1.0, wrong]))
    assert not np.isfinite(clip_grad_norm_(clipped, 0.5))
    assert clipped[0].grad[0] == 1


@pytest.mark.parametrize("max_norm", [0, -1, np.nan])
def test_a_norm_to_clip_to_that_is_not_positive_is_refused(max_norm):
    with pytest.raises(ValueError, match=r"max_norm must be larger than 0, got"):
        clip_grad_norm_(parameters(*GRADIENTS), max_norm)
