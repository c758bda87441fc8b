"""Attention and transformer layers beside PyTorch's: values, gradients, state, first values."""

import numpy as np
import pytest

from minigrad import Tensor, nn, ops
from minigrad.engine import random

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
pytestmark = pytest.mark.parity

RTOL = {np.float32: 2e-5, np.float64: 1e-11}
DTYPES = pytest.mark.parametrize("dtype", RTOL, ids=lambda dtype: dtype.__name__)
RANDOM = np.random.default_rng(0)
F = torch.nn.functional


def close(actual, expected, dtype):
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual, expected.detach().numpy(), rtol=RTOL[dtype], atol=RTOL[dtype])


def both(shape, dtype):
    x = RANDOM.normal(size=shape).astype(dtype)
    return Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)


def pair(mine, theirs, dtype):
    """Two modules with the same parameters, none of them at its first value."""
    mine.to(dtype)
    theirs.to(getattr(torch, dtype.__name__))
    for parameter in theirs.parameters():
        parameter.data += torch.tensor(RANDOM.normal(size=parameter.shape, scale=0.3).astype(dtype))
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    return mine, theirs


def same(mine, theirs, result, expected, inputs, dtype):
    """Holds a result, and the gradients of inputs and parameters, against each other."""
    close(result.data, expected, dtype)
    g = RANDOM.normal(size=result.shape).astype(dtype)
    result.backward(g)
    expected.backward(torch.tensor(g))
    for x, y in inputs:
        close(x.grad, y.grad, dtype)
    for (key, parameter), other in zip(mine.named_parameters(), theirs.parameters(), strict=True):
        assert other.grad is not None, key
        close(parameter.grad, other.grad, dtype)


def causal(queries, keys):
    """PyTorch asks for this beside is_causal=True."""
    return torch.ones(queries, keys, dtype=torch.bool).triu(1)


@DTYPES
@pytest.mark.parametrize("how", ["plain", "causal", "boolean", "additive", "scaled"])
@pytest.mark.parametrize(("queries", "keys"), [(5, 5), (7, 3), (200, 200)])
def test_scaled_dot_product_attention(queries, keys, how, dtype):
    inputs = [both(shape, dtype) for shape in ((2, 3, queries, 4), (2, 3, keys, 4), (2, 3, keys, 6))]
    arguments, others = {}, {}
    if how == "causal":
        arguments = others = {"is_causal": True}
    elif how == "scaled":
        arguments = others = {"scale": 0.3}
    elif how == "boolean":
        mask = RANDOM.random((2, 1, queries, keys)) < 0.7
        mask[0, 0, 1] = False
        arguments, others = {"mask": mask}, {"attn_mask": torch.tensor(mask)}
    elif how == "additive":
        mine, theirs = both((3, queries, keys), dtype)
        inputs.append((mine, theirs))
        arguments, others = {"mask": mine}, {"attn_mask": theirs}
    result = ops.scaled_dot_product_attention(*[x for x, _ in inputs[:3]], **arguments)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the others have no gradient of a mask
        expected = F.scaled_dot_product_attention(*[y for _, y in inputs[:3]], **others)
    close(result.data, expected, dtype)
    g = RANDOM.normal(size=result.shape).astype(dtype)
    result.backward(g)
    expected.backward(torch.tensor(g))
    for x, y in inputs:
        close(x.grad, y.grad, dtype)


SIZES = [
    {"embed_dim": 6, "num_heads": 3},
    {"embed_dim": 6, "num_heads": 2, "bias": False},
    {"embed_dim": 6, "num_heads": 2, "kdim": 5, "vdim": 4},
    {"embed_dim": 6, "num_heads": 1, "kdim": 5, "bias": False},
]


@DTYPES
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_multi_head_attention_to_another_sequence(sizes, dtype):
    mine, theirs = pair(nn.MultiHeadAttention(**sizes), torch.nn.MultiheadAttention(**sizes, batch_first=True), dtype)
    lengths = sizes.get("kdim", 6), sizes.get("vdim", 6)
    inputs = [both(shape, dtype) for shape in ((2, 4, 6), (2, 5, lengths[0]), (2, 5, lengths[1]))]
    result = mine(*[x for x, _ in inputs])
    expected, _ = theirs(*[y for _, y in inputs])
    same(mine, theirs, result, expected, inputs, dtype)


MASKS = ["none", "causal", "hidden", "added", "each head", "padding", "added padding", "hidden and padding", "mixed"]


@DTYPES
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("how", MASKS)
def test_multi_head_self_attention_and_its_masks(how, need_weights, dtype):
    mine = nn.MultiHeadAttention(6, 2)
    mine, theirs = pair(mine, torch.nn.MultiheadAttention(6, 2, batch_first=True), dtype)
    x, y = both((3, 5, 6), dtype)
    hidden, padding = RANDOM.random((5, 5)) < 0.3, np.zeros((3, 5), bool)
    hidden[:, 0] = False
    padding[1, 3:] = padding[2, 2:] = True
    added = RANDOM.normal(size=(5, 5)).astype(dtype)
    masks = {
        "none": {},
        "causal": {"is_causal": True},
        "hidden": {"attn_mask": hidden},
        "added": {"attn_mask": added},
        "each head": {"attn_mask": RANDOM.normal(size=(6, 5, 5)).astype(dtype)},
        "padding": {"key_padding_mask": padding},
        "added padding": {"key_padding_mask": np.where(padding, -np.inf, 0.5).astype(dtype)},
        "hidden and padding": {"attn_mask": hidden, "key_padding_mask": padding},
        "mixed": {"attn_mask": added, "key_padding_mask": padding, "is_causal": True},
    }[how]
    others = {name: torch.tensor(mask) if isinstance(mask, np.ndarray) else mask for name, mask in masks.items()}
    if how == "causal":
        others["attn_mask"] = causal(5, 5)
    if how == "mixed":  # PyTorch takes only one kind at a time, and is_causal for a hint
        others = {
            "attn_mask": torch.tensor(added).masked_fill(causal(5, 5), -np.inf),
            "key_padding_mask": torch.zeros(3, 5, dtype=others["attn_mask"].dtype).masked_fill(
                torch.tensor(padding), -np.inf
            ),
        }
    result = mine(x, need_weights=need_weights, average_attn_weights=False, **masks)
    expected, weights = theirs(y, y, y, need_weights=need_weights, average_attn_weights=False, **others)
    if need_weights:
        result, shares = result
        close(shares.data, weights, dtype)
    same(mine, theirs, result, expected, [(x, y)], dtype)


def test_weights_are_averaged_over_heads_and_the_axis_of_the_batch_may_be_left_out():
    mine, theirs = pair(nn.MultiHeadAttention(6, 3), torch.nn.MultiheadAttention(6, 3, batch_first=True), np.float64)
    x, y = both((5, 6), np.float64)
    padding = np.arange(5) > 2
    result, shares = mine(x, key_padding_mask=padding, need_weights=True)
    expected, weights = theirs(y, y, y, key_padding_mask=torch.tensor(padding))
    close(shares.data, weights, np.float64)
    same(mine, theirs, result, expected, [(x, y)], np.float64)


@DTYPES
def test_heads_that_share_keys_and_values(dtype):
    mine = nn.MultiHeadAttention(8, 4, num_kv_heads=2).to(dtype)
    x, y = both((2, 5, 8), dtype)
    weight, bias = (
        torch.tensor(mine.state_dict()[name], requires_grad=True) for name in ("in_proj_weight", "in_proj_bias")
    )
    q, k, v = F.linear(y, weight, bias).split([8, 4, 4], -1)
    q, k, v = (part.reshape(2, 5, -1, 2).transpose(1, 2) for part in (q, k, v))
    mean = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).transpose(1, 2).reshape(2, 5, 8)
    expected = F.linear(mean, *(torch.tensor(p.data) for p in (mine.out_proj.weight, mine.out_proj.bias)))
    result = mine(x, is_causal=True)
    close(result.data, expected, dtype)
    g = RANDOM.normal(size=result.shape).astype(dtype)
    result.backward(g)
    expected.backward(torch.tensor(g))
    for ours, other in ((x, y), (mine.in_proj_weight, weight), (mine.in_proj_bias, bias)):
        close(ours.grad, other.grad, dtype)


LAYERS = [
    {"norm_first": False},
    {"norm_first": True, "activation": "gelu"},
    {"norm_first": True, "bias": False, "layer_norm_eps": 0.1},
]


@DTYPES
@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_encoder_and_decoder_layers(options, dtype):
    sizes = {"d_model": 6, "nhead": 2, "dim_feedforward": 10, "dropout": 0.0, **options}
    padding = np.array([[False] * 5, [False] * 3 + [True] * 2])
    encoder, other_encoder = pair(
        nn.TransformerEncoderLayer(**sizes), torch.nn.TransformerEncoderLayer(**sizes, batch_first=True), dtype
    )
    x, y = both((2, 5, 6), dtype)
    result = encoder(x, src_key_padding_mask=padding)
    same(
        encoder,
        other_encoder,
        result,
        other_encoder(y, src_key_padding_mask=torch.tensor(padding)),
        [(x, y)],
        dtype,
    )
    decoder, other_decoder = pair(
        nn.TransformerDecoderLayer(**sizes), torch.nn.TransformerDecoderLayer(**sizes, batch_first=True), dtype
    )
    inputs = [both(shape, dtype) for shape in ((2, 4, 6), (2, 5, 6))]
    result = decoder(*[x for x, _ in inputs], memory_key_padding_mask=padding, tgt_is_causal=True)
    expected = other_decoder(
        *[y for _, y in inputs], memory_key_padding_mask=torch.tensor(padding), tgt_mask=causal(4, 4)
    )
    same(decoder, other_decoder, result, expected, inputs, dtype)


@DTYPES
def test_stacks_of_layers(dtype):
    sizes = {"d_model": 6, "nhead": 2, "dim_feedforward": 10, "dropout": 0.0, "norm_first": True}
    encoder, other_encoder = pair(
        nn.TransformerEncoder(nn.TransformerEncoderLayer(**sizes), 2, nn.LayerNorm(6)),
        torch.nn.TransformerEncoder(
            torch.nn.TransformerEncoderLayer(**sizes, batch_first=True),
            2,
            torch.nn.LayerNorm(6),
            enable_nested_tensor=False,
        ),
        dtype,
    )
    x, y = both((2, 5, 6), dtype)
    same(encoder, other_encoder, encoder(x, is_causal=True), other_encoder(y, mask=causal(5, 5)), [(x, y)], dtype)
    decoder, other_decoder = pair(
        nn.TransformerDecoder(nn.TransformerDecoderLayer(**sizes), 3),
        torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(**sizes, batch_first=True), 3),
        dtype,
    )
    inputs = [both(shape, dtype) for shape in ((2, 4, 6), (2, 5, 6))]
    hidden = RANDOM.random((4, 5)) < 0.4
    hidden[:, 0] = False
    result = decoder(*[x for x, _ in inputs], memory_mask=hidden)
    same(
        decoder,
        other_decoder,
        result,
        other_decoder(*[y for _, y in inputs], memory_mask=torch.tensor(hidden)),
        inputs,
        dtype,
    )


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_parameters_begin_with_the_spread_of_pytorchs(sizes):
    larger = {name: 40 * size if name in ("embed_dim", "kdim", "vdim") else size for name, size in sizes.items()}
    torch.manual_seed(0)
    random.seed(0)
    mine, theirs = nn.MultiHeadAttention(**larger).state_dict(), torch.nn.MultiheadAttention(**larger).state_dict()
    for name, other in theirs.items():
        np.testing.assert_allclose(mine[name].std(), other.std(correction=0), rtol=0.03)
        np.testing.assert_allclose(np.abs(mine[name]).max(), other.abs().max(), rtol=0.03)
