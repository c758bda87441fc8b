"""Tensors on other devices: how they get there, what they refuse, and what they say."""

import copy
import sys

import numpy as np
import pytest

from minigrad import Tensor, devices, nn, ops

from .stand_in import NAME, Library, asarray, ndarray


def test_a_tensor_goes_to_a_device_and_back():
    x = Tensor([1.0, 2.0])
    there = x.to(NAME)
    assert (x.device, there.device) == ("cpu", NAME)
    assert isinstance(there.data, ndarray)
    assert there.to(NAME) is there
    assert there.to("cpu").numpy().tolist() == [1.0, 2.0]


def test_gradients_come_back_from_a_device():
    x = Tensor([1.0, 2.0], requires_grad=True)
    (x.to(NAME) ** 2).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_an_array_of_another_make_is_kept_without_a_copy():
    array = asarray(np.ones(3, np.float32))
    assert Tensor(array).data is array
    assert copy.deepcopy(Tensor(array)).device == NAME


def test_a_module_takes_its_parameters_buffers_and_gradients_along():
    layer = nn.BatchNorm1d(2)
    layer(Tensor(np.eye(2, dtype=np.float32))).sum().backward()
    layer.to(NAME)
    assert {x.device for x in (*layer.parameters(), *layer.buffers())} == {NAME}
    assert isinstance(layer.weight.grad, ndarray)
    assert {x.device for x in layer.to("cpu").parameters()} == {"cpu"}


def test_numpy_makes_constants_where_a_tensor_lies():
    there = Tensor([1.0, 2.0]).to(NAME)
    assert np.zeros(3, like=there).device == NAME
    assert np.arange(3, like=there).tolist() == [0, 1, 2]
    assert np.full_like(there, 7.0).tolist() == [7.0, 7.0]


def test_a_view_on_a_device_shares_its_version():
    x = Tensor([1.0, 2.0, 3.0]).to(NAME)
    y = x[1:]
    y[0] = 9.0
    assert x.tolist() == [1.0, 9.0, 3.0]
    assert x.version is y.version


def test_a_tensor_on_a_device_is_printed_with_its_device():
    assert repr(Tensor([1.0]).to(NAME)) == f"Tensor([1.], device={NAME!r})"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x, y: x + y, "add"),
        (lambda x, y: y * x, "multiply"),
        (lambda x, y: x @ y, "matmul"),
        (lambda x, y: ops.concatenate([x, y]), "concatenate"),
        (lambda x, y: ops.linear(x.reshape(1, 2), y.reshape(1, 2)), "linear"),
        (lambda x, y: ops.mse_loss(x, y), "mse_loss"),
        (lambda x, y: np.where(x > 0, x, y), "where"),
    ],
)
def test_two_devices_in_one_operation_are_refused_by_its_name(function, name):
    x, y = Tensor([1.0, 2.0]), Tensor([1.0, 2.0]).to(NAME)
    with pytest.raises(TypeError, match=rf"^{name} of .*different devices, .* and .*; move one of them, as in x\.to\("):
        function(x, y)


def test_a_model_and_its_data_on_two_devices_are_told_by_the_layer():
    model = nn.Sequential(nn.Linear(2, 2)).to(NAME)
    with pytest.raises(TypeError, match=r"layer '0' \(Linear\): linear of .* different devices, cpu and stand-in"):
        model(Tensor(np.ones((1, 2), np.float32)))


def test_numpy_is_refused_a_tensor_on_a_device():
    with pytest.raises(TypeError, match=r"no arrays on the device 'stand-in'; copy the tensor with \.to\('cpu'\)"):
        Tensor([1.0]).to(NAME).numpy()


@pytest.mark.parametrize("to", [Tensor([1.0]).to, nn.Linear(1, 1).to])
def test_an_unknown_device_is_named_beside_those_that_there_are(to):
    with pytest.raises(ValueError, match=r"'nowhere'.*|one of cpu, cuda, stand-in.*'nowhere'"):
        to("nowhere")


def test_a_dtype_is_no_device_of_a_tensor():
    with pytest.raises(TypeError, match=r"moved to a device, one of .*, got .*; .astype\(dtype\) converts it"):
        Tensor([1.0]).to("float64")


def test_cuda_without_cupy_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.delitem(devices._modules, "cuda", raising=False)
    with pytest.raises(RuntimeError, match=r"needs CuPy.*the extra 'gpu'.*or use the device 'cpu'"):
        Tensor([1.0]).to("cuda")


def test_an_array_of_cupy_is_known_by_its_module_before_anybody_names_cuda(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.delitem(devices._modules, "cuda", raising=False)
    theirs = type("ndarray", (), {"__module__": "cupy._core.core"})()
    with pytest.raises(RuntimeError, match="needs CuPy"):
        Tensor(theirs)


def test_a_library_without_the_protocols_is_refused():
    class Other:
        ndarray = list
        asarray = asnumpy = staticmethod(list)

    with pytest.raises(TypeError, match=r"without ndarray\.__array_function__, ndarray\.__array_ufunc__"):
        devices.register("other", Other)
    with pytest.raises(ValueError, match="there is a device 'cpu' already"):
        devices.register("cpu", Library)
