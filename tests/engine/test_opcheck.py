import numpy as np
import pytest

from minigrad import Tensor, check_operation, ops
from minigrad.engine import GradientError, OperationError

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
Y = np.array([[1.0, 2.0, -1.0], [0.4, -0.2, 3.0]])


def cube(x):
    return x * x * x


def product(x, y):
    return x * y


def test_a_right_operation_passes_with_a_rule_and_with_a_fast_path(declare):
    right = declare("right", cube, lambda g, x: g * (3 * x * x), fused=lambda g, needs, x: [g * (3 * x * x)])
    for x in (X, X[:, :0], np.array(0.5)):
        check_operation(right, x)


def test_an_operation_without_rules_is_checked_for_what_its_forward_does(declare):
    check_operation(declare("steps", lambda x: np.floor(x)), X)


def test_an_operation_without_rules_that_writes_into_its_input_is_found(declare):
    with pytest.raises(OperationError, match="the forward of greedy writes into an input"):
        check_operation(declare("greedy", lambda x: np.floor(x, out=x)), X)


def test_only_inputs_of_floating_point_that_have_a_rule_are_differentiated(declare):
    scaled = declare("scaled", product, lambda g, y: g * y, None)
    check_operation(scaled, X, Y)
    kept = declare("kept", lambda x, mask: x * mask, lambda g, mask: g * mask, lambda g, x: g * x)
    check_operation(kept, X, X > 0)


def test_a_gradient_may_have_the_axes_along_which_its_input_was_broadcast(declare):
    multiply = declare("multiplied", product, lambda g, y: g * y, lambda g, x: g * x)
    for x in (X[:, :1], X[:1], X[0], X[:1, :1], np.array(0.5)):
        check_operation(multiply, x, Y)
        check_operation(multiply, Y, x)


def test_samples_may_be_tensors_and_given_by_name(declare):
    check_operation(ops.softmax, Tensor(X), axis=0)


def test_a_wrong_factor_is_found_with_the_worst_entry(declare):
    wrong = declare("wrong", cube, lambda g, x: g * (2 * x * x))
    with pytest.raises(GradientError, match=r"order 1 .* worst at \[.*\]: the rules say .*, ratio 0\.66666"):
        check_operation(wrong, X)


def test_an_intermediate_that_is_taken_for_a_constant_is_found_at_the_second_order(declare):
    frozen = declare("frozen", lambda x: (cube(x), 3 * x * x), lambda g, slope: g * slope, residuals=("slope",))
    with pytest.raises(GradientError, match="of order 2"):
        check_operation(frozen, X)


def test_a_fast_path_that_differs_from_the_rule_is_found(declare):
    hasty = declare("hasty", cube, lambda g, x: g * (3 * x * x), fused=lambda g, needs, x: [g * (3 * x)])
    with pytest.raises(OperationError, match="the fused backward of hasty and its rule for input 0 differ, most at"):
        check_operation(hasty, X)


def test_a_fast_path_that_forgets_that_only_one_input_may_need_a_gradient_is_found(declare):
    greedy = declare(
        "greedy", product, lambda g, y: g * y, lambda g, x: g * x, fused=lambda g, needs, x, y: [g * y, g * x]
    )
    with pytest.raises(TypeError, match="NoneType"):
        check_operation(greedy, X, Y)


def scale_in_place(g, x):
    g *= 3 * x * x
    return g


def spoil_what_is_kept(g, x):
    x *= x
    return g * (3 * x)


@pytest.mark.parametrize("rule", [scale_in_place, spoil_what_is_kept])
def test_a_rule_that_writes_into_g_or_into_what_is_kept_is_found(declare, rule):
    with pytest.raises(OperationError, match="the rules of careless writes into g or into what is kept"):
        check_operation(declare("careless", cube, rule), X)


def test_a_fast_path_that_writes_into_g_is_found(declare):
    careless = declare("careless", cube, lambda g, x: g * (3 * x * x), fused=lambda g, needs, x: [scale_in_place(g, x)])
    with pytest.raises(OperationError, match="the fused backward of careless writes into g"):
        check_operation(careless, X)


def test_a_rule_that_returns_what_is_kept_is_found(declare):
    lender = declare("lender", lambda x: (0.5 * x * x).sum(), lambda g, x: x)
    with pytest.raises(OperationError, match="the rules of lender for input 0 returns an array that is kept"):
        check_operation(lender, X)


def test_one_array_for_two_inputs_is_found(declare):
    def twice(g, needs):
        half = g * 0.5
        return [half, half]

    shared = declare("shared", lambda x, y: (x + y) / 2, lambda g: g * 0.5, lambda g: g * 0.5, fused=twice)
    with pytest.raises(OperationError, match="the fused backward of shared returns the same memory for two inputs"):
        check_operation(shared, X, Y)


def test_a_gradient_of_the_wrong_shape_is_found(declare):
    flat = declare("flat", lambda x: x * 2, lambda g: (g * 2).reshape(-1))
    with pytest.raises(OperationError, match=r"of shape \(2, 3\), returns shape \(6,\)"):
        check_operation(flat, X)


def test_a_gradient_that_is_no_number_is_found_also_where_both_ways_agree(declare):
    def rule(g, x):
        return g * np.where(x < 0, x.dtype.type(np.nan), 1)

    same = declare("same", lambda x: x * 1, rule, fused=lambda g, needs, x: [rule(g, x)])
    with pytest.raises(OperationError, match="the rules of same for input 0 makes NaN"):
        check_operation(same, X)


def test_a_forward_that_writes_into_its_input_is_found(declare):
    greedy = declare("greedy", lambda x: np.negative(x, out=x), lambda g: -g)
    with pytest.raises(OperationError, match="the forward of greedy writes into an input"):
        check_operation(greedy, X)


def test_a_forward_that_makes_float64_of_float32_is_found(declare):
    wide = declare("wide", lambda x: x * np.array([1.0, 2.0, 3.0]), lambda g: g * np.array([1.0, 2.0, 3.0]))
    with pytest.raises(OperationError, match="wide makes float64 of float32"):
        check_operation(wide, X)


def test_a_rule_that_makes_float64_of_float32_is_found(declare):
    wide = declare("wide", lambda x: x * 2, lambda g: g * np.float64(2))
    with pytest.raises(OperationError, match="the rules of wide for input 0 makes float64 of float32"):
        check_operation(wide, X)


def test_a_forward_that_reads_memory_in_its_order_is_found(declare):
    raw = declare("raw", lambda x: x * 2 if x.flags.c_contiguous else x * 3, lambda g: g * 2)
    with pytest.raises(OperationError, match="raw gives other values for inputs that are not contiguous"):
        check_operation(raw, X)


def test_a_residual_that_shares_memory_with_an_input_is_found(declare):
    sly = declare("sly", lambda x: (cube(x), x), lambda g, view: g * (3 * view * view), residuals=("view",))
    with pytest.raises(OperationError, match="the residual 'view' of sly shares memory with its result or an input"):
        check_operation(sly, X)


def test_what_is_no_operation_is_refused():
    with pytest.raises(TypeError, match="expected an operation that was made by primitive"):
        check_operation(np.exp, X)
