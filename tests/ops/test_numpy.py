"""NumPy's functions of tensors: values, dtypes and derivatives, in the forms in which NumPy is called."""

import re

import numpy as np
import pytest

from minigrad import Tensor, check_gradients, func

from .numpy_calls import ARRAYS, CALLS, CONSTANTS
from .operations import as_list

EXPRESSIONS = [each.strip() for text in CALLS.values() for each in re.split(r"·|\n", text) if each.strip()]
EXPRESSIONS = [each for each in EXPRESSIONS if all(hasattr(np, name) for name in re.findall(r"np\.(\w+)", each))]


def names_in(expression):
    """The arrays of an expression that have gradients, in order."""
    return [name for name in dict.fromkeys(re.findall(r"\b[a-z]\b", expression)) if name in ARRAYS]


def evaluate(expression, arrays):
    return eval(expression, {"np": np, **CONSTANTS}, arrays)


def depends(results):
    return [x for x in as_list(results) if isinstance(x, Tensor) and x.requires_grad]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.filterwarnings("ignore")
def test_values_shapes_and_dtypes_are_numpys(expression, dtype):
    arrays = {name: ARRAYS[name].astype(dtype) for name in names_in(expression)}
    # NumPy 2.5 gives complex eigenvalues and roots where all are real
    expected = [x.real if np.iscomplexobj(x) else x for x in as_list(evaluate(expression, arrays))]
    leaves = {name: Tensor(x.copy(), requires_grad=True) for name, x in arrays.items()}
    results = as_list(evaluate(expression, leaves))
    exact = {"rtol": 2e-4, "atol": 2e-5} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-12}
    for result, value in zip(results, expected, strict=True):
        assert isinstance(result, Tensor), type(result)
        assert result.shape == np.shape(value)
        assert result.dtype in (np.asarray(value).dtype, dtype)  # float32 stays, where NumPy makes it float64
        np.testing.assert_allclose(result.data, value, **exact)
    for name, leaf in leaves.items():
        np.testing.assert_array_equal(leaf.data, arrays[name])


@pytest.mark.parametrize("expression", [each for each in EXPRESSIONS if names_in(each) != ["e"]])
def test_derivatives_of_first_and_second_order_are_those_of_finite_differences(expression):
    names = names_in(expression)
    check_gradients(
        lambda *leaves: depends(evaluate(expression, dict(zip(names, leaves, strict=True)))),
        *[ARRAYS[name] for name in names],
    )


@pytest.mark.parametrize("expression", [each for each in EXPRESSIONS if names_in(each) != ["e"]])
def test_the_derivative_along_a_direction_is_that_of_the_gradient(expression):
    names, random = names_in(expression), np.random.default_rng(0)
    arrays = [ARRAYS[name] for name in names]

    def f(*leaves):
        results = depends(evaluate(expression, dict(zip(names, leaves, strict=True))))
        return np.concatenate([x.reshape(-1) for x in results])

    directions = [random.standard_normal(x.shape) for x in arrays]
    value, forward = func.jvp(f, arrays, directions)
    weights = random.standard_normal(value.shape)
    _, pull = func.vjp(f, *arrays)
    backward = sum((g.data * t).sum() for g, t in zip(pull(weights), directions, strict=True))
    np.testing.assert_allclose(
        np.sum(np.nan_to_num(forward.data) * weights), np.nan_to_num(backward), rtol=1e-7, atol=1e-9
    )
