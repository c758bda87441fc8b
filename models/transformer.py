"""The encoder-decoder transformer of "Attention is all you need".

An encoder reads one sequence, a decoder writes another, token by token.

Vaswani et al., "Attention is all you need", arXiv:1706.03762; normalised before each step, which learns without care
for the learning rate. Made for `Reverse`, `Addition` and their like:

    model:
      Transformer:
        vocab_size: "${data.vocab_size}"
        source_length: "${data.source_length}"
        target_length: "${data.target_length}"
    loss: {CrossEntropyLoss: {axis: -1}}
"""

from math import sqrt

import numpy as np

from minigrad import Tensor, no_grad
from minigrad.nn import (
    Embedding,
    LayerNorm,
    Module,
    PositionalEncoding,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
    init,
)


class Transformer(Module):
    """An encoder-decoder transformer over sequence pairs.

    The two sequences side by side, integers (N, source_length + target_length), to scores of the second's next tokens,
    (N, target_length, vocab_size).

    Args:
        vocab_size: tokens are 0 to vocab_size - 1, of which the last one begins every answer.
        source_length: how many tokens are read.
        target_length: how many are written.
        d_model: the length of the vectors, a multiple of nhead.
        nhead: how many heads attention has.
        num_encoder_layers: how many layers read.
        num_decoder_layers: how many write.
        dim_feedforward: the width of the layers that treat each place by itself.
        dropout: the probability by which elements are dropped in training.

    Raises:
        ValueError: for sizes below 1, or a d_model that is no multiple of nhead.
    """

    def __init__(
        self,
        vocab_size: int,
        source_length: int,
        target_length: int,
        d_model: int = 64,
        nhead: int = 4,
        num_encoder_layers: int = 2,
        num_decoder_layers: int = 2,
        dim_feedforward: int = 128,
        dropout: float = 0.0,
    ) -> None:
        for name, size in (("source_length", source_length), ("target_length", target_length)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        self.source_length = source_length
        self.target_length = target_length
        self.embedding = Embedding(vocab_size, d_model)
        init.normal_(self.embedding.weight, std=1 / sqrt(d_model))  # it also makes the scores
        self.position = PositionalEncoding(d_model, dropout)
        encoder_layer = TransformerEncoderLayer(d_model, nhead, dim_feedforward, dropout, norm_first=True)
        decoder_layer = TransformerDecoderLayer(d_model, nhead, dim_feedforward, dropout, norm_first=True)
        self.encoder = TransformerEncoder(encoder_layer, num_encoder_layers, LayerNorm(d_model))
        self.decoder = TransformerDecoder(decoder_layer, num_decoder_layers, LayerNorm(d_model))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return next-token scores from source and shifted targets.

        Raises:
            ValueError: for another number of tokens.
            IndexError: for one outside the vocabulary.
        """
        expected = self.source_length + self.target_length
        if tokens.ndim != 2 or tokens.shape[1] != expected:
            raise ValueError(f"expected (N, {expected}), {self.source_length} tokens of the source, got {tokens.shape}")
        return self.decode(tokens[:, self.source_length :], self.encode(tokens[:, : self.source_length]))

    def encode(self, source: Tensor) -> Tensor:
        """Return the encoder's output, (N, S, d_model), for (N, S)."""
        return self.encoder(self._vectors(source))

    def decode(self, target: Tensor, memory: Tensor) -> Tensor:
        """Return next-token scores (N, L, vocab_size) for targets (N, L)."""
        x = self.decoder(self._vectors(target), memory, tgt_is_causal=True)
        return self.embedding.attend(x)

    def _vectors(self, tokens: Tensor) -> Tensor:
        return self.position(self.embedding(tokens) * sqrt(self.embedding.embedding_dim))

    @no_grad()
    def answer(self, source: Tensor) -> np.ndarray:
        """Decode sources (N, source_length) greedily to (N, target_length)."""
        memory = self.encode(source)
        written = np.full((len(memory), 1), self.embedding.num_embeddings - 1)
        for _ in range(self.target_length):
            scores = self.decode(Tensor(written), memory).data[:, -1]
            written = np.concatenate([written, scores.argmax(axis=-1)[:, None]], axis=1)
        return written[:, 1:]
