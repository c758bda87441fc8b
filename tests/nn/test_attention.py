import numpy as np
import pytest

from minigrad import Tensor, check_gradients, no_grad, ops
from minigrad.engine import random
from minigrad.nn import KeyValueCache, MultiHeadAttention, RotaryEmbedding, SelfAttentionHead, Sequential

RANDOM = np.random.default_rng(0)


def sequence(*shape):
    return Tensor(RANDOM.normal(size=shape), requires_grad=True)


@pytest.mark.parametrize("is_causal", [False, True])
def test_heads_side_by_side_and_one_linear_map_are_multi_head_attention(is_causal):
    random.seed(0)
    mha = MultiHeadAttention(6, 3).to(np.float64)
    mha.in_proj_bias.data[...] = RANDOM.normal(size=18)
    heads = [SelfAttentionHead(6, 2, is_causal).to(np.float64) for _ in range(3)]
    for i, head in enumerate(heads):
        for j, name in enumerate(("query", "key", "value")):
            rows = slice(6 * j + 2 * i, 6 * j + 2 * i + 2)
            getattr(head, name).weight.data[...] = mha.in_proj_weight.data[rows]
            getattr(head, name).bias.data[...] = mha.in_proj_bias.data[rows]
    x = sequence(2, 5, 6)
    together = mha(x, is_causal=is_causal)
    together.backward(np.ones((2, 5, 6)))
    gradient, x.grad = x.grad, None
    apart = mha.out_proj(ops.concatenate([head(x) for head in heads], axis=-1))
    apart.backward(np.ones((2, 5, 6)))
    np.testing.assert_allclose(together.data, apart.data, rtol=1e-12)
    np.testing.assert_allclose(gradient, x.grad, rtol=1e-11, atol=1e-15)  # one is 6e-6, a difference of ones


def test_a_head_takes_means_of_values_by_the_formula():
    random.seed(0)
    head = SelfAttentionHead(4, bias=False)
    x = RANDOM.normal(size=(3, 4)).astype(np.float32)
    query, key, value = (x @ layer.weight.data.T for layer in (head.query, head.key, head.value))
    weights = np.exp(query @ key.T / 2)
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(head(Tensor(x)).data, weights @ value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: SelfAttentionHead(4, 3, is_causal=True),
        lambda: MultiHeadAttention(4, 2),
        lambda: MultiHeadAttention(4, 4, num_kv_heads=2, is_causal=True),
        lambda: MultiHeadAttention(4, 2, bias=False, rotary=RotaryEmbedding(2)),
    ],
)
def test_gradients_are_right_to_second_order(layer):
    random.seed(0)
    check_gradients(layer(), RANDOM.normal(size=(2, 3, 4)))


def test_self_attention_stands_in_a_row_of_layers():
    network = Sequential(MultiHeadAttention(4, 2), MultiHeadAttention(4, 1))
    assert network(sequence(2, 3, 4)).shape == (2, 3, 4)


def test_weights_on_request_change_nothing_else():
    mha = MultiHeadAttention(6, 2).to(np.float64)
    x, memory = sequence(2, 4, 6), sequence(2, 5, 6)
    result, weights = mha(x, memory, need_weights=True)
    np.testing.assert_allclose(result.data, mha(x, memory).data, rtol=1e-12)
    assert weights.shape == (2, 4, 5)
    np.testing.assert_allclose(weights.data.sum(axis=-1), 1)
    assert mha(x, memory, need_weights=True, average_attn_weights=False)[1].shape == (2, 2, 4, 5)


def test_causal_by_construction_is_causal_by_call():
    random.seed(0)
    always = MultiHeadAttention(6, 2, is_causal=True)
    asked = MultiHeadAttention(6, 2)
    asked.load_state_dict(always.state_dict())
    x = sequence(2, 5, 6)
    np.testing.assert_array_equal(always(x).data, asked(x, is_causal=True).data)
    hidden = ~np.tri(5, dtype=bool)
    np.testing.assert_allclose(always(x).data, asked(x, attn_mask=hidden).data, rtol=1e-6)


def test_what_all_queries_are_hidden_from_counts_for_nothing():
    mha = MultiHeadAttention(6, 2).to(np.float64)
    x = RANDOM.normal(size=(2, 5, 6))
    padding = np.array([[False] * 5, [False] * 3 + [True] * 2])
    before = mha(Tensor(x), key_padding_mask=padding).data
    np.testing.assert_allclose(before[1, :3], mha(Tensor(x[1:, :3])).data[0], rtol=1e-12)
    x[1, 3:] = 100.0
    np.testing.assert_array_equal(mha(Tensor(x), key_padding_mask=padding).data[1, :3], before[1, :3])


@pytest.mark.parametrize("need_weights", [False, True])
def test_where_everything_is_hidden_heads_give_zeros(need_weights):
    mha = MultiHeadAttention(6, 2, bias=False)
    x = sequence(2, 3, 6)
    result = mha(x, key_padding_mask=np.array([[False] * 3, [True] * 3]), need_weights=need_weights)
    result = result[0] if need_weights else result
    assert not np.any(result.data[1])
    result.backward(np.ones((2, 3, 6)))
    assert np.isfinite(x.grad).all()
    assert not np.any(x.grad[1])


def test_a_mask_can_be_learned():
    bias = Tensor(np.zeros((4, 4)), requires_grad=True)
    mha = MultiHeadAttention(6, 2).to(np.float64)
    mha(sequence(2, 4, 6), attn_mask=bias, is_causal=True).sum().backward()
    assert np.any(bias.grad)
    assert not np.any(np.triu(bias.grad, 1))


def test_dropped_weights_are_dropped_in_training_alone():
    random.seed(0)
    mha = MultiHeadAttention(6, 2, dropout=0.5)
    x = sequence(2, 8, 6)
    _, weights = mha(x, need_weights=True, average_attn_weights=False)
    assert 0.3 < np.mean(weights.data == 0) < 0.7
    assert not np.array_equal(mha(x).data, mha(x).data)
    mha.eval()
    np.testing.assert_array_equal(mha(x).data, mha(x).data)


@pytest.mark.parametrize("options", [{}, {"num_kv_heads": 1}, {"rotary": RotaryEmbedding(4)}], ids=str)
@pytest.mark.parametrize("parts", [[1] * 7, [4, 1, 2], [7]])
def test_a_cache_lets_a_sequence_come_in_parts(parts, options):
    random.seed(0)
    mha = MultiHeadAttention(8, 2, is_causal=True, **options).to(np.float64)
    x = RANDOM.normal(size=(3, 7, 8))
    whole = mha(Tensor(x)).data
    cache, start = KeyValueCache(), 0
    with no_grad():
        for length in parts:
            part = mha(Tensor(x[:, start : start + length]), cache=cache).data
            np.testing.assert_allclose(part, whole[:, start : start + length], rtol=1e-10, atol=1e-12)
            start += length
            assert len(cache) == start


def test_masks_reach_over_all_that_is_in_the_cache():
    mha = MultiHeadAttention(8, 2, is_causal=True).to(np.float64)
    x = RANDOM.normal(size=(2, 6, 8))
    padding = np.array([[True, True, False, False, False, False], [False] * 6])
    for mask in (padding, np.where(padding, -np.inf, 0.3)):
        whole = mha(Tensor(x), key_padding_mask=mask).data
        cache = KeyValueCache()
        with no_grad():
            first = mha(Tensor(x[:, :3]), key_padding_mask=mask[:, :3], cache=cache).data
            second = mha(Tensor(x[:, 3:]), key_padding_mask=mask, cache=cache).data
        np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"kdim": 3}, {"num_kv_heads": 1, "is_causal": True}])
def test_the_batch_may_be_the_second_axis(options):
    random.seed(0)
    first = MultiHeadAttention(6, 2, **options)
    second = MultiHeadAttention(6, 2, **options, batch_first=False)
    second.load_state_dict(first.state_dict())
    x, y = RANDOM.normal(size=(2, 5, 6)).astype(np.float32), RANDOM.normal(size=(2, 4, 3)).astype(np.float32)
    given = (x, y, RANDOM.normal(size=(2, 4, 6)).astype(np.float32)) if "kdim" in options else (x,)
    hidden = np.array([[False] * (len(given[-1][0]) - 1) + [True]] * 2)
    for need_weights in (False, True):
        results = []
        for layer, axes in ((first, (0, 1, 2)), (second, (1, 0, 2))):
            inputs = [Tensor(array.transpose(axes)) for array in given]
            found = layer(*inputs, key_padding_mask=hidden, need_weights=need_weights)
            out, *weights = found if need_weights else (found,)
            results.append([out.data.transpose(axes), *(w.data for w in weights)])
        for one, other in zip(*results, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_cache_remembers_no_gradients():
    with pytest.raises(RuntimeError, match=r"call the layer under no_grad\(\)"):
        MultiHeadAttention(8, 2)(sequence(2, 3, 8), cache=KeyValueCache())


def test_a_cache_belongs_to_one_batch():
    mha, cache = MultiHeadAttention(8, 2), KeyValueCache()
    with no_grad():
        mha(sequence(2, 3, 8), cache=cache)
        with pytest.raises(ValueError, match="the cache holds keys"):
            mha(sequence(1, 3, 8), cache=cache)


def test_heads_divide_the_vectors():
    with pytest.raises(ValueError, match="embed_dim must be a multiple of num_heads=3, got 8"):
        MultiHeadAttention(8, 3)
    with pytest.raises(ValueError, match="num_heads must be a multiple of num_kv_heads=3, got 4"):
        MultiHeadAttention(8, 4, num_kv_heads=3)


@pytest.mark.parametrize("shapes", [[(2, 3, 5)], [(2, 3, 4), (1, 3, 4)], [(2, 3, 4), (2, 5, 4), (2, 6, 4)], [(4,)]])
def test_vectors_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match=r"MultiHeadAttention: expected query \(..., L, 4\), key .* leading axes, got"):
        MultiHeadAttention(4, 2)(*[sequence(*shape) for shape in shapes])


@pytest.mark.parametrize("name", ["attn_mask", "key_padding_mask"])
def test_masks_of_integers_are_refused(name):
    with pytest.raises(TypeError, match=f"{name} must be boolean, True where a key is hidden, .* got int64"):
        MultiHeadAttention(4, 2)(sequence(2, 3, 4), **{name: np.zeros((3, 3), np.int64)})


def test_masks_of_wrong_shape_are_refused():
    mha, x = MultiHeadAttention(4, 2), sequence(2, 3, 4)
    with pytest.raises(
        ValueError, match=r"attn_mask must be \(queries, keys\), \(3, 3\), or .* \(4, 3, 3\); got \(3,\)"
    ):
        mha(x, attn_mask=np.zeros(3, bool))
    with pytest.raises(ValueError, match=r"key_padding_mask must be \(N, keys\), \(2, 3\); got \(3, 2\)"):
        mha(x, key_padding_mask=np.zeros((3, 2), bool))


def test_text_tells_sizes():
    assert repr(MultiHeadAttention(8, 4, num_kv_heads=2)).startswith("MultiHeadAttention(\n  8, 4, num_kv_heads=2, is")
