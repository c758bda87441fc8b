"""Every layer and every loss on arrays of another make: results, gradients and buffers."""

import copy
import inspect

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn
from minigrad.devices import device_of

from .stand_in import NAME, asarray, asnumpy

RANDOM = np.random.default_rng(0)


def floats(*shape):
    return RANDOM.uniform(0.1, 0.9, shape).astype(np.float32)


def classes(*shape, below=3):
    return RANDOM.integers(0, below, shape)


def signs(*shape):
    return RANDOM.choice([-1.0, 1.0], shape).astype(np.float32)


POINTWISE = [
    nn.CELU, nn.ELU, nn.GELU, nn.GLU, nn.SELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.Identity,
    nn.LeakyReLU, nn.LogSigmoid, nn.LogSoftmax, nn.Mish, nn.PReLU, nn.ReLU, nn.ReLU6, nn.SiLU, nn.Sigmoid, nn.Softmax,
    nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Dropout, nn.Flatten,
]  # fmt: skip
PAIRS = [nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss, nn.PoissonNLLLoss, nn.BCELoss, nn.BCEWithLogitsLoss]

TABLE = [
    *[(kind(), floats(3, 4)) for kind in POINTWISE],
    (nn.GELU("tanh"), floats(3, 4)),
    (nn.Linear(4, 3), floats(2, 4)),
    (nn.Bilinear(3, 4, 2), floats(2, 3), floats(2, 4)),
    (nn.Embedding(5, 3, padding_idx=1), classes(2, 4, below=5)),
    (nn.CosineSimilarity(), floats(2, 3), floats(2, 3)),
    (nn.Conv1d(2, 3, 3, padding=1), floats(2, 2, 7)),
    (nn.Conv1d(2, 3, 3, dilation=2), floats(2, 2, 7)),
    (nn.Conv2d(2, 4, 3, stride=2, groups=2), floats(2, 2, 6, 5)),
    (nn.ConvTranspose1d(2, 3, 3), floats(2, 2, 5)),
    (nn.ConvTranspose2d(2, 3, 3, stride=2), floats(2, 2, 4, 3)),
    (nn.MaxPool1d(2), floats(2, 2, 6)),
    (nn.MaxPool2d(3, 2, padding=1), floats(2, 2, 6, 6)),
    (nn.AvgPool1d(2), floats(2, 2, 6)),
    (nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), floats(2, 2, 6, 6)),
    (nn.AdaptiveAvgPool1d(3), floats(2, 2, 7)),
    (nn.AdaptiveAvgPool2d((2, 3)), floats(2, 2, 5, 7)),
    (nn.AdaptiveMaxPool1d(3), floats(2, 2, 7)),
    (nn.AdaptiveMaxPool2d((2, 3)), floats(2, 2, 5, 7)),
    (nn.Upsample(scale_factor=2), floats(1, 2, 3, 3)),
    (nn.Upsample(size=(5, 7), mode="bicubic"), floats(1, 2, 3, 4)),
    (nn.PixelShuffle(2), floats(1, 4, 3, 3)),
    (nn.BatchNorm1d(3), floats(5, 3)),
    (nn.BatchNorm2d(3, momentum=None), floats(2, 3, 4, 4)),
    (nn.LayerNorm(4), floats(2, 3, 4)),
    (nn.RMSNorm(4), floats(2, 3, 4)),
    (nn.GroupNorm(2, 4), floats(2, 4, 3)),
    (nn.RNN(3, 4, nonlinearity="relu"), floats(5, 2, 3)),
    (nn.RNN(3, 4, bidirectional=True), floats(5, 2, 3), None, np.array([5, 3])),
    (nn.LSTM(3, 4, num_layers=2), floats(5, 2, 3)),
    (nn.GRU(3, 4, batch_first=True), floats(2, 5, 3)),
    (nn.SelfAttentionHead(4, is_causal=True), floats(2, 3, 4)),
    (nn.MultiHeadAttention(8, 2, is_causal=True), floats(2, 5, 8)),
    (nn.MultiHeadAttention(8, 4, num_kv_heads=2, rotary=nn.RotaryEmbedding(2)), floats(2, 5, 8)),
    (nn.PositionalEncoding(4), floats(2, 3, 4)),
    (nn.LearnedPositionalEmbedding(5, 4), floats(2, 3, 4)),
    (nn.RotaryEmbedding(4), floats(2, 3, 4)),
    (nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2), floats(2, 3, 8)),
    (nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 1), floats(2, 3, 8), floats(2, 4, 8)),
    (nn.Sequential(nn.LSTM(3, 4, batch_first=True), nn.LastOutput()), floats(2, 5, 3)),
    (nn.Residual(nn.Linear(4, 4)), floats(2, 4)),
    *[(kind(), floats(3, 4), floats(3, 4)) for kind in PAIRS],
    (nn.KLDivLoss(reduction="batchmean"), floats(3, 4), floats(3, 4)),
    (nn.GaussianNLLLoss(), floats(3, 4), floats(3, 4), floats(3, 4)),
    (nn.CrossEntropyLoss(), floats(4, 3), classes(4)),
    (nn.CrossEntropyLoss(ignore_index=0, label_smoothing=0.1), floats(4, 3), np.array([0, 1, 2, 1])),
    (nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.5], axis=-1), floats(2, 4, 3), classes(2, 4)),
    (nn.CrossEntropyLoss(), floats(4, 3), floats(4, 3)),
    (nn.NLLLoss(), floats(4, 3), classes(4)),
    (nn.SoftMarginLoss(), floats(3, 4), signs(3, 4)),
    (nn.HingeEmbeddingLoss(), floats(3, 4), signs(3, 4)),
    (nn.MarginRankingLoss(0.1), floats(4), floats(4), signs(4)),
    (nn.CosineEmbeddingLoss(), floats(3, 4), floats(3, 4), signs(3)),
    (nn.TripletMarginLoss(), floats(3, 4), floats(3, 4), floats(3, 4)),
]  # fmt: skip
WITHOUT_A_CALL = {nn.Module, nn.ModuleDict, nn.Loss, nn.LanguageModel}


def test_the_table_has_every_layer_and_loss():
    kinds = [value for value in vars(nn).values() if inspect.isclass(value) and issubclass(value, nn.Module)]
    there = {type(module) for layer, *_ in TABLE for module in layer.modules()}
    assert set(kinds) - there == WITHOUT_A_CALL, "add a row to TABLE in tests/devices/test_layers.py"


def run(layer, inputs, device):
    """The results of a call, the gradients of their squares, and the buffers, as arrays of NumPy."""
    layer = copy.deepcopy(layer).to(device)
    minigrad.seed(1)
    tensors = [x if x is None else Tensor(x if device == "cpu" else asarray(x)) for x in inputs]
    for x in tensors:
        if x is not None and x.dtype.kind == "f":
            x.requires_grad = True
    found = layer(*tensors)
    results = [found] if isinstance(found, Tensor) else [found[0]]
    sum([(x * x).sum() for x in results], Tensor(0.0).to(device)).backward()
    arrays = [x.data for x in (*results, *layer.buffers())]
    gradients = [x.grad for x in (*tensors, *layer.parameters()) if x is not None and x.grad is not None]
    assert {device_of(x) for x in (*arrays, *gradients)} == {device}
    return [asnumpy(x) for x in (*arrays, *gradients)]


@pytest.mark.filterwarnings("ignore:dropout")
@pytest.mark.parametrize(
    ("layer", "inputs"), [(layer, inputs) for layer, *inputs in TABLE], ids=lambda x: type(x).__name__
)
def test_results_gradients_and_buffers_are_those_on_the_cpu(layer, inputs):
    for x, y in zip(run(layer, inputs, NAME), run(layer, inputs, "cpu"), strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-5)
