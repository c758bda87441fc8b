"""Tests, to run with `python -m pytest`."""

import numpy as np
from models.gated import Gated

from minigrad import Tensor, check_gradients


def test_the_gradients_are_those_of_finite_differences():
    check_gradients(Gated(3), np.random.default_rng(0).normal(size=(2, 3)))


def test_a_closed_gate_lets_the_input_through():
    x = np.ones((1, 3))
    np.testing.assert_allclose(Gated(3, bias=-50.0)(Tensor(x)).data, x, atol=1e-6)
