"""The table of derivatives: every operation, declared once, with one rule an input.

Importing this room gives Tensor its operators and methods.
"""

from minigrad.engine.broadcast import astype, broadcast_to, sum_to
from minigrad.ops import methods as methods
from minigrad.ops.elementwise import (
    abs,
    add,
    clip,
    cos,
    divide,
    equal,
    erf,
    exp,
    expm1,
    greater,
    greater_equal,
    isfinite,
    isnan,
    leaky_relu,
    less,
    less_equal,
    log,
    log1p,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    reciprocal,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    subtract,
    tanh,
    where,
)
from minigrad.ops.indexing import getitem, index_add, index_put
from minigrad.ops.kernels import cross_entropy, gelu, linear, log_softmax, mse_loss, softmax
from minigrad.ops.linalg import matmul
from minigrad.ops.reduction import argmax, logsumexp, max, mean, min, std, sum, var
from minigrad.ops.shape import (
    concatenate,
    expand_dims,
    moveaxis,
    reshape,
    squeeze,
    stack,
    swapaxes,
    transpose,
)
