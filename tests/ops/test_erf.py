import math

import numpy as np
import pytest

from minigrad.ops.erf import erf

DENSE = np.concatenate([np.linspace(-7, 7, 20001), 10.0 ** np.linspace(-30, 2, 5001)])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2.5e-7), (np.float64, 1e-15)])
def test_every_value_has_a_relative_error_of_two_units_in_the_last_place(dtype, tolerance):
    x = DENSE.astype(dtype)
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=tolerance, atol=0)


def test_float64_keeps_its_relative_error_down_to_the_smallest_normal_number():
    x = 10.0 ** np.linspace(-307, -1, 1001)
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=1e-15, atol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_odd_and_never_leaves_the_interval_from_minus_one_to_one(dtype):
    x = DENSE.astype(dtype)
    np.testing.assert_array_equal(erf(-x), -erf(x))
    assert np.abs(erf(x)).max() == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_saturate_nan_stays_and_zero_keeps_its_sign(dtype):
    largest = np.finfo(dtype).max
    values = erf(np.array([np.inf, -np.inf, largest, -largest, np.nan, 0.0, -0.0], dtype))
    np.testing.assert_array_equal(values, np.array([1, -1, 1, -1, np.nan, 0, 0], dtype))
    np.testing.assert_array_equal(np.signbit(values[-2:]), [False, True])


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3, 4), (40000,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_are_those_of_the_input(shape, dtype):
    x = np.full(shape, 0.5, dtype)
    result = erf(x)
    assert isinstance(result, np.ndarray)
    assert (result.shape, result.dtype) == (shape, dtype)
    np.testing.assert_allclose(result, np.full(shape, math.erf(0.5)), rtol=2e-7)


@pytest.mark.parametrize("view", [lambda x: x.T, lambda x: x[::-1, ::2], lambda x: np.broadcast_to(x[0], (5, 8))])
def test_strided_and_read_only_views_give_the_values_of_their_copies(view):
    x = view(np.linspace(-3, 3, 48).reshape(6, 8))
    np.testing.assert_array_equal(erf(x), erf(x.copy()))


def test_the_input_is_not_written_to():
    x = np.linspace(-30, 30, 101)
    before = x.copy()
    erf(x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.float16, np.float32), (np.bool_, np.float32), (np.int64, np.float64)],
)
def test_other_real_types_become_the_float_that_holds_them(dtype, expected):
    result = erf(np.array([0, 1], dtype))
    assert result.dtype == expected
    np.testing.assert_allclose(result, [0, math.erf(1)], rtol=2e-7)


def test_complex_numbers_are_refused_with_what_was_expected():
    with pytest.raises(TypeError, match="expected float32 or float64, got complex128"):
        erf(np.array([1j]))
