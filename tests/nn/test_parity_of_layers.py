"""Convolution, pooling, normalization, embedding and recurrence beside PyTorch's: values, gradients, state, text."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.engine import Tensor, random

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
pytestmark = pytest.mark.parity

RTOL = {np.float32: 2e-5, np.float64: 1e-11}
DTYPES = pytest.mark.parametrize("dtype", RTOL, ids=lambda dtype: dtype.__name__)
RANDOM = np.random.default_rng(0)

LAYERS = [
    ("Conv1d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "padding": 1}, (4, 2, 7)),
    ("Conv2d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3}, (4, 2, 6, 5)),
    ("Conv2d", {"in_channels": 2, "out_channels": 4, "kernel_size": (3, 2), "stride": 2, "groups": 2}, (4, 2, 6, 5)),
    ("Conv2d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "padding": "same", "bias": False}, (2, 2, 4, 4)),
    ("Conv2d", {"in_channels": 2, "out_channels": 3, "kernel_size": 2, "dilation": (1, 2)}, (2, 4, 4)),
    ("ConvTranspose1d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": 2}, (4, 2, 7)),
    (
        "ConvTranspose2d",
        {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "stride": 2, "output_padding": 1, "groups": 2},
        (2, 4, 3, 3),
    ),
    ("MaxPool2d", {"kernel_size": 2}, (2, 3, 4, 5)),
    ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1}, (2, 3, 5, 5)),
    ("AvgPool2d", {"kernel_size": 2}, (2, 3, 4, 5)),
    ("AvgPool2d", {"kernel_size": 3, "stride": 1, "padding": 1, "count_include_pad": False}, (2, 3, 4, 4)),
    ("AdaptiveAvgPool2d", {"output_size": (2, 3)}, (2, 3, 5, 7)),
    ("AdaptiveAvgPool2d", {"output_size": (None, 1)}, (2, 3, 5, 7)),
    ("BatchNorm1d", {"num_features": 3}, (5, 3)),
    ("BatchNorm1d", {"num_features": 3, "momentum": None}, (5, 3, 4)),
    ("BatchNorm2d", {"num_features": 3, "eps": 0.1, "momentum": 0.3}, (2, 3, 4, 4)),
    ("BatchNorm2d", {"num_features": 3, "affine": False}, (2, 3, 4, 4)),
    ("BatchNorm2d", {"num_features": 3, "track_running_stats": False}, (2, 3, 4, 4)),
    ("LayerNorm", {"normalized_shape": 4}, (2, 3, 4)),
    ("LayerNorm", {"normalized_shape": (3, 4), "bias": False, "eps": 0.1}, (2, 3, 4)),
    ("LayerNorm", {"normalized_shape": (4,), "elementwise_affine": False}, (2, 4)),
    ("RMSNorm", {"normalized_shape": 4}, (2, 3, 4)),
    ("RMSNorm", {"normalized_shape": (3, 4), "eps": 0.1, "elementwise_affine": False}, (2, 3, 4)),
    ("GroupNorm", {"num_groups": 2, "num_channels": 4}, (2, 4, 3)),
    ("GroupNorm", {"num_groups": 4, "num_channels": 4, "affine": False}, (2, 4, 3, 3)),
]


def close(actual, expected, dtype):
    expected = expected.detach().numpy()
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=RTOL[dtype], atol=RTOL[dtype])


def pair(name, arguments, dtype):
    """A layer and PyTorch's, with the same parameters, none of them at its first value."""
    mine, theirs = getattr(nn, name)(**arguments).to(dtype), getattr(torch.nn, name)(**arguments)
    theirs.to(torch.float32 if dtype == np.float32 else torch.float64)
    for parameter in theirs.parameters():
        parameter.data += torch.tensor(RANDOM.normal(size=parameter.shape).astype(dtype))
    state = theirs.state_dict()
    assert list(mine.state_dict()) == list(state)
    mine.load_state_dict({key: value.numpy() for key, value in state.items()})
    return mine, theirs


def same(mine, theirs, results, expected, inputs, dtype):
    """Holds results, and the gradients of inputs and parameters, against each other."""
    for result, other in zip(results, expected, strict=True):
        close(result.data, other, dtype)
    gradients = [RANDOM.normal(size=result.shape).astype(dtype) for result in results]
    for result, other, g in zip(results, expected, gradients, strict=True):
        result.backward(g, retain_graph=True)
        other.backward(torch.tensor(g), retain_graph=True)
    for x, y in inputs:
        close(x.grad, y.grad, dtype)
    for (key, parameter), other in zip(mine.named_parameters(), theirs.parameters(), strict=True):
        assert other.grad is not None, key
        close(parameter.grad, other.grad, dtype)


def both(shape, dtype):
    x = RANDOM.normal(size=shape).astype(dtype)
    return Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)


@DTYPES
@pytest.mark.parametrize(("name", "arguments", "shape"), LAYERS)
def test_training_and_evaluation_are_as_in_pytorch(name, arguments, shape, dtype):
    mine, theirs = pair(name, arguments, dtype)
    for _ in range(2):
        x, y = both(shape, dtype)
        mine.zero_grad()
        theirs.zero_grad()
        same(mine, theirs, [mine(x)], [theirs(y)], [(x, y)], dtype)
    for key, value in theirs.state_dict().items():
        close(mine.state_dict()[key], value, dtype)
    mine.eval()
    theirs.eval()
    x, y = both(shape, dtype)
    close(mine(x).data, theirs(y), dtype)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Conv1d", (8, 256, 5)),
        ("Conv2d", (8, 256, 3, 1, 0, 1, 2)),
        ("ConvTranspose2d", (64, 256, 3, 1, 0, 0, 4)),
        ("Embedding", (100, 10)),
        ("BatchNorm2d", (3,)),
        ("LayerNorm", (4,)),
        ("RNN", (4, 300)),
        ("LSTM", (4, 100)),
        ("GRU", (4, 100, 2)),
    ],
)
def test_parameters_begin_with_the_spread_of_pytorchs(name, arguments):
    torch.manual_seed(0)
    random.seed(0)
    mine, theirs = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
    for parameter, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert parameter.shape == tuple(other.shape)
        assert parameter.dtype == np.float32
        assert parameter.data.std() == pytest.approx(other.std(correction=0).item(), rel=0.15)
        assert parameter.data.mean() == pytest.approx(other.mean().item(), abs=0.15 * other.abs().max().item())


@DTYPES
@pytest.mark.parametrize("padding_idx", [None, 2, -1])
def test_an_embedding_is_pytorchs(padding_idx, dtype):
    mine, theirs = pair("Embedding", {"num_embeddings": 5, "embedding_dim": 3, "padding_idx": padding_idx}, dtype)
    numbers = RANDOM.integers(0, 5, (4, 6))
    same(mine, theirs, [mine(Tensor(numbers))], [theirs(torch.tensor(numbers))], [], dtype)


@DTYPES
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize(
    ("options", "shape", "has_state"),
    [
        ({}, (5, 2, 3), False),
        ({"num_layers": 2, "batch_first": True}, (2, 5, 3), True),
        ({"num_layers": 2, "bidirectional": True}, (5, 2, 3), True),
        ({"bias": False, "bidirectional": True}, (4, 3), False),
        ({"num_layers": 2}, (1, 3), True),
    ],
)
def test_recurrent_networks_are_pytorchs(name, options, shape, has_state, dtype):
    mine, theirs = pair(name, {"input_size": 3, "hidden_size": 4, **options}, dtype)
    inputs = [both(shape, dtype)]
    layers = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    batch = () if len(shape) == 2 else (2,)
    states = [both((layers, *batch, 4), dtype) for _ in range(2 if name == "LSTM" else 1)] if has_state else []
    inputs += states
    arguments = [[x for x, _ in states], [y for _, y in states]]
    if name == "LSTM":
        arguments = [[tuple(given)] if given else [] for given in arguments]
    out, last = mine(inputs[0][0], *arguments[0])
    expected, others = theirs(inputs[0][1], *arguments[1])
    last, others = (value if isinstance(value, tuple) else (value,) for value in (last, others))
    same(mine, theirs, [out, *last], [expected, *others], inputs, dtype)


@DTYPES
def test_a_recurrent_network_with_relu_is_pytorchs(dtype):
    mine, theirs = pair("RNN", {"input_size": 3, "hidden_size": 4, "nonlinearity": "relu"}, dtype)
    x, y = both((5, 2, 3), dtype)
    same(mine, theirs, mine(x), theirs(y), [(x, y)], dtype)
