import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import (
    GRU,
    LSTM,
    RNN,
    Dropout,
    Linear,
    Module,
    ModuleDict,
    ModuleList,
    MSELoss,
    ReLU,
    Residual,
    Sequential,
    Tanh,
)


def test_sequential_passes_each_result_on():
    first, second = Linear(3, 4), Linear(4, 2)
    x = Tensor(np.ones((5, 3), np.float32))
    assert np.array_equal(Sequential(first, second)(x).data, second(first(x)).data)


def test_an_empty_sequential_returns_its_input():
    x = Tensor([1.0])
    assert Sequential()(x) is x


def test_a_module_that_stands_twice_runs_twice():
    double = Linear(1, 1, bias=False)
    double.weight.data[...] = 2
    network = Sequential(double, double)
    assert len(network) == 2
    assert network(Tensor([[1.0]])).item() == 4


def test_sequential_still_runs_all_layers_after_eval_has_set_an_attribute():
    network = Sequential(Dropout(0.5), ReLU()).eval()
    network.append(Tanh())
    assert len(network) == 3
    assert network(Tensor([1.0])).item() == pytest.approx(np.tanh(1.0))


@pytest.mark.parametrize("container", [ModuleList([ReLU(), Tanh(), Dropout()]), Sequential(ReLU(), Tanh(), Dropout())])
def test_lists_are_indexed_sliced_counted_and_walked_as_lists(container):
    assert [type(module) for module in container] == [ReLU, Tanh, Dropout]
    assert len(container) == 3
    assert isinstance(container[1], Tanh)
    assert container[-1] is container[2]
    assert type(container[1:]) is type(container)
    assert list(container[::-1]) == list(container)[::-1]
    with pytest.raises(IndexError, match=r"index 3 is out of range for 3 modules"):
        container[3]


def test_a_slice_shares_its_modules_and_names_them_anew():
    network = Sequential(ReLU(), Linear(2, 2))
    assert list(network[1:].state_dict()) == ["0.weight", "0.bias"]
    assert network[1:][0] is network[1]


def test_an_item_of_a_sequential_may_be_a_list_of_modules():
    inner = ModuleList([ReLU()])
    assert Sequential(inner)[0] is inner


def test_an_item_is_replaced_in_its_place():
    network = Sequential(ReLU(), Tanh())
    network[-2] = Dropout()
    assert [type(module) for module in network] == [Dropout, Tanh]
    with pytest.raises(TypeError, match="must be a Module"):
        network[0] = "relu"


def test_append_names_the_module_after_its_place_and_can_be_chained():
    modules = ModuleList().append(Linear(1, 1)).append(Linear(1, 1, bias=False))
    assert list(modules.state_dict()) == ["0.weight", "0.bias", "1.weight"]


def test_what_is_not_a_module_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"'1' of Sequential must be a Module, got .*; did you mean ReLU\(\)\?"):
        Sequential(Tanh(), ReLU)
    with pytest.raises(TypeError, match=r"'0' of ModuleList must be a Module, got 3$"):
        ModuleList([3])


@pytest.mark.parametrize("kind", [Sequential, Residual])
def test_a_list_in_the_place_of_modules_is_refused_with_the_way_to_write_it(kind):
    with pytest.raises(TypeError, match=rf"takes modules one by one, .*: write {kind.__name__}\(\*modules\)"):
        kind([Tanh(), ReLU()])


def test_a_list_of_modules_has_no_forward():
    with pytest.raises(NotImplementedError, match=r"ModuleList must define forward"):
        ModuleList([ReLU()])(1)


def test_a_residual_adds_what_its_modules_make_of_the_input():
    layer = Linear(3, 3)
    x = Tensor(np.ones((2, 3), np.float32))
    assert np.array_equal(Residual(layer, Tanh())(x).data, x.data + np.tanh(layer(x).data))
    assert list(Residual(layer).state_dict()) == ["0.weight", "0.bias"]


def test_a_residual_of_another_shape_is_refused_though_it_could_be_broadcast():
    with pytest.raises(ValueError, match=r"^Residual: the modules make shape \(2, 1\) of \(2, 3\); to be added"):
        Residual(Linear(3, 1))(Tensor(np.ones((2, 3), np.float32)))


def test_a_dict_keeps_modules_by_name_in_order():
    modules = ModuleDict({"one": Linear(1, 1), "two": ReLU()})
    modules["three"] = Tanh()
    assert list(modules) == list(modules.keys()) == ["one", "two", "three"]
    assert [name for name, module in modules.items() if isinstance(module, ReLU)] == ["two"]
    assert next(iter(modules.values())) is modules["one"]
    assert "two" in modules
    assert len(modules) == 3
    del modules["two"]
    assert list(modules) == ["one", "three"]
    assert list(modules.state_dict()) == ["one.weight", "one.bias"]


def test_a_missing_name_shows_those_that_are_there():
    with pytest.raises(KeyError, match=r"'b' is not among 'a'"):
        ModuleDict({"a": ReLU()})["b"]
    with pytest.raises(KeyError, match=r"'b' is not among no modules"):
        del ModuleDict()["b"]


def test_a_name_that_is_a_method_is_refused():
    with pytest.raises(ValueError, match=r"ModuleDict has an attribute 'keys' that is no Module"):
        ModuleDict({"keys": ReLU()})


def test_containers_are_modules_of_their_own():
    assert all(issubclass(kind, Module) for kind in (Sequential, ModuleList, ModuleDict))


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_two_results_of_a_recurrent_layer_are_refused_by_the_next_layer_with_the_remedy(kind):
    x = Tensor(np.ones((1, 2, 3), np.float32))  # outputs and state of one shape, which could be taken for one array
    message = r"layer '1' \(Linear\): expected a tensor, got a tuple \(Tensor, .*its outputs and its last state\. In a"
    with pytest.raises(TypeError, match=message):
        Sequential(kind(3, 3), Linear(3, 1))(x)
    with pytest.raises(TypeError, match=r"layer '1\.0' \(Linear\): expected a tensor, got a tuple"):
        Sequential(kind(3, 3), Sequential(Linear(3, 1)))(x)
    with pytest.raises(TypeError, match=r"layer '1' \(.*\): expected a tensor, got a tuple"):
        Sequential(kind(3, 3), kind(3, 3))(x)
    with pytest.raises(TypeError, match=r"^MSELoss: expected a tensor, got a tuple"):
        MSELoss()(kind(3, 3)(x), x)
    with pytest.raises(TypeError, match="the modules return a tuple, to which x cannot be added"):
        Residual(kind(3, 3))(x)


def test_a_layer_of_ones_own_may_take_both_results():
    class Last(Module):
        def forward(self, results):
            out, _ = results
            return out[-1]

    model = Sequential(GRU(3, 4), Last(), Linear(4, 1))
    assert model(Tensor(np.ones((5, 2, 3), np.float32))).shape == (2, 1)


def test_one_module_is_no_list_of_modules():
    with pytest.raises(TypeError, match="ModuleList takes a list of modules, got one Linear"):
        ModuleList(Linear(1, 1))
    with pytest.raises(TypeError, match=r"ModuleDict takes modules by name, \{'name': module\}, got list"):
        ModuleDict([Linear(1, 1)])
