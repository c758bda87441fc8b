import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, no_grad, ops, optim
from minigrad.engine import random
from minigrad.engine.program import CompileError


def rows(n=6, width=5, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(dtype)


def labels(n=6, classes=3, seed=0):
    return np.random.default_rng(seed).integers(0, classes, n)


def network(*layers):
    random.seed(0)
    return nn.Sequential(*(layers or (nn.Linear(5, 7), nn.Sigmoid(), nn.Linear(7, 3))))


def gradients(module):
    return [None if p.grad is None else p.grad.tobytes() for p in module.parameters()]


def plainly(function, module, *inputs):
    module.zero_grad()
    results = function(*map(Tensor, inputs))
    results = results if isinstance(results, tuple) else (results,)
    results[0].backward()
    return [result.data.tobytes() for result in results], gradients(module)


def replayed(compiled, module, *inputs):
    module.zero_grad()
    results = compiled(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    return [result.data.tobytes() for result in results], gradients(module)


class Tower(nn.Module):
    """Branches, reuse, views, several inputs of one operation, and a parameter that is used twice."""

    def __init__(self):
        self.first = nn.Linear(5, 5)
        self.norm = nn.LayerNorm(5)
        self.scale = nn.Parameter(np.float32(1.5) * np.ones(5, np.float32))

    def forward(self, x):
        y = self.norm(self.first(x)) * self.scale + x
        halves = ops.concatenate([y[:, :2], ops.exp(-y[:, 2:] * y[:, 2:])], axis=1)
        return (halves * self.scale).reshape(-1, 5) - self.first.bias


NETWORKS = {
    "sigmoid": (lambda: network(), nn.CrossEntropyLoss(), labels),
    "relu and tanh": (
        lambda: network(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 4), nn.Tanh()),
        nn.MSELoss(),
        lambda n, seed: rows(n, 4, seed),
    ),
    "branches": (Tower, nn.L1Loss(), lambda n, seed: rows(n, 5, seed + 50)),
    "attention": (
        lambda: network(nn.Linear(5, 8), nn.GELU()),
        nn.SmoothL1Loss(),
        lambda n, seed: rows(n, 8, seed + 50),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_replay_has_the_bits_of_the_function(name):
    make, loss, targets = NETWORKS[name]
    model = make()

    def function(x, y):
        outputs = model(x)
        return loss(outputs, y), outputs

    compiled = minigrad.compile(function)
    for seed in range(12):
        batch = rows(6, 5, seed), targets(6, seed=seed)
        assert replayed(compiled, model, *batch) == plainly(function, model, *batch)


def test_a_training_by_replay_has_the_bits_of_a_plain_one():
    def train(compiled):
        model, loss = network(), nn.CrossEntropyLoss()
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        step = minigrad.compile(lambda x, y: loss(model(x), y))
        for seed in range(30):
            optimizer.zero_grad()
            if compiled:
                step(rows(6, 5, seed), labels(6, 3, seed))
            else:
                loss(model(Tensor(rows(6, 5, seed))), labels(6, 3, seed)).backward()
            optimizer.step()
        return [p.data.tobytes() for p in model.parameters()]

    assert train(True) == train(False)


def test_gradients_add_up_over_calls():
    model = network()
    step = minigrad.compile(lambda x: model(x).sum())
    step(rows())
    once = [p.grad.copy() for p in model.parameters()]
    step(rows())
    for p, gradient in zip(model.parameters(), once, strict=True):
        np.testing.assert_allclose(p.grad, 2 * gradient, rtol=1e-6)


def counting(model):
    """A function that counts how often it is really called."""
    calls = []

    def function(x):
        calls.append(x.shape)
        return model(x).sum()

    return function, calls


def test_most_calls_do_not_call_the_function():
    function, calls = counting(network())
    step = minigrad.compile(function)
    for seed in range(64):
        step(rows(seed=seed))
    assert len(calls) == 2 + 6  # the first, its recording, and calls 2, 4, 8, 16, 32, 64


def test_verify_computes_both_ways_at_every_call():
    function, calls = counting(network())
    step = minigrad.compile(function, verify=True)
    for seed in range(10):
        step(rows(seed=seed))
    assert len(calls) == 2 + 9


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model[0].weight, "data", model[0].weight.data * 2),
        lambda model: setattr(model[0].bias, "requires_grad", False),
        lambda model: model.eval(),
        lambda model: setattr(model[2], "bias", None),
        lambda model: model[1].register_forward_hook(lambda module, args, output: output * 3),
        lambda model: model.to(np.float64),
    ],
    ids=["other array", "frozen", "eval", "no bias", "hook", "dtype"],
)
def test_a_change_of_the_model_is_noticed(change):
    model = network()

    def function(x):
        return model(x).sum()

    step = minigrad.compile(function)
    for seed in range(5):
        step(rows(seed=seed))
    change(model)
    for seed in range(3):
        assert replayed(step, model, rows(seed=seed)) == plainly(function, model, rows(seed=seed))


def test_each_shape_and_dtype_has_a_recording_of_its_own():
    model = network()
    function, calls = counting(model)
    step = minigrad.compile(function)
    batches = [rows(6), rows(4), rows(6, dtype=np.float64)]
    for batch in batches * 3:
        assert replayed(step, model, batch) == plainly(lambda x: model(x).sum(), model, batch)
    assert len(calls) == 3 * 3  # the first, its recording and call 2 of each


def test_an_optimizer_step_in_between_is_seen():
    model = network()
    step = minigrad.compile(lambda x: model(x).sum())
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for seed in range(6):
        batch = rows(seed=seed)
        assert replayed(step, model, batch) == plainly(lambda x: model(x).sum(), model, batch)
        optimizer.step()


@pytest.mark.parametrize("read", [bool, float, lambda t: t.item(), lambda t: t.tolist(), lambda t: t.detach().numpy()])
def test_numbers_that_are_asked_for_are_refused(read):
    model = network()

    def function(x):
        total = model(x).sum()
        return total * 2 if read(total) else total

    with pytest.raises(CompileError, match="were asked for while a function was recorded"):
        minigrad.compile(function)(rows())


def test_random_numbers_are_refused():
    model = network(nn.Linear(5, 3), nn.Dropout(0.5))
    with pytest.raises(CompileError, match="random numbers were drawn"):
        minigrad.compile(lambda x: model(x).sum())(rows())


def test_what_is_computed_outside_of_operations_is_found_out_at_the_second_call():
    model = network()
    step = minigrad.compile(lambda x: (model(x) * float(np.abs(x.data).max())).sum())
    step(rows(seed=0))
    with pytest.raises(CompileError, match="a replay gave other numbers"):
        step(rows(seed=1))


def test_what_changes_between_calls_is_found_out():
    model, factor = network(), [1.0]
    step = minigrad.compile(lambda x: (model(x) * factor[0]).sum())
    step(rows())
    step(rows())
    factor[0] = 2.0
    step(rows())
    with pytest.raises(CompileError, match="a replay gave other numbers"):
        step(rows())


def test_a_part_of_an_input_that_was_taken_outside_of_operations_is_refused():
    model = network()
    with pytest.raises(CompileError, match=r"a part of shape \(3, 5\) was taken of an input of shape \(6, 5\)"):
        minigrad.compile(lambda x: (model(x)[:3] * x.data[3:, :3].sum() + model(Tensor(x.data[:3]))).sum())(rows())


def test_what_was_computed_before_is_refused():
    model = network()
    before = model(Tensor(rows()))
    with pytest.raises(CompileError, match="was computed before the function began"):
        minigrad.compile(lambda x: (model(x) * before).sum())(rows())


def test_a_function_that_returns_no_tensor_is_refused():
    with pytest.raises(TypeError, match="returns tensors, got float"):
        minigrad.compile(lambda x: 1.0)(rows())


def test_no_gradient_is_as_backward_says():
    with pytest.raises(RuntimeError, match="requires no gradient"):
        minigrad.compile(lambda x: x.sum())(rows())
    model = network()
    with no_grad(), pytest.raises(RuntimeError, match="requires no gradient"):
        minigrad.compile(lambda x: model(x).sum())(rows())


def test_who_looks_on_sees_every_operation():
    model = network()
    step = minigrad.compile(lambda x: ops.sqrt(model(x) * 0).sum())
    with np.errstate(all="ignore"):
        for _ in range(3):
            step(rows())
        with minigrad.detect_anomaly(), pytest.raises(RuntimeError, match="the derivative of"):
            step(rows())


def test_a_recording_keeps_no_batch_alive():
    import weakref

    model = network()
    step = minigrad.compile(lambda x: model(x).sum())
    batch = rows()
    gone = weakref.ref(batch)
    step(batch)
    del batch
    assert gone() is None
