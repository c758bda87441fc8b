"""Names that do not exist: the error says which one does."""

import inspect
import re

import numpy as np
import pytest

import minigrad
import minigrad.formats.safetensors
from minigrad import nn, ops
from minigrad.names import PYTORCH, missing


@pytest.mark.parametrize(
    ("module", "name", "remedy"),
    [
        (minigrad, "zeros", r"use minigrad.Tensor\(np.zeros"),
        (minigrad, "manual_seed", "use minigrad.seed"),
        (minigrad, "exp", "use minigrad.ops.exp"),
        (minigrad, "Tenser", "did you mean 'Tensor'"),
        (nn, "MultiheadAttention", "use nn.MultiHeadAttention"),
        (nn, "functional", "use minigrad.ops"),
        (nn, "relu", "use minigrad.ops.relu"),
        (ops, "cat", "use minigrad.ops.concatenate"),
        (ops, "sofmax", "did you mean 'softmax'"),
    ],
)
def test_a_module_names_what_to_use_instead(module, name, remedy):
    with pytest.raises(AttributeError, match=rf"module '{module.__name__}' has no attribute '{name}'; .*{remedy}"):
        getattr(module, name)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("view", r"use x.reshape\(shape\)"), ("exp", "use minigrad.ops.exp"), ("reshap", "did you mean 'reshape'")],
)
def test_a_tensor_names_what_to_use_instead(name, remedy):
    with pytest.raises(AttributeError, match=rf"Tensor has no attribute '{name}'; {remedy}"):
        getattr(minigrad.Tensor([1.0]), name)


@pytest.mark.parametrize("module", [minigrad, nn, ops])
def test_a_protocol_that_is_tried_gets_no_advice(module):
    with pytest.raises(AttributeError, match=r"no attribute '__wrapped__'$"):
        _ = module.__wrapped__


def test_a_name_like_no_other_gets_no_advice():
    assert str(missing("it", "xyzzy", ["grad"])) == "it has no attribute 'xyzzy'"


@pytest.mark.parametrize("name", PYTORCH)
def test_a_remedy_consists_of_names_that_exist(name):
    for path in re.findall(r"minigrad((?:\.\w+)+)", PYTORCH[name]):
        thing = minigrad
        for word in path[1:].split("."):
            thing = getattr(thing, word)
    for attribute in re.findall(r"\bx\.(\w+)", PYTORCH[name]):
        assert hasattr(minigrad.Tensor([1.0]), attribute)
    for path in re.findall(r"np\.((?:random\.)?\w+)", PYTORCH[name]):
        assert hasattr(np.random if "." in path else np, path.rpartition(".")[2])


@pytest.mark.parametrize("name", PYTORCH)
def test_a_name_with_a_remedy_is_one_of_pytorch_and_not_one_of_ours(name):
    torch = pytest.importorskip("torch")
    owners = [torch, torch.nn, torch.nn.utils, torch.Tensor]
    assert any(hasattr(owner, name) for owner in owners)
    assert not any(name in dir(module) for module in (minigrad, nn, ops))


X = minigrad.Tensor(np.ones((2, 3), np.float32))
FUNCTIONS = [name for name, value in vars(ops).items() if inspect.isfunction(value) and name[0] != "_"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: X.sum(dim=0), "sum takes a, axis, .*; PyTorch's dim is axis, keepdim is keepdims; .*'dim'"),
        (lambda: X.mean(1, keepdim=True), "mean takes .*; PyTorch's dim is axis, keepdim is keepdims; .*'keepdim'"),
        (lambda: X.std(unbiased=False), "std takes .*unbiased=False is ddof=0; .*'unbiased'"),
        (lambda: ops.softmax(X, dim=1), "softmax takes x, axis; PyTorch's dim is axis; .*'dim'"),
        (lambda: ops.concatenate([X, X], dim=1), "concatenate takes arrays, axis; PyTorch's dim is axis; .*'dim'"),
        (lambda: vars(ops)["topk"](X, 2, dim=1), "topk takes x, k, axis, largest; PyTorch's dim is axis; .*'dim'"),
        (lambda: X.reshape(shape=(3, 2)), "reshape takes lengths, order; "),
        (lambda: X.flatten(1), r"got 1; x.reshape\(\(len\(x\), -1\)\) keeps the first"),
        (lambda: X.to("float32"), r"one of 'cpu', .*, got 'float32'; .astype\(dtype\) converts it"),
        (lambda: X.to(np.float32), r"one of 'cpu', .*; .astype\(dtype\) converts it"),
    ],
)
def test_a_function_says_what_pytorchs_argument_is_here(call, sentence):
    with pytest.raises(TypeError, match=sentence):
        call()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_begins_its_errors_with_its_name_and_parameters(name):
    with pytest.raises(TypeError, match=rf"^(np\.)?{name} takes \w.*no_such_argument"):
        getattr(ops, name)(X, no_such_argument=1)


@pytest.mark.parametrize(
    "name", ["cuda", "cpu", "unsqueeze", "view", "permute", "add_", "zero_", "dim", "unbind", "contiguous", "type_as"]
)
def test_a_method_of_pytorchs_tensors_names_what_to_use(name):
    with pytest.raises(AttributeError, match=rf"Tensor has no attribute '{name}'; use .*x"):
        getattr(X, name)
