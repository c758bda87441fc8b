"""Llama: rotary positions, grouped-query attention and SwiGLU.

The architecture is that of Touvron et al., "LLaMA: Open and efficient foundation language models", arXiv:2302.13971,
and its family: Mistral without a sliding window, Qwen2 (`qkv_bias`), SmolLM2. In a config: `model: {Llama: {vocab_size:
1024, block_size: 256, n_layer: 4, n_head: 4, n_kv_head: 2, n_embd: 128, n_hidden: 352}}` with
`loss: {CrossEntropyLoss: {axis: -1}}`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigrad import Tensor
from minigrad.formats import huggingface
from minigrad.nn import (
    Embedding,
    KeyValueCache,
    LanguageModel,
    Linear,
    Module,
    ModuleList,
    MultiHeadAttention,
    RMSNorm,
    RotaryEmbedding,
    SiLU,
    init,
)

DEVIATION = 0.02
"""The standard deviation of the initial weights."""


class SwiGLU(Module):
    """A gated MLP: (silu(x G) * (x U)) D.

    See Shazeer, arXiv:2002.05202.

    Args:
        n_embd: the embedding dimension; inputs and outputs are (..., n_embd).
        n_hidden: the hidden dimension.
    """

    def __init__(self, n_embd: int, n_hidden: int) -> None:
        self.gate_proj = Linear(n_embd, n_hidden, bias=False)
        self.up_proj = Linear(n_embd, n_hidden, bias=False)
        self.down_proj = Linear(n_hidden, n_embd, bias=False)
        self.act = SiLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., n_embd)."""
        return self.down_proj(self.act(self.gate_proj(x)) * self.up_proj(x))


class LlamaBlock(Module):
    """A Llama block: causal self-attention and SwiGLU, pre-norm, residual.

    Args:
        n_embd: the embedding dimension; inputs and outputs are (N, T, n_embd).
        n_head: the number of query heads.
        n_kv_head: the number of key and value heads.
        n_hidden: the hidden dimension of the gated MLP.
        rope_base: the base of the rotary positions.
        eps: the term that normalization layers add to the mean square.
        qkv_bias: whether the projections of queries, keys and values have a bias.
    """

    def __init__(
        self, n_embd: int, n_head: int, n_kv_head: int, n_hidden: int, rope_base: float, eps: float, qkv_bias: bool
    ) -> None:
        rotary = RotaryEmbedding(n_embd // n_head, rope_base)
        self.input_layernorm = RMSNorm(n_embd, eps)
        self.self_attn = MultiHeadAttention(
            n_embd, n_head, bias=qkv_bias, num_kv_heads=n_kv_head, is_causal=True, rotary=rotary
        )
        self.self_attn.out_proj.bias = None
        self.post_attention_layernorm = RMSNorm(n_embd, eps)
        self.mlp = SwiGLU(n_embd, n_hidden)

    def forward(self, x: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Return (N, T, n_embd).

        `cache` holds the keys and values of earlier positions.
        """
        x = x + self.self_attn(self.input_layernorm(x), cache=cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(LanguageModel):
    """Llama: tokens (N, T) to next-token scores (N, T, vocab_size).

    Args:
        vocab_size: the number of tokens in the vocabulary.
        block_size: the maximum context length.
        n_layer: the number of blocks.
        n_head: the number of query heads of a block.
        n_embd: the embedding dimension, an even multiple of n_head.
        n_hidden: the hidden dimension of the gated MLPs; by default 8/3 of n_embd, as in Llama.
        n_kv_head: the number of key and value heads, shared by groups of query heads; by default n_head.
        rope_base: the base of the rotary positions; a larger base gives longer wavelengths.
        eps: the term that normalization layers add to the mean square.
        qkv_bias: whether the projections of queries, keys and values have a bias, as in Qwen2.
        tie_weights: whether the output layer shares its weights with the token embedding.

    Raises:
        ValueError: for sizes below 1, or if a size is not a multiple of its divisor.
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int = 2048,
        n_layer: int = 12,
        n_head: int = 12,
        n_embd: int = 768,
        n_hidden: int | None = None,
        n_kv_head: int | None = None,
        rope_base: float = 10000.0,
        eps: float = 1e-5,
        qkv_bias: bool = False,
        tie_weights: bool = False,
    ) -> None:
        if n_layer < 1:
            raise ValueError(f"n_layer must be at least 1, got {n_layer}")
        self.vocab_size = vocab_size
        self.block_size = block_size
        n_kv_head = n_head if n_kv_head is None else n_kv_head
        n_hidden = 8 * n_embd // 3 if n_hidden is None else n_hidden
        self.embed_tokens = Embedding(vocab_size, n_embd)
        self.layers = ModuleList(
            [LlamaBlock(n_embd, n_head, n_kv_head, n_hidden, rope_base, eps, qkv_bias) for _ in range(n_layer)]
        )
        self.norm = RMSNorm(n_embd, eps)
        self.lm_head = Linear(n_embd, vocab_size, bias=False)
        if tie_weights:
            self.lm_head.weight = self.embed_tokens.weight
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.normal_(parameter, std=DEVIATION)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the scores.

        Raises:
            ValueError: for more than `block_size` tokens.
            IndexError: for an unknown token.
        """
        return self.lm_head(self.hidden(tokens))

    def hidden(self, tokens: Any, caches: Sequence[KeyValueCache] | None = None) -> Tensor:
        """Return the last block's hidden states (N, T, n_embd).

        `caches`, one per block, hold the keys and values of earlier positions.
        """
        seen = len(caches[0]) if caches else 0
        if seen + tokens.shape[-1] > self.block_size:
            raise ValueError(f"block_size is {self.block_size}, got a sequence of {seen + tokens.shape[-1]} tokens")
        x = self.embed_tokens(tokens)
        given: Sequence[KeyValueCache | None] = caches or [None] * len(self.layers)
        for layer, cache in zip(self.layers, given, strict=True):
            x = layer(x, cache)
        return self.norm(x)

    @classmethod
    def from_pretrained(cls, path: str | Path) -> "Llama":
        """Load a folder of Hugging Face's Llama, Mistral or Qwen2.

        Raises:
            FormatError: for another kind of model, a damaged file, or weights that are missing, unexpected or of
                another shape.
            OSError: if a file cannot be read.
        """
        return huggingface.load(path, cls, ["llama", "mistral", "qwen2"])

    def save_pretrained(self, path: str | Path) -> None:
        """Write a folder that `AutoModelForCausalLM.from_pretrained` reads: `config.json` and `model.safetensors`.

        Raises:
            OSError: if the folder cannot be written.
        """
        huggingface.save(self, path, "llama")
