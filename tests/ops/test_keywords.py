"""Every keyword of NumPy's signatures: it gives what it gives for arrays, or is refused by its name."""

import inspect

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.ops.protocol import signature_of

from .test_bad_input import NUMPYS, has_tensor, tensors

VALUES = {
    "axis": -1,
    "axes": 0,
    "keepdims": True,
    "dtype": np.float64,
    "casting": "same_kind",
    "order": "C",
    "kind": "stable",
    "stable": True,
    "initial": 0.5,
    "ddof": 1,
    "correction": 1,
    "N": 2,
    "left": 0.5,
    "right": 0.5,
    "min": -0.3,
    "max": 0.3,
    "period": 7.0,
    "discont": 4.0,
    "posinf": 3.0,
    "neginf": 3.0,
    "rcond": 1e-9,
    "rtol": 1e-9,
    "shape": (2, 2),
    "prepend": 0.5,
    "append": 0.5,
    "to_end": [0.5],
    "to_begin": [0.5],
    "k": [0.5],
    "range": (-1.0, 1.0),
    "optimize": "greedy",
}
"""What a keyword is given whose default says nothing."""

UFUNCS = ("where", "casting", "order", "dtype", "subok")


def keywords_of(function, arguments, keywords):
    """The keywords that a call does not give, with a value each."""
    if isinstance(function, np.ufunc):
        return {name: VALUES.get(name, True) for name in UFUNCS if name not in keywords}
    signature = signature_of(function)
    parameters = list(signature.parameters.values()) if signature else []
    found = {}
    for p in parameters[len(arguments) :]:
        says_nothing = p.default in (None, inspect.Parameter.empty) or p.default is np._NoValue
        is_keyword = p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name not in keywords
        if is_keyword and (p.name in VALUES or not says_nothing):
            found[p.name] = VALUES.get(p.name, p.default)
    return found


CASES = [
    (case, keyword)
    for case, (_, function, arguments, keywords) in NUMPYS.items()
    if any(map(has_tensor, map(tensors, arguments)))
    for keyword in keywords_of(function, arguments, keywords)
]


@pytest.mark.parametrize(("case", "keyword"), CASES)
@pytest.mark.filterwarnings("ignore")
def test_a_keyword_gives_what_it_gives_for_arrays_or_is_named(case, keyword):
    _, function, arguments, keywords = NUMPYS[case]
    given = {**keywords, keyword: keywords_of(function, arguments, keywords)[keyword]}
    try:
        expected = function(*arguments, **given)
    except (TypeError, ValueError, IndexError):
        pytest.skip("NumPy refuses it, too")
    try:
        found = function(*map(tensors, arguments), **given)
    except (TypeError, ValueError) as error:
        if keyword not in str(error):
            raise
    else:
        compare(found, expected)


def compare(found, expected):
    if isinstance(expected, (tuple, list)):
        for one, other in zip(found, expected, strict=True):
            compare(one, other)
    elif isinstance(found, (Tensor, np.ndarray)):
        np.testing.assert_allclose(np.asarray(getattr(found, "data", found)), expected, rtol=1e-9, atol=1e-12)


def test_a_mask_of_a_ufunc_of_two_results_leaves_zeros():
    x = Tensor(np.array([1.5, -2.25]), requires_grad=True)
    fraction, whole = np.modf(x, where=np.array([True, False]))
    np.testing.assert_array_equal([fraction.data, whole.data], [[0.5, 0.0], [1.0, 0.0]])
    quotient, rest = np.divmod(x, 1.0, where=np.array([False, True]))
    np.testing.assert_array_equal([quotient.data, rest.data], [[0.0, -3.0], [0.0, 0.75]])


def test_a_ufunc_of_two_results_writes_both():
    whole, rest = Tensor(np.zeros(2)), Tensor(np.zeros(2))
    found = np.divmod(Tensor(np.array([1.5, -2.25])), 1.0, out=(whole, rest))
    assert found[0] is whole
    assert found[1] is rest
    np.testing.assert_array_equal([whole.data, rest.data], [[1.0, -3.0], [0.5, 0.75]])
