"""Layers, networks and losses.

Names, arguments, layouts and `state_dict` keys are PyTorch's.
"""

from typing import TYPE_CHECKING, Any

from minigrad import ops
from minigrad.names import missing
from minigrad.nn import init
from minigrad.nn.activation import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from minigrad.nn.attention import KeyValueCache, MultiHeadAttention, SelfAttentionHead
from minigrad.nn.binary_cross_entropy import BCELoss, BCEWithLogitsLoss
from minigrad.nn.container import ModuleDict, ModuleList, Residual, Sequential
from minigrad.nn.conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from minigrad.nn.cross_entropy import CrossEntropyLoss, KLDivLoss, NLLLoss
from minigrad.nn.dropout import Dropout
from minigrad.nn.embedding import Embedding
from minigrad.nn.generation import LanguageModel
from minigrad.nn.hooks import RemovableHandle
from minigrad.nn.learning import hidden_weights, unlearned
from minigrad.nn.linear import Bilinear, Linear
from minigrad.nn.lora import Adapter, LoRA, merged
from minigrad.nn.loss import GaussianNLLLoss, HuberLoss, L1Loss, Loss, MSELoss, PoissonNLLLoss, SmoothL1Loss
from minigrad.nn.margin import (
    CosineEmbeddingLoss,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    SoftMarginLoss,
    TripletMarginLoss,
)
from minigrad.nn.module import Module
from minigrad.nn.norm import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.nn.patterns import PatternError, freeze, parameter_groups, recompute
from minigrad.nn.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    MaxPool1d,
    MaxPool2d,
)
from minigrad.nn.position import LearnedPositionalEmbedding, PositionalEncoding, RotaryEmbedding
from minigrad.nn.recurrent import GRU, LSTM, RNN
from minigrad.nn.sequence import LastOutput
from minigrad.nn.shape import Flatten
from minigrad.nn.shrink import Hardshrink, Softshrink, Tanhshrink
from minigrad.nn.similarity import CosineSimilarity
from minigrad.nn.transformer import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from minigrad.nn.upsample import PixelShuffle, Upsample

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "Adapter",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Bilinear",
    "Buffer",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "KeyValueCache",
    "L1Loss",
    "LanguageModel",
    "LastOutput",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositionalEmbedding",
    "Linear",
    "LoRA",
    "LogSigmoid",
    "LogSoftmax",
    "Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiHeadAttention",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "PatternError",
    "PixelShuffle",
    "PoissonNLLLoss",
    "PositionalEncoding",
    "RMSNorm",
    "ReLU",
    "ReLU6",
    "RemovableHandle",
    "Residual",
    "RotaryEmbedding",
    "SelfAttentionHead",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "TripletMarginLoss",
    "Upsample",
    "freeze",
    "hidden_weights",
    "init",
    "merged",
    "parameter_groups",
    "recompute",
    "unlearned",
]

if not TYPE_CHECKING:  # a type checker would accept any attribute

    def __getattr__(name: str) -> Any:
        """Raise AttributeError for an unknown name, with a remedy.

        The remedy is the most similar name, or the equivalent of a PyTorch name.
        """
        raise missing(f"module {__name__!r}", name, __all__, functions=dir(ops))
