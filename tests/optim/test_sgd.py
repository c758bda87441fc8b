import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import SGD


def descend(gradients, start=1.0, **options):
    """Where a parameter of one number goes under these gradients."""
    p = Parameter(np.array([start]))
    optimizer = SGD([p], **options)
    path = []
    for gradient in gradients:
        p.grad = np.array([gradient])
        optimizer.step()
        path.append(p.item())
    return path


def test_a_step_is_the_gradient_times_the_learning_rate():
    assert descend([2.0, -4.0], lr=0.25) == [0.5, 1.5]


def test_weight_decay_is_the_gradient_of_half_the_square():
    assert descend([0.0, 0.0], lr=0.5, weight_decay=0.5) == [0.75, 0.5625]


def test_momentum_sums_a_geometric_series():
    n, lr, momentum = 30, 0.1, 0.8
    velocities = (1 - momentum ** np.arange(1, n + 1)) / (1 - momentum)
    assert descend([1.0] * n, lr=lr, momentum=momentum) == pytest.approx(1 - lr * np.cumsum(velocities))


def test_dampening_weakens_all_gradients_but_the_first():
    first, second = 1.0, 0.5 * 1.0 + (1 - 0.25) * 2.0
    assert descend([1.0, 2.0], lr=1.0, momentum=0.5, dampening=0.25) == pytest.approx([1 - first, 1 - first - second])


def test_nesterov_steps_along_the_velocity_to_come():
    # With v = 0.5 v + g: v is 1, then 2.5; the steps are g + 0.5 v.
    expected = 1 - np.cumsum([1 + 0.5 * 1, 2 + 0.5 * 2.5])
    assert descend([1.0, 2.0], lr=1.0, momentum=0.5, nesterov=True) == pytest.approx(expected)


def test_momentum_that_is_switched_on_later_begins_with_the_gradient():
    p = Parameter(np.array([1.0]))
    optimizer = SGD([p], lr=1.0)
    for momentum in (0.0, 0.5, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        p.grad = np.array([1.0])
        optimizer.step()
    assert p.item() == 1 - (1 + 1 + 1.5)


def test_the_minimum_of_a_bowl_is_found():
    scale, p = np.array([1.0, 10.0]), Parameter(np.array([3.0, -2.0]))
    optimizer = SGD([p], lr=0.05, momentum=0.8)
    for _ in range(300):
        p.grad = scale * (p.data - [1, 2])
        optimizer.step()
    np.testing.assert_allclose(p.data, [1, 2], atol=1e-8)
