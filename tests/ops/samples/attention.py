import numpy as np

from .case import Case, call, floats


def attention_weights(query, key, mask=None, is_causal=False, scale=None):
    scores = np.einsum("...le,...se->...ls", query, key) * (query.shape[-1] ** -0.5 if scale is None else scale)
    shown = np.ones(scores.shape[-2:], bool)
    if is_causal:
        shown = np.tril(shown)
    if mask is not None and mask.dtype == bool:
        shown = shown & mask
    exponentials = np.exp(scores + (0 if mask is None or mask.dtype == bool else mask)) * shown
    total = exponentials.sum(-1, keepdims=True)
    return np.divide(exponentials, total, out=np.zeros_like(exponentials), where=total > 0)


def attention(query, key, value, mask=None, is_causal=False, scale=None):
    return attention_weights(query, key, mask, is_causal, scale) @ value


def packed_attention(x, mask=None, num_heads=1, is_causal=False, scale=None):
    heads = [[part[..., None, :, :] for part in np.split(packed, num_heads, -1)] for packed in np.split(x, 3, -1)]
    parts = [np.concatenate(part, -3) for part in heads]
    out = attention(*parts, mask, is_causal, scale)
    return np.concatenate([out[..., i, :, :] for i in range(num_heads)], -1)


_THREE = floats(2, 4, 3), floats(2, 5, 3), floats(2, 5, 2)
_SHOWN = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 1, 1, 1]], bool)

CASES = {
    "attention_weights": Case(
        attention_weights,
        [
            call(*_THREE[:2]),
            call(*_THREE[:2], _SHOWN, True),
            call(*_THREE[:2], floats(2, 1, 5), scale=0.3),
        ],
    ),
    "scaled_dot_product_attention": Case(
        attention,
        [
            call(*_THREE),
            call(*_THREE, is_causal=True, scale=2.0),
            call(*_THREE, _SHOWN),
            call(*_THREE, _SHOWN[:1], True),
            call(*_THREE, floats(4, 5)),
            call(floats(2, 1, 3, 3), floats(2, 3), floats(3, 2, 2), floats(3, 2)),
            call(floats(6, 3), floats(2, 3), floats(2, 2), is_causal=True),
            call(floats(0, 2), floats(3, 2), floats(3, 2)),
            call(floats(3, 2), floats(0, 2), floats(0, 2)),
        ],
    ),
    "packed_attention": Case(
        packed_attention,
        [
            call(floats(2, 3, 12), num_heads=2, is_causal=True),
            call(floats(3, 6), floats(2, 3, 3), 2, scale=0.5),
            call(floats(2, 3, 6), _SHOWN[2:3, :3]),
        ],
    ),
}
