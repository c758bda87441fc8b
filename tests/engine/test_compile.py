import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, no_grad, ops, optim

from .programs import counting, labels, network, plainly, replayed, rows


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


def test_most_calls_do_not_call_the_function():
    function, calls = counting(network())
    step = minigrad.compile(function)
    for seed in range(64):
        step(rows(seed=seed))
    assert len(calls) == 1 + 6  # the first, which is recorded, and calls 2, 4, 8, 16, 32, 64


def test_verify_computes_both_ways_at_every_call():
    function, calls = counting(network())
    step = minigrad.compile(function, verify=True)
    for seed in range(10):
        step(rows(seed=seed))
    assert len(calls) == 10


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


@pytest.mark.parametrize(
    "change",
    [
        lambda bias: setattr(bias, "data", bias.data - 1),
        lambda bias: bias.__setitem__(0, 7),
        lambda bias: setattr(bias, "requires_grad", True),
    ],
    ids=["other array", "in place", "thawed"],
)
def test_a_change_of_a_constant_is_noticed(change):
    model = network()
    model[2].bias.requires_grad = False

    def function(x):
        return (model(x) * (model[2].bias * 2)[:2].sum()).sum()

    step = minigrad.compile(function)
    for seed in range(5):
        step(rows(seed=seed))
    change(model[2].bias)
    for seed in range(3):
        assert replayed(step, model, rows(seed=seed)) == plainly(function, model, rows(seed=seed))


def test_each_shape_and_dtype_has_a_recording_of_its_own():
    model = network()
    function, calls = counting(model)
    step = minigrad.compile(function)
    batches = [rows(6), rows(4), rows(6, dtype=np.float64)]
    for batch in batches * 3:
        assert replayed(step, model, batch) == plainly(lambda x: model(x).sum(), model, batch)
    assert len(calls) == 3 * 2  # the first and second of each


def test_an_optimizer_step_in_between_is_seen():
    model = network()
    step = minigrad.compile(lambda x: model(x).sum())
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for seed in range(6):
        batch = rows(seed=seed)
        assert replayed(step, model, batch) == plainly(lambda x: model(x).sum(), model, batch)
        optimizer.step()


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


class Numbers(nn.Module):
    """What computes with integers, truth values and constants besides."""

    def __init__(self):
        self.vectors = nn.Embedding(9, 4, padding_idx=0)
        self.frozen = nn.Embedding(9, 4).requires_grad_(False)

    def forward(self, x):
        y = self.vectors(x[:, :-1] + 1) * ops.sin(self.frozen(x.astype(np.int32).T[1:].T))
        chosen = y[np.arange(len(x)), x[:, 0] % 3] + ops.where(y[:, 0] > 0, y[:, 1], y[:, 1].detach())
        with no_grad():
            most = ops.argmax(y.reshape(-1, 4), axis=0)
        return chosen * most - y.sum(axis=1).copy()


def test_operations_on_what_has_no_gradient_are_replayed_too():
    model = network(Numbers())

    def function(x, weight):
        y = model(x)
        return ops.clip(y * weight, weight.min(), 4).mean(), y > 0, ops.argmax(y, axis=1)

    step = minigrad.compile(function)
    for seed in range(12):
        batch = labels((6, 4), 8, seed), rows(6, 1, seed)
        assert replayed(step, model, *batch) == plainly(function, model, *batch)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_result_of_one_element_may_have_axes(shape):
    model = network()

    def function(x):
        return model(x).sum().reshape(shape) * model[0].bias.sum()

    step = minigrad.compile(function)
    for seed in range(4):
        assert replayed(step, model, rows(seed=seed)) == plainly(function, model, rows(seed=seed))


def test_two_inputs_may_be_one_array_and_then_two():
    model = network()

    def function(x, y):
        return (model(x) * model(y)).sum()

    step = minigrad.compile(function)
    for seeds in [(0, 0), (1, 1), (2, 3), (4, 5), (6, 6)]:
        batch = [rows(seed=seed) for seed in seeds]
        assert replayed(step, model, *batch) == plainly(function, model, *batch)


def test_inputs_may_lie_otherwise_in_memory_than_those_of_the_recording():
    model = network(nn.Embedding(9, 4))

    def function(x):
        return model(x.reshape(-1)).sum()

    step = minigrad.compile(function)
    for x in [labels((3, 4)), labels((4, 3)).T, labels((3, 8))[:, ::2], labels((3, 8))[:, 4:]]:
        assert replayed(step, model, x) == plainly(function, model, x)


def test_a_tensor_that_is_given_other_values_is_followed():
    model = network()

    def function(x):
        y = model(x) * 2
        y[:, 0] = x[:, 1]
        return (y * y).sum()

    step = minigrad.compile(function)
    for seed in range(4):
        assert replayed(step, model, rows(seed=seed)) == plainly(function, model, rows(seed=seed))


def test_inputs_of_ever_new_shapes_are_computed_without_a_recording_in_the_end():
    from minigrad.engine.compile import MOST

    model = network()
    function, calls = counting(model)
    step = minigrad.compile(function)
    for n in range(1, MOST + 3):
        step(rows(n))
    for n in (1, MOST + 1, MOST + 1, MOST + 1):
        batch = rows(n)
        assert replayed(step, model, batch) == plainly(lambda x: model(x).sum(), model, batch)
    assert len(calls) == MOST + 2 + 4


@pytest.mark.parametrize("verify", [False, True])
def test_threads_may_share_a_compiled_function(verify):
    from concurrent.futures import ThreadPoolExecutor

    from minigrad.engine import collect

    model = network()

    def function(x):
        return (model(x) * model(x)).sum()

    step = minigrad.compile(function, verify)

    def work(seed):
        x, replay, plain = rows(1 + seed % 3, seed=seed), {}, {}
        (result,) = step.collect([x], None, replay)
        expected = function(Tensor(x))
        collect(expected, None, plain)
        return result == expected.data and all((replay[leaf] == plain[leaf]).all() for leaf in plain)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(100)))


def rarely(mostly, then):
    """Batches of which the third is another kind, which a constant of the first two would get wrong."""
    return [mostly(0), mostly(1), then(2), mostly(3), then(4)]


def probabilities(seed, low=0.1):
    return np.random.default_rng(seed).uniform(low, 0.9, (6, 3)).astype(np.float32)


RARE = {
    "ignored": (
        lambda: nn.CrossEntropyLoss(ignore_index=0),
        rarely(lambda seed: (labels(6, 2, seed) + 1,), lambda seed: (labels(6, 3, seed) * [0, 1, 1, 1, 1, 1],)),
    ),
    "ignored with weights": (
        lambda: nn.CrossEntropyLoss([1.0, 2.0, 3.0], ignore_index=0, label_smoothing=0.1),
        rarely(lambda seed: (labels(6, 2, seed) + 1,), lambda seed: (labels(6, 3, seed) * [0, 1, 1, 1, 1, 1],)),
    ),
    "labels alike": (nn.NLLLoss, rarely(lambda seed: (np.ones(6, int),), lambda seed: (labels(6, 3, seed),))),
    "impossible": (
        nn.KLDivLoss,
        rarely(lambda seed: (probabilities(seed),), lambda seed: (np.round(probabilities(seed, 0.0)),)),
    ),
    "unlike": (
        nn.HingeEmbeddingLoss,
        rarely(lambda seed: (np.ones((6, 3), np.float32),), lambda seed: (np.sign(rows(6, 3, seed)),)),
    ),
    "tiny variance": (
        nn.GaussianNLLLoss,
        rarely(
            lambda seed: (rows(6, 3, seed), probabilities(seed)),
            lambda seed: (rows(6, 3, seed), probabilities(seed) * np.float32(1e-6)),
        ),
    ),
    "counts": (
        lambda: nn.PoissonNLLLoss(full=True),
        rarely(lambda seed: (np.ones((6, 3), np.float32),), lambda seed: (10 * probabilities(seed),)),
    ),
}


@pytest.mark.parametrize("name", RARE)
def test_what_a_loss_does_for_rare_targets_is_done_in_a_replay(name):
    make, batches = RARE[name]
    model, loss = network(), make()

    def function(x, *targets):
        return loss(model(x), *targets)

    step = minigrad.compile(function)
    for seed, targets in enumerate(batches):
        assert replayed(step, model, rows(seed=seed), *targets) == plainly(function, model, rows(seed=seed), *targets)


@pytest.mark.parametrize("layer", [nn.PReLU, lambda: nn.Softplus(threshold=2.0)], ids=["PReLU", "Softplus"])
def test_a_layer_with_two_branches_takes_the_right_one_in_a_replay(layer):
    model = network(nn.Linear(5, 3), layer())

    def function(x):
        return model(x).sum()

    step = minigrad.compile(function)
    for seed, size in enumerate([0.1, 0.1, 10, 0.1, 10]):
        batch = rows(seed=seed) * np.float32(size)
        assert replayed(step, model, batch) == plainly(function, model, batch)
