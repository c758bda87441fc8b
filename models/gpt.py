"""GPT-2: a decoder-only transformer language model.

It reads from left to right and predicts, at each position, the next token.

The architecture is that of GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019), the
names of the arguments and the first values are those of nanoGPT. A config says `model: {GPT: {vocab_size: 65,
block_size: 64, n_layer: 4, n_head: 4, n_embd: 128}}`, and for the loss `CrossEntropyLoss: {axis: -1}`.
"""

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np

from minigrad import Tensor
from minigrad.formats import huggingface
from minigrad.nn import (
    GELU,
    Dropout,
    Embedding,
    KeyValueCache,
    LanguageModel,
    LayerNorm,
    LearnedPositionalEmbedding,
    Linear,
    Module,
    ModuleList,
    MultiHeadAttention,
    ReLU,
    Sequential,
    init,
)

DEVIATION = 0.02
"""Of the first values of all weights."""

Activation = Literal["gelu_tanh", "gelu", "relu"]


class Block(Module):
    """A transformer block: causal self-attention and MLP, pre-norm, residual.

    Args:
        n_embd: the length of the vectors: (N, T, n_embd) to the same.
        n_head: how many heads attention has.
        dropout: the probability by which what a step adds, and attention weights, are dropped in training.
        bias: whether linear maps and normalisations have one.
        activation: of the wider layer.
        eps: what normalisations add to the variance.
    """

    def __init__(
        self,
        n_embd: int,
        n_head: int,
        dropout: float = 0.0,
        bias: bool = True,
        activation: Activation = "gelu_tanh",
        eps: float = 1e-5,
    ) -> None:
        act = {"gelu_tanh": GELU("tanh"), "gelu": GELU(), "relu": ReLU()}[activation]
        self.ln_1 = LayerNorm(n_embd, eps, bias=bias)
        self.attn = MultiHeadAttention(n_embd, n_head, dropout, bias, is_causal=True)
        self.ln_2 = LayerNorm(n_embd, eps, bias=bias)
        self.mlp = Sequential(Linear(n_embd, 4 * n_embd, bias), act, Linear(4 * n_embd, n_embd, bias))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, cache: KeyValueCache | None = None, key_padding_mask: Any = None) -> Tensor:
        """Return (N, T, n_embd).

        A cache holds the keys and values of earlier positions, the mask hides padding.
        """
        x = x + self.dropout(self.attn(self.ln_1(x), cache=cache, key_padding_mask=key_padding_mask))
        return x + self.dropout(self.mlp(self.ln_2(x)))


class GPT(LanguageModel):
    """GPT: tokens (N, T) to next-token scores.

    The scores are (N, T, vocab_size).

    Args:
        vocab_size: tokens are 0 to vocab_size - 1.
        block_size: how many tokens the model sees at most.
        n_layer: how many blocks follow each other.
        n_head: how many heads each has.
        n_embd: the length of the vectors, a multiple of n_head.
        dropout: the probability by which elements are dropped in training.
        bias: whether linear maps and normalisations have one.
        tie_weights: whether the scores are products with the very vectors that stand for the tokens.
        activation: of the wider layer in each block: "gelu_tanh" as in GPT-2, "gelu" without its approximation, "relu".
        eps: what normalisations add to the variance.

    Raises:
        ValueError: for sizes below 1, or an n_embd that is no multiple of n_head.
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int = 1024,
        n_layer: int = 12,
        n_head: int = 12,
        n_embd: int = 768,
        dropout: float = 0.0,
        bias: bool = True,
        tie_weights: bool = True,
        activation: Activation = "gelu_tanh",
        eps: float = 1e-5,
    ) -> None:
        if n_layer < 1:
            raise ValueError(f"n_layer must be at least 1, got {n_layer}")
        self.vocab_size = vocab_size
        self.block_size = block_size
        self.activation = activation
        self.wte = Embedding(vocab_size, n_embd)
        self.wpe = LearnedPositionalEmbedding(block_size, n_embd)
        self.dropout = Dropout(dropout)
        self.h = ModuleList([Block(n_embd, n_head, dropout, bias, activation, eps) for _ in range(n_layer)])
        self.ln_f = LayerNorm(n_embd, eps, bias=bias)
        self.lm_head = Linear(n_embd, vocab_size, bias=False)
        if tie_weights:
            self.lm_head.weight = self.wte.weight
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                adds = name.endswith(("attn.out_proj.weight", "mlp.2.weight"))  # the deviation grows with the sums
                init.normal_(parameter, std=DEVIATION / sqrt(2 * n_layer) if adds else DEVIATION)
            elif name.endswith("bias"):
                init.zeros_(parameter)

    def forward(self, tokens: Tensor, key_padding_mask: Any = None) -> Tensor:
        """Return the scores.

        Args:
            tokens: (N, T) integers.
            key_padding_mask: (N, T), True where a token is padding, in front of a shorter sequence or behind it: it is
                not attended to, and the places of a sequence are counted from its first token.

        Raises:
            ValueError: for more than `block_size` tokens or a mask of another shape.
            IndexError: for an unknown token.
        """
        return self.lm_head(self.hidden(tokens, key_padding_mask=key_padding_mask))

    def hidden(
        self, tokens: Any, caches: Sequence[KeyValueCache] | None = None, key_padding_mask: Any = None
    ) -> Tensor:
        """Return the last block's hidden states, (N, T, n_embd).

        `caches`, one per block, hold the keys and values of earlier positions.
        """
        seen = len(caches[0]) if caches else 0
        length = tokens.shape[-1]
        if seen + length > self.block_size:
            raise ValueError(f"block_size is {self.block_size}, got a sequence of {seen + length} tokens")
        places = None
        if key_padding_mask is not None:
            counted = np.cumsum(~np.asarray(key_padding_mask, bool), axis=-1) - 1
            places = np.maximum(counted, 0)[..., seen:]  # of padding 0, which is hidden
            if counted.shape != (*tokens.shape[:-1], seen + length):
                raise ValueError(
                    f"key_padding_mask must be (N, {seen + length}) for tokens {tokens.shape}, got {counted.shape}"
                )
        x = self.dropout(self.wpe(self.wte(tokens), seen, places))
        given: Sequence[KeyValueCache | None] = caches or [None] * len(self.h)
        for block, cache in zip(self.h, given, strict=True):
            x = block(x, cache, key_padding_mask)
        return self.ln_f(x)

    @classmethod
    def from_pretrained(cls, path: str | Path) -> "GPT":
        """Load a model from a folder of Hugging Face's GPT-2.

        Raises:
            FormatError: for another kind of model, a broken file, or all weights that are missing, unexpected or of
                another shape.
            OSError: if a file cannot be read.
        """
        return huggingface.load(path, cls, ["gpt2"])

    def save_pretrained(self, path: str | Path) -> None:
        """Write a folder that `GPT2LMHeadModel.from_pretrained` reads.

        It holds `config.json` and `model.safetensors`.

        A model without biases gets zeros for them there.

        Raises:
            OSError: if the folder cannot be written.
        """
        huggingface.save(self, path, "gpt2")
