"""An MLP over numbers and embedded categories.

It is for a `Table` with columns under `embed`.

A config takes the sizes from the data:

    model:
      TabularMLP:
        numbers: ${data.num_numbers}
        categories: ${data.category_sizes}
        hidden: [64, 32]
        outputs: ${data.num_classes}
"""

from itertools import pairwise

import numpy as np

from minigrad import Tensor, ops
from minigrad.nn import Dropout, Embedding, Linear, Module, ModuleList, ReLU


class TabularMLP(Module):
    """An MLP over numbers and embeddings of categories.

    It maps (N, numbers + len(categories)) to (N, outputs). The last inputs are category indices. Index 0 is for
    categories that are not in the training data; its embedding is always zero.

    Args:
        numbers: the number of numeric inputs, which come first; may be 0.
        categories: the number of embeddings of each categorical column.
        hidden: the number of neurons in each hidden layer.
        outputs: the number of outputs.
        width: the embedding dimension; by default half the number of categories of the column, and at most 50.
        dropout: the dropout probability of hidden neurons.

    Raises:
        ValueError: if there are neither numbers nor categories.
    """

    def __init__(
        self,
        numbers: int,
        categories: list[int],
        hidden: list[int],
        outputs: int,
        width: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        if numbers + len(categories) < 1:
            raise ValueError("a TabularMLP needs at least one input: a number or a category")
        self.numbers = numbers
        self.embeddings = ModuleList(
            [Embedding(size, width or min(50, (size + 1) // 2), padding_idx=0) for size in categories]
        )
        inputs = numbers + sum(embedding.embedding_dim for embedding in self.embeddings)
        self.layers = ModuleList([Linear(n, m) for n, m in pairwise([inputs, *hidden, outputs])])
        self.activation = ReLU()
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, without activation, as losses expect them."""
        codes = x[:, self.numbers :].astype(np.int64)
        vectors = [embedding(codes[:, i]) for i, embedding in enumerate(self.embeddings)]
        x = ops.concatenate([x[:, : self.numbers], *vectors], axis=1)
        *hidden, last = self.layers
        for layer in hidden:
            x = self.dropout(self.activation(layer(x)))
        return last(x)
