"""Embeddings of integers as learned vectors."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.arguments import as_integer
from minigrad.engine import Tensor
from minigrad.engine.arrays import asarray
from minigrad.nn import init
from minigrad.nn.low_rank import LowRank
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class Embedding(Module):
    """A lookup table of vectors.

    Integers (...) become vectors (..., embedding_dim). `weight` is (num_embeddings, embedding_dim), initialized from
    the standard normal distribution, as in PyTorch.

    Args:
        num_embeddings: the number of vectors.
        embedding_dim: the length of a vector.
        padding_idx: an index whose vector is initially zero and gets no gradient; negative numbers count from the end.

    Raises:
        ValueError: for sizes below 1, and a padding_idx out of range.
    """

    weight_lora: LowRank | None = None
    """The low-rank update of `weight`, if there is one (see `LoRA`)."""

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        self.num_embeddings = num_embeddings = as_integer("num_embeddings", num_embeddings, 1)
        self.embedding_dim = embedding_dim = as_integer("embedding_dim", embedding_dim, 1)
        if padding_idx is not None and not -num_embeddings <= as_integer("padding_idx", padding_idx) < num_embeddings:
            raise ValueError(f"padding_idx must be within the {num_embeddings} numbers, got {padding_idx}")
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = init.normal_(Parameter(np.empty((num_embeddings, embedding_dim), np.float32)))
        if padding_idx is not None:
            self.weight.data[padding_idx] = 0

    def forward(self, x: Tensor) -> Tensor:
        """Return the vectors at the indices in x.

        Raises:
            TypeError: if x does not consist of integers.
            IndexError: for an index out of range.
        """
        numbers = x.data if isinstance(x, Tensor) else asarray(x)
        if numbers.dtype.kind not in "iu":
            raise TypeError(f"expected integers, the numbers of vectors, got {numbers.dtype}")
        if not numbers.dtype.isnative:  # NumPy 2.0.0 may crash when it compares these with a number
            numbers = numbers.astype(numbers.dtype.newbyteorder("="))
            x = Tensor(numbers)
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < self.num_embeddings):
            wrong = numbers[(numbers < 0) | (numbers >= self.num_embeddings)][0]
            raise IndexError(f"there are vectors for 0 to {self.num_embeddings - 1}, got {wrong}")
        vectors = ops.getitem(self.weight, numbers)
        if self.weight_lora is not None:
            vectors = vectors + self.weight_lora.rows(numbers)
        if self.padding_idx is None:
            return vectors
        is_padding = ops.expand_dims(ops.equal(x, self.padding_idx), -1)
        return ops.where(is_padding, self.weight.data[self.padding_idx], vectors)

    def attend(self, x: Tensor) -> Tensor:
        """Return the dot products of x with all vectors.

        x is (..., embedding_dim), the result (..., num_embeddings): the logits of a model that ties its output layer to
        its embedding (Press and Wolf, arXiv:1608.05859).
        """
        scores = ops.linear(x, self.weight)
        return scores if self.weight_lora is None else scores + self.weight_lora(x)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
