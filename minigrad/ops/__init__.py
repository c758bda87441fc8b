"""The table of operations, each declared once with its derivatives.

Importing this package gives Tensor its operators and methods.
"""

from inspect import isfunction as _isfunction
from inspect import signature as _signature
from typing import TYPE_CHECKING, Any

from minigrad.engine.broadcast import astype, broadcast_to, sum_to
from minigrad.names import explained as _explained
from minigrad.names import missing as _missing
from minigrad.ops import chains as chains
from minigrad.ops import differences as differences
from minigrad.ops import joining as joining
from minigrad.ops import margins as margins
from minigrad.ops import matrices as matrices
from minigrad.ops import methods as methods
from minigrad.ops import naming as _naming
from minigrad.ops import polynomials as polynomials
from minigrad.ops import statistics as statistics
from minigrad.ops.activation import elu, hardtanh, leaky_relu, relu, sigmoid, silu, softplus
from minigrad.ops.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
)
from minigrad.ops.attention import attention_weights, packed_attention, scaled_dot_product_attention
from minigrad.ops.convolution import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from minigrad.ops.decomposition import cholesky, det, eigh, inv, qr, slogdet, solve, svd
from minigrad.ops.elementwise import (
    abs,
    add,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    cbrt,
    ceil,
    clip,
    cos,
    cosh,
    divide,
    equal,
    erf,
    exp,
    exp2,
    expm1,
    floor,
    floor_divide,
    fmod,
    greater,
    greater_equal,
    hypot,
    invert,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    positive,
    power,
    reciprocal,
    remainder,
    round,
    sign,
    sin,
    sinc,
    sinh,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
    trunc,
    where,
)
from minigrad.ops.elman import rnn
from minigrad.ops.gru import gru
from minigrad.ops.indexing import (
    argsort,
    getitem,
    index_add,
    index_put,
    put,
    put_along_axis,
    scatter_add,
    searchsorted,
    sort,
    take,
    take_along_axis,
    topk,
)
from minigrad.ops.interpolation import interpolate, pixel_shuffle
from minigrad.ops.kernels import cross_entropy, gelu, linear, log_softmax, mse_loss, softmax
from minigrad.ops.linalg import (
    diag,
    diagonal,
    dot,
    inner,
    matmul,
    outer,
    tensordot,
    trace,
    tril,
    triu,
)
from minigrad.ops.lstm import lstm
from minigrad.ops.matrices import einsum
from minigrad.ops.noise import dropout
from minigrad.ops.normalization import group_norm, layer_norm, rms_norm, standardize
from minigrad.ops.pooling import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from minigrad.ops.reduction import (
    all,
    any,
    argmax,
    argmin,
    logsumexp,
    max,
    mean,
    min,
    norm,
    prod,
    std,
    sum,
    var,
    vector_norm,
)
from minigrad.ops.rotation import rotary
from minigrad.ops.scan import cumprod, cumsum
from minigrad.ops.shape import (
    concatenate,
    expand_dims,
    flip,
    moveaxis,
    pad,
    repeat,
    reshape,
    roll,
    split,
    squeeze,
    stack,
    swapaxes,
    tile,
    transpose,
)

for _function in [x for x in globals().values() if _isfunction(x) and x.__qualname__ == x.__name__]:
    _function.__qualname__ = _explained(_function.__name__, _signature(_function).parameters)
for _name, _function in [(name, x) for name, x in globals().items() if _isfunction(x) and name[0] != "_"]:
    globals()[_name] = _function if hasattr(_function, "primitive") else _naming.with_name(_function)

if not TYPE_CHECKING:  # a type checker would accept any attribute

    def __getattr__(name: str) -> Any:
        """Raise AttributeError for an unknown name, with a remedy.

        The remedy is the most similar name, or the equivalent of a PyTorch name.
        """
        raise _missing(f"module {__name__!r}", name, globals())
