import threading

import numpy as np
import pytest

from minigrad import Tensor, enable_grad, is_grad_enabled, no_grad


def leaf():
    return Tensor([1.0, 2.0], requires_grad=True)


def test_nothing_is_remembered_within_no_grad_and_all_is_again_after_it():
    x = leaf()
    with no_grad():
        assert not is_grad_enabled()
        assert not (x * 2).requires_grad
    assert is_grad_enabled()
    assert (x * 2).requires_grad


def test_enable_grad_remembers_inside_of_no_grad():
    with no_grad(), enable_grad():
        assert (leaf() * 2).requires_grad


def test_both_are_decorators_too():
    @no_grad()
    def double(x):
        return x * 2

    assert not double(leaf()).requires_grad
    assert not double(leaf()).requires_grad
    assert is_grad_enabled()


def test_the_mode_is_as_before_after_an_error():
    with pytest.raises(ZeroDivisionError), no_grad():
        _ = 1 / 0
    assert is_grad_enabled()


def test_the_mode_belongs_to_a_thread():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_leaf_may_be_made_within_no_grad():
    with no_grad():
        x = leaf()
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])
