"""LoRA: the formula, where it is for, what is trained, and what comes of merging."""

from copy import deepcopy

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, check_gradients, nn, optim
from minigrad.nn.lora import BaseDigests, load_saved_state, saved_state

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _the_same_numbers_in_any_order():
    minigrad.seed(0)
    RANDOM.bit_generator.state = np.random.default_rng(0).bit_generator.state


def filled(model):
    """The model in float64, with numbers where an adapter begins with zeros."""
    for name, parameter in model.named_parameters():
        if name.endswith(".B"):
            parameter.data[...] = RANDOM.normal(size=parameter.shape)
    return model.to(np.float64)


def adapted(model, match=("*",), **arguments):
    nn.LoRA(list(match), **arguments).attach(model)
    return filled(model)


def sequence(*shape):
    return Tensor(RANDOM.normal(size=shape))


class Writer(nn.Module):
    """An embedding, attention, and scores by the vectors of the embedding."""

    def __init__(self, tied=True):
        self.wte = nn.Embedding(7, 4)
        self.attn = nn.MultiHeadAttention(4, 2)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 7, bias=False)
        if tied:
            self.head.weight = self.wte.weight

    def forward(self, x):
        return self.head(self.norm(self.attn(self.wte(x))))


def test_a_linear_layer_adds_alpha_by_rank_times_b_a_x():
    layer = adapted(nn.Linear(5, 3), rank=2, alpha=6.0)
    x, change = sequence(4, 5), layer.weight_lora
    expected = x.data @ (layer.weight.data + 6 / 2 * change.B.data @ change.A.data).T + layer.bias.data
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-12)


def test_an_embedding_looks_up_the_changed_rows_and_scores_with_them():
    layer = adapted(nn.Embedding(6, 3), rank=2, alpha=1.0)
    matrix = layer.weight.data + 1 / 2 * layer.weight_lora.B.data @ layer.weight_lora.A.data
    numbers, x = np.array([[0, 5], [2, 2]]), sequence(2, 3)
    np.testing.assert_allclose(layer(numbers).data, matrix[numbers], rtol=1e-12)
    np.testing.assert_allclose(layer.attend(x).data, x.data @ matrix.T, rtol=1e-12)


ATTENTIONS = {
    "of itself": (nn.MultiHeadAttention(4, 2), [(2, 3, 4)]),
    "with shared heads": (nn.MultiHeadAttention(4, 2, num_kv_heads=1), [(2, 3, 4)]),
    "of another sequence": (nn.MultiHeadAttention(4, 2), [(2, 3, 4), (2, 5, 4)]),
    "of other lengths": (nn.MultiHeadAttention(4, 2, kdim=3, vdim=3), [(2, 3, 4), (2, 5, 3)]),
}


@pytest.mark.parametrize("name", ATTENTIONS)
def test_attention_with_adapters_is_attention_with_the_changed_matrices(name):
    layer, shapes = ATTENTIONS[name]
    layer = adapted(deepcopy(layer), rank=2, alpha=4.0)
    plain = deepcopy(layer)
    changes = {key[: -len("_lora")]: change for key, change in vars(layer).items() if key.endswith("_lora")}
    assert changes.keys() <= {"in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"}
    changes = {f"{key}": change for key, change in changes.items()} | {"out_proj.weight": layer.out_proj.weight_lora}
    for key, change in changes.items():
        owner = plain.out_proj if key.startswith("out") else plain
        getattr(owner, key.rpartition(".")[2]).data += 4 / 2 * change.B.data @ change.A.data
        delattr(owner, f"{key.rpartition('.')[2]}_lora")
    inputs = [sequence(*shape) for shape in shapes]
    np.testing.assert_allclose(layer(*inputs).data, plain(*inputs).data, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("tied", [True, False])
def test_merging_gives_a_model_without_adapters_and_the_same_results_to_rounding(tied):
    model, x = Writer(tied), np.array([[0, 3, 6]])
    keys = list(model.state_dict())
    nn.LoRA(["*"], rank=2).attach(model)
    filled(model).to(np.float32)
    merged = nn.merged(model)
    assert list(merged.state_dict()) == keys
    assert (merged.head.weight is merged.wte.weight) == tied
    scale = np.abs(model(x).data).max()
    np.testing.assert_allclose(merged(x).data, model(x).data, rtol=1e-5, atol=1e-5 * scale)
    assert nn.merged(merged) is merged


def test_at_first_nothing_is_added_and_then_the_adapters_alone_learn():
    model, x = Writer(), np.array([[0, 3, 6]])
    before, weights = model(x).data, {name: array.copy() for name, array in model.state_dict().items()}
    nn.LoRA(["attn", "head"], rank=2).attach(model)
    np.testing.assert_array_equal(model(x).data, before)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    layers = ("wte.weight", "attn.out_proj.weight", "attn.in_proj_weight")
    assert trained == {f"{layer}_lora.{matrix}" for layer in layers for matrix in "AB"}
    optimizer = optim.AdamW(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (model(x) ** 2).sum().backward()
        optimizer.step()
    assert all((model.state_dict()[name] == array).all() for name, array in weights.items())
    assert nn.unlearned(model, optimizer, x) == []
    assert not np.allclose(model(x).data, before)


def test_its_gradients_are_those_of_finite_differences():
    model = adapted(Writer(), rank=2).requires_grad_()
    model.norm = nn.Identity()  # differences of what is divided by a small deviation are inexact
    check_gradients(model, np.array([[0, 3, 6, 3]]))


def test_a_copy_learns_apart():
    model = adapted(Writer())
    twin, x = deepcopy(model), np.array([[1, 2]])
    before = model(x).data
    twin.wte.weight_lora.B.data += 1
    assert twin.wte.weight_lora is twin.head.weight_lora
    np.testing.assert_array_equal(model(x).data, before)


@pytest.mark.parametrize(
    ("match", "told"),
    [
        (
            ["attn", "norm"],
            "'norm' matches no matrix that LoRA adapts: norm.weight, norm.bias are of LayerNorm, and it is",
        ),
        (
            ["attn.*bias"],
            "attn.in_proj_bias, attn.out_proj.bias are of MultiHeadAttention, Linear, and it is for Linear",
        ),
        (["atn"], "'atn' matches no parameter; did you mean 'attn'?"),
    ],
)
def test_what_has_no_matrix_is_refused_and_the_model_stays_as_it_was(match, told):
    model = Writer()
    with pytest.raises(nn.PatternError) as refused:
        nn.LoRA(match).attach(model)
    assert told in str(refused.value)
    assert all(p.requires_grad for p in model.parameters())


def test_a_layer_of_a_class_that_computes_otherwise_has_no_adapter():
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    with pytest.raises(nn.PatternError, match=r"LoRA adapts: 0\.weight, 0\.bias are of Doubled"):
        nn.LoRA(["0"]).attach(nn.Sequential(Doubled(2, 2)))


def test_a_matrix_that_another_kind_of_layer_uses_too_has_no_adapter():
    model = nn.Sequential(nn.Linear(3, 2), nn.Conv1d(2, 3, 1))
    getattr(model, "1").weight = getattr(model, "0").weight
    with pytest.raises(nn.PatternError, match=r"0\.weight is 1\.weight too, and LoRA cannot adapt a Conv1d"):
        nn.LoRA(["0"]).attach(model)


def test_a_second_one_is_refused():
    with pytest.raises(ValueError, match="this model has a LoRA: merge it"):
        nn.LoRA(["*"]).attach(adapted(Writer()))


def test_what_is_saved_has_no_base_and_is_loaded_beside_the_same_base_only():
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    first = deepcopy(model)
    nn.LoRA(["0"], rank=1).attach(model)
    saved, digests = {name: array.copy() for name, array in saved_state(model).items()}, BaseDigests(model)
    buffers = ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert list(saved) == ["0.weight_lora.A", "0.weight_lora.B", *buffers]
    saved["0.weight_lora.B"][...] = 1
    other = deepcopy(first)
    nn.LoRA(["0"], rank=1).attach(other)
    load_saved_state(other, saved, digests())
    np.testing.assert_array_equal(other.state_dict()["0.weight_lora.B"], saved["0.weight_lora.B"])
    getattr(other, "2").weight.data += 1
    getattr(other, "2").weight.bump()
    with pytest.raises(ValueError, match=r"trained on other weights:\n  2.weight: its SHA-256 differs$"):
        load_saved_state(other, saved, digests())


def test_digests_follow_what_is_written():
    model = adapted(nn.Linear(3, 2))
    digests = BaseDigests(model)
    before = digests()
    assert digests() == before
    model.weight.data += 1
    model.weight.bump()
    assert digests()["weight"] != before["weight"]
    assert digests()["bias"] == before["bias"]
