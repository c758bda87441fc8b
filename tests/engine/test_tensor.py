import copy
import pickle

import numpy as np
import pytest

from minigrad import Tensor, no_grad


@pytest.mark.parametrize("data", [2, 2.5, [1, 2], [[1.0, 2.0], [3.0, 4.0]], (1, 2.5), []])
def test_numbers_and_lists_become_float32(data):
    tensor = Tensor(data)
    assert tensor.dtype == np.float32
    np.testing.assert_array_equal(tensor.data, np.array(data, np.float32))


def test_truth_values_stay_truth_values():
    assert Tensor([True, False]).dtype == np.bool_


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])
def test_arrays_keep_their_dtype_and_are_not_copied(dtype):
    array = np.ones((2, 3), dtype)
    tensor = Tensor(array)
    assert tensor.data is array


def test_scalars_of_numpy_keep_their_dtype():
    assert Tensor(np.float64(2)).dtype == np.float64


def test_a_dtype_converts():
    assert Tensor([1, 2], dtype=np.int64).dtype == np.int64
    assert Tensor(np.ones(2), dtype=np.float32).dtype == np.float32


def test_a_tensor_of_a_tensor_shares_the_array_and_not_the_history():
    x = Tensor([1.0, 2.0], requires_grad=True)
    again = Tensor(x * 2)
    assert not again.requires_grad
    assert Tensor(x).data is x.data


def test_data_is_always_an_array_also_of_0_d():
    x = Tensor(2.0, requires_grad=True)
    for tensor in (x, x * x, x + 1, x.sum(), -x, x.reshape(1)[0], x.mean()):
        assert type(tensor.data) is np.ndarray


@pytest.mark.parametrize(("data", "kind"), [("text", "str"), ([1j], "list"), (None, "NoneType"), ({}, "dict")])
def test_what_is_not_made_of_numbers_is_refused(data, kind):
    with pytest.raises(TypeError, match=f"a tensor holds numbers, got {kind} of dtype"):
        Tensor(data)


def test_a_ragged_nest_is_refused():
    with pytest.raises(ValueError, match="a full rectangle of numbers, got a ragged nest"):
        Tensor([[1.0], [2.0, 3.0]])


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_integers_that_ask_for_gradients_are_refused_with_the_remedy(dtype):
    with pytest.raises(TypeError, match=r"only floating-point tensors can require gradients, got .*dtype=np.float32"):
        Tensor(np.ones(2, dtype), requires_grad=True)


def test_a_computed_tensor_cannot_stop_requiring_gradients():
    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"use \.detach\(\)"):
        (x * 2).requires_grad = False
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_a_leaf_is_what_was_given_and_not_computed():
    x = Tensor([1.0], requires_grad=True)
    assert x.is_leaf
    assert Tensor([1.0]).is_leaf
    assert not (x * 2).is_leaf
    assert (x * 2).detach().is_leaf


def test_shape_ndim_size_and_dtype_are_those_of_the_array():
    x = Tensor(np.zeros((2, 3), np.float64))
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((2, 3), 2, 6, np.float64, 2)


def test_numpy_gives_the_array_of_a_constant_and_refuses_to_lose_a_gradient():
    x = Tensor([1.0, 2.0])
    assert x.numpy() is x.data
    assert np.asarray(x) is not None
    np.testing.assert_array_equal(np.asarray(x, dtype=np.float64), [1.0, 2.0])
    tracked = Tensor([1.0], requires_grad=True)
    for convert in (np.asarray, np.array, Tensor.numpy):
        with pytest.raises(RuntimeError, match=r"\.detach\(\)\.numpy\(\)"):
            convert(tracked)


def test_item_and_conversions_take_one_element():
    assert Tensor([[2.5]]).item() == 2.5
    assert float(Tensor(2.5)) == 2.5
    assert int(Tensor([3])) == 3
    assert [10, 20, 30][Tensor(np.int64(1))] == 20
    assert bool(Tensor(1.0))
    assert f"{Tensor(2.5):.2f}" == "2.50"
    with pytest.raises(ValueError, match=r"item\(\) takes a tensor of one element, got shape \(2,\)"):
        Tensor([1.0, 2.0]).item()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([1.0, 2.0]))


def test_tolist_gives_a_nest_of_python_numbers():
    assert Tensor([[1.0, 2.0]]).tolist() == [[1.0, 2.0]]
    assert Tensor(2.0).tolist() == 2.0


def test_a_0_d_tensor_has_no_length_and_cannot_be_walked():
    with pytest.raises(TypeError, match="a 0-d tensor has no length"):
        len(Tensor(1.0))


def test_a_tensor_is_walked_along_its_first_axis():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = x
    (first * second).sum().backward()
    np.testing.assert_array_equal(x.grad, [[3, 4], [1, 2]])


def test_repr_says_values_dtype_and_origin():
    assert repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(Tensor(np.zeros(1))) == "Tensor([0.], dtype=float64)"
    x = Tensor([1.0], requires_grad=True)
    assert repr(x) == "Tensor([1.], requires_grad=True)"
    assert repr(x * 2) == "Tensor([2.], made by multiply)"


def test_the_gradient_can_be_set_on_a_leaf_and_has_its_shape_and_dtype():
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.grad = np.array([1.0, 2.0])
    assert x.grad.dtype == np.float32
    x.grad = None
    assert x.grad is None
    with pytest.raises(ValueError, match=r"the shape of its tensor, \(2,\), got \(3,\)"):
        x.grad = np.zeros(3)
    with pytest.raises(RuntimeError, match="requires_grad=True has a gradient to set"):
        (x * 2).grad = np.zeros(2)


def test_pickling_is_refused_in_favour_of_safe_files():
    with pytest.raises(TypeError, match="safetensors"):
        pickle.dumps(Tensor([1.0]))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_has_memory_and_a_gradient_of_its_own(duplicate):
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.grad = np.array([3.0, 4.0])
    twin = duplicate(x)
    assert twin.requires_grad
    np.testing.assert_array_equal(twin.data, x.data)
    np.testing.assert_array_equal(twin.grad, x.grad)
    assert not np.shares_memory(twin.data, x.data)
    assert not np.shares_memory(twin.grad, x.grad)


def test_a_computed_tensor_is_not_copied_without_its_history():
    x = Tensor([1.0], requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"copy its \.detach\(\)"):
        copy.deepcopy(x)
    np.testing.assert_array_equal(copy.deepcopy(x.detach()).data, [2.0])


def test_the_method_copy_is_differentiable():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x.copy()
    assert not np.shares_memory(x.data, y.data)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1])


def test_tensors_are_told_apart_by_identity_where_python_asks_for_a_hash():
    x, y = Tensor([1.0]), Tensor([1.0])
    assert {x: 1, y: 2}[x] == 1


def test_a_write_into_a_constant_is_a_write_into_its_array():
    x = Tensor([1.0, 2.0, 3.0])
    x[1:] = 0
    x[0] = Tensor(5.0)
    np.testing.assert_array_equal(x.data, [5, 0, 0])


def test_a_write_into_a_leaf_is_refused_with_the_remedies():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"write under no_grad\(\), or into a copy"):
        x[0] = 5.0
    with no_grad():
        x[0] = 5.0
    np.testing.assert_array_equal(x.data, [5, 2])


@pytest.mark.parametrize("index", [0, slice(1, None), [0, 2], np.array([True, False, True]), Ellipsis])
def test_a_write_into_a_computed_tensor_is_part_of_the_derivative(index):
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    value = Tensor(4.0, requires_grad=True)
    y = x * x
    y[index] = value
    (y * y).sum().backward()
    written = np.zeros(3, bool)
    written[index] = True
    np.testing.assert_array_equal(x.grad, np.where(written, 0, 4 * x.data**3))
    assert value.grad == written.sum() * 8


def test_a_tracked_value_written_into_a_constant_makes_it_tracked():
    value = Tensor([2.0], requires_grad=True)
    x = Tensor([1.0, 1.0])
    x[:1] = value
    (x * x).sum().backward()
    np.testing.assert_array_equal(value.grad, [4])


def test_what_was_computed_before_a_write_keeps_its_own_values():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = y * y
    y[0] = 0.0
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * 9 * x.data)


def test_views_of_one_memory_count_the_same_writes():
    x = Tensor(np.ones(4))
    view = x.reshape((2, 2)).T[0]
    weight = Tensor(np.ones(2), requires_grad=True)
    loss = (weight * view).sum()
    x[0] = 7.0
    with pytest.raises(RuntimeError, match="has been written to in place"):
        loss.backward()


def test_detach_shares_memory_and_counts_the_same_writes():
    x = Tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    with no_grad():
        x.detach()[0] = 5.0
    with pytest.raises(RuntimeError, match="multiply keeps for its gradient has been written to in place"):
        loss.backward()
