import numpy as np
import pytest

from minigrad.engine import random
from minigrad.nn import Parameter, init


def weight(*shape, dtype=np.float32):
    return Parameter(np.empty(shape, dtype))


def moments(parameter):
    return parameter.data.mean(), parameter.data.std()


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        (lambda w: init.constant_(w, 0.25), 0.25),
        (init.zeros_, 0),
        (init.ones_, 1),
    ],
)
def test_constants_fill_in_place_and_return_the_tensor(fill, expected):
    w = weight(3, 2)
    array = w.data
    assert fill(w) is w
    assert w.data is array
    assert (array == expected).all()


# Standard deviations by the papers' formulas, for a weight of 200 outputs, 100 inputs and a kernel of 3.
@pytest.mark.parametrize(
    ("fill", "std", "uniform"),
    [
        (lambda w: init.uniform_(w, -3, 3), 3 / np.sqrt(3), True),
        (lambda w: init.normal_(w, 0, 0.2), 0.2, False),
        (lambda w: init.xavier_uniform_(w, gain=2), 2 * np.sqrt(2 / 900), True),
        (init.xavier_normal_, np.sqrt(2 / 900), False),
        (init.kaiming_uniform_, np.sqrt(2 / 300), True),
        (lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"), np.sqrt(2 / 600), False),
        (lambda w: init.kaiming_uniform_(w, a=np.sqrt(5)), np.sqrt(1 / 900), True),
        (lambda w: init.kaiming_normal_(w, nonlinearity="tanh"), 5 / 3 / np.sqrt(300), False),
    ],
)
def test_a_distribution_has_the_spread_of_its_formula(fill, std, uniform):
    random.seed(0)
    values = fill(weight(200, 100, 3)).data
    assert values.mean() == pytest.approx(0, abs=4 * std / np.sqrt(values.size))
    assert values.std() == pytest.approx(std, rel=0.02)
    assert (np.abs(values).max() <= std * np.sqrt(3) * 1.0001) == uniform


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (3, 2, 2)])
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(shape):
    matrix = init.orthogonal_(weight(*shape, dtype=np.float64), gain=2).data.reshape(shape[0], -1)
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(small @ small.T, 4 * np.eye(len(small)), atol=1e-12)


def test_the_seed_decides_and_each_call_draws_anew():
    random.seed(1)
    first, second = (init.normal_(weight(10)).data for _ in range(2))
    random.seed(1)
    assert np.array_equal(init.normal_(weight(10)).data, first)
    assert not np.array_equal(first, second)


def test_filling_between_forward_and_backward_is_noticed():
    w = init.ones_(weight(2))
    loss = (w * w).sum()
    init.zeros_(w)
    with pytest.raises(RuntimeError, match="written to in place"):
        loss.backward()


def test_gains_are_those_of_the_table():
    assert init.calculate_gain("linear") == init.calculate_gain("sigmoid") == 1
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == np.sqrt(2)
    assert init.calculate_gain("leaky_relu", 0.5) == np.sqrt(1.6)
    assert init.calculate_gain("selu") == 0.75


def test_an_unknown_nonlinearity_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no gain is known for 'gelu'; there are: .*relu.*tanh"):
        init.calculate_gain("gelu")


def test_a_vector_has_no_fans():
    with pytest.raises(ValueError, match=r"fan_in and fan_out are of weights \(out, in, ...\), got shape \(3,\)"):
        init.xavier_uniform_(weight(3))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"mode must be 'fan_in' or 'fan_out', got 'fan'"):
        init.kaiming_normal_(weight(3, 3), mode="fan")


@pytest.mark.parametrize("fill", [init.normal_, init.zeros_, init.kaiming_uniform_, init.orthogonal_])
def test_what_is_skipped_is_left_as_it_is_and_draws_nothing(fill):
    random.seed(0)
    expected = init.normal_(weight(3, 3)).data
    random.seed(0)
    w = Parameter(np.full((3, 3), 7.0))
    with init.skipped():
        assert fill(w) is w
    assert (w.data == 7).all()
    assert np.array_equal(init.normal_(weight(3, 3)).data, expected)
