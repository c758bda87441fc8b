import copy
import pickle

import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import Buffer, Dropout, Linear, Module, ModuleDict, Parameter, ReLU, Sequential

from .networks import Network, Scale


def batch(*shape):
    return Tensor(np.ones(shape, np.float32))


# what a module owns


def test_parameters_are_found_in_the_order_of_definition_with_the_own_ones_first():
    names = [name for name, _ in Network().named_parameters()]
    assert names == ["bias", "scale.factor", "layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"]


def test_buffers_and_modules_are_found_by_path():
    network = Network()
    assert [name for name, _ in network.named_buffers()] == ["scale.offset", "scale.table"]
    assert [name for name, _ in network.named_modules()] == [
        "", "scale", "layers", "layers.0", "layers.1", "layers.2",
    ]  # fmt: skip
    assert [name for name, _ in network.named_children()] == ["scale", "layers"]


def test_iterators_without_names_yield_the_same_things():
    network = Network()
    for kind in ("parameters", "buffers", "modules", "children"):
        plain, named = list(getattr(network, kind)()), [thing for _, thing in getattr(network, f"named_{kind}")()]
        assert all(a is b for a, b in zip(plain, named, strict=True))


def test_forgetting_super_init_does_no_harm():
    scale = Scale()  # its constructor does not call Module's
    assert [name for name, _ in scale.named_parameters()] == ["factor"]
    assert scale.training


def test_a_shared_parameter_is_listed_once_and_saved_under_both_names():
    network = Sequential(Linear(3, 3), Linear(3, 3))
    network[1].weight = network[0].weight
    assert [name for name, _ in network.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(network.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_shared_module_is_listed_once():
    relu = ReLU()
    assert [name for name, _ in Sequential(relu, relu).named_modules()] == ["", "0"]
    assert len(list(Sequential(relu, relu).children())) == 1


def test_a_parameter_may_become_none_and_a_parameter_again():
    layer = Linear(2, 2)
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    layer.bias = Parameter([0.0, 0.0])
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_a_tensor_over_a_parameter_is_refused_with_the_remedy():
    layer = Linear(2, 2)
    with pytest.raises(TypeError, match=r"Linear.weight is a Parameter, and cannot become a Tensor; wrap it"):
        layer.weight = layer.weight * 2


def test_something_else_over_a_module_is_refused():
    network = Network()
    with pytest.raises(TypeError, match=r"Network.scale is a Module, and cannot become a function"):
        network.scale = batch


def test_an_array_over_a_buffer_stays_a_buffer_of_the_same_persistence():
    scale = Scale()
    scale.table = np.ones(3)
    scale.offset = Tensor(np.ones(3))
    assert isinstance(scale.table, Buffer)
    assert list(scale.state_dict()) == ["factor", "offset"]


def test_text_over_a_buffer_is_refused():
    with pytest.raises(TypeError, match=r"offset is a Buffer, and cannot become a str; give it a tensor or an array"):
        Scale().offset = "zero"


def test_a_deleted_attribute_is_no_longer_owned():
    network = Network()
    del network.scale
    assert [name for name, _ in network.named_children()] == ["layers"]


def test_registering_by_name_is_the_same_as_setting_an_attribute():
    module = Module()
    module.register_parameter("gain", Parameter([1.0]))
    module.register_parameter("shift", None)
    module.register_buffer("mean", [0.0], persistent=False)
    module.register_buffer("count", np.array(0))
    module.add_module("inner", Scale())
    assert list(module.state_dict()) == ["gain", "count", "inner.factor", "inner.offset"]
    assert module.shift is None


@pytest.mark.parametrize("name", ["", "a.b", "forward", "training"])
def test_a_name_that_cannot_be_an_attribute_is_refused(name):
    with pytest.raises(ValueError, match=r"needs a name without|has an attribute"):
        Module().add_module(name, ReLU())


def test_a_class_in_place_of_a_module_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"must be a Module, got .*ReLU.*; did you mean ReLU\(\)\?"):
        Module().add_module("activation", ReLU)


def test_a_missing_attribute_suggests_the_nearest_name():
    with pytest.raises(AttributeError, match=r"Network has no attribute 'layer'; did you mean 'layers'\?"):
        _ = Network().layer
    with pytest.raises(AttributeError, match=r"Network has no attribute 'locate'$"):
        _ = Network().locate
    assert not hasattr(Network(), "zzz")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("double", r"write \.to\(np\.float64\)"), ("astype", r"write \.to\(dtype\)"), ("cuda", r"write \.to\('cuda'\)")],
)
def test_a_method_that_others_have_is_refused_with_what_to_do_instead(name, remedy):
    with pytest.raises(AttributeError, match=f"Network has no attribute '{name}'; .*{remedy}"):
        getattr(Network(), name)


# calls


def test_a_module_without_forward_says_that_it_must_define_it():
    class Empty(Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty \(.*test_module\.py:\d+\) must define forward"):
        Empty()(1)


def test_arguments_reach_forward_by_place_and_by_name():
    scale = Scale()
    scale.factor.data[...] = 3
    assert scale(batch(3), power=2).data.tolist() == [9, 9, 9]


def test_an_error_in_a_layer_begins_with_its_path_once():
    network = Network()
    network.layers[0] = Linear(5, 4)
    with pytest.raises(ValueError, match=r"^layer 'layers.0' \(Linear\): linear of") as caught:
        network(batch(2, 3))
    assert caught.value.layer_path == "layers.0"
    assert str(caught.value).count("Linear)") == 1


def test_the_path_is_that_from_the_outermost_module_called_and_the_error_can_be_sent_on():
    network = Sequential(ReLU(), Network())
    network[1].layers[0] = Linear(3, 5)
    with pytest.raises(ValueError, match=r"^layer '1.layers.2' \(Linear\): linear of") as caught:
        network(batch(2, 3))
    assert caught.value.layer_path == "1.layers.2"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_error_in_a_layer_that_is_not_an_attribute_is_left_as_it_is():
    class Hiding(Module):
        def __init__(self):
            self.hidden = [Linear(5, 4)]

        def forward(self, x):
            return self.hidden[0](x)

    with pytest.raises(ValueError, match=r"^Linear: linear of"):
        Hiding()(batch(2, 3))


def test_a_module_called_by_itself_names_its_class():
    with pytest.raises(ValueError, match=r"^Linear: linear of") as caught:
        Linear(2, 3)(batch(2, 5))
    assert caught.value.layer_path == ""


def test_an_error_keeps_its_type():
    class Faulty(Module):
        def __init__(self, error):
            self.error = error

        def forward(self, x):
            raise self.error

    for error in (ValueError("no"), TypeError("no"), IndexError("no")):
        with pytest.raises(type(error), match=r"^layer '1' \(Faulty\): no$"):
            Sequential(ReLU(), Faulty(error))(batch(1))
    with pytest.raises(KeyError, match=r"^'no'$"):
        Sequential(ReLU(), Faulty(KeyError("no")))(batch(1))


def test_a_wrong_number_of_arguments_names_the_layer():
    with pytest.raises(TypeError, match=r"^Linear: .*forward\(\) missing 1 required positional argument: 'x'"):
        Linear(2, 2)()


# hooks


def test_hooks_see_and_change_arguments_and_output():
    scale, seen = Scale(), []
    before = scale.register_forward_pre_hook(lambda module, args: seen.append(args[0].data[0]) or args[0] * 2)
    after = scale.register_forward_hook(lambda module, args, output: seen.append(output.data[0]) or output + 1)
    assert scale(batch(3)).data.tolist() == [3, 3, 3]
    assert seen == [1, 2]
    before.remove()
    after.remove()
    after.remove()
    assert scale(batch(3)).data.tolist() == [1, 1, 1]


def test_a_hook_that_returns_nothing_changes_nothing_and_a_tuple_is_all_arguments():
    scale = Scale()
    scale.register_forward_hook(lambda module, args, output: None)
    scale.register_forward_pre_hook(lambda module, args: (args[0] * 3,))
    assert scale(batch(3)).data.tolist() == [3, 3, 3]


def test_a_hook_before_may_see_and_change_keyword_arguments():
    class Power(Module):
        def forward(self, x, exponent=1):
            return x**exponent

    power, seen = Power(), []
    power.register_forward_pre_hook(lambda module, args, kwargs: seen.append(dict(kwargs)), with_kwargs=True)
    power.register_forward_pre_hook(lambda module, args, kwargs: (args, {"exponent": 3}), with_kwargs=True)
    power.register_forward_pre_hook(lambda module, args: args[0] + 1)
    assert power(batch(2), exponent=2).data.tolist() == [8, 8]
    assert seen == [{"exponent": 2}]


def test_hooks_run_in_the_order_of_registration():
    scale, order = Scale(), []
    for i in range(3):
        scale.register_forward_hook(lambda module, args, output, i=i: order.append(i))
    scale(batch(3))
    assert order == [0, 1, 2]


def test_a_handle_takes_its_hook_back_at_the_end_of_a_with_block():
    scale, calls = Scale(), []
    with scale.register_forward_hook(lambda *_: calls.append(1)):
        scale(batch(3))
    scale(batch(3))
    assert calls == [1]


# the whole tree


def test_train_and_eval_reach_every_module():
    network = Sequential(Dropout(), Sequential(Dropout()))
    assert network.eval() is network
    assert not any(module.training for module in network.modules())
    assert all(module.training for module in network.train().modules())


def test_apply_visits_children_first_and_returns_the_module():
    visited = []
    network = Network()
    assert network.apply(lambda module: visited.append(type(module).__name__)) is network
    assert visited == ["Scale", "Linear", "ReLU", "Linear", "ModuleList", "Network"]


def test_zero_grad_lets_go_of_all_gradients():
    network = Network()
    network(batch(2, 3)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    network.zero_grad()
    assert all(p.grad is None for p in network.parameters())


def test_frozen_parameters_get_no_gradient():
    network = Network().requires_grad_(False)
    network.bias.requires_grad = True
    network(batch(2, 3)).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is not None] == ["bias"]


def test_to_converts_what_is_floating_point_with_its_gradient():
    network = Network()
    network(batch(2, 3)).sum().backward()
    assert network.to(np.float64) is network
    assert {p.dtype.name for p in network.parameters()} == {"float64"}
    assert {p.grad.dtype.name for p in network.parameters()} == {"float64"}
    assert network.scale.offset.dtype == np.float64
    assert network.scale.table.dtype == np.int64
    with pytest.raises(TypeError, match=r"floating-point dtype, got int64"):
        network.to(np.int64)
    with pytest.raises(
        ValueError, match=r"expected a device, one of cpu, .*, or a dtype, such as np.float64; got 'gpu'"
    ):
        network.to("gpu")


def test_a_deep_copy_shares_nothing_with_the_original():
    network = Network()
    twin = copy.deepcopy(network)
    for mine, theirs in zip(network.state_dict().values(), twin.state_dict().values(), strict=True):
        assert np.array_equal(mine, theirs)
        assert not np.shares_memory(mine, theirs)
    assert isinstance(twin.bias, Parameter)
    assert twin.bias.requires_grad
    assert list(twin.state_dict()) == list(network.state_dict())


# state


def test_repr_is_a_tree_with_the_names_of_the_attributes():
    class Titled(Network):
        def extra_repr(self):
            return "title=x"

    assert repr(ModuleDict({"net": Titled(), "drop": Dropout(0.1)})) == (
        "ModuleDict(\n"
        "  (net): Titled(\n"
        "    title=x\n"
        "    (scale): Scale()\n"
        "    (layers): ModuleList(\n"
        "      (0): Linear(in_features=3, out_features=4, bias=True)\n"
        "      (1): ReLU()\n"
        "      (2): Linear(in_features=4, out_features=2, bias=True)\n"
        "    )\n"
        "  )\n"
        "  (drop): Dropout(p=0.1)\n"
        ")"
    )
