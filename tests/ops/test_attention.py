"""Attention over blocks: sequences longer than a block, what is masked, memory, and what is refused."""

import tracemalloc

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, ops
from minigrad.ops import attention_blocks
from minigrad.ops.kernels import softmax

RANDOM = np.random.default_rng(0)


def three(*shape):
    return [Tensor(RANDOM.normal(size=shape), requires_grad=True) for _ in range(3)]


def written_out(query, key, value, shown=None):
    """The formula in one piece, from operations whose gradients are tested elsewhere."""
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1])
    return softmax(scores if shown is None else ops.where(shown, scores, -np.inf)) @ value


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 70, 4), (3, 2, 2, 33, 4), (130, 4), (2, 192, 4)])
def test_many_blocks_make_what_one_makes(shape, is_causal, monkeypatch):
    monkeypatch.setattr(attention_blocks, "BLOCK", 2 * 33 * 33)
    tensors = three(*shape)
    g = RANDOM.normal(size=shape)
    ops.scaled_dot_product_attention(*tensors, is_causal=is_causal).backward(g)
    found = [x.grad for x in tensors]
    for x in tensors:
        x.grad = None
    expected = written_out(*tensors, np.tri(shape[-2], dtype=bool) if is_causal else None)
    expected.backward(g)
    out = ops.scaled_dot_product_attention(*tensors, is_causal=is_causal)
    np.testing.assert_allclose(out.data, expected.data, rtol=1e-12, atol=1e-14)
    for gradient, x in zip(found, tensors, strict=True):
        np.testing.assert_allclose(gradient, x.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize(("length", "keys", "width"), [(128, 512, 32), (192, 384, 64), (192, 640, 40), (64, 4096, 8)])
def test_products_of_more_than_a_million_multiplications_are_exact(length, keys, width, is_causal):
    query, key, value = three(2, length, width)[0], *three(2, keys, width)[:2]
    shown = np.tri(length, keys, dtype=bool) if is_causal else None
    g = RANDOM.normal(size=query.shape)
    expected = written_out(query, key, value, shown)
    gradients = minigrad.grad(expected, [query, key, value], g)
    out = ops.scaled_dot_product_attention(query, key, value, is_causal=is_causal)
    np.testing.assert_allclose(out.data, expected.data, rtol=1e-12, atol=1e-14)
    for found, gradient in zip(minigrad.grad(out, [query, key, value], g), gradients, strict=True):
        np.testing.assert_allclose(found.data, gradient.data, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("length", [5, 64, 200])
def test_a_later_token_changes_no_bit_of_an_earlier_result(length):
    query, key, value = (RANDOM.normal(size=(2, 3, length, 8)).astype(np.float32) for _ in range(3))
    before = ops.scaled_dot_product_attention(query, key, value, is_causal=True)
    for place in (length - 1, length // 2):
        for array in (query, key, value):
            array[..., place:, :] = 30 * RANDOM.normal(size=array[..., place:, :].shape)
        after = ops.scaled_dot_product_attention(query, key, value, is_causal=True)
        assert after[..., :place, :].tobytes() == before[..., :place, :].tobytes()


def test_gradients_reach_no_later_token():
    query, key, value = three(2, 50, 4)
    g = np.zeros((2, 50, 4))
    g[:, :20] = 1
    ops.scaled_dot_product_attention(query, key, value, is_causal=True).backward(g)
    for x in (query, key, value):
        assert np.any(x.grad[:, :20])
        assert not np.any(x.grad[:, 20:])


@pytest.mark.parametrize("as_numbers", [False, True])
def test_a_query_from_which_all_keys_are_hidden_gets_zeros_and_gives_no_gradient(as_numbers):
    query, key, value = three(3, 4)
    mask = np.array([[True, True, False], [False, False, False], [True, True, True]])
    if as_numbers:
        mask = np.where(mask, 0.5, -np.inf)
    out = ops.scaled_dot_product_attention(query, key, value, mask)
    assert not np.any(out.data[1])
    assert np.all(out.data[[0, 2]])
    out.backward(np.ones((3, 4)))
    assert not np.any(query.grad[1])
    assert np.isfinite([query.grad, key.grad, value.grad]).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scores_far_above_and_below_zero_are_as_exact_as_those_about_it(dtype):
    query, key, value = (RANDOM.normal(size=(2, 64, 1)).astype(dtype) for _ in range(3))
    reach = float(np.log(np.finfo(dtype).max))
    key[:] = -1 - abs(key) / reach  # all scores of a query are about as large
    query[:] = np.linspace(-4 * reach, 4 * reach, 64).astype(dtype)[:, None]
    with np.errstate(all="raise", under="ignore"):
        out = ops.scaled_dot_product_attention(query, key, value, scale=1.0)
    scores = (query @ key.swapaxes(-1, -2)).astype(np.float64)
    expected = softmax(scores) @ value.astype(np.float64)
    error = 20 * np.finfo(dtype).eps * (1 + abs(scores).max(axis=-1, keepdims=True)) * abs(value).max()
    assert np.all(abs(out - expected) < error)


def test_huge_scores_do_not_overflow():
    query, key, value = (array.data.astype(np.float32) for array in three(6, 4))
    out = ops.scaled_dot_product_attention(1e4 * query, 1e4 * key, value)
    np.testing.assert_allclose(out, value[(query @ key.T).argmax(axis=1)], rtol=1e-6)


def test_memory_grows_with_the_sequence_and_not_with_its_square():
    def most_memory(length):
        tensors = [Tensor(np.ones((1, length, 8), np.float32), requires_grad=True) for _ in range(3)]
        tracemalloc.start()
        ops.scaled_dot_product_attention(*tensors, is_causal=True).backward(np.ones((1, length, 8), np.float32))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert most_memory(4096) < 4096 * 4096  # a quarter of the scores in float32
    assert most_memory(4096) < 3 * most_memory(2048)


def test_heads_that_lie_side_by_side_are_attended_without_copies_of_them():
    packed = Tensor(RANDOM.normal(size=(2, 5, 12)), requires_grad=True)
    out = ops.packed_attention(packed, num_heads=2, is_causal=True)
    g = RANDOM.normal(size=out.shape)
    out.backward(g)
    apart = [Tensor(part.copy(), requires_grad=True) for part in np.split(packed.data, 6, axis=-1)]
    heads = [ops.scaled_dot_product_attention(*apart[i::2], is_causal=True) for i in range(2)]
    np.testing.assert_allclose(out.data, np.concatenate([head.data for head in heads], -1), rtol=1e-12)
    for head, slope in zip(heads, np.split(g, 2, -1), strict=True):
        head.backward(slope)
    np.testing.assert_allclose(packed.grad, np.concatenate([x.grad for x in apart], -1), rtol=1e-10, atol=1e-14)


def test_a_mask_of_integers_is_refused():
    with pytest.raises(TypeError, match=r"a mask is boolean, True where a key takes part, .* got int64"):
        ops.scaled_dot_product_attention(*three(3, 4), np.ones((3, 3), np.int64))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 3), (2,)])
def test_a_mask_that_does_not_fit_the_scores_is_refused(shape):
    with pytest.raises(ValueError, match=r"does not broadcast to the scores, \(..., queries, keys\): \(3, 3\)"):
        ops.scaled_dot_product_attention(*three(3, 4), np.ones(shape, bool))


@pytest.mark.parametrize("shapes", [[(3, 4), (3, 5), (3, 4)], [(3, 4), (2, 4), (3, 4)], [(4,), (3, 4), (3, 4)]])
def test_queries_keys_and_values_that_do_not_fit_are_refused(shapes):
    arrays = [np.ones(shape) for shape in shapes]
    with pytest.raises(ValueError, match=r"of query float64 .*: expected query \(..., L, E\), key \(..., S, E\)"):
        ops.scaled_dot_product_attention(*arrays)


def test_packed_heads_are_three_times_their_number():
    with pytest.raises(ValueError, match=r"packed_attention of x float64 \(3, 8\).*: expected .* a multiple of 3 · 2"):
        ops.packed_attention(np.ones((3, 8)), num_heads=2)
