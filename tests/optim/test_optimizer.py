import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import Linear, Module, Parameter
from minigrad.optim import SGD, Adam, AdamW, Optimizer


def parameter(*values, gradient=None):
    p = Parameter(np.array(values, np.float32))
    if gradient is not None:
        p.grad = np.array(gradient, np.float32)
    return p


def with_gradients(*shapes, dtype=np.float64):
    rng = np.random.default_rng(0)
    parameters = [Parameter(rng.normal(size=shape).astype(dtype)) for shape in shapes]
    for p in parameters:
        p.grad = rng.normal(size=p.shape).astype(dtype)
    return parameters


def twins(parameters):
    copies = [Parameter(p.data.copy()) for p in parameters]
    for copy, p in zip(copies, parameters, strict=True):
        copy.grad = None if p.grad is None else p.grad.copy()
    return copies


def values(parameters):
    return [p.data.tolist() for p in parameters]


# an update of many parameters is the update of each


SHAPES = [(3, 4), (4,), (), (2, 1, 3), (0, 2), (5,)]


@pytest.mark.parametrize("kind", [lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, 0.1), lambda p: AdamW(p, 0.1)])
def test_parameters_updated_together_move_as_each_would_alone(kind):
    together = with_gradients(*SHAPES)
    apart = twins(together)
    optimizers = [kind(together), *(kind([p]) for p in apart)]
    for _ in range(3):
        for optimizer in optimizers:
            optimizer.step()
    assert values(together) == values(apart)


@pytest.mark.parametrize("kind", [lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, 0.1)])
def test_a_parameter_without_gradient_stays_and_its_count_of_steps_too(kind):
    together = with_gradients(*SHAPES)
    apart = twins(together)
    optimizer, alone = kind(together), [kind([p]) for p in apart]
    rng = np.random.default_rng(1)
    for _ in range(6):
        for p, twin in zip(together, apart, strict=True):
            p.grad = rng.normal(size=p.shape) if rng.uniform() < 0.5 else None
            twin.grad = p.grad
        optimizer.step()
        for one in alone:
            one.step()
    assert values(together) == values(apart)


def test_parameters_of_several_dtypes_keep_theirs():
    parameters = with_gradients((1,)) + with_gradients((3,), dtype=np.float32)
    optimizer = Adam(parameters)
    optimizer.step()
    assert [p.dtype.name for p in parameters] == ["float64", "float32"]
    assert [s["exp_avg"].dtype.name for s in optimizer.state_dict()["state"].values()] == ["float64", "float32"]


def test_many_large_parameters_are_updated_as_small_ones(monkeypatch):
    monkeypatch.setattr("minigrad.optim.bucket.LIMIT", 8)
    in_pieces = with_gradients(*SHAPES)
    at_once = twins(in_pieces)
    pieces = Adam(in_pieces)
    for _ in range(3):
        pieces.step()
    monkeypatch.undo()
    optimizer = Adam(at_once)
    for _ in range(3):
        optimizer.step()
    assert values(in_pieces) == values(at_once)


def test_a_parameter_that_is_not_contiguous_is_updated_in_place():
    memory = np.ones((2, 3), np.float32)
    p = Parameter(memory.T)
    p.grad = np.arange(6, dtype=np.float32).reshape(3, 2)
    SGD([p], lr=1.0).step()
    assert memory.tolist() == [[1, -1, -3], [0, -2, -4]]


def test_the_gradient_is_left_as_it_was():
    for kind in (SGD, Adam, AdamW):
        (p,) = with_gradients((3, 4))
        p.grad.flags.writeable = False
        before = p.grad.copy()
        kind([p], weight_decay=0.1).step()
        assert np.array_equal(p.grad, before)


def test_a_gradient_set_by_the_user_is_taken():
    p = parameter(1, 2)
    optimizer = SGD([p], lr=1.0)
    for _ in range(2):
        p.grad = np.array([1, 0])
        optimizer.step()
    assert p.data.tolist() == [-1, 2]


def test_a_step_between_forward_and_backward_is_noticed():
    p = parameter(1, gradient=[1])
    loss = (p * p).sum()
    SGD([p]).step()
    with pytest.raises(RuntimeError, match="written to in place"):
        loss.backward()


def test_zero_grad_lets_go_of_the_gradients():
    p = parameter(1, gradient=[1])
    SGD([p]).zero_grad()
    assert p.grad is None


def test_a_step_without_any_gradient_does_nothing():
    p = parameter(1)
    optimizer = Adam([p])
    optimizer.step()
    assert p.data.tolist() == [1]
    assert optimizer.state_dict()["state"] == {}


# groups


def test_groups_have_options_of_their_own():
    slow, fast = parameter(1, gradient=[1]), parameter(1, gradient=[1])
    optimizer = SGD([{"params": [slow], "lr": 0.25}, {"params": fast}], lr=0.5)
    optimizer.step()
    assert (slow.item(), fast.item()) == (0.75, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.5]


def test_a_changed_option_holds_from_the_next_step():
    p = parameter(1, gradient=[1])
    optimizer = SGD([p], lr=0.5)
    optimizer.param_groups[0]["lr"] = 0.125
    optimizer.step()
    assert p.item() == 0.875


def test_a_group_can_be_added_later():
    first, second = parameter(1, gradient=[1]), parameter(1, gradient=[1])
    optimizer = SGD([first], lr=0.5)
    optimizer.step()
    optimizer.add_param_group({"params": [second], "lr": 1.0})
    optimizer.step()
    assert (first.item(), second.item()) == (0, 0)


def test_repr_shows_the_groups():
    assert repr(AdamW(Linear(2, 2).parameters())) == (
        "AdamW(2 parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01, amsgrad=False, maximize=False)"
    )


# state


@pytest.mark.parametrize("kind", [lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, 0.1), lambda p: AdamW(p, 0.1)])
def test_a_loaded_optimizer_goes_on_to_the_same_bits(kind):
    parameters = with_gradients(*SHAPES)
    optimizer = kind([{"params": parameters[:2]}, {"params": parameters[2:]}])
    for p in parameters[:3]:
        optimizer.step()
        p.grad = None  # so that the parameters have different numbers of steps
    saved = optimizer.state_dict()
    copies = twins(parameters)
    resumed = kind([{"params": copies[:2]}, {"params": copies[2:]}])
    resumed.load_state_dict(saved)
    for _ in range(2):
        for p, copy in zip(parameters, copies, strict=True):
            p.grad = np.full(p.shape, 0.3)
            copy.grad = p.grad.copy()
        optimizer.step()
        resumed.step()
    assert values(copies) == values(parameters)


def test_state_names_parameters_by_number_over_all_groups():
    parameters = with_gradients((2,), (3,), (4,))
    parameters[1].grad = None
    optimizer = Adam([{"params": parameters[:2], "lr": 0.5}, {"params": parameters[2:]}])
    optimizer.step()
    state = optimizer.state_dict()
    assert {n: {name: np.shape(value) for name, value in s.items()} for n, s in state["state"].items()} == {
        0: {"step": (), "exp_avg": (2,), "exp_avg_sq": (2,)},
        2: {"step": (), "exp_avg": (4,), "exp_avg_sq": (4,)},
    }
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert [group["lr"] for group in state["param_groups"]] == [0.5, 1e-3]


def test_loading_copies_arrays_takes_options_and_reads_numbers_written_as_text():
    (p,) = with_gradients((2,))
    optimizer = Adam([p], lr=0.5)
    moments = np.array([1.0, 2.0])
    state = {"step": 3, "exp_avg": moments, "exp_avg_sq": moments}
    optimizer.load_state_dict({"state": {"0": state}, "param_groups": [{"lr": 0.25, "initial_lr": 1.0, "params": [0]}]})
    optimizer.step()
    assert moments.tolist() == [1, 2]
    assert optimizer.state_dict()["state"][0]["step"] == 4
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert optimizer.param_groups[0]["initial_lr"] == 1.0


def test_the_state_of_another_model_is_refused_and_nothing_is_loaded():
    (p,) = with_gradients((2,))
    optimizer = Adam([p], lr=0.5)
    other = Adam(with_gradients((3,)), lr=0.25)
    other.step()
    with pytest.raises(
        ValueError, match=r"exp_avg of parameter 0: expected shape \(2,\), got \(3,\); is this the state"
    ):
        optimizer.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match=r"expected the state of groups of \[1\] parameters, got groups of \[2\]"):
        optimizer.load_state_dict(Adam(with_gradients((2,), (2,))).state_dict())
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.state_dict()["state"] == {}


# bad input


def test_no_parameters_are_refused_with_the_likely_reason():
    class Hiding(Module):
        def __init__(self):
            self.layers = [Linear(2, 2)]

    with pytest.raises(ValueError, match=r"SGD got no parameters; .* ModuleList \(a plain list hides them\)"):
        SGD(Hiding().parameters())


def test_a_parameter_that_stands_twice_is_refused():
    p = parameter(1)
    with pytest.raises(ValueError, match=r"parameter 1, of shape \(1,\), is in this optimizer already"):
        SGD([p, p])
    with pytest.raises(ValueError, match=r"parameter 0, of shape \(1,\), is in this optimizer already"):
        SGD([{"params": [p]}, {"params": [p]}])


def test_what_is_no_parameter_is_refused():
    with pytest.raises(TypeError, match=r"SGD takes tensors, such as module.parameters\(\), got 'weight'"):
        SGD(["weight"])
    with pytest.raises(TypeError, match=r"SGD takes the parameters of a module; pass module.parameters\(\)"):
        SGD(Linear(1, 1))
    with pytest.raises(TypeError, match=r"params must be a list of parameters or of groups, got one Parameter"):
        SGD(parameter(1))
    with pytest.raises(ValueError, match=r"parameter 0, of shape \(1,\), was computed"):
        SGD([parameter(1) * 2])


def test_an_unknown_option_of_a_group_is_refused_with_the_nearest_or_all():
    with pytest.raises(TypeError, match=r"SGD has no option 'momentun'; did you mean 'momentum'\?"):
        SGD([{"params": [parameter(1)], "momentun": 0.9}])
    with pytest.raises(TypeError, match=r"SGD has no option 'rate'; it has: lr, momentum, dampening"):
        SGD([{"params": [parameter(1)], "rate": 0.9}])


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (SGD, {"lr": -0.1}, "lr must be at least 0, got -0.1"),
        (SGD, {"momentum": -1}, "momentum must be at least 0, got -1"),
        (SGD, {"weight_decay": float("nan")}, "weight_decay must be at least 0, got nan"),
        (SGD, {"nesterov": True}, "nesterov needs momentum above 0 and no dampening, got momentum=0.0"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov needs .* dampening=0.1"),
        (Adam, {"lr": -1}, "lr must be at least 0, got -1"),
        (Adam, {"eps": -1e-8}, "eps must be at least 0, got -1e-08"),
        (AdamW, {"weight_decay": -1}, "weight_decay must be at least 0, got -1"),
        (Adam, {"betas": (0.9, 1.0)}, r"betas\[1\] must be at least 0 and below 1, got 1.0"),
        (Adam, {"betas": (0.9,)}, "betas are two numbers"),
    ],
)
def test_an_option_out_of_range_is_refused_as_default_and_in_a_group(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind([parameter(1)], **options)
    with pytest.raises(ValueError, match=message):
        kind([{"params": [parameter(1)], **options}])


# an optimizer of one's own


def test_a_subclass_writes_its_formula_on_flat_arrays():
    class SignDescent(Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, bucket, gradients, group):
            update = bucket.gather(gradients)
            np.sign(update, out=update)
            update *= group["lr"]
            bucket.subtract()

    a, b = parameter(1, 1, gradient=[3, -7]), parameter(1, gradient=[0])
    SignDescent([a, b], lr=0.5).step()
    assert values([a, b]) == [[0.5, 1.5], [1.0]]


def test_the_base_says_what_is_missing():
    with pytest.raises(NotImplementedError, match=r"Optimizer must define update\(\)"):
        Optimizer([parameter(1, gradient=[1])], {}).step()


def test_a_frozen_parameter_is_taken_up_when_it_is_unfrozen():
    p = Parameter([1.0], requires_grad=False)
    other = parameter(1, gradient=[1])
    optimizer = SGD([p, other], lr=0.5)
    optimizer.step()
    p.requires_grad = True
    p.grad = np.array([1.0])
    optimizer.step()
    assert values([p, other]) == [[0.5], [0.0]]


def test_plain_tensors_are_optimized_too():
    x = Tensor([3.0], requires_grad=True)
    optimizer = SGD([x], lr=0.5)
    for _ in range(2):
        (x * x / 2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert x.item() == 0.75
