"""The encoder-decoder transformer of "Attention is all you need".

An encoder reads one sequence, and a decoder generates another, token by token (Vaswani et al., arXiv:1706.03762).
Normalization comes before each sublayer (pre-norm), which makes training less sensitive to the learning rate. It is
meant for data such as `Reverse` and `Addition`:

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

    Maps the concatenated source and target, integers (N, source_length + target_length), to next-token scores of the
    target, (N, target_length, vocab_size).

    Args:
        vocab_size: the number of tokens in the vocabulary; the last one starts every target.
        source_length: the number of tokens of a source.
        target_length: the number of tokens of a target.
        d_model: the embedding dimension, a multiple of nhead.
        nhead: the number of attention heads.
        num_encoder_layers: the number of encoder layers.
        num_decoder_layers: the number of decoder layers.
        dim_feedforward: the hidden dimension of the feedforward layers.
        dropout: the dropout probability.

    Raises:
        ValueError: for sizes below 1, or a d_model that is not a multiple of nhead.
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
        init.normal_(self.embedding.weight, std=1 / sqrt(d_model))  # also the weights of the output layer
        self.position = PositionalEncoding(d_model, dropout)
        encoder_layer = TransformerEncoderLayer(d_model, nhead, dim_feedforward, dropout, norm_first=True)
        decoder_layer = TransformerDecoderLayer(d_model, nhead, dim_feedforward, dropout, norm_first=True)
        self.encoder = TransformerEncoder(encoder_layer, num_encoder_layers, LayerNorm(d_model))
        self.decoder = TransformerDecoder(decoder_layer, num_decoder_layers, LayerNorm(d_model))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return next-token scores from source and shifted targets.

        Raises:
            ValueError: for another number of tokens.
            IndexError: for a token outside the vocabulary.
        """
        expected = self.source_length + self.target_length
        if tokens.ndim != 2 or tokens.shape[1] != expected:
            raise ValueError(f"expected (N, {expected}), {self.source_length} tokens of the source, got {tokens.shape}")
        return self.decode(tokens[:, self.source_length :], self.encode(tokens[:, : self.source_length]))

    def encode(self, source: Tensor) -> Tensor:
        """Return the encoder's output (N, S, d_model) for (N, S)."""
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
