import numpy as np
import pytest

from minigrad.nn import GRU, BatchNorm1d, Conv2d, Embedding, LayerNorm, Linear, MultiHeadAttention
from minigrad.nn.sizes import require_sizes


@pytest.mark.parametrize("size", [1, 7, np.int64(3)])
def test_integers_from_one_on_are_sizes(size):
    require_sizes(width=size)


def test_the_first_size_that_is_too_small_is_refused_by_its_name():
    with pytest.raises(ValueError, match="height must be at least 1, got 0"):
        require_sizes(width=2, height=0, depth=-1)


@pytest.mark.parametrize(
    ("build", "name", "got"),
    [
        (lambda: Linear(1, "a"), "out_features", "'a'"),
        (lambda: Linear(1.5, 2), "in_features", r"1\.5"),
        (lambda: Conv2d(1, None, 3), "out_channels", "None"),
        (lambda: Embedding("10", 3), "num_embeddings", "'10'"),
        (lambda: LayerNorm((3, 2.0)), "normalized_shape", r"2\.0"),
        (lambda: BatchNorm1d([3]), "num_features", r"\[3\]"),
        (lambda: GRU(2, "8"), "hidden_size", "'8'"),
        (lambda: MultiHeadAttention(8, 2.0), "num_heads", r"2\.0"),
    ],
)
def test_a_size_that_is_no_integer_is_refused_by_the_name_of_the_argument(build, name, got):
    with pytest.raises(TypeError, match=f"^{name} must be an integer, got {got}$"):
        build()
