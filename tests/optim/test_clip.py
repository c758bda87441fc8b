import numpy as np
import pytest

from minigrad.nn import Linear, Parameter
from minigrad.optim import SGD, clip_grad_norm_


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


def test_the_factor_is_that_of_pytorch_and_a_norm_that_is_just_as_long_is_left_alone():
    kept, clipped = parameters(*GRADIENTS), parameters(*GRADIENTS)
    assert clip_grad_norm_(kept, 13) == 13
    assert all(np.array_equal(p.grad, gradient) for p, gradient in zip(kept, GRADIENTS, strict=True))
    clip_grad_norm_(clipped, 1.0)
    for p, gradient in zip(clipped, GRADIENTS, strict=True):
        np.testing.assert_allclose(p.grad, gradient / (13 + 1e-6), rtol=1e-15)


def test_numpy_is_set_to_raise_and_squares_may_still_leave_the_dtype():
    with np.errstate(all="raise"):
        assert clip_grad_norm_(parameters(np.array([3e30, 4e30], np.float32)), np.inf) == pytest.approx(5e30)
        assert np.geterr()["over"] == "raise"


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
    with pytest.raises(ValueError, match=r"max_norm must be above 0, got"):
        clip_grad_norm_(parameters(*GRADIENTS), max_norm)


def test_one_tensor_is_clipped_as_a_list_of_it():
    (p,) = parameters(GRADIENTS[1])
    assert clip_grad_norm_(p, 3.0) == 12
    np.testing.assert_allclose(p.grad, 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda m: m, r"takes the parameters of a module; pass module.parameters\(\)"),
        (lambda m: m.parameters, r"got the function that lists them; call it: module.parameters\(\)"),
        (lambda m: m.state_dict(), r"a list of parameters.*, got (a|one) dict"),
        (lambda m: m.named_parameters(), r"takes tensors, such as module.parameters\(\), got \('weight', "),
        (lambda m: 3.0, r"takes a list of parameters, such as module.parameters\(\), got 3.0"),
        (lambda m: m.weight.data, r"takes tensors, such as module.parameters\(\), got array"),
    ],
)
def test_what_is_no_list_of_tensors_is_refused_with_what_to_pass(given, message):
    with pytest.raises(TypeError, match=message):
        clip_grad_norm_(given(Linear(2, 2)), 1.0)
    with pytest.raises(TypeError, match=message):
        SGD(given(Linear(2, 2)), lr=0.1)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("f2", 5000), ("f2", 6e4), ("f4", 1e20), ("f4", 3e38), ("f4", 1e-30), ("f8", 1e200), ("f8", 1e-200)],
)
def test_the_norm_is_right_where_squares_leave_the_dtype(dtype, size):
    given = parameters(np.full(3, size, dtype), np.full((2, 2), size, dtype))
    exact = given[0].grad[0].astype("f8") * np.sqrt(7)
    most = float(exact) * 1e-3 if size < 1 else 1.0
    assert clip_grad_norm_(given, most) == pytest.approx(exact, rel=1e-6)
    if size > 1:
        for p in given:
            np.testing.assert_allclose(p.grad, np.sqrt(1 / 7), rtol=1e-3)


def test_gradients_of_several_dtypes_have_one_norm():
    given = parameters(np.full(3, 1e20, "f4"), np.full(1, 1e20, "f8"), np.full(4, 2, "f2"))
    assert clip_grad_norm_(given, np.inf) == pytest.approx(2e20, rel=1e-6)


def test_a_norm_to_clip_to_that_is_no_number_is_refused():
    for wrong in (True, "1.0", None):
        with pytest.raises(TypeError, match=r"max_norm must be a number, got"):
            clip_grad_norm_(parameters(*GRADIENTS), wrong)
