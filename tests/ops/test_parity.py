"""The samples of every operation beside PyTorch: values and gradients."""

import numpy as np
import pytest

from minigrad import Tensor, grad

from .operations import OPERATIONS, arguments, as_list, converted, is_differentiable, samples
from .samples import CASES, attention, convolution, normalization, recurrent, size

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
pytestmark = pytest.mark.parity

F = torch.nn.functional


def _along(function):
    """A function over one axis; of the flattened array where there is none."""
    return lambda x, axis=None: function(x.reshape(-1), 0) if axis is None else function(x, axis)


def _all_axes(x, axis):
    return tuple(range(x.ndim)) if axis is None else axis


def _spread(function):
    return lambda x, axis=None, ddof=0, keepdims=False: function(
        x, dim=_all_axes(x, axis), correction=ddof, keepdim=keepdims
    )


def _prod(x, axis=None, keepdims=False):
    axes = _all_axes(x, axis)
    for i in sorted((i % x.ndim for i in ([axes] if isinstance(axes, int) else axes)), reverse=True):
        x = x.prod(i, keepdim=keepdims)
    return x


def _norm(x, ord=None, axis=None, keepdims=False):
    if ord is None and axis is not None:
        ord = 2 if isinstance(axis, int) else "fro"
    return torch.linalg.norm(x, ord, axis, keepdim=keepdims)


def _topk(x, k, axis=-1, largest=True):
    return tuple(torch.topk(x, k, axis, largest))


def _split(x, parts, axis=0):
    return torch.tensor_split(x, parts if isinstance(parts, int) else list(parts), axis)


def _repeat(x, repeats, axis=None):
    return torch.repeat_interleave(x, repeats if isinstance(repeats, int) else torch.as_tensor(repeats), axis)


def _tile(x, reps):
    return torch.tile(x, (reps,) if isinstance(reps, int) else reps)


def _at(x, where):
    """The elements whose places in the flattened array NumPy finds with `where`."""
    places = where(np.arange(x.numel()).reshape(tuple(x.shape)))
    return x.reshape(-1)[torch.as_tensor(np.array(places))]


def _pad(x, width, mode="constant", constant_values=0.0):
    if mode != "constant":
        return _at(x, lambda places: np.pad(places, width, mode))
    return F.pad(x, np.broadcast_to(width, (x.ndim, 2))[::-1].reshape(-1).tolist(), value=constant_values)


def _index_add(x, index, shape):
    places = np.arange(np.prod(shape)).reshape(shape)[index]
    total = torch.zeros(int(np.prod(shape)), dtype=x.dtype)
    return total.index_add(0, torch.as_tensor(places.reshape(-1)), x.reshape(-1)).reshape(shape)


def _pairs(axes):
    return axes if isinstance(axes, int) else [np.atleast_1d(of).tolist() for of in axes]


def _cross_entropy(x, target, weight=None, ignore_index=None):
    ignored = -100 if ignore_index is None else ignore_index
    if weight is None:
        return F.cross_entropy(x, target, ignore_index=ignored)
    return (F.cross_entropy(x, target, ignore_index=ignored, reduction="none") * weight).sum()


NAMESAKES = [
    "add", "subtract", "multiply", "divide", "negative", "positive", "square", "reciprocal", "remainder", "fmod",
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "sqrt", "hypot", "sin", "cos", "tan",
    "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "arctan2", "erf", "abs",
    "sign", "floor", "ceil", "trunc", "maximum", "minimum", "relu", "sigmoid", "broadcast_to", "swapaxes", "moveaxis",
    "stack", "matmul", "inner", "diag", "tril", "triu", "diagonal",
]  # fmt: skip
THEIRS = {
    **{name: getattr(torch, name) for name in NAMESAKES},
    "power": torch.pow,
    "where": lambda condition, x, y: torch.where(torch.as_tensor(condition), x, y),
    "clip": lambda x, low, high: torch.clip(
        x, *(None if bound is None else torch.as_tensor(bound) for bound in (low, high))
    ),
    "concatenate": lambda arrays, axis=0: (
        torch.cat([x.reshape(-1) for x in arrays]) if axis is None else torch.cat(arrays, axis)
    ),
    "reshape": lambda x, shape: x.reshape(shape if isinstance(shape, tuple) else (shape,)),
    "round": lambda x, decimals=0: torch.round(x, decimals=decimals),
    "chain": torch.mul,
    "outer": lambda x, y: torch.outer(x.reshape(-1), y.reshape(-1)),
    "leaky_relu": F.leaky_relu,
    "softplus": F.softplus,
    "sum": lambda x, axis=None, keepdims=False: x.sum(_all_axes(x, axis), keepdim=keepdims),
    "mean": lambda x, axis=None, keepdims=False: x.mean(_all_axes(x, axis), keepdim=keepdims),
    "max": lambda x, axis=None, keepdims=False: x.amax(_all_axes(x, axis), keepdim=keepdims),
    "min": lambda x, axis=None, keepdims=False: x.amin(_all_axes(x, axis), keepdim=keepdims),
    "var": _spread(torch.var),
    "std": _spread(torch.std),
    "logsumexp": lambda x, axis=None, keepdims=False: torch.logsumexp(x, _all_axes(x, axis), keepdim=keepdims),
    "prod": _prod,
    "norm": _norm,
    "vector_norm": lambda x, ord=2, axis=None, keepdims=False: torch.linalg.vector_norm(x, ord, axis, keepdim=keepdims),
    "cumsum": _along(torch.cumsum),
    "cumprod": _along(torch.cumprod),
    "transpose": lambda x, axes=None: x.permute(axes or tuple(range(x.ndim))[::-1]),
    "squeeze": lambda x, axis=None: x.squeeze() if axis is None else x.squeeze(axis),
    "expand_dims": lambda x, axis: x.reshape(np.expand_dims(np.empty(tuple(x.shape)), axis).shape),
    "flip": lambda x, axis=None: x.flip(_all_axes(x, axis)),
    "roll": torch.roll,
    "split": _split,
    "repeat": _repeat,
    "tile": _tile,
    "pad": _pad,
    "getitem": lambda x, index: _at(x, lambda places: places[index]),
    "index_add": _index_add,
    "take": lambda x, indices, axis=None: _at(x, lambda places: np.take(places, np.asarray(indices, int), axis)),
    "take_along_axis": lambda x, indices, axis=-1: torch.take_along_dim(x, torch.as_tensor(indices), axis),
    "put": lambda x, indices, values: x.put(
        torch.as_tensor(indices) % x.numel(), values.expand(np.shape(indices)).contiguous()
    ),
    "scatter_add": lambda x, indices, values, axis: x.scatter_add(axis, torch.as_tensor(indices), values),
    "sort": lambda x, axis=-1: x.reshape(-1).sort()[0] if axis is None else x.sort(axis)[0],
    "topk": _topk,
    "dot": lambda x, y: x * y if 0 in (x.ndim, y.ndim) else torch.tensordot(x, y, ([-1], [max(-2, -y.ndim)])),
    "tensordot": lambda x, y, axes=2: torch.tensordot(x, y, _pairs(axes)),
    "einsum": lambda subscripts, *operands: torch.einsum(subscripts, *operands),
    "contract": lambda operands, subscripts: torch.einsum(subscripts, *operands),
    "trace": lambda x, offset=0, axis1=0, axis2=1: torch.diagonal(x, offset, axis1, axis2).sum(-1),
    "linear": F.linear,
    "softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "log_softmax": lambda x, axis=-1: torch.log_softmax(x, axis),
    "cross_entropy": _cross_entropy,
    "mse_loss": F.mse_loss,
    "elu": F.elu,
    "silu": F.silu,
    "hardtanh": F.hardtanh,
    "cast": lambda x, dtype: x.to(torch.float64),
    "astype": lambda x, dtype: x.to(torch.float64),
    "sum_to": lambda x, shape: x.sum_to_size(shape),
    "gelu": lambda x, approximate="none": F.gelu(x, approximate=approximate),
    **{name: getattr(torch.linalg, name) for name in ("solve", "inv", "det", "slogdet", "svd", "qr")},
    "pinv": lambda x, rcond=1e-15, hermitian=False: torch.linalg.pinv(x, rcond or 1e-15),
    "copysign": torch.copysign,
    "i0": lambda x, order=0: torch.i0(x),
}


BINARY = {
    "maximum",
    "minimum",
    "logaddexp",
    "hypot",
    "fmod",
    "remainder",
    "arctan2",
    "where",
    "copysign",
}  # of tensors alone

UNLIKE = {
    "cbrt": "PyTorch has no cube root",
    "floor_divide": "PyTorch has no derivative of it, where ours is zero as that of floor",
    "sinc": "close to zero the terms of PyTorch's derivative cancel each other",
    "heaviside": "PyTorch has no derivative of it, where ours is zero as that of floor",
    "index_put": "PyTorch leaves open which of two values for one place stays",
    "put_along_axis": "the same",
    "recurrence": "PyTorch has none",
    "rotary": "PyTorch has none",
    "to_device": "PyTorch's needs another device",
    "dropout": "PyTorch draws other numbers",
}


def test_every_operation_with_derivatives_is_compared_or_said_why_not():
    apart = {
        **attention.CASES,
        **convolution.CASES,
        **normalization.CASES,
        **recurrent.CASES,
        **size.CASES,
    }.keys()  # in tests of their own
    differentiable = {name for name in CASES if is_differentiable(name)}
    assert differentiable - THEIRS.keys() - apart == UNLIKE.keys(), "add it to THEIRS, or to UNLIKE with the reason"


@pytest.mark.filterwarnings("ignore:var")  # of nothing
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@samples(lambda name: name in THEIRS)
def test_values_and_gradients_are_pytorchs(name, i, dtype):
    ours, theirs = [], []

    def leaf(array):
        ours.append(Tensor(array.astype(dtype), requires_grad=True))
        return ours[-1]

    def their_leaf(array):
        theirs.append(torch.tensor(array.astype(dtype), requires_grad=True))
        return theirs[-1]

    args, kwargs = arguments(name, i, leaf)
    results = as_list(OPERATIONS[name](*converted(args, lambda x: x.astype(dtype)), **kwargs))
    args, kwargs = arguments(name, i, their_leaf)
    if name in BINARY:
        args = [torch.tensor(x, dtype=theirs[0].dtype) if isinstance(x, float) else x for x in args]
    args = [torch.as_tensor(x) if isinstance(x, np.ndarray) else x for x in converted(args, lambda x: x.astype(dtype))]
    expected = as_list(THEIRS[name](*args, **kwargs))
    exact = {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-12}
    random = np.random.default_rng(0)
    outputs, starts, their_outputs, their_starts = [], [], [], []
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(result.data, value.detach().numpy(), **exact)
        if result.requires_grad:
            outputs.append(result)
            starts.append(random.standard_normal(result.shape).astype(dtype))
            their_outputs.append(value)
            their_starts.append(torch.tensor(starts[-1]))
    found = grad(outputs, ours, starts, allow_unused=True)
    wanted = torch.autograd.grad(their_outputs, theirs, their_starts, allow_unused=True)
    for x, gradient, value in zip(ours, found, wanted, strict=True):
        np.testing.assert_allclose(gradient.data, np.zeros(x.shape) if value is None else value.numpy(), **exact)
