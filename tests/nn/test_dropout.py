import numpy as np
import pytest

from minigrad.engine import Tensor, random
from minigrad.nn import Dropout


def ones(*shape, dtype=np.float32):
    return Tensor(np.ones(shape, dtype), requires_grad=True)


def test_elements_are_dropped_with_probability_p_and_the_mean_stays():
    out = Dropout(0.3)(ones(200, 500)).data
    assert np.isin(out, [0, np.float32(1 / 0.7)]).all()
    assert (out == 0).mean() == pytest.approx(0.3, abs=0.006)  # four standard deviations of the share
    assert out.mean() == pytest.approx(1, abs=0.01)


def test_the_gradient_has_the_same_holes():
    x = ones(50, 50)
    out = Dropout(0.5)(x)
    out.sum().backward()
    assert np.array_equal(x.grad, out.data)


def test_in_evaluation_nothing_is_dropped_and_no_number_drawn():
    x = ones(10)
    layer = Dropout(0.9).eval()
    with random.at(step=1):
        assert layer(x) is x
        after = random.generator("dropout").random()
    with random.at(step=1):
        assert random.generator("dropout").random() == after


def test_p_zero_keeps_and_p_one_drops_everything():
    x = ones(10)
    assert Dropout(0)(x) is x
    assert not Dropout(1)(x).data.any()


def test_a_step_repeated_drops_the_same_and_two_layers_of_a_step_differ():
    layer, x = Dropout(), ones(100)
    with random.at(step=7):
        first, second = layer(x).data, layer(x).data
    with random.at(step=7):
        assert np.array_equal(layer(x).data, first)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    assert Dropout(0.5)(ones(3, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_a_p_that_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match=r"p must be from 0 to 1"):
        Dropout(p)
