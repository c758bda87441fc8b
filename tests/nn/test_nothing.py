"""Layers and losses of no examples and of no steps: a value with its gradients, or a sentence."""

import numpy as np
import pytest

from minigrad import Tensor, grad, nn

POINTWISE = [nn.GELU, lambda: nn.GELU(approximate="tanh"), nn.Softplus, nn.PReLU, nn.Dropout, lambda: nn.Softmax(0)]
LAYERS = [
    *[(make, [shape]) for make in POINTWISE for shape in [(), (0,), (0, 4), (4, 0), (2, 0, 4)]],
    (lambda: nn.Linear(3, 2), [(0, 3)]),
    (lambda: nn.Linear(3, 2), [(2, 0, 3)]),
    (lambda: nn.Conv1d(3, 2, 3, padding=1), [(0, 3, 5)]),
    (lambda: nn.Conv2d(4, 4, 3, padding=1, groups=2), [(0, 4, 5, 5)]),
    (lambda: nn.BatchNorm1d(3), [(0, 3)]),
    (lambda: nn.BatchNorm1d(3), [(2, 3, 0)]),
    (lambda: nn.BatchNorm2d(3), [(0, 3, 2, 2)]),
    (lambda: nn.GroupNorm(2, 4), [(2, 4, 0)]),
    (lambda: nn.LayerNorm(3), [(0, 3)]),
    (lambda: nn.RMSNorm(3), [(2, 0, 3)]),
    (lambda: nn.LSTM(3, 2, batch_first=True), [(0, 4, 3)]),
    (lambda: nn.GRU(3, 2, 2, batch_first=True, bidirectional=True), [(0, 4, 3)]),
    *[(lambda: Itself(4, 2), [shape]) for shape in [(0, 3, 4), (2, 0, 4), (0, 0, 4)]],
    (lambda: nn.MultiHeadAttention(4, 2, num_kv_heads=1), [(0, 3, 4)] * 3),
    (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), [(2, 0, 4)]),
    (lambda: nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), [(2, 3, 4), (2, 0, 4)]),
    (lambda: nn.PositionalEncoding(4), [(2, 0, 4)]),
    (lambda: nn.Bilinear(3, 2, 2), [(0, 3), (0, 2)]),
    (lambda: nn.MSELoss(reduction="sum"), [(0, 3), (0, 3)]),
    (lambda: nn.HuberLoss(reduction="none"), [(0, 3), (0, 3)]),
]


class Itself(nn.MultiHeadAttention):
    def forward(self, x):
        return super().forward(x, x, x)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("make", "shapes"), LAYERS)
def test_of_nothing_there_are_outputs_and_gradients_of_first_and_second_order(make, shapes):
    layer = make()
    inputs = [Tensor(np.zeros(shape, np.float32), requires_grad=True) for shape in shapes]
    outputs = layer(*inputs)
    outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    leaves = [*inputs, *layer.parameters()]
    first = grad(outputs.sum(), leaves, create_graph=True, allow_unused=True)
    squares = [(slope * slope).sum() for slope in first if slope is not None and slope.requires_grad]
    second = grad(sum(squares), leaves, allow_unused=True) if squares else []
    for leaf, *slopes in zip(leaves, first, second or first, strict=True):
        for slope in slopes:
            assert slope is None or (slope.shape == leaf.shape and not np.isnan(slope.data).any())


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1), nn.NLLLoss()])
def test_the_mean_of_no_rows_is_refused(loss):
    with pytest.raises(ValueError, match="no row to take the mean of"):
        loss(Tensor(np.zeros((0, 3)), requires_grad=True), np.zeros(0, np.int64))


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_the_mean_square_of_nothing_is_not_a_number_and_has_empty_gradients():
    x = Tensor(np.zeros((0, 3)), requires_grad=True)
    loss = nn.MSELoss()(x, np.zeros((0, 3)))
    assert np.isnan(loss.item())
    assert grad(loss, x)[0].shape == (0, 3)
