"""The table of vectors that stands for a vocabulary."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import require_sizes


class Embedding(Module):
    """A vector for each number: integers (...) to (..., embedding_dim).

    `weight` is (num_embeddings, embedding_dim), and begins normally distributed, as in PyTorch.

    Args:
        num_embeddings: the numbers are 0 to num_embeddings - 1.
        embedding_dim: the length of a vector.
        padding_idx: a number whose vector begins as zero and gets no gradient; negative counts from the end.

    Raises: ValueError for sizes below 1, and a padding_idx that is none of the numbers.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        require_sizes(num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx must be within the {num_embeddings} numbers, got {padding_idx}")
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = init.normal_(Parameter(np.empty((num_embeddings, embedding_dim), np.float32)))
        if padding_idx is not None:
            self.weight.data[padding_idx] = 0

    def forward(self, x: Tensor) -> Tensor:
        """Returns the vectors of the numbers in x.

        Raises: TypeError if x is not made of integers, IndexError for a number that has no vector.
        """
        numbers = x.data if isinstance(x, Tensor) else np.asarray(x)
        if numbers.dtype.kind not in "iu":
            raise TypeError(f"expected integers, the numbers of vectors, got {numbers.dtype}")
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < self.num_embeddings):
            wrong = numbers[(numbers < 0) | (numbers >= self.num_embeddings)][0]
            raise IndexError(f"there are vectors for 0 to {self.num_embeddings - 1}, got {wrong}")
        vectors = ops.getitem(self.weight, numbers)
        if self.padding_idx is None:
            return vectors
        is_padding = ops.expand_dims(ops.equal(x, self.padding_idx), -1)
        return ops.where(is_padding, self.weight.data[self.padding_idx], vectors)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
