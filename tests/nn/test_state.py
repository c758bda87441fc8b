"""What a module saves, and what it loads."""

import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import Linear, Sequential

from .networks import Network


def batch(*shape):
    return Tensor(np.ones(shape, np.float32))


def test_state_is_parameters_then_saved_buffers_then_children():
    assert list(Network().state_dict()) == [
        "bias", "scale.factor", "scale.offset",
        "layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias",
    ]  # fmt: skip


def test_state_holds_the_live_arrays():
    layer = Linear(2, 2)
    assert layer.state_dict()["weight"] is layer.weight.data


def test_loading_copies_values_in_place_and_converts_the_dtype():
    layer = Linear(2, 3)
    array, state = layer.weight.data, {"weight": np.ones((3, 2)), "bias": np.arange(3)}
    layer.load_state_dict(state)
    assert layer.weight.data is array
    assert array.dtype == np.float32
    assert layer.bias.data.tolist() == [0, 1, 2]
    state["weight"][...] = 5
    assert array.max() == 1


def test_a_state_that_does_not_fit_is_refused_with_every_reason_and_nothing_is_loaded():
    network = Network()
    before = {name: array.copy() for name, array in network.state_dict().items()}
    state = {name: array + 1 for name, array in before.items() if name != "bias"}
    state["layers.0.weight"] = np.zeros((3, 4))
    state["layers.0.wieght"] = np.zeros((4, 3))
    state["scale.offset"] = np.array(["a", "b", "c"])
    with pytest.raises(ValueError, match=r"this state does not fit Network:") as caught:
        network.load_state_dict(state)
    assert str(caught.value).splitlines()[1:] == [
        "  missing: 'bias'",
        "  'scale.offset': expected float32, got <U1",
        "  'layers.0.weight': expected shape (4, 3), got (3, 4)",
        "  unexpected: 'layers.0.wieght' (did you mean 'layers.0.weight'?)",
    ]
    assert all(np.array_equal(array, before[name]) for name, array in network.state_dict().items())


def test_a_path_in_place_of_a_state_is_refused_with_what_reads_it():
    with pytest.raises(TypeError, match=r"got str; files are read by minigrad\.formats\.safetensors\.load"):
        Network().load_state_dict("model.safetensors")


def test_loading_between_forward_and_backward_is_noticed():
    network = Sequential(Linear(2, 2), Linear(2, 2))
    loss = network(batch(1, 2)).sum()
    network.load_state_dict(network.state_dict())
    with pytest.raises(RuntimeError, match="written to in place"):
        loss.backward()


# representation


def test_a_state_may_hold_tensors_and_parameters():
    source, layer = Linear(2, 3), Linear(2, 3)
    layer.load_state_dict(dict(source.named_parameters()))
    assert np.array_equal(layer.weight.data, source.weight.data)
    assert layer.weight.data is not source.weight.data


def test_parameters_without_names_are_refused_with_the_method_that_gives_names():
    with pytest.raises(TypeError, match=r"as state_dict\(\) of a module, got generator"):
        Linear(2, 3).load_state_dict(Linear(2, 3).parameters())


def test_what_no_array_can_be_made_of_is_named_and_nothing_is_loaded():
    torch = pytest.importorskip("torch")
    layer, other = Linear(3, 2), torch.nn.Linear(3, 2)
    before = layer.bias.data.copy()
    state = {"weight": other.weight.detach().to(torch.bfloat16), "bias": other.bias}
    with pytest.raises(ValueError, match="this state does not fit Linear") as refused:
        layer.load_state_dict(state)
    assert "'weight': no array can be made of it: Got unsupported ScalarType BFloat16; give it" in str(refused.value)
    assert "'bias': no array can be made of it: Can't call numpy() on Tensor that requires grad" in str(refused.value)
    assert np.array_equal(layer.bias.data, before)
    layer.load_state_dict({name: tensor.detach().float().cpu() for name, tensor in state.items()})
    assert np.array_equal(layer.bias.data, other.bias.detach().numpy())


def test_a_ragged_list_in_a_state_is_named():
    with pytest.raises(ValueError, match=r"'weight': no array can be made of it: .*inhomogeneous"):
        Linear(2, 2).load_state_dict({"weight": [[1, 2], [3]], "bias": [0, 0]})
