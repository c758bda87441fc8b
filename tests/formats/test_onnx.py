"""Models as ONNX: onnxruntime gives the same numbers for inputs of other sizes."""

import numpy as np
import pytest

from minigrad import Tensor, nn, ops
from minigrad.formats import to_onnx
from models.gpt import GPT
from models.llama import Llama

from .onnx_models import assert_same, axes, floats, tokens

pytestmark = pytest.mark.parity
OPSETS = pytest.mark.parametrize("opset", [17, 20])


def _trained(model, x):
    """The model after it has seen inputs in training, so that running statistics are other than at the start."""
    model.train()(Tensor(x))
    return model


def _convolutions():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.SiLU(),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Conv2d(4, 4, 3, padding="same", groups=2, dilation=2),
        nn.GroupNorm(2, 4),
        nn.GELU(),
        nn.AvgPool2d(2, 1, 1, count_include_pad=False),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(16, 3),
        nn.LogSoftmax(-1),
    )


class Recurrent(nn.Module):
    """A recurrent layer with a head; the outputs and the first of the last states."""

    def __init__(self, layer, size):
        self.layer, self.head = layer, nn.Linear(size, 3)

    def forward(self, x):
        out, state = self.layer(x)
        return self.head(out), state[0] if isinstance(state, tuple) else state


class Translator(nn.Module):
    """An encoder–decoder of tokens, with padding that is hidden."""

    def __init__(self):
        self.embedding, self.places = nn.Embedding(20, 8), nn.PositionalEncoding(8)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0), 1)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, 0.0), 1)
        self.head = nn.Linear(8, 20)

    def forward(self, source, target):
        memory = self.encoder(self.places(self.embedding(source)))
        return self.head(self.decoder(self.places(self.embedding(target)), memory, tgt_is_causal=True))


class Masked(nn.Module):
    """Attention from which a mask hides keys, of truth values, or added."""

    def __init__(self, kind):
        self.kind = kind

    def forward(self, query, keys, mask):
        shown = ops.expand_dims(mask, 1)
        hidden = shown if self.kind is bool else ops.where(shown, 0.5, -np.inf).astype(np.float32)
        return ops.scaled_dot_product_attention(query, keys, keys, hidden)


MODELS = {
    "MLP": (lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)), floats(4, 6)),
    "CNN": (lambda: _trained(_convolutions(), floats(8, 2, 17, 17)), floats(2, 2, 17, 17)),
    "BatchNorm1d": (lambda: _trained(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)), floats(9, 6)), floats(4, 6)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(2, 3, 4, stride=3, padding=1, dilation=2), floats(2, 2, 5)),
    "ConvTranspose2d": (
        lambda: nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
        floats(2, 2, 5, 5),
    ),
    "activations": (
        lambda: nn.Sequential(
            nn.Linear(6, 6), nn.ELU(), nn.Softplus(), nn.Mish(), nn.SELU(), nn.PReLU(), nn.GELU("tanh"), nn.GLU()
        ),
        floats(4, 6),
    ),
}
SEQUENCES = {
    "LSTM": (lambda: Recurrent(nn.LSTM(6, 5, 2, batch_first=True), 5), floats(3, 7, 6)),
    "LSTM both ways": (lambda: Recurrent(nn.LSTM(6, 5, batch_first=True, bidirectional=True), 10), floats(3, 7, 6)),
    "GRU": (lambda: Recurrent(nn.GRU(6, 5, 2, batch_first=True, bias=False), 5), floats(3, 7, 6)),
    "GRU both ways": (lambda: Recurrent(nn.GRU(6, 5, batch_first=True, bidirectional=True), 10), floats(3, 7, 6)),
    "RNN": (lambda: Recurrent(nn.RNN(6, 5, batch_first=True), 5), floats(3, 7, 6)),
    "RNN of relu": (lambda: Recurrent(nn.RNN(6, 5, nonlinearity="relu", batch_first=True), 5), floats(3, 7, 6)),
    "GPT": (lambda: GPT(20, 9, 1, 2, 8, bias=True), tokens(2, 9)),
    "Llama": (lambda: Llama(20, 9, 1, 4, 16, 24, n_kv_head=2), tokens(2, 9)),
    "encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0), 1), floats(2, 9, 8)),
}


@OPSETS
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_examples_takes_any_number_of_them(name, opset):
    make, example = MODELS[name]
    model = make()
    exported = to_onnx(model, example, opset=opset)
    assert axes(exported)["input"] == ["batch", *example.shape[1:]]
    assert exported.opset_import[0].version == opset
    assert_same(model, exported, example, example[:1], np.concatenate([example[::-1]] * 4))


@OPSETS
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_model_of_sequences_takes_any_length(name, opset):
    make, example = SEQUENCES[name]
    model = make()
    exported = to_onnx(model, example, opset=opset)
    assert axes(exported)["input"] == ["batch", "time", *example.shape[2:]]
    assert_same(model, exported, example, example[:1, :1], example[:, 2:5], np.concatenate([example, example])[:, 1:])


def test_recurrent_layers_and_rotary_positions_go_beyond_the_length_of_the_example():
    for name in ("LSTM", "encoder"):
        make, example = SEQUENCES[name]
        model = make()
        assert_same(model, to_onnx(model, example), np.tile(example, (1, 9, 1)))
    attention = nn.MultiHeadAttention(8, 2, rotary=nn.RotaryEmbedding(4), is_causal=True)
    assert_same(attention, to_onnx(attention, floats(2, 5, 8)), floats(1, 300, 8))


class Applied(nn.Module):
    """A function of a tensor as a module."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


FUNCTIONS = {
    "einsum": lambda x: ops.einsum("bi,bj->bij", x, x),
    "halves": lambda x: ops.concatenate(ops.split(x, 2, 1), 0),
    "sort": lambda x: ops.sort(x, 1),
    "sort along the batch": lambda x: ops.sort(x, 0),
    "the two largest": lambda x: ops.topk(x, 2)[0],
    "variance of the batch": lambda x: x.var(0, ddof=1),
    "one behind the other": lambda x: ops.concatenate([x, x[::-1], x[1:]], 0),
    "all but the last": lambda x: x[:-1, ::2],
    "the last": lambda x: x[-1],
    "columns": lambda x: x[:, [0, 2]],
    "diagonal": lambda x: x[[0, 1, 2], [0, 1, 2]],
    "flat": lambda x: ops.cumsum(x.reshape(-1)),
    "repeated": lambda x: ops.repeat(ops.tile(x, (2, 1)), 2, 0),
    "moved on": lambda x: ops.roll(x, 1, 0),
    "with one more": lambda x: ops.pad(x, ((1, 0), (0, 2)), constant_values=3.0),
    "against all others": lambda x: (x[:, None] - x[None]).max(-1),
    "places": lambda x: ops.add(x, np.arange(x.shape[0], dtype=np.float32)[:, None] * 0 + x.shape[1]),
    "double": lambda x: x.astype(np.float64) / 3,
    "over the root of the batch": lambda x: x.sum(0) * (1 / len(x) ** 0.5) + 1 / len(x),
    "counted": lambda x: ops.mean(x > 0, axis=0) * x.shape[0],
    "with a column put in": lambda x: ops.index_put(x, 0.5, (slice(None), 1)),
    "with columns put in": lambda x: ops.index_put(x, x[:, :2], (slice(None), np.array([4, 1]))),
    "with the last put in": lambda x: ops.index_put(x, x[0], -1),
    "scattered": lambda x: ops.scatter_add(x, ops.argmax(x, 1, keepdims=True), x[:, :1], 1),
}


@OPSETS
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_operations_make_together_goes_for_any_batch(name, opset):
    model = Applied(FUNCTIONS[name])
    exported = to_onnx(model, floats(4, 6), opset=opset)
    assert_same(model, exported, floats(4, 6), floats(11, 6))


@OPSETS
def test_source_and_target_of_an_encoder_decoder_have_lengths_of_their_own(opset):
    model = Translator()
    exported = to_onnx(model, (tokens(2, 9), tokens(2, 6)), opset=opset)
    assert axes(exported) == {
        "source": ["batch", "source_time"],
        "target": ["batch", "target_time"],
        "output": ["batch", "target_time", 20],
    }
    for source, target in [(9, 6), (3, 6), (2, 5), (5, 1)]:
        assert_same(model, exported, {"source": tokens(3, source), "target": tokens(3, target)})


@OPSETS
@pytest.mark.parametrize("kind", [bool, float])
def test_a_mask_is_an_input_and_a_query_that_sees_nothing_gets_zeros(kind, opset):
    model = Masked(kind)
    example = {"query": floats(2, 4, 3), "keys": floats(2, 5, 3), "mask": np.ones((2, 5), bool)}
    free = {"batch": 0, "queries": {"query": 1}, "keys": {"keys": 1, "mask": 1}}
    exported = to_onnx(model, example, free=free, opset=opset)
    mask = np.array([[1, 0, 0], [0, 0, 0], [1, 1, 1]], bool)
    assert_same(model, exported, {"query": floats(3, 2, 3), "keys": floats(3, 3, 3), "mask": mask})


@OPSETS
def test_causal_attention_of_fewer_queries_than_keys_is_spelled_out(opset):
    class Causal(nn.Module):
        def forward(self, query, keys):
            return ops.scaled_dot_product_attention(query, keys, keys, is_causal=True)

    exported = to_onnx(Causal(), (floats(2, 3, 4), floats(2, 5, 4)), opset=opset)
    assert "Attention" not in {node.op_type for node in exported.graph.node}
    assert_same(Causal(), exported, {"query": floats(1, 2, 4), "keys": floats(1, 6, 4)})


def test_images_of_any_size_go_through_a_mean_of_all_places():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    exported = to_onnx(model, floats(1, 3, 16, 16), free={"batch": 0, "height": 2, "width": 3})
    assert_same(model, exported, floats(2, 3, 21, 40))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_tokens_are_integers_of_any_size(dtype):
    model = nn.Sequential(nn.Embedding(20, 3), nn.Flatten())
    exported = to_onnx(model, tokens(2, 5).astype(dtype))
    assert_same(model, exported, tokens(4, 5).astype(dtype))


def test_axes_are_free_by_name():
    model = nn.Sequential(nn.Conv2d(3, 2, 3, stride=2), nn.ReLU(), nn.ConvTranspose2d(2, 1, 3, stride=2))
    exported = to_onnx(model, floats(1, 3, 9, 9), free={"batch": 0, "height": 2, "width": 3})
    assert axes(exported)["input"] == ["batch", 3, "height", "width"]
    assert_same(model, exported, floats(2, 3, 14, 7))
    assert axes(to_onnx(model, floats(2, 3, 9, 9), free={}))["input"] == [2, 3, 9, 9]


def test_parameters_keep_their_names_and_texts_are_beside_the_graph():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    exported = to_onnx(model, floats(4, 3), metadata={"classes": "a, b"})
    held = {each.name for each in exported.graph.initializer}
    assert {"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean"} <= held
    assert [(each.key, each.value) for each in exported.metadata_props] == [("classes", "a, b")]
    assert exported.producer_name == "minigrad"


def test_training_goes_on_as_it_was():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).train()
    before = {name: array.copy() for name, array in model.state_dict().items()}
    to_onnx(model, floats(4, 3))
    assert all(module.training for module in model.modules())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_several_outputs_have_the_names_that_the_model_gives_them():
    class Named(nn.Module):
        def forward(self, x):
            return {"twice": x * 2, "pair": (x + 1, x.sum(axis=1))}

    exported = to_onnx(Named(), floats(4, 3))
    assert [each.name for each in exported.graph.output] == ["twice", "pair_0", "pair_1"]


def test_inputs_of_any_number_are_counted():
    class Sum(nn.Module):
        def forward(self, *terms):
            return sum(terms[1:], terms[0])

    exported = to_onnx(Sum(), (floats(4, 3), floats(4, 3)))
    assert [each.name for each in exported.graph.input] == ["terms_0", "terms_1"]


def test_a_name_of_an_input_may_be_that_of_anything_else():
    class Odd(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(floats(3))

        def forward(self, output, weight):
            return output * self.weight + weight

    exported = to_onnx(Odd(), (floats(4, 3), floats(4, 3)))
    assert [each.name for each in (*exported.graph.input, *exported.graph.output)] == ["output", "weight", "outputs"]
    assert_same(Odd(), exported, {"output": floats(2, 3), "weight": floats(2, 3)})
