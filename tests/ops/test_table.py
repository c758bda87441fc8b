"""What holds for every operation, over samples of each."""

import gc
import weakref

import numpy as np
import pytest

from minigrad import Tensor, check_gradients, grad, ops
from minigrad.engine.apply import operations as table
from minigrad.engine.opcheck import check_operation

from .operations import (
    COMPOSED,
    DECLARED,
    OPERATIONS,
    arguments,
    as_list,
    converted,
    is_differentiable,
    samples,
    tracked,
)
from .samples import CASES

EXACT = {np.float32: {"rtol": 2e-5, "atol": 1e-6}, np.float64: {"rtol": 1e-12, "atol": 1e-14}}


def backwards(array):
    """A read-only view of the same values in memory that runs backwards along every axis."""
    view = np.asarray(np.flip(np.flip(array).copy()))
    view.flags.writeable = False
    return view


def gradients_for(outputs):
    """A gradient for each output, the same at every call; read-only."""
    random = np.random.default_rng(0)
    return [backwards(random.standard_normal(x.shape).astype(x.dtype)) for x in outputs]


def is_ours(primitive):
    """Whether the package declares the operation, and not a test."""
    return isinstance(primitive.forward, np.ufunc) or primitive.forward.__module__.startswith("minigrad.")


def test_every_operation_has_samples():
    apart = {"cholesky", "eigh", "eig"}  # as functions of some matrices in test_decomposition.py and test_numpy.py
    apart |= {"bitwise_and", "bitwise_or", "bitwise_xor", "invert"}  # as operators of integers in test_methods.py
    ours = [name for name, primitive in table.items() if is_ours(primitive)]
    declared = {name.partition(".")[0] for name in ours}  # "svd.S" is one result of svd
    assert (declared | COMPOSED.keys()) - CASES.keys() == apart, "add sample calls to CASES in tests/ops/samples"


def test_every_operation_is_in_minigrad_ops():
    inner = {"cast", "chain", "contract", "convolution_weight", "is_last", "moments", "overlap_add", "recurrence"}
    inner |= {"gru_states", "lstm_states", "rnn_states", "to_device", "transposed_convolution"}  # called by functions
    inner |= {"max_pool", "max_pool_collect", "max_pool_spread", "sum_pool"}
    of_numpy = {"copysign", "heaviside", "i0", "pinv"}  # called as np.copysign, ...
    elsewhere = {name for name in CASES if not hasattr(ops, name)}
    assert elsewhere == inner | of_numpy, "import it in minigrad/ops/__init__.py"


@samples(lambda name: True)
def test_values_and_dtype_are_those_of_the_reference(name, i):
    for dtype, exact in EXACT.items():
        args, kwargs = CASES[name].calls[i]
        args = converted(list(args), lambda x, dtype=dtype: x.astype(dtype))
        before = converted(args, np.copy)
        expected = as_list(CASES[name].reference(*args, **kwargs))
        ours = as_list(OPERATIONS[name](*args, **kwargs))
        of_tensors = as_list(OPERATIONS[name](*converted(args, Tensor), **kwargs))
        np.testing.assert_equal(args, before)
        for array, tensor, value in zip(ours, of_tensors, map(np.asarray, expected), strict=True):
            assert isinstance(array, np.ndarray)
            assert isinstance(tensor, Tensor)
            assert (array.shape, array.dtype) == (value.shape, value.dtype)
            np.testing.assert_allclose(array, value, **exact)
            np.testing.assert_array_equal(tensor.data, array)


@samples(lambda name: name in DECLARED)
def test_forward_rules_and_fast_path_are_right_to_second_order(name, i):
    args, kwargs = CASES[name].calls[i]
    check_operation(DECLARED[name], *args, **kwargs)


@samples(lambda name: name in COMPOSED)
def test_gradients_of_what_is_composed_are_those_of_finite_differences(name, i):
    args, kwargs = CASES[name].calls[i]
    arrays = []
    converted(list(args), arrays.append)

    def of_arrays(*tensors):
        given = iter(tensors)
        results = COMPOSED[name](*converted(list(args), lambda x: next(given)), **kwargs)
        return [x for x in as_list(results) if x.requires_grad]

    check_gradients(of_arrays, *arrays)


@samples(is_differentiable)
def test_gradients_are_the_same_however_the_inputs_lie_in_memory(name, i):
    for layout in (backwards, lambda x: np.array(x, order="F")):
        leaves, outputs = tracked(name, i)
        others, same = tracked(name, i, layout)
        expected = grad(outputs, leaves, gradients_for(outputs), allow_unused=True)
        found = grad(same, others, gradients_for(same), allow_unused=True)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-12, atol=1e-14)


def second_derivatives(name, i, only=None):
    """The gradients of the gradient of each leaf, with all leaves tracked, or with `only` that one."""
    leaves = []

    def leaf(array):
        leaves.append(Tensor(array, requires_grad=only in (None, len(leaves))))
        return leaves[-1]

    args, kwargs = arguments(name, i, leaf)
    outputs = [x for x in as_list(OPERATIONS[name](*args, **kwargs)) if x.requires_grad]
    found = []
    for x in leaves:
        if x.requires_grad:
            (first,) = grad(outputs, x, gradients_for(outputs), create_graph=True)
            second = None
            if first.requires_grad:
                (second,) = grad(first, x, gradients_for([first]), retain_graph=True, allow_unused=True)
            found.append(np.zeros(x.shape) if second is None else second.data)
    return found


@samples(is_differentiable)
def test_second_derivatives_do_not_depend_on_which_other_inputs_are_tracked(name, i):
    for place, expected in enumerate(second_derivatives(name, i)):
        (found,) = second_derivatives(name, i, only=place)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@samples(is_differentiable)
def test_gradients_of_leaves_are_arrays_of_their_own(name, i):
    leaves, outputs = tracked(name, i)
    given = gradients_for(outputs)
    for output, gradient in zip(outputs, given, strict=True):
        output.backward(gradient, retain_graph=True)
    foreign = [*given, *(x.data for x in leaves), *(x.data for x in outputs)]
    for leaf in leaves:
        assert type(leaf.grad) is np.ndarray
        assert (leaf.grad.shape, leaf.grad.dtype) == (leaf.shape, leaf.dtype)
        assert leaf.grad.flags.writeable
        assert not any(np.shares_memory(leaf.grad, array) for array in foreign)
        foreign.append(leaf.grad)


def kept_floats(node):
    """The arrays of floating point that a node keeps; others, such as indices, belong to the sample."""
    return [x for value in node.saved for x in as_list(value) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]


@samples(lambda name: name in DECLARED and is_differentiable(name))
def test_a_write_in_place_before_backward_is_refused_exactly_where_the_old_values_are_kept(name, i):
    leaves, (output,) = tracked(name, i)
    for place in range(len(leaves) + 1):
        leaves, (output,) = tracked(name, i)
        written = [*leaves, output][place]
        kept = any(np.shares_memory(written.data, array) for array in kept_floats(output.node))
        written.bump()
        if kept:
            with pytest.raises(RuntimeError, match=f"a tensor that {name} keeps .* has been written to in place"):
                output.backward(*gradients_for([output]))
        elif written.size:
            output.backward(*gradients_for([output]))
            assert leaves[0].grad is not None


@samples(is_differentiable)
def test_memory_is_released_without_the_collector(name, i):
    gc.disable()
    try:
        leaves, outputs = tracked(name, i)
        refs = [weakref.ref(x.data) for x in (*leaves, *outputs)]
        of_sample = [id(value) for value in CASES[name].calls[i].args]
        refs += [weakref.ref(x) for out in outputs for x in kept_floats(out.node) if id(x) not in of_sample]
        grad(outputs, leaves, gradients_for(outputs), create_graph=True, allow_unused=True)
        del leaves, outputs
        assert [ref() for ref in refs] == [None] * len(refs)
    finally:
        gc.enable()


@samples(lambda name: name in DECLARED and is_differentiable(name))
def test_nothing_is_kept_that_no_rule_names(name, i):
    primitive = DECLARED[name].primitive
    named = set(primitive.saved)
    leaves, (output,) = tracked(name, i)
    node, result = output.node, weakref.ref(output.data)
    inputs = [weakref.ref(leaf.data) for leaf in leaves]
    del leaves, output
    assert result() is None or "out" in named
    assert all(ref() is None for ref in inputs) or named & {*primitive.inputs, "out"}
    assert node.saved is not None
