"""Every layer and loss beside PyTorch's, in both precisions: values, gradients, state, and the tree as text."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.engine import Tensor, random

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
pytestmark = pytest.mark.parity

RTOL = {np.float32: 1e-5, np.float64: 1e-12}
DTYPES = pytest.mark.parametrize("dtype", RTOL, ids=lambda dtype: dtype.__name__)


def close(actual, expected, dtype):
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    assert actual.dtype == expected.dtype == dtype
    np.testing.assert_allclose(actual, expected, rtol=RTOL[dtype], atol=RTOL[dtype] / 10)


def same_results(mine, theirs, dtype, *arrays):
    """Holds the result and all gradients of two modules on equal inputs against each other; integers have none."""
    xs = [Tensor(x.astype(dtype), requires_grad=True) if x.dtype.kind == "f" else x for x in arrays]
    ys = [torch.tensor(x.astype(dtype), requires_grad=True) if x.dtype.kind == "f" else torch.tensor(x) for x in arrays]
    out, expected = mine(*xs), theirs(*ys)
    close(out.data, expected, dtype)
    g = np.random.default_rng(1).normal(size=out.shape).astype(dtype)
    out.backward(g)
    expected.backward(torch.tensor(g))
    leaves = [*(x for x in xs if isinstance(x, Tensor)), *mine.parameters()]
    for x, y in zip(leaves, [*(y for y in ys if y.requires_grad), *theirs.parameters()], strict=True):
        close(x.grad, y.grad.numpy(), dtype)


@DTYPES
@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("Linear", {"in_features": 5, "out_features": 3}, (4, 5)),
        ("Linear", {"in_features": 5, "out_features": 3}, (2, 3, 5)),
        ("Linear", {"in_features": 5, "out_features": 3}, (5,)),
        ("Linear", {"in_features": 5, "out_features": 3, "bias": False}, (4, 5)),
        ("ReLU", {}, (3, 4)),
        ("LeakyReLU", {}, (3, 4)),
        ("LeakyReLU", {"negative_slope": 0.3}, (3, 4)),
        ("Sigmoid", {}, (3, 4)),
        ("Tanh", {}, (3, 4)),
        ("GELU", {}, (3, 4)),
        ("GELU", {"approximate": "tanh"}, (3, 4)),
        ("ELU", {}, (3, 4)),
        ("ELU", {"alpha": 0.5}, (3, 4)),
        ("CELU", {}, (3, 4)),
        ("CELU", {"alpha": 0.5}, (3, 4)),
        ("SELU", {}, (3, 4)),
        ("SiLU", {}, (3, 4)),
        ("Mish", {}, (3, 4)),
        ("Softplus", {}, (3, 4)),
        ("Softplus", {"beta": 2.0, "threshold": 1.0}, (3, 4)),
        ("Softsign", {}, (3, 4)),
        ("LogSigmoid", {}, (3, 4)),
        ("Hardtanh", {}, (3, 4)),
        ("Hardtanh", {"min_val": -0.5, "max_val": 0.25}, (3, 4)),
        ("ReLU6", {}, (3, 4)),
        ("Hardswish", {}, (3, 4)),
        ("PReLU", {}, (3, 4)),
        ("PReLU", {"num_parameters": 4, "init": 0.5}, (3, 4)),
        ("PReLU", {"num_parameters": 4}, (3, 4, 2)),
        ("PReLU", {}, (3,)),
        ("Identity", {}, (3, 4)),
        ("GLU", {}, (3, 4)),
        ("GLU", {"dim": 1}, (3, 4, 2)),
        ("LogSoftmax", {"dim": 1}, (3, 4, 2)),
        ("Softmax", {"dim": 1}, (3, 4, 2)),
        ("Softmax", {"dim": -1}, (3, 4)),
        ("Flatten", {}, (2, 3, 4)),
        ("Flatten", {"start_dim": 0, "end_dim": 1}, (2, 3, 4)),
        ("Dropout", {"p": 0.5}, (2, 3)),
    ],
)
def test_a_layer_has_the_values_and_gradients_of_its_namesake(name, arguments, shape, dtype):
    mine = getattr(nn, name)(**arguments).to(dtype).eval()
    theirs = getattr(torch.nn, name)(**arguments).to(getattr(torch, dtype.__name__)).eval()
    mine.load_state_dict(theirs.state_dict())
    same_results(mine, theirs, dtype, np.random.default_rng(0).normal(size=shape))


@pytest.mark.parametrize(
    "name",
    ["ReLU", "LeakyReLU", "ELU", "CELU", "SELU", "Softplus", "Softsign", "Hardtanh", "ReLU6", "Hardswish", "PReLU"],
)
def test_slopes_at_the_bends_are_those_of_the_namesake(name):
    mine, theirs = getattr(nn, name)().to(np.float64), getattr(torch.nn, name)().double()
    same_results(mine, theirs, np.float64, np.array([-3.0, -1.0, 0.0, 1.0, 3.0, 6.0, 20.0]))
    assert repr(mine) == repr(theirs)


def test_hardsigmoid_agrees_in_single_precision():
    """In double precision the slope of PyTorch is 1/6 rounded to single precision."""
    same_results(nn.Hardsigmoid(), torch.nn.Hardsigmoid(), np.float32, np.array([-4, -3, -0.3, 3, 4]))


WEIGHT = [0.5, 2.0, 1.0, 3.0]


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("kind", ["indices", "ignored", "probabilities"])
@pytest.mark.parametrize("shape", [(6, 4), (4,), (3, 4, 2, 2)])
@pytest.mark.parametrize(
    "options", [{}, {"weight": WEIGHT}, {"label_smoothing": 0.2}, {"weight": WEIGHT, "label_smoothing": 0.2}]
)
def test_cross_entropy_agrees_in_every_option(options, shape, kind, reduction, dtype):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=shape)
    if kind == "probabilities":
        target = rng.uniform(size=shape)
    else:
        target = np.array(rng.integers(0, 4, size=shape[:1] + shape[2:] if len(shape) > 1 else ()))
    if kind == "ignored" and target.ndim:
        target.flat[::2] = 7
    if kind == "ignored":
        options = {**options, "ignore_index": 7}
    mine = nn.CrossEntropyLoss(reduction=reduction, **options)
    weight = torch.tensor(options["weight"], dtype=getattr(torch, dtype.__name__)) if "weight" in options else None
    theirs = torch.nn.CrossEntropyLoss(reduction=reduction, **{**options, "weight": weight})
    same_results(mine, theirs, dtype, scores, target)


rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape)


def shares(*shape):
    return rng.uniform(0.05, 0.95, size=shape)


def signs(*shape):
    return rng.choice([-1, 1], size=shape)


def labels(*shape):
    return np.array(rng.integers(0, 4, size=shape))


LOSSES = [
    ("MSELoss", {}, normal(5, 4), normal(5, 4)),
    ("L1Loss", {}, normal(5, 4), normal(5, 4)),
    ("HuberLoss", {}, normal(5, 4), normal(5, 4)),
    ("HuberLoss", {"delta": 0.5}, normal(5, 4), normal(5, 4)),
    ("SmoothL1Loss", {}, normal(5, 4), normal(5, 4)),
    ("SmoothL1Loss", {"beta": 0.3}, normal(5, 4), normal(5, 4)),
    ("SmoothL1Loss", {"beta": 0.0}, normal(5, 4), normal(5, 4)),
    ("PoissonNLLLoss", {}, normal(5, 4), np.floor(9 * shares(5, 4))),
    ("PoissonNLLLoss", {"full": True}, normal(5, 4), 9 * shares(5, 4)),
    ("PoissonNLLLoss", {"log_input": False, "eps": 1e-3}, shares(5, 4), 9 * shares(5, 4)),
    ("GaussianNLLLoss", {}, normal(5, 4), normal(5, 4), shares(5, 4)),
    ("GaussianNLLLoss", {"full": True}, normal(5, 4), normal(5, 4), shares(5, 1)),
    ("GaussianNLLLoss", {"eps": 0.5}, normal(5, 4), normal(5, 4), shares(5)),
    ("BCELoss", {}, shares(5, 4), shares(5, 4)),
    ("BCEWithLogitsLoss", {}, normal(5, 4), shares(5, 4)),
    ("KLDivLoss", {}, normal(5, 4), shares(5, 4)),
    ("KLDivLoss", {"log_target": True}, normal(5, 4), normal(5, 4)),
    ("NLLLoss", {}, normal(6, 4), labels(6)),
    ("NLLLoss", {}, normal(4), labels()),
    ("NLLLoss", {"ignore_index": 1}, normal(3, 4, 2, 2), labels(3, 2, 2)),
    ("SoftMarginLoss", {}, normal(5, 4), signs(5, 4)),
    ("HingeEmbeddingLoss", {}, normal(5, 4), signs(5, 4)),
    ("HingeEmbeddingLoss", {"margin": 0.2}, normal(5, 4), signs(5, 4)),
    ("MarginRankingLoss", {}, normal(5), normal(5), signs(5)),
    ("MarginRankingLoss", {"margin": 0.5}, normal(5, 4), normal(5, 4), signs(5, 4)),
    ("CosineEmbeddingLoss", {}, normal(5, 4), normal(5, 4), signs(5)),
    ("CosineEmbeddingLoss", {"margin": 0.2}, normal(4), normal(4), signs()),
    ("TripletMarginLoss", {}, normal(5, 4), normal(5, 4), normal(5, 4)),
    ("TripletMarginLoss", {"p": 1.0, "swap": True}, normal(5, 4), normal(5, 4), normal(5, 4)),
    ("TripletMarginLoss", {"p": 3.0, "margin": 2.0}, normal(5, 4), normal(5, 4), normal(5, 4)),
]


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{loss[0]}-{loss[1]}")
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
def test_a_loss_agrees(loss, reduction, dtype):
    name, options, *arrays = loss
    mine, theirs = (getattr(lib, name)(**options, reduction=reduction) for lib in (nn, torch.nn))
    same_results(mine, theirs, dtype, *arrays)


@DTYPES
@pytest.mark.parametrize(
    ("name", "options", "target"),
    [
        ("BCEWithLogitsLoss", {"weight": WEIGHT}, shares(6, 4)),
        ("BCEWithLogitsLoss", {"pos_weight": WEIGHT}, shares(6, 4)),
        ("BCEWithLogitsLoss", {"weight": WEIGHT, "pos_weight": WEIGHT}, shares(6, 4)),
        ("BCELoss", {"weight": WEIGHT}, shares(6, 4)),
        ("NLLLoss", {"weight": WEIGHT}, labels(6)),
    ],
)
def test_a_weighted_loss_agrees(name, options, target, dtype):
    tensors = {key: torch.tensor(value, dtype=getattr(torch, dtype.__name__)) for key, value in options.items()}
    same_results(getattr(nn, name)(**options), getattr(torch.nn, name)(**tensors), dtype, shares(6, 4), target)


def test_the_mean_divergence_of_a_batch_agrees():
    mine, theirs = (lib.KLDivLoss(reduction="batchmean") for lib in (nn, torch.nn))
    same_results(mine, theirs, np.float64, normal(5, 4), shares(5, 4))


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("HuberLoss", [np.array([1.0, -1.0, 0.0]), np.zeros(3)]),
        ("SmoothL1Loss", [np.array([1.0, -1.0, 0.0]), np.zeros(3)]),
        ("HingeEmbeddingLoss", [np.array([1.0, 1.0, 0.0]), np.array([1, -1, -1])]),
        ("MarginRankingLoss", [np.ones(2), np.ones(2), np.array([1, -1])]),
        ("TripletMarginLoss", [np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))]),
        ("GaussianNLLLoss", [np.ones(3), np.zeros(3), np.array([0.0, 1e-9, 1e-6])]),
    ],
)
def test_slopes_of_losses_at_their_bends_are_those_of_the_namesake(name, arrays):
    same_results(getattr(nn, name)(), getattr(torch.nn, name)(), np.float64, *arrays)


def build(lib):
    return lib.Sequential(
        lib.Linear(4, 8),
        lib.GELU(),
        lib.Sequential(lib.Linear(8, 8, bias=False), lib.Tanh()),
        lib.ModuleDict({"head": lib.Linear(8, 2)})["head"],
    )


def test_state_is_exchanged_both_ways_under_the_same_keys():
    mine, theirs = build(nn), build(torch.nn)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    mine.load_state_dict(theirs.state_dict())
    close(mine(Tensor(x)).data, theirs(torch.tensor(x)), np.float32)
    fresh = build(nn)
    theirs.load_state_dict({name: torch.tensor(array) for name, array in fresh.state_dict().items()})
    close(fresh(Tensor(x)).data, theirs(torch.tensor(x)), np.float32)


def test_trees_print_the_same():
    assert repr(build(nn)) == repr(build(torch.nn))


@pytest.mark.parametrize("nonlinearity", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_agree(nonlinearity):
    assert nn.init.calculate_gain(nonlinearity) == pytest.approx(torch.nn.init.calculate_gain(nonlinearity))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("uniform_", {"a": -2.0, "b": 1.0}),
        ("normal_", {"mean": 1.0, "std": 2.0}),
        ("xavier_uniform_", {"gain": 2.0}),
        ("xavier_normal_", {}),
        ("kaiming_uniform_", {"a": 5**0.5}),
        ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "relu"}),
        ("orthogonal_", {"gain": 3.0}),
    ],
)
def test_initial_values_have_the_distribution_of_the_namesake(name, arguments):
    random.seed(0)
    torch.manual_seed(0)
    shape = (120, 40, 3, 3)
    mine = getattr(nn.init, name)(nn.Parameter(np.empty(shape, np.float32)), **arguments).data
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), **arguments).numpy()
    quantiles = np.linspace(0.01, 0.99, 21)
    spread = theirs.std()
    room = 0.1 * spread  # four standard deviations of the difference of two quantiles
    np.testing.assert_allclose(np.quantile(mine, quantiles), np.quantile(theirs, quantiles), atol=room)


def test_a_linear_layer_begins_with_the_distribution_of_its_namesake():
    random.seed(0)
    torch.manual_seed(0)
    mine, theirs = nn.Linear(300, 300).weight.data, torch.nn.Linear(300, 300).weight.detach().numpy()
    quantiles = np.linspace(0, 1, 21)
    np.testing.assert_allclose(np.quantile(mine, quantiles), np.quantile(theirs, quantiles), atol=0.02 / 300**0.5)
