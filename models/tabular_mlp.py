"""An MLP over numbers and embedded categories.

For the columns that a `Table` has under `embed`.

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

    (N, numbers + len(categories)) to (N, outputs).

    The last inputs are the numbers of categories. 0 is a category that training does not have: its vector stays zero.

    Args:
        numbers: the inputs that are numbers, which come first; 0 if there are none.
        categories: for each column of categories, the number of its vectors.
        hidden: the neurons of each hidden layer.
        outputs: the outputs.
        width: the length of a vector; by default half the number of categories in its column, and at most 50.
        dropout: the share of hidden neurons that are silenced in a training step.

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
        """Return the last layer's outputs, without activation.

        Losses take them as they are.
        """
        codes = x[:, self.numbers :].astype(np.int64)
        vectors = [embedding(codes[:, i]) for i, embedding in enumerate(self.embeddings)]
        x = ops.concatenate([x[:, : self.numbers], *vectors], axis=1)
        *hidden, last = self.layers
        for layer in hidden:
            x = self.dropout(self.activation(layer(x)))
        return last(x)
