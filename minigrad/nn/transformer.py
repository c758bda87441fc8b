"""Transformer layers and stacks.

Vaswani et al., "Attention is all you need", arXiv:1706.03762.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, ClassVar, Literal

from minigrad import ops
from minigrad.arguments import as_choice, as_flag, as_integer
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.attention import MultiHeadAttention
from minigrad.nn.container import ModuleList
from minigrad.nn.dropout import Dropout
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.norm import LayerNorm

_ACTIVATIONS = {"relu": ops.relu, "gelu": ops.gelu}


class _Layer(Module):
    """The base of encoder and decoder layers.

    Their sublayers are residual and normalized, before or after; the last is the feed-forward network.
    """

    _attentions: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Literal["relu", "gelu"] = "relu",
        layer_norm_eps: float = 1e-5,
        norm_first: bool = False,
        bias: bool = True,
        *,
        batch_first: bool = True,
    ) -> None:
        self.activation = as_choice("activation", activation, tuple(_ACTIVATIONS))
        self.norm_first = as_flag("norm_first", norm_first)
        for name in self._attentions:
            setattr(self, name, MultiHeadAttention(d_model, nhead, dropout, bias, batch_first=batch_first))
        self.dropout = Dropout(dropout)
        self.linear1 = Linear(d_model, as_integer("dim_feedforward", dim_feedforward, 1), bias)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        for number in range(len(self._attentions) + 1):
            setattr(self, f"norm{number + 1}", LayerNorm(d_model, layer_norm_eps, bias=bias))

    def _feedforward(self, x: Tensor) -> Tensor:
        """Apply the feed-forward network at each position."""
        return self.linear2(self.dropout(_ACTIVATIONS[self.activation](self.linear1(x))))

    def _residual(self, x: Tensor, norm: Module, step: Callable[[Tensor], Tensor]) -> Tensor:
        """Return x plus the result of a sublayer, normalized before or after."""
        if self.norm_first:
            return x + self.dropout(step(norm(x)))
        return norm(x + self.dropout(step(x)))


class TransformerEncoderLayer(_Layer):
    """A transformer encoder layer: self-attention and feed-forward network.

    Both sublayers are residual; input and output are (N, L, d_model). As `torch.nn.TransformerEncoderLayer`, with the
    same `state_dict` keys; in boolean masks True means *masked*.

    Args:
        d_model: the length of the vectors.
        nhead: the number of attention heads.
        dim_feedforward: the width of the hidden layer of the feed-forward network.
        dropout: the probability of dropping elements of each sublayer's result, and attention weights, in training.
        activation: the activation of the hidden layer.
        layer_norm_eps: the eps of the layer normalizations.
        norm_first: whether a sublayer's input is normalized (pre-norm), instead of the residual sum (post-norm).
        bias: whether linear maps and normalizations have a bias.
        batch_first: whether inputs and outputs are (N, L, d_model); False for (L, N, d_model), PyTorch's default.

    Raises:
        ValueError: for sizes below 1, or a d_model that is not a multiple of nhead.
    """

    _attentions = ("self_attn",)

    def forward(
        self, src: Tensor, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        """Return (N, L, d_model).

        The masks are `attn_mask` and `key_padding_mask` of `MultiHeadAttention`.
        """

        def attend(x: Tensor) -> Tensor:
            return self.self_attn(x, key_padding_mask=src_key_padding_mask, attn_mask=src_mask, is_causal=is_causal)

        x = self._residual(src, self.norm1, attend)
        return self._residual(x, self.norm2, self._feedforward)


class TransformerDecoderLayer(_Layer):
    """A transformer decoder layer.

    Its sublayers, all residual, are self-attention, attention to an encoder's output, and a feed-forward network. As
    `torch.nn.TransformerDecoderLayer`, with the same `state_dict` keys; in boolean masks True means *masked*. The
    arguments are those of `TransformerEncoderLayer`.
    """

    _attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return (N, L, d_model).

        tgt is (N, L, d_model), memory (N, S, d_model), the encoder's output. The masks of each are `attn_mask` and
        `key_padding_mask` of `MultiHeadAttention`.
        """

        def attend(x: Tensor) -> Tensor:
            return self.self_attn(x, key_padding_mask=tgt_key_padding_mask, attn_mask=tgt_mask, is_causal=tgt_is_causal)

        def attend_to_memory(x: Tensor) -> Tensor:
            return self.multihead_attn(
                x, memory, key_padding_mask=memory_key_padding_mask, attn_mask=memory_mask, is_causal=memory_is_causal
            )

        x = self._residual(tgt, self.norm1, attend)
        x = self._residual(x, self.norm2, attend_to_memory)
        return self._residual(x, self.norm3, self._feedforward)


class _Stack(Module):
    """A stack of copies of a layer, with an optional normalization of the last result."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        self.layers = ModuleList([deepcopy(layer) for _ in range(as_integer("num_layers", num_layers, 1))])
        self.add_module("norm", norm)
        for parameter in self.layers.parameters():
            if parameter.ndim > 1:  # otherwise all layers would have the same weights
                init.xavier_uniform_(parameter)

    def _run(self, x: Tensor, *args: Any) -> Tensor:
        for layer in self.layers:
            x = layer(x, *args)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """A stack of encoder layers.

    As `torch.nn.TransformerEncoder`, with the same `state_dict` keys. The layers are copies, but their matrices are
    initialized separately, by `xavier_uniform_` as in `torch.nn.Transformer`.

    Args:
        encoder_layer: the layer to copy.
        num_layers: the number of copies.
        norm: the normalization of the last result, if any; with `norm_first`, use a LayerNorm.

    Raises:
        ValueError: for num_layers below 1.
    """

    def __init__(self, encoder_layer: TransformerEncoderLayer, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self, src: Tensor, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        """Return (N, L, d_model); every layer gets the masks."""
        return self._run(src, mask, src_key_padding_mask, is_causal)


class TransformerDecoder(_Stack):
    """A stack of decoder layers.

    As `torch.nn.TransformerDecoder`, with the same `state_dict` keys. The layers are copies, but their matrices are
    initialized separately, by `xavier_uniform_` as in `torch.nn.Transformer`.

    Args:
        decoder_layer: the layer to copy.
        num_layers: the number of copies.
        norm: the normalization of the last result, if any; with `norm_first`, use a LayerNorm.

    Raises:
        ValueError: for num_layers below 1.
    """

    def __init__(self, decoder_layer: TransformerDecoderLayer, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return (N, L, d_model); every layer gets memory and masks."""
        return self._run(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        )
