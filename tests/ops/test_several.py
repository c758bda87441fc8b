from typing import NamedTuple

import numpy as np
import pytest

from minigrad import Tensor, check_gradients, grad
from minigrad.ops.several import several

calls: list[int] = []


class Polar(NamedTuple):
    radius: np.ndarray
    angle: np.ndarray
    quadrant: np.ndarray


def _polar(x: np.ndarray) -> Polar:
    """The polar coordinates of (..., 2)."""
    if x.shape[-1] != 2:
        raise ValueError("expected (..., 2)")
    calls.append(1)
    radius = np.asarray(np.hypot(x[..., 0], x[..., 1]))
    angle = np.asarray(np.arctan2(x[..., 1], x[..., 0]))
    return Polar(radius, angle, np.asarray(np.floor(angle / (np.pi / 2))))


polar = several(
    "polar",
    _polar,
    lambda g, x, results: (g / results.radius)[..., None] * x,
    lambda g, x, results: (g / results.radius**2)[..., None] * (x[..., ::-1] * np.array([-1.0, 1.0])),
    None,
)
POINTS = np.array([[1.0, 2.0], [-3.0, 0.5]])


def test_results_have_the_names_that_the_forward_gives_them():
    results = polar(Tensor(POINTS, requires_grad=True))
    assert type(results) is Polar
    np.testing.assert_allclose(results.radius.data, np.linalg.norm(POINTS, axis=-1))
    assert polar.__doc__ == "The polar coordinates of (..., 2)."


def test_each_result_has_gradients_to_any_order_through_the_others():
    check_gradients(lambda x: polar(x)[:2], POINTS, order=3)
    check_gradients(lambda x: polar(x).angle, POINTS, order=3)


def test_the_forward_is_computed_once_whatever_is_asked():
    calls.clear()
    x = Tensor(POINTS, requires_grad=True)
    radius, angle, _ = polar(x)
    (first,) = grad((radius * angle).sum(), x, create_graph=True)
    grad((first * first).sum(), x)
    assert len(calls) == 1


def test_a_result_without_a_rule_is_a_constant():
    assert not polar(Tensor(POINTS, requires_grad=True)).quadrant.requires_grad


def test_results_are_read_only_where_rules_rely_on_them():
    with pytest.raises(ValueError, match="read-only"):
        polar(Tensor(POINTS, requires_grad=True)).radius.data[0] = 1
    polar(Tensor(POINTS)).radius.data[0] = 1
    polar(POINTS).radius[0] = 1


def test_an_error_names_the_operation_and_what_it_was_given():
    with pytest.raises(ValueError, match=r"^polar of x float64 \(3,\): expected \(..., 2\)"):
        polar(Tensor(np.ones(3)))
