import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import Flatten


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [((), (2, 60)), ((0,), (120,)), ((1, 2), (2, 12, 5)), ((-3, -2), (2, 12, 5)), ((2, 2), (2, 3, 4, 5))],
)
def test_the_axes_from_start_to_end_become_one(arguments, shape):
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    out = Flatten(*arguments)(Tensor(x)).data
    assert out.shape == shape
    assert np.array_equal(out.ravel(), x.ravel())


def test_an_empty_batch_is_flattened():
    assert Flatten()(Tensor(np.zeros((0, 3, 4)))).shape == (0, 12)


@pytest.mark.parametrize("arguments", [(4,), (2, 1), (0, 4), (-5, -1)])
def test_axes_that_are_not_there_are_refused(arguments):
    with pytest.raises(IndexError, match=r"cannot merge the axes .* of shape \(2, 3, 4, 5\)"):
        Flatten(*arguments)(Tensor(np.zeros((2, 3, 4, 5))))


def test_the_axes_are_shown():
    assert repr(Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
